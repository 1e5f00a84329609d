"""Connections to one SQLite file: the pragmas that make them safe are set on each and read back before use."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, PoolProxiedConnection

from gateway.database.failures import DatabaseFailure, translated
from gateway.domain.errors import StoreError

Pragmas = Mapping[str, str | int]

WRITER: Final[Pragmas] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: in WAL mode NORMAL may lose the last commits at power loss
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "mmap_size": 0,  # an I/O error under a memory map is a signal, not an error code
    "wal_autocheckpoint": 0,  # the writer checkpoints when it likes to, nobody else ever
    "query_only": 0,
    "temp_store": 2,  # MEMORY: a full or missing /tmp must not fail a commit
}
READER: Final[Pragmas] = {**WRITER, "query_only": 1}


def engine_for(path: Path, pragmas: Pragmas, begin: str) -> Engine:
    """Build an engine without a pool whose every connection carries ``pragmas``.

    Args:
        path: The database file.
        pragmas: ``WRITER`` or ``READER``.
        begin: The statement that opens a transaction, ``BEGIN IMMEDIATE`` for the writer.
    """
    engine = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False}
    )

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        prepare(connection, pragmas)

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def connected(engine: Engine) -> Connection:
    """Connect.

    Raises:
        StoreError: ``CANNOT_OPEN``, ``CORRUPT`` or ``UNSAFE_PRAGMA``.
    """
    try:
        return engine.connect()
    except DatabaseFailure as error:
        raise translated(error) from error


def prepare(connection: sqlite3.Connection, pragmas: Pragmas) -> None:
    """Set the pragmas on a fresh connection and read them back.

    Raises:
        StoreError: ``UNSAFE_PRAGMA``.
    """
    connection.isolation_level = None  # we say BEGIN and COMMIT; the driver must not
    connection.text_factory = _text
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}").fetchall()
    verify(connection, pragmas)


def verify(connection: sqlite3.Connection, pragmas: Pragmas) -> None:
    """Read the pragmas back.

    Raises:
        StoreError: ``UNSAFE_PRAGMA`` naming what differs; a store that may lose commits is not opened.
    """
    wrong = []
    for name, value in pragmas.items():
        found = connection.execute(f"PRAGMA {name}").fetchone()
        # A build without memory maps answers mmap_size with no row at all: that is off.
        if (found[0] if found else 0) != value:
            wrong.append(f"{name} is {found[0] if found else 'unknown'} and must be {value}")
    if wrong:
        raise StoreError("UNSAFE_PRAGMA", "SQLite kept other settings: " + ", ".join(wrong))


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection, for savepoints and backups."""
    proxied: PoolProxiedConnection = connection.connection
    return cast("sqlite3.Connection", proxied.dbapi_connection)


def _text(stored: bytes) -> str:
    # A flipped byte must show as a digest that does not fit, row by row, not as a failure to read the table.
    return stored.decode("utf-8", "surrogateescape")
