"""Durable commits: events that each wait for their own, 32 at a time, beside plain SQLite on the same disk."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Final

from gateway.app.ids import SystemIds
from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.names import EventId, UtilityName
from gateway.domain.protocol import ProtocolName
from gateway.pipeline.ports import Work
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore

IN_FLIGHT: Final = 32
EVENTS: Final = 1000
ROUNDS: Final = 3
_NOW: Final = datetime(2026, 5, 3, 16, tzinfo=UTC)
_EVENT: Final = GridEvent(
    utility=UtilityName("bench"),
    protocol=ProtocolName.OADR20B,
    event_id=EventId("0"),
    version=0,
    program="http://bench.example/fast-dr",
    created_at=_NOW,
    received_at=_NOW,
    start=_NOW + timedelta(hours=1),
    duration=timedelta(hours=1),
    signals=(),
    source={},
    raw_sha256="",
)


async def commits(folder: Path) -> dict[str, float]:
    """Measure both in turns; the best round of each counts, as a busy disk hurts now one and now the other."""
    ours, plain = [], []
    for number in range(ROUNDS):
        plain.append(_plain(folder / f"plain-{number}.db"))
        async with await open_store(
            f"sqlite:///{folder}/ours-{number}.db", ids=SystemIds()
        ) as store:
            ours.append(await _ours(store))
    return {
        "commits_per_s": round(max(ours)),
        "sqlite_full_commits_per_s": round(max(plain)),
        "commit_ratio": round(max(ours) / max(plain), 2),
    }


async def _ours(store: SqliteStore) -> float:
    numbers = iter(range(EVENTS))

    async def one_after_the_other() -> None:
        for number in numbers:
            raw = _raw(number)
            event = replace(_EVENT, event_id=EventId(str(number)), raw_sha256=raw.sha256)

            def remember(work: Work, event: GridEvent = event, raw: RawMessage = raw) -> None:
                work.events.remember(event, raw)

            await store.write(remember)

    began = perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return EVENTS / (perf_counter() - began)


def _plain(path: Path) -> float:
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=FULL")
    file.execute("CREATE TABLE inbox (id TEXT PRIMARY KEY, body BLOB NOT NULL)")
    bodies = [_raw(number) for number in range(EVENTS)]
    began = perf_counter()
    for number, raw in enumerate(bodies):
        file.execute("INSERT INTO inbox VALUES (?, ?)", (str(number), raw.body))
    rate = EVENTS / (perf_counter() - began)
    file.close()
    return rate


def _raw(number: int) -> RawMessage:
    body = f"<message number='{number}'/>".encode().ljust(2048)
    return RawMessage(
        body=body, media_type="application/xml", sha256=f"{number:064x}", peer="", received_at=_NOW
    )
