"""Every attempt to reach an endpoint of a webhook, the newest two thousand of each."""

from typing import Any, Final

from sqlalchemy import BigInteger, Index, Row, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import BIG_KEY, instant_at, length_micros, length_of, micros
from gateway.domain.names import SiteId
from gateway.pipeline.deliveries import Attempt
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction

KEPT_ATTEMPTS: Final = 2000
"""Per endpoint; older ones are let go."""


class AttemptRow(StoreRow, table=True):
    """One attempt."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index(None, "site", "endpoint", "number"),)

    number: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    site: str
    endpoint: str
    sequence: int = Field(sa_type=BigInteger)
    webhook_id: str
    at: int = Field(sa_type=BigInteger)
    outcome: str
    status: int | None
    duration_us: int | None = Field(sa_type=BigInteger)
    answer: bytes
    detail: str


_ATTEMPT: Final = table_of(AttemptRow)
_BEGIN: Final = insert(_ATTEMPT).returning(_ATTEMPT.c.number)
_END: Final = (
    update(_ATTEMPT)
    .where(_ATTEMPT.c.number == bindparam("b_number"))
    .values(
        outcome=bindparam("b_outcome"),
        status=bindparam("b_status"),
        duration_us=bindparam("b_duration_us"),
        answer=bindparam("b_answer"),
        detail=bindparam("b_detail"),
    )
)
_ATTEMPTS: Final = (
    select(_ATTEMPT)
    .where(
        _ATTEMPT.c.site == bindparam("site"),
        _ATTEMPT.c.endpoint == bindparam("endpoint"),
        _ATTEMPT.c.number < bindparam("before"),
    )
    .order_by(_ATTEMPT.c.number.desc())
    .limit(bindparam("most"))
)
_OLDEST_KEPT: Final = (
    select(_ATTEMPT.c.number)
    .where(_ATTEMPT.c.site == bindparam("b_site"), _ATTEMPT.c.endpoint == bindparam("b_endpoint"))
    .order_by(_ATTEMPT.c.number.desc())
    .limit(1)
    .offset(KEPT_ATTEMPTS - 1)
    .scalar_subquery()
)
_LET_GO: Final = delete(_ATTEMPT).where(
    _ATTEMPT.c.site == bindparam("b_site"),
    _ATTEMPT.c.endpoint == bindparam("b_endpoint"),
    _ATTEMPT.c.number < _OLDEST_KEPT,
)
_LAST: Final = 2**63 - 1


class Attempts:
    """The part of ``gateway.pipeline.deliveries.Deliveries`` about attempts."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def begin(self, attempt: Attempt) -> int:
        """Write down that an attempt is about to be made; let the oldest go."""
        values = {
            "site": attempt.site,
            "endpoint": attempt.endpoint,
            "sequence": attempt.sequence,
            "webhook_id": attempt.webhook_id,
            "at": micros(attempt.at),
            **_result(attempt),
        }
        number: int = self._transaction.run(_BEGIN, values).scalar_one()
        self._transaction.run(_LET_GO, {"b_site": attempt.site, "b_endpoint": attempt.endpoint})
        return number

    def end(self, attempt: Attempt) -> None:
        """Complete it, by its number."""
        result = {f"b_{name}": value for name, value in _result(attempt).items()}
        self._transaction.run(_END, {"b_number": attempt.number, **result})

    def attempts(
        self, site: SiteId, endpoint: str, *, before: int | None = None, limit: int = 100
    ) -> tuple[Attempt, ...]:
        """Return attempts, newest first."""
        named = {
            "site": site,
            "endpoint": endpoint,
            "before": _LAST if before is None else before,
            "most": limit,
        }
        return tuple(map(_attempt, self._transaction.run(_ATTEMPTS, named)))


def _result(attempt: Attempt) -> dict[str, object]:
    duration = attempt.duration
    return {
        "outcome": attempt.outcome,
        "status": attempt.status,
        "duration_us": None if duration is None else length_micros(duration),
        "answer": attempt.answer,
        "detail": attempt.detail,
    }


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        number=row.number,
        site=SiteId(row.site),
        endpoint=row.endpoint,
        sequence=row.sequence,
        webhook_id=row.webhook_id,
        at=instant_at(row.at),
        outcome=row.outcome,
        status=row.status,
        duration=None if row.duration_us is None else length_of(row.duration_us),
        answer=row.answer,
        detail=row.detail,
    )
