"""Power loss: files rebuilt from traced system calls at every acknowledgement, opened, and searched for what was said.

The main job runs in a child under ``strace``. Its calls are played on a disk that keeps what was flushed; at every line
the child says, and inside every flush, an image of the files is laid out and opened. Mutants flush less.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance.faults.disk import Disk, Image
from conformance.faults.promises import STORE, Promised, found_in, lay
from conformance.faults.syscalls import Flushed, Ran, Said, missing, traced
from conformance.soak.row import CAUGHT, Plan, Row
from gateway.app.ids import SeededChance, SeededIds
from gateway.domain.errors import GatewayError
from gateway.store.open import open_store

PART: Final = "images"
OWN_OPEN: Final = 25
"""Every so many images are opened by the gateway itself too."""
SECTORS: Final = (512, 4096)
_QUICK: Final = ("--minutes", "14", "--every", "7")
_QUICK_FLUSHES: Final = 8
"""Torn and reordered images are made in every so-many-th flush of the quick run."""


@dataclass
class Tally:
    """What one kind of image showed."""

    images: int = 0
    lost: int = 0
    """Images in which something promised is missing."""
    broken: int = 0
    """Images that do not open, or whose structure or log does not fit."""
    note: str = ""

    def take(self, lost: Sequence[str], faults: Sequence[str]) -> None:
        """Count one image."""
        self.images += 1
        self.lost += bool(lost)
        self.broken += bool(faults)
        if (lost or faults) and not self.note:
            self.note = f"image {self.images}: {', '.join([*faults, *lost][:3])}"


@dataclass
class Judge:
    """Lays images out and looks into them."""

    folder: Path
    tallies: dict[str, Tally] = field(default_factory=dict)
    _seen: int = 0

    def judge(self, kind: str, image: Image, promised: Promised) -> None:
        """Look into one image."""
        path = lay(image, self.folder)
        own = self._opens(path) if self._seen % OWN_OPEN == 0 else []
        self._seen += 1
        found = found_in(path)
        self.tallies.setdefault(kind, Tally()).take(promised.missing(found), [*found.faults, *own])

    def _opens(self, path: Path) -> list[str]:
        """Open a copy as the gateway does at its start, and say what it minds."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            for file in path.parent.glob(f"{STORE}*"):
                (Path(folder) / file.name).write_bytes(file.read_bytes())
            try:
                return asyncio.run(_own_open(Path(folder) / path.name))
            except GatewayError as error:
                return [f"the gateway does not open it: {error}"]


async def _own_open(path: Path) -> list[str]:
    async with await open_store(f"sqlite:///{path}", ids=SeededIds(2, "store")) as store:
        aside = await store.quarantined()
        return [f"row set aside: {one.table} {one.key}" for one in aside]


def images(ran: Ran, seed: int, every: int = 1) -> Iterator[tuple[str, Image, Promised]]:
    """Rebuild the files at every line said, and torn or reordered inside every so-many-th flush.

    The promises that go with an image are the same object each time, grown to that moment.
    """
    disk, promised, chance = Disk(), Promised(), SeededChance(seed, PART)
    flushes, lines = 0, [line for line in ran.said if line.startswith("{")]
    for call in ran.calls:
        if isinstance(call, Flushed) and disk.waits():
            flushes += 1
            if flushes % every == 0:
                for sector in SECTORS:
                    yield f"torn, sectors of {sector}", disk.torn(chance, sector), promised
                    yield (
                        f"reordered, sectors of {sector}",
                        disk.reordered(chance, sector),
                        promised,
                    )
        disk.take(call)
        if isinstance(call, Said):
            before = promised.lines
            # The trace may hold a line's beginning only; the child's own output has all of it.
            promised.take(lines[before] if call.text.startswith("{") else "")
            if promised.lines > before:
                yield "as flushed at every answer", disk.flushed(), promised


def run(plan: Plan) -> Iterator[Row]:
    """Run the right writer's images, then the mutants'."""
    why = missing()
    if why:
        yield Row(part=PART, what="tracing", runs=1, other=1, note=f"{why}; install strace")
        return
    yield from _right(plan)
    for name, synchronous in (("NORMAL", "1"), ("OFF", "0")):
        what = f"mutant: synchronous={name}"
        if plan.wants(what):
            yield _mutant(plan, what, synchronous)


def child(plan: Plan, name: str, *options: str, inject: str = "") -> Ran:
    """Trace one run of the main job in a folder of its own, as an earlier run of that name has left it."""
    folder = plan.folder / name
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "conformance.faults.child", str(folder / STORE), *options]
    command += ["--seed", str(plan.seed), *(_QUICK if plan.quick else ())]
    return traced(command, folder, plan.folder / f"{name}.trace", inject=inject)


def _right(plan: Plan) -> Iterator[Row]:
    if not plan.wants("FULL"):
        return
    started = time.perf_counter()
    ran = child(plan, "full")
    judge = _judged(plan, "full-images", ran)
    seconds = time.perf_counter() - started
    if "end" not in ran.said:
        note = f"the child ended with {ran.code}: {ran.errors[-200:]}"
        yield Row(part=PART, what="FULL: the child", runs=1, other=1, note=note)
    for kind, tally in judge.tallies.items():
        yield Row(
            part=PART,
            what=f"FULL: {kind}",
            runs=tally.images,
            lost=tally.lost,
            other=tally.broken,
            seed=plan.seed,
            seconds=seconds / len(judge.tallies),
            note=tally.note,
        )


def _judged(plan: Plan, name: str, ran: Ran) -> Judge:
    folder = plan.folder / name
    folder.mkdir()
    judge = Judge(folder)
    for kind, image, promised in images(ran, plan.seed, _QUICK_FLUSHES if plan.quick else 1):
        judge.judge(kind, image, promised)
    return judge


def _mutant(plan: Plan, what: str, synchronous: str) -> Row:
    """Run a writer that flushes less, several times; it must be found each time."""
    started = time.perf_counter()
    times = plan.times(1, 3)
    caught, figures = 0, []
    for number in range(times):
        name = f"mutant-{synchronous}-{number}"
        judge = _judged(plan, f"{name}-images", child(plan, name, "--synchronous", synchronous))
        tally = judge.tallies.get("as flushed at every answer", Tally())
        caught += tally.lost > 0
        figures.append(f"{tally.lost} of {tally.images}")
    return Row(
        part=PART,
        what=what,
        runs=times,
        caught=caught,
        expected=CAUGHT,
        seed=plan.seed,
        seconds=time.perf_counter() - started,
        note=f"images with a loss: {', '.join(figures)}",
    )
