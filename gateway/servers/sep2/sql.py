"""The server's store in SQLite: turns that come together are one durable transaction, written by one thread.

Rows go to the driver many at a time, and what is one statement alone is its own transaction: each time that the driver
comes back it has to wait for the interpreter, which the loop holds while it answers devices.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.database.engine import WRITER, connected, driver, engine_for
from gateway.domain.errors import GatewayError, StoreError
from gateway.protocols.sep2.server.records import Delivery, Posted, Turn
from gateway.protocols.sep2.server.shelf import Packed, packed
from gateway.protocols.sep2.server.usage import Meter
from gateway.servers.sep2.meters import OLD_VALUES, Keeping, Meters
from gateway.servers.sep2.rows import Command, Rows, instant
from gateway.servers.sep2.store import Loaded
from gateway.servers.sep2.tables import (
    DeliveryRow,
    KeptRow,
    MemberRow,
    MoveRow,
    Sep2Row,
)

T = TypeVar("T")
_PRAGMAS: Final = {**WRITER, "wal_autocheckpoint": 1000}
_KEPT: Final = Rows(KeptRow)
_MEMBERS: Final = Rows(MemberRow)
_DELIVERIES: Final = Rows(DeliveryRow)
_MOVES: Final = Rows(MoveRow)
_of_delivery: Final = attrgetter(*_DELIVERIES.columns)


class SqlStore:
    """Keeps turns in a SQLite file on a local disk (WAL, full flush).

    Args:
        path: The file; made when missing. One process at a time.
        keeping: For how long values of meters are kept; None: as usual.
    """

    def __init__(self, path: Path, keeping: Keeping | None = None) -> None:
        self._keeping = keeping or Keeping()
        self._meters: Meters | None = None
        self._engine = engine_for(path, _PRAGMAS, "BEGIN IMMEDIATE")
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sep2-store")

    async def load(self) -> Loaded:
        """Return everything that was kept.

        Raises:
            StoreError: ``SEP2_STORE`` when the file is no store of ours, or damaged.
        """
        return await self._in_thread(self._load)

    def save(self, turns: Sequence[Turn]) -> Awaitable[None]:
        """Keep turns; it is on its way when this returns.

        Raises:
            StoreError: ``SEP2_STORE``, to whoever waits for it.
        """
        loop = asyncio.get_running_loop()
        changing = [turn for turn in turns if turn.changes]
        if changing:
            return loop.run_in_executor(self._thread, _translated, partial(self._save, changing))
        done = loop.create_future()
        done.set_result(None)
        return done

    async def readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        """Return values that were posted, in the order in which they first came.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        return await self._in_thread(lambda: self._values().after(lfdi, after, limit))

    async def newest(self, meter: Meter, limit: int) -> list[Posted]:
        """Return the newest values of one meter, newest first.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        return await self._in_thread(lambda: self._values().newest(meter, limit))

    async def close(self) -> None:
        """Close the file."""
        await self._in_thread(self._close)
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        # Shielded: a request that is given up must not leave a commit unknown (R-DUR-10).
        return await asyncio.shield(loop.run_in_executor(self._thread, _translated, work))

    # --- in the thread

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._meters = None

    def _file(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connected(self._engine)
            with self._connection.begin():
                _prepare(self._connection)
            driver(self._connection).text_factory = str
        return driver(self._connection)

    def _values(self) -> Meters:
        if self._meters is None:
            self._meters = Meters(self._file(), self._keeping)
        return self._meters

    def _load(self) -> Loaded:
        file = self._file()
        return Loaded(
            packed=_shared(file.execute(_KEPT.all())),
            members=file.execute(_MEMBERS.all()).fetchall(),
            deliveries=[_delivery(row) for row in file.execute(_DELIVERIES.all())],
            moves=file.execute(_MOVES.all()).fetchall(),
        )

    def _save(self, turns: Sequence[Turn]) -> None:
        commands = list(_commands(turns))
        readings = [one for turn in turns for one in turn.readings]
        file, values = self._file(), self._values()
        if len(commands) == 1 and not readings:
            file.execute(*commands[0])
            return
        file.execute("BEGIN IMMEDIATE")
        try:
            for command in commands:
                file.execute(*command)
            if readings:
                values.add(readings)
            file.execute("COMMIT")
        except sqlite3.Error:
            values.undone()
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise


def _translated(work: Callable[[], T]) -> T:
    try:
        return work()
    except (SQLAlchemyError, sqlite3.Error, GatewayError, ValueError) as error:
        detail = f"the store of the 2030.5 server cannot be used: {type(error).__name__}"
        raise StoreError("SEP2_STORE", detail) from error


def _commands(turns: Sequence[Turn]) -> Iterator[Command]:
    # What comes later takes the place of what came before, so that each address is written once.
    kept = {href: one for turn in turns for href, one in turn.kept.items()}
    members = {pair: stands for turn in turns for pair, stands in turn.members.items()}
    owed = {href: one for turn in turns for href, one in turn.deliveries.items()}
    yield from _KEPT.remove([(href,) for href, one in kept.items() if one is None])
    yield from _KEPT.add([packed(one) for one in kept.values() if one is not None])
    yield from _MEMBERS.remove([pair for pair, stands in members.items() if not stands])
    yield from _MEMBERS.add([pair for pair, stands in members.items() if stands])
    yield from _DELIVERIES.remove([(href,) for href, one in owed.items() if one is None])
    yield from _DELIVERIES.add([_of_delivery(one) for one in owed.values() if one is not None])
    yield from _MOVES.add([pair for turn in turns for pair in turn.moves.items()])


def _shared(rows: Iterator[Packed]) -> list[Packed]:
    """Return rows whose words that many of them share are there once."""
    words: dict[str, str] = {}
    once = words.setdefault
    return [
        (href, once(kind, kind), once(place, place), once(scope, scope), manager, at, body)
        for href, kind, place, scope, manager, at, body in rows
    ]


def _prepare(connection: Connection) -> None:
    """Make the tables that are missing, and take over what an older file has."""
    old = inspect(connection).has_table("sep2_reading")
    Sep2Row.metadata.create_all(connection)
    for command in OLD_VALUES if old else ():
        connection.execute(text(command))


def _delivery(row: Sequence[object]) -> Delivery:
    found = dict(zip(_DELIVERIES.columns, row, strict=True))
    for name in ("renewed_at", "failing_since"):
        found[name] = None if found[name] is None else instant(str(found[name]))
    return Delivery(**found)  # type: ignore[arg-type] # by name
