"""What the store keeps beside the book, and how it is read page by page: answers, values, exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Integer, delete, func, insert, literal_column
from sqlmodel import Session, col, select

from gateway.servers.vtn2b.tables import AnswerRow, ExchangeRow, ValueRow, VtnRow
from gateway.servers.vtn2b.transcript import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which rows of a history are wanted."""

    after: int = 0
    """Cursor: only what was added later."""
    limit: int = 100
    ven_id: str = ""
    """Empty: of every VEN."""
    about: str = ""
    """eventID, or wish, concerned; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A row with its cursor."""

    number: int
    row: VtnRow


_EXCHANGES = VtnRow.metadata.tables[str(ExchangeRow.__tablename__)]


def answers(connection: Connection, sought: Sought) -> list[Numbered]:
    """Return answers to events, oldest first."""
    query = select(AnswerRow).where(col(AnswerRow.id) > sought.after).order_by(col(AnswerRow.id))
    if sought.ven_id:
        query = query.where(AnswerRow.ven_id == sought.ven_id)
    if sought.about:
        query = query.where(AnswerRow.event_id == sought.about)
    with Session(connection) as session:
        return [
            Numbered(number=row.id or 0, row=row) for row in session.exec(query.limit(sought.limit))
        ]


def values(connection: Connection, sought: Sought) -> list[Numbered]:
    """Return reported values in the order in which they came; a correction comes anew."""
    place: ColumnElement[int] = literal_column("vtn2b_value.rowid", Integer)
    query = select(place, ValueRow).where(place > sought.after).order_by(place)
    if sought.ven_id:
        query = query.where(ValueRow.ven_id == sought.ven_id)
    if sought.about:
        query = query.where(ValueRow.want_id == sought.about)
    with Session(connection) as session:
        found = session.exec(query.limit(sought.limit))
        return [Numbered(number=number, row=row) for number, row in found]


def keep_exchanges(connection: Connection, exchanges: Sequence[Exchange], most: int) -> None:
    """Add exchanges, and forget the oldest beyond ``most``."""
    last = connection.execute(select(func.max(_EXCHANGES.c.number))).scalar() or 0
    rows = [
        {
            "number": last + place,
            "at": one.at,
            "by": one.by,
            "peer": one.peer,
            "method": one.method,
            "path": one.path,
            "status": one.status,
            "request": one.request,
            "answer": one.answer,
            "struck": one.struck,
        }
        for place, one in enumerate(exchanges, start=1)
    ]
    connection.execute(insert(_EXCHANGES), rows)
    connection.execute(delete(_EXCHANGES).where(_EXCHANGES.c.number <= last + len(rows) - most))


def exchanges_after(connection: Connection, number: int, limit: int) -> list[Exchange]:
    """Return the oldest exchanges beyond a number."""
    query = (
        select(ExchangeRow)
        .where(col(ExchangeRow.number) > number)
        .order_by(col(ExchangeRow.number))
        .limit(limit)
    )
    with Session(connection) as session:
        return [Exchange(**row.model_dump()) for row in session.exec(query)]
