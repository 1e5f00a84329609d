"""The server's store in SQLite: turns that come together are one durable transaction, written by one thread."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Connection,
    Integer,
    Table,
    bindparam,
    delete,
    event,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import create_engine

from gateway.domain.errors import GatewayError, StoreError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode_all
from gateway.protocols.sep2.server.records import Delivery, Kept, Pair, Posted, Turn
from gateway.protocols.sep2.server.usage import Meter
from gateway.servers.sep2.store import Loaded
from gateway.servers.sep2.tables import (
    DeliveryRow,
    KeptRow,
    MemberRow,
    MoveRow,
    ReadingRow,
    Sep2Row,
)

T = TypeVar("T")
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

    async def newest(self, meter: Meter, limit: int) -> list[Posted]:
        """Return the newest values of one meter, newest first.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        return await self._in_thread(partial(self._newest, meter, limit))

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
        with self._engine.begin() as connection:
            _prepare(connection)
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
            moved = connection.execute(select(_table(MoveRow)).order_by(literal_column("rowid")))
            found.moves.extend((row.old, row.new) for row in moved)
        return found

    def _save(self, turns: Sequence[Turn]) -> None:
        # What comes later takes the place of what came before, so that each address is written once.
        kept = {href: one for turn in turns for href, one in turn.kept.items()}
        members = {pair: stands for turn in turns for pair, stands in turn.members.items()}
        deliveries = {href: one for turn in turns for href, one in turn.deliveries.items()}
        readings = [_fields(one) for turn in turns for one in turn.readings]
        moved = [pair for turn in turns for pair in turn.moves.items()]
        moves = [{"old": old, "new": new} for old, new in moved]
        with self._engine.begin() as connection:
            _save_kept(connection, kept)
            _save_members(connection, members)
            _save_deliveries(connection, deliveries)
            _upsert(connection, ReadingRow, readings)
            _upsert(connection, MoveRow, moves)

    def _newest(self, meter: Meter, limit: int) -> list[Posted]:
        table = _table(ReadingRow)
        of = table.c.lfdi, table.c.mirror, table.c.meter_reading
        keys = table.c.start.desc(), table.c.duration.desc(), table.c.local_id.desc()
        wanted = zip(of, (meter.lfdi, meter.mirror, meter.meter_reading), strict=True)
        query = select(table).where(*(column == value for column, value in wanted))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(*keys).limit(limit)).mappings()
            return [Posted(**dict(row)) for row in rows]

    def _readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        table = _table(ReadingRow)
        place = literal_column("sep2_reading.rowid", Integer).label("number")
        query = select(place, table).where(place > after).order_by(place).limit(limit)
        if lfdi:
            query = query.where(table.c.lfdi == lfdi)
        with self._engine.connect() as connection:
            return [_posted(dict(row)) for row in connection.execute(query).mappings()]


def _prepare(connection: Connection) -> None:
    """Make the tables that are missing; values were once kept without their device in the key."""
    table = _table(ReadingRow)
    there = inspect(connection)
    old = (
        there.has_table(table.name)
        and "lfdi" not in (there.get_pk_constraint(table.name)["constrained_columns"])
    )
    if old:
        connection.execute(text("DROP INDEX IF EXISTS ix_sep2_reading_lfdi"))
        connection.execute(text("ALTER TABLE sep2_reading RENAME TO sep2_reading_1"))
    Sep2Row.metadata.create_all(connection)
    if old:
        names = ", ".join(column.name for column in table.columns)
        connection.execute(
            text(
                f"INSERT INTO sep2_reading ({names}) SELECT {names} FROM sep2_reading_1 ORDER BY rowid"  # noqa: S608 - our own names
            )
        )
        connection.execute(text("DROP TABLE sep2_reading_1"))


def _save_kept(connection: Connection, kept: Mapping[str, Kept | None]) -> None:
    gone = [{"old": href} for href, one in kept.items() if one is None]
    if gone:
        table = _table(KeptRow)
        connection.execute(delete(table).where(table.c.href == bindparam("old")), gone)
    _upsert(connection, KeptRow, [_kept_row(one) for one in kept.values() if one is not None])


def _save_members(connection: Connection, members: Mapping[Pair, bool]) -> None:
    table = _table(MemberRow)
    gone = [{"where": place, "what": href} for (place, href), on in members.items() if not on]
    if gone:
        mine = (table.c.place == bindparam("where"), table.c.href == bindparam("what"))
        connection.execute(delete(table).where(*mine), gone)
    pairs = [pair for pair, stands in members.items() if stands]
    _upsert(connection, MemberRow, [{"place": place, "href": href} for place, href in pairs])


def _save_deliveries(connection: Connection, owed: Mapping[str, Delivery | None]) -> None:
    gone = [{"old": href} for href, one in owed.items() if one is None]
    if gone:
        table = _table(DeliveryRow)
        connection.execute(delete(table).where(table.c.subscription == bindparam("old")), gone)
    _upsert(connection, DeliveryRow, [_fields(one) for one in owed.values() if one is not None])


def _upsert(connection: Connection, kind: type[Sep2Row], rows: list[dict[str, Any]]) -> None:
    """Add rows, or change those of the same key where they are: their number stays."""
    if rows:
        connection.execute(_adding(kind), rows)


@cache
def _adding(kind: type[Sep2Row]) -> Insert:
    table = _table(kind)
    keys = [column.name for column in table.primary_key.columns]
    command = insert(table)
    others = {
        column.name: command.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    if not others:
        return command.on_conflict_do_nothing()
    return command.on_conflict_do_update(index_elements=keys, set_=others)


def _kept_row(one: Kept) -> dict[str, Any]:
    return {
        "href": one.href,
        "kind": one.kind.__name__,
        "place": one.place,
        "scope": one.scope,
        "manager": one.manager,
        "at": one.at,
        "body": None if one.value is None else encode_all(one.value),
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
