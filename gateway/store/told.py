"""What utilities told us, for people: facts about our requests, and the values of their reports."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import instant_at, micros
from gateway.domain.names import UtilityName
from gateway.pipeline.opting import StoredValue
from gateway.protocols.actions import Fact, FactKind, ReceivedValue
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction

KEPT_FOR: Final = timedelta(days=31)
"""How long a utility's values are kept after they came in."""
_MICROSECOND: Final = timedelta(microseconds=1)


class ToldFactRow(StoreRow, table=True):
    """One fact."""

    __tablename__ = "told_fact"

    utility: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: int = Field(sa_type=BigInteger)
    body: str
    """JSON object of texts."""


class ToldValueRow(StoreRow, table=True):
    """One value of a report."""

    __tablename__ = "told_value"

    utility: str = Field(primary_key=True)
    specifier: str = Field(primary_key=True)
    point: str = Field(primary_key=True)
    start: int = Field(primary_key=True, sa_type=BigInteger)
    lasts: int | None = Field(sa_type=BigInteger)
    """Microseconds; none: a point in time."""
    value: str
    unit: str
    quality: str
    request: str
    received_at: int = Field(sa_type=BigInteger, index=True)


_FACT: Final = table_of(ToldFactRow)
_NEW_FACT: Final = insert(_FACT).excluded
_NOTE: Final = insert(_FACT).on_conflict_do_update(
    index_elements=["utility", "kind", "key"], set_={"at": _NEW_FACT.at, "body": _NEW_FACT.body}
)
_FACTS: Final = (
    select(_FACT)
    .where(_FACT.c.utility == bindparam("utility"), _FACT.c.kind == bindparam("kind"))
    .order_by(_FACT.c.key)
)
_VALUE: Final = table_of(ToldValueRow)
_NEW_VALUE: Final = insert(_VALUE).excluded
_ADD: Final = insert(_VALUE).on_conflict_do_update(
    index_elements=["utility", "specifier", "point", "start"],
    set_={
        name: getattr(_NEW_VALUE, name)
        for name in ("lasts", "value", "unit", "quality", "request", "received_at")
    },
)
_PURGE: Final = delete(_VALUE).where(_VALUE.c.received_at < bindparam("before"))
_VALUES: Final = (
    select(_VALUE)
    .where(_VALUE.c.start >= bindparam("since"))
    .order_by(
        _VALUE.c.start.desc(),
        _VALUE.c.utility.desc(),
        _VALUE.c.specifier.desc(),
        _VALUE.c.point.desc(),
    )
    .limit(bindparam("most"))
)
_VALUES_OF: Final = _VALUES.where(_VALUE.c.utility == bindparam("utility"))


class Told:
    """See ``gateway.pipeline.opting.Told``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def note(self, utility: UtilityName, fact: Fact) -> None:
        """Keep a fact in the place of an older one under its kind and key."""
        values = {
            "utility": utility,
            "kind": fact.kind.value,
            "key": fact.key,
            "at": micros(fact.at),
            "body": json.dumps(dict(fact.fields), sort_keys=True),
        }
        self._transaction.run(_NOTE, values)

    def facts(self, utility: UtilityName, kind: FactKind) -> tuple[Fact, ...]:
        """Return the facts of a kind, by key."""
        rows = self._transaction.run(_FACTS, {"utility": utility, "kind": kind.value})
        return tuple(
            Fact(kind=kind, key=row.key, at=instant_at(row.at), fields=json.loads(row.body))
            for row in rows
        )

    def add(
        self, utility: UtilityName, request: str, at: datetime, values: Sequence[ReceivedValue]
    ) -> None:
        """Keep values; a value of a point and start that is known is replaced (a correction, rule 346)."""
        rows = [
            {
                "utility": utility,
                "specifier": each.specifier,
                "point": each.point,
                "start": micros(each.start),
                "lasts": None if each.duration is None else each.duration // _MICROSECOND,
                "value": each.value,
                "unit": each.unit,
                "quality": each.quality,
                "request": request,
                "received_at": micros(at),
            }
            for each in values
        ]
        if rows:
            self._transaction.run(_ADD, rows)
        self._transaction.run(_PURGE, {"before": micros(at - KEPT_FOR)})

    def values(
        self, utility: UtilityName | None, since: datetime, limit: int
    ) -> tuple[StoredValue, ...]:
        """Return the newest values that start at or after an instant, by time; None: of every utility."""
        given: dict[str, object] = {"since": micros(since), "most": limit}
        if utility is None:
            rows = self._transaction.run(_VALUES, given)
        else:
            rows = self._transaction.run(_VALUES_OF, {**given, "utility": utility})
        return tuple(map(_stored, reversed(rows.all())))


def _stored(row: Row[Any]) -> StoredValue:
    return StoredValue(
        utility=UtilityName(row.utility),
        request=row.request,
        received_at=instant_at(row.received_at),
        value=ReceivedValue(
            specifier=row.specifier,
            point=row.point,
            start=instant_at(row.start),
            duration=None if row.lasts is None else row.lasts * _MICROSECOND,
            value=row.value,
            unit=row.unit,
            quality=row.quality,
        ),
    )
