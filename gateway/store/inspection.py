"""A store looked over from end to end, beside a running gateway or without one; nothing is changed."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.database.database import path_of
from gateway.database.engine import READER, connected, driver, engine_for
from gateway.database.failures import DatabaseFailure, translated
from gateway.database.schema import stored_version
from gateway.domain.errors import StoreError
from gateway.store.evidence_log import whole_log
from gateway.store.figures import figures
from gateway.store.identity import read_identity, refuse_fenced
from gateway.store.open import SCHEMA
from gateway.store.sqlite_store import suspects

SOUND_SQLITE: Final = (3, 51, 3)
"""Older releases can damage a WAL file when two connections write or checkpoint in one moment (R-DUR-8)."""
LEAST_FREE: Final = 64 << 20
LITTLE_FREE: Final = 1 << 30
SLOW_FLUSH_S: Final = 0.05
LATE_S: Final = 300.0
_PRAGMAS: Final = (
    "journal_mode",
    "synchronous",
    "foreign_keys",
    "busy_timeout",
    "mmap_size",
    "wal_autocheckpoint",
    "query_only",
)


class Verdict(StrEnum):
    """What one look came to."""

    OK = "ok"
    WARNING = "warning"
    """Worth knowing; the store can be used."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One look."""

    name: str
    verdict: Verdict
    said: str


def inspect(url: str, now: datetime) -> tuple[Finding, ...]:
    """Look a store over.

    Args:
        url: The store's url.
        now: Ages count from here.

    Raises:
        StoreError: ``CANNOT_OPEN`` when there is no store, ``UNKNOWN_URL``, ``CORRUPT`` for a file that is none.
    """
    path = path_of(url)
    if path is None or not path.is_file():
        raise StoreError("CANNOT_OPEN", f"there is no store at {url}; start the gateway once")
    try:
        with connected(engine_for(path, READER, "BEGIN")) as connection, connection.begin():
            found = [*_file(connection), *_content(connection, now)]
    except DatabaseFailure as error:
        raise translated(error) from error
    return (*found, _disk(path.parent), _flush(path.parent))


def _file(connection: Connection) -> Iterator[Finding]:
    sound = sqlite3.sqlite_version_info >= SOUND_SQLITE
    why = "" if sound else "; before 3.51.3 a damaged log is possible, so nothing else may write it"
    yield _finding("sqlite", f"{sqlite3.sqlite_version}{why}", warns=not sound)
    raw = driver(connection)
    read = {name: raw.execute(f"PRAGMA {name}").fetchone() for name in _PRAGMAS}
    said = " ".join(f"{name}={row[0] if row else 0}" for name, row in read.items())
    yield _finding("pragmas", said, fails=read["journal_mode"] != ("wal",))
    (damage,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
    yield _finding("integrity", damage, fails=damage != "ok")


def _content(connection: Connection, now: datetime) -> Iterator[Finding]:
    version = stored_version(connection, SCHEMA)
    if version != SCHEMA.head:
        older = version is not None and version < SCHEMA.head
        fix = "stop the gateway and run: gridgate store upgrade" if older else "use its gridgate"
        said = f"{version or 'none'}, this gridgate knows {SCHEMA.head}; {fix}"
        yield _finding("schema", said, warns=older, fails=not older)
        return
    yield _finding("schema", SCHEMA.head)
    yield from _identity(connection)
    unfit = suspects(connection, read_identity(connection))
    named = ", ".join(f"{one.table} {one.key}" for one in unfit[:5])
    said = f"{len(unfit)} rows do not fit: {named}" if unfit else "every row at stake fits"
    yield _finding("digests", said, fails=bool(unfit))
    yield _log(connection)
    yield from _standing(connection, now)


def _identity(connection: Connection) -> Iterator[Finding]:
    known = read_identity(connection)
    said = f"store {known.store_id[:8]}, epoch {known.epoch}, started {known.start} times"
    try:
        refuse_fenced(known)
    except StoreError as error:
        yield _finding("identity", error.detail, fails=True)
        return
    if known.recovering:
        said += "; restored, and not yet told what happened since the backup"
    yield _finding("identity", said, warns=known.recovering)


def _log(connection: Connection) -> Finding:
    try:
        size = whole_log(connection)
    except StoreError as error:
        return _finding("log", error.detail, fails=True)
    return _finding("log", f"{size} records; leaves, frontier and order fit")


def _standing(connection: Connection, now: datetime) -> Iterator[Finding]:
    found = figures(connection, now)
    yield _finding("quarantine", f"{found.quarantined} rows set aside", warns=found.quarantined > 0)
    waiting = found.unseen
    said = f"{waiting.count} intents not seen by their sites, the oldest {waiting.oldest_s:.0f} s"
    yield _finding("outbox", said, warns=waiting.oldest_s > LATE_S)
    yield _finding("dead letters", str(found.dead_letters), warns=found.dead_letters > 0)
    said = f"the oldest due timer waits {found.overdue_s:.0f} s"
    yield _finding("timers", said, warns=found.overdue_s > LATE_S)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{free / (1 << 20):.0f} MiB free"
    return _finding("disk", said, warns=free < LITTLE_FREE, fails=free < LEAST_FREE)


def _flush(folder: Path) -> Finding:
    """Time what every commit waits for; the median of five."""
    probe = folder / f".flush-{os.getpid()}"
    times = []
    try:
        file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return _finding("flush", f"{folder} cannot be written: {error.strerror}", fails=True)
    try:
        for _ in range(5):
            os.write(file, bytes(4096))
            # a length of time on this machine and no date: a virtual clock knows nothing of its disk
            began = time.perf_counter()
            os.fsync(file)
            times.append(time.perf_counter() - began)
    except OSError as error:
        return _finding("flush", f"the disk refused: {error.strerror}", fails=True)
    finally:
        os.close(file)
        probe.unlink()
    took = sorted(times)[2]
    return _finding("flush", f"{took * 1000:.2f} ms", warns=took > SLOW_FLUSH_S)


def _finding(name: str, said: str, *, warns: bool = False, fails: bool = False) -> Finding:
    verdict = Verdict.PROBLEM if fails else Verdict.WARNING if warns else Verdict.OK
    return Finding(name=name, verdict=verdict, said=said)
