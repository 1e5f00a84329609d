"""Backups of the store, and the way back: a restored store is another one, and says so by its epoch (R-DUR-12)."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.database.backup import copy_out, prove, put_in_place
from gateway.database.database import path_of
from gateway.database.engine import READER, connected, engine_for
from gateway.database.failures import DatabaseFailure
from gateway.database.lock import FileLock
from gateway.database.schema import bring_up_to_date
from gateway.domain.canonical import read_json
from gateway.domain.errors import StoreError
from gateway.pipeline.records import StoreIdentity
from gateway.store.identity import highest_epoch, raise_epoch, read_identity
from gateway.store.open import SCHEMA
from gateway.store.sqlite_store import SqliteStore

_KEYS: Final = (
    "SELECT record FROM log WHERE kind = 'audit' AND subject = 'keys' ORDER BY seq DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A proven copy."""

    path: Path
    sha256: str
    identity: StoreIdentity
    version: str
    """Of the schema; an older one is migrated at the next start."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Digests of the keys that it was written with, as its log tells; empty before a gateway's first start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    identity: StoreIdentity
    """Same store, higher epoch: every revision from now on is above all earlier ones."""
    replaced: Path | None
    """Where the store that was there lies now."""


async def back_up(store: SqliteStore, target: Path) -> Backup:
    """Copy an open store to a new file and prove the copy; writing goes on meanwhile.

    Raises:
        StoreError: ``CANNOT_OPEN``, ``FULL``, ``CORRUPT``.
    """
    await store.database.read(lambda connection: copy_out(connection, target))
    return await asyncio.to_thread(check_backup, target)


def back_up_closed(url: str, target: Path) -> Backup:
    """Copy a store that no gateway has open, as it is: an older schema stays what it is.

    Raises:
        StoreError: ``LOCKED`` while a gateway runs, ``CANNOT_OPEN``, ``UNKNOWN_URL``, ``FULL``, ``CORRUPT``.
    """
    path = _file_of(url)
    if not path.is_file():
        raise StoreError("CANNOT_OPEN", f"there is no store at {path}; start the gateway once")
    lock = FileLock(path.with_name(path.name + ".lock"))
    lock.acquire()
    try:
        with connected(engine_for(path, READER, "BEGIN")) as connection:
            copy_out(connection, target)
    finally:
        lock.release()
    return check_backup(target)


def _file_of(url: str) -> Path:
    path = path_of(url)
    if path is None:
        raise StoreError("UNKNOWN_URL", "a store in memory can be neither backed up nor restored")
    return path.resolve()


def check_backup(path: Path) -> Backup:
    """Prove a backup: digest, structure, identity.

    Raises:
        StoreError: ``CANNOT_OPEN``, ``BACKUP_UNPROVEN``, ``CORRUPT``.
    """
    found: list[tuple[str, int, str]] = []
    keys: list[bytes] = []

    def look(connection: sqlite3.Connection) -> None:
        who = connection.execute("SELECT store_id, epoch FROM identity").fetchone()
        version = connection.execute("SELECT version_num FROM store_version").fetchone()
        if who is None or version is None:
            raise StoreError("CORRUPT", f"{path} is no backup of a store")
        found.append((*who, *version))
        keys.extend(row[0] for row in connection.execute(_KEYS).fetchall())

    digest = prove(path.resolve(), look)
    ((store_id, epoch, version),) = found
    return Backup(
        path=path,
        sha256=digest,
        identity=StoreIdentity(store_id=store_id, epoch=epoch),
        version=version,
        keys=_told_keys(keys),
    )


def _told_keys(records: Sequence[bytes]) -> Mapping[str, str]:
    """Read the digests of the keys out of the record that a gateway writes at its first start."""
    document = read_json(records[0]) if records else {}
    told = document if isinstance(document, dict) else {}
    return {
        name: str(told[name]) for name in ("installation", "log_id") if told.get(name) is not None
    }


def restore(backup: Path, url: str, *, above: int = 0) -> Restored:
    """Put a backup in the place of a store that no gateway has open.

    Args:
        backup: Proven again before it is used.
        url: The store's url.
        above: The highest epoch that any site has seen, where the replaced store can no longer tell; a second restore
            of one backup needs it, or sites ignore what follows.

    Raises:
        StoreError: ``LOCKED`` while a gateway runs, ``UNKNOWN_URL``, and all of ``check_backup``.
    """
    path = _file_of(url)
    lock = FileLock(path.with_name(path.name + ".lock"))
    lock.acquire()
    try:
        proven = check_backup(backup)
        raised: list[StoreIdentity] = []
        at_least = max(above, _epoch_of(path))
        replaced = put_in_place(
            proven.path.resolve(), path, _raising(at_least, raised), _up_to_date
        )
    finally:
        lock.release()
    return Restored(identity=raised[0], replaced=replaced)


def _up_to_date(connection: Connection) -> None:
    bring_up_to_date(connection, SCHEMA)


def _raising(above: int, raised: list[StoreIdentity]) -> Callable[[Connection], None]:
    return lambda connection: raised.append(raise_epoch(connection, above))


def _epoch_of(path: Path) -> int:
    """Return the epoch of the store that is about to be replaced, 0 when it cannot say."""
    if not path.is_file():
        return 0
    try:
        with connected(engine_for(path, READER, "BEGIN")) as connection:
            return highest_epoch(read_identity(connection))
    except (StoreError, *DatabaseFailure):
        return 0
