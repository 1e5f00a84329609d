"""Statements that late meter data may still correct: found by the span that they count, at every batch."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import instant_at, micros, optional_instant_at, optional_micros
from gateway.domain.names import IntentId, MeterId, SiteId
from gateway.domain.timespan import Span
from gateway.pipeline.ledger import OpenStatement
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class OpenStatementRow(StoreRow, table=True):
    """One statement; removed when nothing corrects it any more."""

    __tablename__ = "open_statement"
    __table_args__ = (Index(None, "site", "span_end"),)

    intent_id: str = Field(primary_key=True)
    site: str
    meter: str
    span_start: int = Field(sa_type=BigInteger)
    span_end: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger, index=True)
    version: int = Field(sa_type=BigInteger)
    lacking: int
    late_since: int | None = Field(sa_type=BigInteger)
    digest: bytes


_OPEN: Final = table_of(OpenStatementRow)
_GUARD: Final = Guard(
    _OPEN,
    ("intent_id",),
    (
        "intent_id",
        "site",
        "meter",
        "span_start",
        "span_end",
        "until",
        "version",
        "lacking",
        "late_since",
    ),
)
_NEW: Final = insert(_OPEN).excluded
_PUT: Final = insert(_OPEN).on_conflict_do_update(
    index_elements=["intent_id"],
    set_={column.name: _NEW[column.name] for column in _OPEN.c if not column.primary_key},
)
_ONE: Final = select(_OPEN).where(_OPEN.c.intent_id == bindparam("intent_id"))
_OVER: Final = (
    select(_OPEN)
    .where(
        _OPEN.c.site == bindparam("site"),
        _OPEN.c.span_end > bindparam("first"),
        _OPEN.c.span_start < bindparam("end"),
        _OPEN.c.until > bindparam("now"),
    )
    .order_by(_OPEN.c.intent_id)
)
_CLOSE: Final = delete(_OPEN).where(_OPEN.c.intent_id == bindparam("intent_id"))
_CLOSE_DUE: Final = delete(_OPEN).where(_OPEN.c.until <= bindparam("now"))


class OpenStatements:
    """See ``gateway.pipeline.ledger.OpenStatements``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, statement: OpenStatement) -> None:
        """Insert or replace."""
        values = {
            "intent_id": statement.intent,
            "site": statement.site,
            "meter": statement.meter,
            "span_start": micros(statement.span.start),
            "span_end": micros(statement.span.end),
            "until": micros(statement.until),
            "version": statement.version,
            "lacking": int(statement.lacking),
            "late_since": optional_micros(statement.late_since),
        }
        self._transaction.run(_PUT, _GUARD.sealed(values))

    def get(self, intent: IntentId) -> OpenStatement | None:
        """Return one.

        Raises:
            StoreError: ``CORRUPT_ROW``.
        """
        row = self._transaction.run(_ONE, {"intent_id": intent}).first()
        if row is None:
            return None
        _GUARD.require(self._transaction, row)
        return _read(row)

    def over(self, site: SiteId, span: Span, now: datetime) -> tuple[OpenStatement, ...]:
        """Return those of a site that count what is metered in a span and are open at an instant, by intent id."""
        rows = self._transaction.run(
            _OVER,
            {
                "site": site,
                "first": micros(span.start),
                "end": micros(span.end),
                "now": micros(now),
            },
        ).all()
        return tuple(map(_read, _GUARD.sound(self._transaction, rows)))

    def close(self, intent: IntentId) -> None:
        """Remove one; unknown intents are fine."""
        self._transaction.run(_CLOSE, {"intent_id": intent})

    def close_due(self, now: datetime) -> None:
        """Remove those whose time is over."""
        self._transaction.run(_CLOSE_DUE, {"now": micros(now)})


def _read(row: Row[Any]) -> OpenStatement:
    return OpenStatement(
        intent=IntentId(row.intent_id),
        site=SiteId(row.site),
        meter=MeterId(row.meter),
        span=Span(start=instant_at(row.span_start), end=instant_at(row.span_end)),
        until=instant_at(row.until),
        version=row.version,
        lacking=bool(row.lacking),
        late_since=optional_instant_at(row.late_since),
    )
