"""What a gateway has promised so far, and what a file still holds of it; read with plain SQL, not with the gateway."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance.faults.disk import Image
from gateway.settlement.merkle import HASH_BYTES, Frontier

STORE: Final = "s.db"
_FACTS: Final = (
    "select 'batch ' || site || ' ' || batch_id from telemetry_batch",
    "select 'ack ' || site || ' ' || subject || ' ' || revision from outbox where acked_at is not null",
    "select 'opt ' || intent_id || ' ' || revision from intent where opt is not null",
    "select kind || ' ' || subject from log where kind in ('progress', 'completion')",
)
_BEATS: Final = "select site, heard_at / 1000000 from site_status"
_STREAMS: Final = "select site, newest from stream"


@dataclass
class Promised:
    """Grows with every line that a child says."""

    facts: set[str] = field(default_factory=set)
    beats: dict[str, int] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    leaves: dict[int, str] = field(default_factory=dict)
    """Size of the log -> leaf hash of its last record then."""
    lines: int = 0

    def take(self, line: str) -> None:
        """Add what one line says; others than promises are passed over."""
        if not line.startswith("{"):
            return
        said = json.loads(line)
        self.lines += 1
        for fact in said.pop("facts"):
            self._fact(fact)
        size, leaf = said.pop("size"), said.pop("leaf")
        if size:
            self.leaves[size] = leaf
        self.streams |= said

    def _fact(self, fact: str) -> None:
        kind, *rest = fact.split()
        if kind == "beat":
            self.beats[rest[0]] = int(rest[1])
        elif (
            kind != "sent"
        ):  # a request promises what was stored before it: the log and the streams
            self.facts.add(fact)

    def missing(self, found: "Found") -> list[str]:
        """Return what was promised and is not there."""
        lost = [
            f"log record {size - 1}"
            for size, leaf in self.leaves.items()
            if not found.has(size, leaf)
        ]
        lost += sorted(self.facts - found.facts)
        lost += [f"beat {site}" for site, at in self.beats.items() if found.beats.get(site, 0) < at]
        lost += [
            f"stream {site} at {newest}"
            for site, newest in self.streams.items()
            if found.streams.get(site, 0) < newest
        ]
        return lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file holds."""

    facts: frozenset[str]
    beats: dict[str, int]
    streams: dict[str, int]
    leaves: Sequence[bytes]
    faults: Sequence[str]
    """What is wrong with the file, whatever was promised."""

    def has(self, size: int, leaf: str) -> bool:
        """Say whether the log reached a size, with that record at its end."""
        return size <= len(self.leaves) and self.leaves[size - 1].hex() == leaf


def lay(image: Image, folder: Path) -> Path:
    """Write an image's files into a folder and return the store's."""
    for name in (STORE, f"{STORE}-wal", f"{STORE}-shm", f"{STORE}-journal"):
        (folder / name).unlink(missing_ok=True)
    for name, content in image.items():
        (folder / name).write_bytes(content)
    return folder / STORE


def found_in(path: Path) -> Found:
    """Open a store's file with SQLite as it stands after a power loss, and read what it holds."""
    if not path.exists():
        return Found(facts=frozenset(), beats={}, streams={}, leaves=(), faults=())
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma synchronous=off")  # this copy may be lost
            return _read(connection)
    except sqlite3.Error as error:
        return Found(
            facts=frozenset(), beats={}, streams={}, leaves=(), faults=(f"SQLite: {error}",)
        )


def _read(connection: sqlite3.Connection) -> Found:
    (checked,) = connection.execute("pragma quick_check(1)").fetchone()
    faults = [] if checked == "ok" else [f"quick_check: {checked}"]
    if connection.execute("select 1 from sqlite_master where name = 'log'").fetchone() is None:
        # The power went before the first migration was through: an empty file promises nothing.
        return Found(facts=frozenset(), beats={}, streams={}, leaves=(), faults=faults)
    leaves = [leaf for (leaf,) in connection.execute("select leaf from log order by position")]
    return Found(
        facts=frozenset(_column(connection)),
        beats=dict(connection.execute(_BEATS).fetchall()),
        streams=dict(connection.execute(_STREAMS).fetchall()),
        leaves=leaves,
        faults=[*faults, *_frontier(connection, leaves)],
    )


def _column(connection: sqlite3.Connection) -> Iterator[str]:
    for statement in _FACTS:
        yield from (fact for (fact,) in connection.execute(statement))


def _frontier(connection: sqlite3.Connection, leaves: Sequence[bytes]) -> list[str]:
    """Compare the log's stored frontier with the one that its records make."""
    row = connection.execute("select size, peaks from log_frontier").fetchone() or (0, b"")
    made = Frontier().extend_hashes(leaves)
    if row == (made.size, b"".join(made.peaks)):
        return []
    return [f"the log has {made.size} records, its frontier {row[0]} ({len(row[1]) // HASH_BYTES})"]
