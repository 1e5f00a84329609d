"""Moves: where and when utilities drove sites away from what they drew; what the operator's envelope counts."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, Index, Row, bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import instant_at, micros, optional_instant_at, optional_micros
from gateway.domain.guard import Move
from gateway.domain.names import IntentId, SiteId
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class MoveRow(StoreRow, table=True):
    """One move."""

    __tablename__ = "move"
    __table_args__ = (Index(None, "site", "over"),)

    intent_id: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    """Counts up in one intent, in order of time."""
    site: str
    at: int = Field(sa_type=BigInteger)
    ramp_until: int = Field(sa_type=BigInteger, index=True)
    kw_per_min: str
    """Decimal as text: read only after the digest was checked."""
    until: int | None = Field(sa_type=BigInteger)
    over: int | None = Field(sa_type=BigInteger)
    opens: int
    swings: int
    digest: bytes


_MOVE: Final = table_of(MoveRow)
_GUARD: Final = Guard(
    _MOVE,
    ("intent_id", "place"),
    (
        "intent_id",
        "place",
        "site",
        "at",
        "ramp_until",
        "kw_per_min",
        "until",
        "over",
        "opens",
        "swings",
    ),
)
_BY_TIME: Final = select(_MOVE).order_by(_MOVE.c.at, _MOVE.c.intent_id, _MOVE.c.place)
_OF_INTENT: Final = _BY_TIME.where(_MOVE.c.intent_id == bindparam("intent_id"))
_OF_SITE: Final = _BY_TIME.where(
    _MOVE.c.site == bindparam("site"),
    or_(_MOVE.c.over.is_(None), _MOVE.c.over >= bindparam("since")),
)
_RAMPING: Final = _BY_TIME.where(_MOVE.c.ramp_until > bindparam("since"))
_DROP: Final = delete(_MOVE).where(_MOVE.c.intent_id == bindparam("intent_id"))
_FORGET: Final = delete(_MOVE).where(
    _MOVE.c.site == bindparam("site"), _MOVE.c.over < bindparam("before")
)
_ADD: Final = insert(_MOVE)


class Moves:
    """See ``gateway.pipeline.ports.Moves``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of_intent(self, intent_id: IntentId) -> tuple[Move, ...]:
        """Return one intent's moves, oldest first."""
        return self._moves(_OF_INTENT, {"intent_id": intent_id})

    def of_site(self, site: SiteId, since: datetime) -> tuple[Move, ...]:
        """Return a site's moves whose event is not over, or was not at ``since``, oldest first."""
        return self._moves(_OF_SITE, {"site": site, "since": micros(since)})

    def ramping(self, since: datetime) -> tuple[Move, ...]:
        """Return the moves of all sites whose ramp ends after an instant, oldest first."""
        return self._moves(_RAMPING, {"since": micros(since)})

    def replace(self, intent_id: IntentId, moves: Sequence[Move]) -> None:
        """Put these in the place of all moves of one intent."""
        self._transaction.run(_DROP, {"intent_id": intent_id})
        rows = [_GUARD.sealed(_values(place, move)) for place, move in enumerate(moves)]
        if rows:
            self._transaction.run(_ADD, rows)

    def forget(self, site: SiteId, before: datetime) -> None:
        """Remove a site's moves whose event was over before an instant."""
        self._transaction.run(_FORGET, {"site": site, "before": micros(before)})

    def _moves(self, statement: Any, values: dict[str, object]) -> tuple[Move, ...]:
        rows = self._transaction.run(statement, values)
        return tuple(map(_move, _GUARD.sound(self._transaction, rows)))


def _values(place: int, move: Move) -> dict[str, object]:
    return {
        "intent_id": move.intent_id,
        "place": place,
        "site": move.site,
        "at": micros(move.at),
        "ramp_until": micros(move.ramp_until),
        "kw_per_min": str(move.kw_per_min),
        "until": optional_micros(move.until),
        "over": optional_micros(move.over),
        "opens": int(move.opens),
        "swings": int(move.swings),
    }


def _move(row: Row[Any]) -> Move:
    return Move(
        site=SiteId(row.site),
        intent_id=IntentId(row.intent_id),
        at=instant_at(row.at),
        ramp_until=instant_at(row.ramp_until),
        kw_per_min=Decimal(row.kw_per_min),
        until=optional_instant_at(row.until),
        over=optional_instant_at(row.over),
        opens=bool(row.opens),
        swings=bool(row.swings),
    )
