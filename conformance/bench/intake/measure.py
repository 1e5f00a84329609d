"""Runs the intake bench: the floor and the gateway in turns, alone and 32 in flight, then commits beside plain SQLite.

Two kinds of step: a message with the next version of a utility's event, which makes one revision of one intent
(``p50_ms`` and the like); and a message with a new event, whose list no longer has the one before, so that this one is
cancelled in the same transaction (OpenADR 2.0b rule 61; ``fresh_p50_ms``).
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final

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

EVENTS: Final = 500
ROUNDS: Final = 3
"""Floor and gateway take turns; the middle round counts."""
WARM_UP: Final = 20
PATIENCE_S: Final = 60


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
        subscriber; ``commits_per_s
        sqlite_full_commits_per_s commit_ratio``; ``machine``.
    """
    with tempfile.TemporaryDirectory(prefix="gridgate-bench-") as folder:
        figures = asyncio.run(_latencies(prepare(Path(folder))))
        return {**figures, **asyncio.run(commits(Path(folder))), "machine": machine()}


async def _latencies(place: Place) -> dict[str, object]:
    rounds, block = [], 4096
    for _ in range(ROUNDS):
        ours, block = await _round(place, "gateway", block)
        floor, _ = await _round(place, "floor", block)
        rounds.append({**ours, **{f"floor_{name}": value for name, value in floor.items()}})
    figures: dict[str, object] = {
        name: round(median(each[name] for each in rounds), 3) for name in rounds[0]
    }
    ratios = [each["p50_ms"] / each["floor_p50_ms"] for each in rounds]
    return {**figures, "ratio_to_floor": round(median(ratios), 2), "rounds": ROUNDS}


async def _round(place: Place, role: str, block: int) -> tuple[dict[str, float], int]:
    with tempfile.TemporaryDirectory(dir=place.folder) as own:
        async with AsyncExitStack() as stack:
            head_end, url = await stack.enter_async_context(_utilities(place, role))
            told = await stack.enter_async_context(_child(place, role, url, block, Path(own)))
            sites = [
                await stack.enter_async_context(Subscriber(told.url, token, place.anchor))
                for token in told.tokens
            ]
            await _loop(head_end, sites, 0, WARM_UP)
            alone = await _loop(head_end, sites, 0, EVENTS)
            fresh = await _loop(head_end, sites, 1, EVENTS // 2, fresh=True)
            loops = (_loop(head_end, sites, n, EVENTS // UTILITIES) for n in range(UTILITIES))
            crowd = [ms for one in await asyncio.gather(*loops) for ms in one]
    figures = {
        "p50_ms": median(alone),
        "p99_ms": quantiles(alone, n=100)[98],
        "p50_32_ms": median(crowd),
        "p99_32_ms": quantiles(crowd, n=100)[98],
        "fresh_p50_ms": median(fresh),
    }
    return figures, sites[0].block_bytes


async def _loop(
    head_end: HeadEnd, sites: Sequence[Subscriber], number: int, events: int, *, fresh: bool = False
) -> list[float]:
    """Send events one after the other, each once the one before has arrived; return milliseconds."""
    line, found = head_end.lines[number], []
    for _ in range(events):
        event_id, body = head_end.event(number, fresh=fresh)
        arrived = sites[number].expect(event_id)
        await line.polls.get()
        line.bodies.put_nowait(body)
        found.append((await arrived - line.sent_at) * 1000)
    return found


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
