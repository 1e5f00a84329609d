"""Every hostile utility and every hostile site, one after the other, before one gateway: what it costs its process.

Two figures each: by how much its memory grew at most, and the longest time for which its event loop stood still.
Faults that are refused share one gateway; documents, accepted or not, get one each.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from conformance.bench.hostile_bodies import BODIES, Body, send
from conformance.bench.hostile_documents import REFUSED, TAKEN
from conformance.bench.machine import machine
from conformance.bench.probe import Felt
from conformance.bench.rig import Rig, Utility, rigged
from conformance.faults.fault import Fault
from conformance.faults.registry import FAULTS

MOST_GROWTH_MIB: Final = 64.0
LONGEST_BLOCK_MS: Final = 250.0
FACTOR: Final = 40.0
"""Of the timeline: limits of 5 to 30 s take the 2 s of real time that a scaled clock grants at least."""
TAKEN_FACTOR: Final = 4.0
"""For documents that are accepted: what follows from them, answers by default included, takes its time."""
REFUSED_FACTOR: Final = 10.0
"""For those of which nothing follows; slower than the others, since the largest are to be read to their end."""
STRIKES: Final = 2
REPEATS: Final = 3
"""A row above a limit is run again: the least of them counts, since others use the machine too."""
_PATIENCE_S: Final = 40.0
_LOOK_S: Final = 0.01
_WARM_S: Final = 20.0
_FOLLOWS_S: Final = 40.0
"""After an accepted document: longer than sites have for their answers."""

Run = Callable[[], Awaitable[int]]
"""Lets one hostile peer at the gateway; returns how often it struck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one hostile peer cost."""

    name: str
    kind: str
    """``upstream``, ``document`` or ``body``."""
    growth_mib: float
    """Peak minus what was held before it."""
    block_ms: float
    busy_ms: float
    struck: int
    """How often it struck."""

    @property
    def good(self) -> bool:
        """Say whether both limits held, and whether it happened at all."""
        return self.struck > 0 and not self.over

    @property
    def over(self) -> bool:
        """Say whether a limit was broken."""
        return self.growth_mib > MOST_GROWTH_MIB or self.block_ms > LONGEST_BLOCK_MS

    def better(self, other: "Cost") -> "Cost":
        """Return the least of two runs of the same row."""
        return Cost(
            name=self.name,
            kind=self.kind,
            growth_mib=min(self.growth_mib, other.growth_mib),
            block_ms=min(self.block_ms, other.block_ms),
            busy_ms=min(self.busy_ms, other.busy_ms),
            struck=self.struck,
        )


def measure() -> dict[str, object]:
    """Run the bench.

    Returns:
        ``rows.{name}.{kind, growth_mib, block_ms, busy_ms, struck}``, the worst of each, and ``machine``.
    """
    with tempfile.TemporaryDirectory(prefix="gridgate-hostile-") as folder:
        rows = asyncio.run(_all(Path(folder)))
    return {
        "rows": {
            row.name: {
                "kind": row.kind,
                "growth_mib": row.growth_mib,
                "block_ms": row.block_ms,
                "busy_ms": row.busy_ms,
                "struck": row.struck,
            }
            for row in rows
        },
        "worst_growth_mib": max(row.growth_mib for row in rows),
        "worst_block_ms": max(row.block_ms for row in rows),
        "good": all(row.good for row in rows),
        "machine": machine(),
    }


async def _all(folder: Path) -> list[Cost]:
    async with aclosing(costs(folder)) as found:
        return [row async for row in found]


def everything(_: str) -> bool:
    """Want every row."""
    return True


async def costs(
    folder: Path, wanted: Callable[[str], bool] = everything
) -> AsyncGenerator[Cost, None]:
    """Yield the cost of each hostile peer that is wanted, as soon as it is known."""
    faults = [fault for name, fault in FAULTS.items() if wanted(name)]
    bodies = [body for body in BODIES if wanted(body.name)]
    if faults or bodies:
        async with rigged(_made(folder, "shared"), ["azp"], factor=FACTOR) as rig:
            await _warm(rig)
            for fault in faults:
                yield await _repeated(rig, fault.name, "upstream", partial(_struck, rig, fault))
            for body in bodies:
                yield await _repeated(rig, body.name, "body", partial(_sent, rig, body))
    for fault in TAKEN:
        if wanted(fault.name):
            yield await _alone(folder, fault, TAKEN_FACTOR, _FOLLOWS_S)
    for fault in REFUSED:
        if wanted(fault.name):
            yield await _alone(folder, fault, REFUSED_FACTOR)


async def _alone(folder: Path, fault: Fault, factor: float, settle_s: float = 0.0) -> Cost:
    best: Cost | None = None
    for run in range(REPEATS):
        async with rigged(_made(folder, f"{fault.name}-{run}"), ["azp"], factor=factor) as rig:
            await _warm(rig)
            await rig.child.look()
            struck = await _struck(rig, fault, times=1, settle_s=settle_s)
            found = _cost(fault.name, "document", await rig.child.look(), struck)
        best = found if best is None else best.better(found)
        if not best.over:
            break
    assert best is not None  # noqa: S101 - REPEATS is not 0
    return best


def _made(folder: Path, name: str) -> Path:
    """Make a folder."""
    made = folder / name
    made.mkdir()
    return made


async def _repeated(rig: Rig, name: str, kind: str, run: Run) -> Cost:
    best: Cost | None = None
    for _ in range(REPEATS):
        await rig.child.look()
        struck = await run()
        found = _cost(name, kind, await rig.child.look(), struck)
        best = found if best is None else best.better(found)
        if not best.over:
            break
    assert best is not None  # noqa: S101 - REPEATS is not 0
    return best


def _cost(name: str, kind: str, felt: Felt, struck: int) -> Cost:
    return Cost(
        name=name,
        kind=kind,
        growth_mib=round(felt.peak_mib - felt.before_mib, 1),
        block_ms=felt.block_ms,
        busy_ms=felt.busy_ms,
        struck=struck,
    )


async def _warm(rig: Rig) -> None:
    """Let everything be loaded and compiled that ordinary work needs."""
    await rig.sleep(_WARM_S)
    for body in BODIES[:1]:
        await _sent(rig, body)


async def _struck(rig: Rig, fault: Fault, times: int = STRIKES, settle_s: float = 0.0) -> int:
    """Let a fault strike a few times, then wait until an exchange has gone well again."""
    utility = rig.utilities[0]
    before = len(utility.proxy.passed)
    for time in range(1, times + 1):
        # Anew each time: a connection that is kept open would meet a fault of connections once.
        await utility.strike(fault)
        await _until(rig, partial(_went, utility, before, time))
    struck = utility.passed(before, struck=True)
    await utility.strike(None)
    if fault.whole_connection:
        await utility.proxy.cut()
    healed = len(utility.proxy.passed)
    # One that went through, and the next, which shows that its answer was taken.
    await _until(rig, lambda: utility.passed(healed, struck=False) >= STRIKES)
    await rig.sleep(settle_s)
    return struck


def _went(utility: Utility, since: int, times: int) -> bool:
    return utility.passed(since, struck=True) >= times


async def _sent(rig: Rig, body: Body) -> int:
    return await send(rig.child, body)


async def _until(rig: Rig, true: Callable[[], bool]) -> None:
    left = _PATIENCE_S
    while not true() and left > 0:
        await rig.sleep(_LOOK_S * rig.factor)
        left -= _LOOK_S
