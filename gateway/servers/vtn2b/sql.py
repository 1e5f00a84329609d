"""The VTN's store in SQLite: every turn one durable transaction, written by one thread."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Table,
    bindparam,
    delete,
    event,
    insert,
    inspect,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateColumn
from sqlmodel import create_engine

from gateway.domain.errors import GatewayError, StoreError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import Book, Place, Turn
from gateway.protocols.oadr2b.vtn_facts import Answered, Reported
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    EventRecord,
    OfferRecord,
    OptRecord,
    OwnReportRecord,
    OwnValueRecord,
    QueueRecord,
    RequestRecord,
    SupplyRecord,
    VenRecord,
    WantRecord,
)
from gateway.servers.vtn2b import history
from gateway.servers.vtn2b.columns import answer_row, value_row
from gateway.servers.vtn2b.history import Numbered, Sought
from gateway.servers.vtn2b.mapping import Mapping
from gateway.servers.vtn2b.tables import (
    STATE_ROWS,
    AllocationRow,
    DeliveryRow,
    EventRow,
    OfferRow,
    OptRow,
    OwnReportRow,
    OwnValueRow,
    QueueRow,
    RequestRow,
    SupplyRow,
    ValueRow,
    VenRow,
    VtnRow,
    WantRow,
)
from gateway.servers.vtn2b.transcript import Exchange

T = TypeVar("T")
_AT_ONCE: Final = 200
"""Rows read at a time."""
_ROW_OF: Final[dict[type[object], type[VtnRow]]] = {
    VenRecord: VenRow,
    EventRecord: EventRow,
    AllocationRecord: AllocationRow,
    DeliveryRecord: DeliveryRow,
    QueueRecord: QueueRow,
    OfferRecord: OfferRow,
    WantRecord: WantRow,
    RequestRecord: RequestRow,
    OptRecord: OptRow,
    OwnReportRecord: OwnReportRow,
    OwnValueRecord: OwnValueRow,
    SupplyRecord: SupplyRow,
}


class SqlStore:
    """Keeps turns in a SQLite file on a local disk (WAL, full flush).

    Args:
        path: The file; made when missing. One process at a time.
        codec: Writes and reads the messages among the records.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self._mapping = Mapping(codec)
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _set_pragmas)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vtn2b-store")

    async def load(self) -> Book:
        """Return everything that was kept.

        Raises:
            StoreError: ``VTN_STORE`` when the file is no store of ours, or damaged.
        """
        return await self._in_thread(self._load)

    async def save(self, turn: Turn) -> None:
        """Keep a turn.

        Raises:
            StoreError: ``VTN_STORE``.
        """
        history = [fact for fact in turn.facts if isinstance(fact, Answered | Reported)]
        if turn.changes or history:
            await self._in_thread(lambda: self._save(turn))

    async def work(self, job: Callable[[Connection], T]) -> T:
        """Run one transaction on tables that are not the VTN's turns.

        Raises:
            StoreError: ``VTN_STORE``.
        """

        def run() -> T:
            with self._engine.begin() as connection:
                return job(connection)

        return await self._in_thread(run)

    async def answers(self, sought: Sought) -> list[Numbered]:
        """Return answers to events that were kept, oldest first, as ``AnswerRow``.

        Raises:
            StoreError: ``VTN_STORE``.
        """
        return await self.work(partial(history.answers, sought=sought))

    async def values(self, sought: Sought) -> list[Numbered]:
        """Return reported values that were kept, oldest first, as ``ValueRow``.

        Raises:
            StoreError: ``VTN_STORE``.
        """
        return await self.work(partial(history.values, sought=sought))

    async def keep_exchanges(self, exchanges: list[Exchange], most: int) -> None:
        """Add exchanges to the transcript, and forget the oldest beyond ``most``.

        Raises:
            StoreError: ``VTN_STORE``.
        """
        await self.work(partial(history.keep_exchanges, exchanges=exchanges, most=most))

    async def exchanges_after(self, number: int, limit: int) -> list[Exchange]:
        """Return the oldest exchanges beyond a number.

        Raises:
            StoreError: ``VTN_STORE``.
        """
        return await self.work(partial(history.exchanges_after, number=number, limit=limit))

    async def close(self) -> None:
        """Close the file."""
        await self._in_thread(self._engine.dispose)
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            # Shielded: a request that is given up must not leave a commit unknown (R-DUR-10).
            return await asyncio.shield(loop.run_in_executor(self._thread, work))
        except (SQLAlchemyError, GatewayError, ValueError) as error:
            detail = f"the store of the VTN cannot be used: {type(error).__name__}"
            raise StoreError("VTN_STORE", detail) from error

    def _load(self) -> Book:
        VtnRow.metadata.create_all(self._engine)
        with self._engine.begin() as connection:
            _complete(connection)
        book = Book()
        with self._engine.connect() as connection:
            for kind in STATE_ROWS:
                rows_found = connection.execute(_table(kind).select()).mappings()
                for rows in rows_found.partitions(_AT_ONCE):
                    # In parts, and past the session: all rows at once would stay in the process's memory for good.
                    records = [self._mapping.record(kind(**row)) for row in rows]
                    book.take({(type(one), one.owner, one.key): one for one in records})
        return book

    def _save(self, turn: Turn) -> None:
        with self._engine.begin() as connection:
            for kind, row in _ROW_OF.items():
                places = [place for place in turn.changes if place[0] is kind]
                if places:
                    _forget(connection, _table(row), places)
                    kept = (turn.changes[place] for place in places)
                    _add(connection, [self._mapping.row(found) for found in kept if found])
            _add(
                connection, [answer_row(f, turn.at) for f in turn.facts if isinstance(f, Answered)]
            )
            values = [value_row(f, turn.at) for f in turn.facts if isinstance(f, Reported)]
            _replace(connection, values)


def _complete(connection: Connection) -> None:
    """Add the columns that a file of an earlier release lacks; each has a default in the database."""
    there = inspect(connection)
    for table in VtnRow.metadata.sorted_tables:
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                added = CreateColumn(column).compile(connection.engine)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")


def _set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _table(kind: type[VtnRow]) -> Table:
    return VtnRow.metadata.tables[str(kind.__tablename__)]


def _forget(connection: Connection, table: Table, places: Iterable[Place]) -> None:
    """Delete the rows of these places, by primary key."""
    keys = []
    for _, owner, key in places:
        parts = (owner, *key) if owner else key
        columns = zip(table.primary_key.columns, parts, strict=True)
        keys.append({f"at_{column.name}": _part(column, part) for column, part in columns})
    _delete(connection, table, keys)


def _part(column: Column[object], part: str) -> object:
    return int(part) if isinstance(column.type, Integer) else part


def _delete(connection: Connection, table: Table, keys: list[dict[str, object]]) -> None:
    where = [column == bindparam(f"at_{column.name}") for column in table.primary_key.columns]
    connection.execute(delete(table).where(*where), keys)


def _add(connection: Connection, rows: list[VtnRow]) -> None:
    if rows:
        connection.execute(insert(_table(type(rows[0]))), [row.model_dump() for row in rows])


def _replace(connection: Connection, rows: list[ValueRow]) -> None:
    """Add values, in place of those for the same point in time."""
    by_key = {(row.ven_id, row.report_request_id, row.r_id, row.starts_at): row for row in rows}
    if by_key:
        table = _table(ValueRow)
        names = [column.name for column in table.primary_key.columns]
        keys = [
            {f"at_{name}": part for name, part in zip(names, key, strict=True)} for key in by_key
        ]
        _delete(connection, table, keys)
        _add(connection, list(by_key.values()))
