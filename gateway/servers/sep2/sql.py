"""The server's store in SQLite: turns that come together are one durable transaction, written by one thread."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Integer, Table, delete, event, literal_column, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import create_engine

from gateway.domain.errors import GatewayError, StoreError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.server.records import Delivery, Kept, Posted, Turn
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.store import Loaded
from gateway.servers.sep2.tables import DeliveryRow, KeptRow, MemberRow, ReadingRow, Sep2Row

T = TypeVar("T")
WIDEST: Final = Flavour(edition=Edition.Y2023, csip_aus=True, storage=True)
"""Knows every element that any other flavour does."""
_AT_ONCE: Final = 500
_TABLES: Final = Sep2Row.metadata.tables


class SqlStore:
    """Keeps turns in a SQLite file on a local disk (WAL, full flush).

    Args:
        path: The file; made when missing. One process at a time.
    """

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _set_pragmas)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sep2-store")

    async def load(self) -> Loaded:
        """Return everything that was kept.

        Raises:
            StoreError: ``SEP2_STORE`` when the file is no store of ours, or damaged.
        """
        return await self._in_thread(self._load)

    async def save(self, turns: Sequence[Turn]) -> None:
        """Keep turns.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        changing = [turn for turn in turns if turn.changes]
        if changing:
            await self._in_thread(partial(self._save, changing))

    async def readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        """Return values that were posted, in the order in which they first came.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        return await self._in_thread(partial(self._readings, lfdi, after, limit))

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
            detail = f"the store of the 2030.5 server cannot be used: {type(error).__name__}"
            raise StoreError("SEP2_STORE", detail) from error

    def _load(self) -> Loaded:
        Sep2Row.metadata.create_all(self._engine)
        found = Loaded()
        kept, members = _table(KeptRow), _table(MemberRow)
        with self._engine.connect() as connection:
            rows = connection.execute(select(kept).order_by(literal_column("rowid")))
            for part in rows.mappings().partitions(_AT_ONCE):
                found.kept.extend(_kept(row) for row in part)
            pairs = connection.execute(select(members).order_by(literal_column("rowid")))
            found.members.extend((row.place, row.href) for row in pairs)
            owed = connection.execute(select(_table(DeliveryRow)))
            found.deliveries.extend(Delivery(**dict(row)) for row in owed.mappings())
        return found

    def _save(self, turns: Sequence[Turn]) -> None:
        with self._engine.begin() as connection:
            for turn in turns:
                _save_kept(connection, turn)
                _save_members(connection, turn)
                _save_deliveries(connection, turn)
                _upsert(connection, _table(ReadingRow), [_fields(r) for r in turn.readings])

    def _readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        table = _table(ReadingRow)
        place = literal_column("sep2_reading.rowid", Integer).label("number")
        query = select(place, table).where(place > after).order_by(place).limit(limit)
        if lfdi:
            query = query.where(table.c.lfdi == lfdi)
        with self._engine.connect() as connection:
            return [_posted(dict(row)) for row in connection.execute(query).mappings()]


def _save_kept(connection: Connection, turn: Turn) -> None:
    table = _table(KeptRow)
    for href, one in turn.kept.items():
        if one is None:
            connection.execute(delete(table).where(table.c.href == href))
    rows = [_kept_row(one) for one in turn.kept.values() if one is not None]
    _upsert(connection, table, rows)


def _save_members(connection: Connection, turn: Turn) -> None:
    table = _table(MemberRow)
    for (place, href), stands in turn.members.items():
        if not stands:
            mine = (table.c.place == place, table.c.href == href)
            connection.execute(delete(table).where(*mine))
    pairs = [pair for pair, stands in turn.members.items() if stands]
    _upsert(connection, table, [{"place": place, "href": href} for place, href in pairs])


def _save_deliveries(connection: Connection, turn: Turn) -> None:
    table = _table(DeliveryRow)
    for href, one in turn.deliveries.items():
        if one is None:
            connection.execute(delete(table).where(table.c.subscription == href))
    rows = [_fields(one) for one in turn.deliveries.values() if one is not None]
    _upsert(connection, table, rows)


def _upsert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows, or change those of the same key where they are: their number stays."""
    for row in rows:
        keys = [column.name for column in table.primary_key.columns]
        others = {name: value for name, value in row.items() if name not in keys}
        command = insert(table).values(**row)
        if others:
            command = command.on_conflict_do_update(index_elements=keys, set_=others)
        else:
            command = command.on_conflict_do_nothing()
        connection.execute(command)


def _kept_row(one: Kept) -> dict[str, Any]:
    return {
        "href": one.href,
        "kind": one.kind.__name__,
        "place": one.place,
        "scope": one.scope,
        "manager": one.manager,
        "at": one.at,
        "body": None if one.value is None else encode(one.value, WIDEST),
    }


def _kept(row: Any) -> Kept:
    """Read a row.

    ``Any``: a mapping of columns.
    """
    kind: type[sep.Resource] = getattr(sep, row["kind"])
    body = row["body"]
    return Kept(
        href=row["href"],
        kind=kind,
        place=row["place"],
        scope=row["scope"],
        manager=row["manager"],
        at=row["at"],
        value=None if body is None else decode(body, kind, strict=True).value,
    )


def _fields(one: Posted | Delivery) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def _posted(row: dict[str, Any]) -> tuple[int, Posted]:
    number = row.pop("number")
    return number, Posted(**row)


def _table(kind: type[Sep2Row]) -> Table:
    return _TABLES[str(kind.__tablename__)]


def _set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
