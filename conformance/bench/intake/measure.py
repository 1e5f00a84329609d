"""Runs the intake bench: the floor and the gateway in turns, alone and 32 in flight, then commits beside plain SQLite.

Two kinds of step: a message with the next version of a utility's event, which makes one revision of one intent
(``p50_ms`` and the like); and a message with a new event, whose list no longer has the one before, so that this one is
cancelled in the same transaction (OpenADR 2.0b rule 61; ``fresh_p50_ms``).

The utilities take turns: each lets its queue be drained fifty times in a row and then pauses for a second, which is no
latency but would make the bench ten times as long. One that was answered is waited for until it polls again, so that
nothing is left to do of the event before.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final, TypeVar

from conformance.bench.intake.commits import commits
from conformance.bench.intake.head_end import HeadEnd
from conformance.bench.intake.place import UTILITIES, Place, prepare, write_config
from conformance.bench.intake.subscriber import Subscriber
from conformance.bench.machine import machine
from gateway.client.clock import SystemClock
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, openadr_server

EVENTS: Final = 512
"""Alone, all rounds together; half as many that are new, and as many again all at once."""
ROUNDS: Final = 4
"""Floor and gateway take turns; percentiles are over all rounds, the ratio is that of the middle one."""
WARM_UP: Final = 2
"""Of each utility, in each round."""
PATIENCE_S: Final = 20.0
"""For one step of the bench; what takes longer is broken, not slow."""

T = TypeVar("T")
Samples = Mapping[str, Sequence[float]]
"""Milliseconds by kind of step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a child says once it listens."""

    url: str
    tokens: list[str]
    """One per site."""


def measure() -> dict[str, object]:
    """Run the bench.

    Returns:
        ``p50_ms p99_ms p50_32_ms p99_32_ms fresh_p50_ms``, the same with ``floor_`` before them, ``ratio_to_floor``
        (of ``p50_ms``): from the bytes being handed to the utility's socket to the intent being read by the
        subscriber; ``commits_per_s sqlite_full_commits_per_s commit_ratio``; ``machine``. Progress goes to standard
        error.
    """
    with tempfile.TemporaryDirectory(prefix="gridgate-bench-") as folder:
        figures = asyncio.run(_latencies(prepare(Path(folder))))
        return {**figures, **asyncio.run(commits(Path(folder))), "machine": machine()}


async def _latencies(place: Place) -> dict[str, object]:
    rounds: list[tuple[Samples, Samples]] = []
    block = 4096
    for number in range(ROUNDS):
        ours, block = await _round(place, "gateway", block)
        floor, _ = await _round(place, "floor", block)
        rounds.append((ours, floor))
        _say(f"{number + 1}/{ROUNDS}: p50 {_p50(ours):.2f} ms, floor {_p50(floor):.2f} ms")
    ratios = [_p50(ours) / _p50(floor) for ours, floor in rounds]
    return {
        **_figures([ours for ours, _ in rounds], ""),
        **_figures([floor for _, floor in rounds], "floor_"),
        "ratio_to_floor": round(median(ratios), 2),
        "rounds": ROUNDS,
    }


def _figures(rounds: Sequence[Samples], prefix: str) -> dict[str, float]:
    """Return percentiles over all rounds."""
    whole = {kind: [ms for each in rounds for ms in each[kind]] for kind in rounds[0]}
    found = {
        "p50_ms": median(whole["alone"]),
        "p99_ms": quantiles(whole["alone"], n=100)[98],
        "p50_32_ms": median(whole["crowd"]),
        "p99_32_ms": quantiles(whole["crowd"], n=100)[98],
        "fresh_p50_ms": median(whole["fresh"]),
    }
    return {f"{prefix}{name}": round(value, 3) for name, value in found.items()}


def _p50(samples: Samples) -> float:
    return median(samples["alone"])


async def _round(place: Place, role: str, block: int) -> tuple[Samples, int]:
    each = EVENTS // ROUNDS // UTILITIES
    with tempfile.TemporaryDirectory(dir=place.folder) as own:
        async with AsyncExitStack() as stack:
            head_end, url = await stack.enter_async_context(_utilities(place, role))
            told = await stack.enter_async_context(_child(place, role, url, block, Path(own)))
            sites = [
                await stack.enter_async_context(Subscriber(told.url, token, place.anchor))
                for token in told.tokens
            ]
            await _in_turn(head_end, sites, WARM_UP)
            alone = await _in_turn(head_end, sites, each)
            fresh = await _in_turn(head_end, sites, each // 2, fresh=True)
            loops = (_one_line(head_end, sites, n, each) for n in range(UTILITIES))
            crowd = [ms for one in await asyncio.gather(*loops) for ms in one]
    return {"alone": alone, "fresh": fresh, "crowd": crowd}, sites[0].block_bytes


async def _in_turn(
    head_end: HeadEnd, sites: Sequence[Subscriber], each: int, *, fresh: bool = False
) -> list[float]:
    """Send events one after the other, each once its utility polls again; return milliseconds."""
    found = []
    for _ in range(each):
        for number, line in enumerate(head_end.lines):
            found.append(await _step(head_end, sites, number, fresh=fresh))
            await _within(line.polls.get(), "poll")
            line.polls.put_nowait(None)
    return found


async def _one_line(
    head_end: HeadEnd, sites: Sequence[Subscriber], number: int, events: int
) -> list[float]:
    """Send one utility's events one after the other, each once the one before has arrived."""
    return [await _step(head_end, sites, number, fresh=False) for _ in range(events)]


async def _step(
    head_end: HeadEnd, sites: Sequence[Subscriber], number: int, *, fresh: bool
) -> float:
    line = head_end.lines[number]
    event_id, body = head_end.event(number, fresh=fresh)
    arrived = sites[number].expect(event_id)
    await _within(line.polls.get(), "poll")
    line.bodies.put_nowait(body)
    return (await _within(arrived, "intent") - line.sent_at) * 1000


async def _within(awaited: Awaitable[T], what: str) -> T:
    """Wait for something that takes milliseconds.

    Raises:
        MisuseError: ``BENCH`` when it does not come at all.
    """
    task = asyncio.ensure_future(awaited)
    await asyncio.wait((task,), timeout=PATIENCE_S)
    if not task.done():
        task.cancel()
        raise MisuseError(
            "BENCH", f"no {what} within {PATIENCE_S:g} s; the child's words are above"
        )
    return task.result()


def _say(words: str) -> None:
    sys.stderr.write(f"intake {words}\n")
    sys.stderr.flush()


@asynccontextmanager
async def _utilities(place: Place, role: str) -> AsyncIterator[tuple[HeadEnd, str]]:
    head_end = HeadEnd(Codec(load_oadr20b_schema()), SystemClock())
    files = TlsFiles(certificate=place.vtn.certificate, key=place.vtn.key, ca=place.anchor)
    app = head_end.app(only_polls=role == "floor")
    listener = await listen(app, "127.0.0.1", 0, openadr_server(files))
    try:
        yield head_end, listener.url
    finally:
        await listener.stop()


@asynccontextmanager
async def _child(place: Place, role: str, url: str, block: int, own: Path) -> AsyncIterator[Told]:
    write_config(place, url, own)
    arguments = [str(place.config)]
    if role == "floor":
        arguments = [str(place.folder), str(own), url, str(block)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"conformance.bench.intake.{role}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise MisuseError("BENCH", "the child's output was asked for")
        line = await process.stdout.readline()
        if not line:
            raise MisuseError("BENCH", f"the {role} did not start; its words are above")
        yield Told(**json.loads(line))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
