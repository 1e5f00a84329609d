"""Opt schedules until a session has made them its own, and sites that answer an event apart from the others."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import micros, optional_micros
from gateway.domain.event import EventKey
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import OptSchedule
from gateway.store.codec import OPT_SCHEDULE, decoded
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class OptScheduleRow(StoreRow, table=True):
    """One schedule, as it stands now."""

    __tablename__ = "opt_schedule"

    opt_id: str = Field(primary_key=True)
    utility: str = Field(index=True)
    created_at: int = Field(sa_type=BigInteger)
    until: int | None = Field(sa_type=BigInteger)
    """From when on nothing follows from it; not under the digest: it only helps to find the row."""
    body: bytes
    digest: bytes
    taken: int = 0


class OptApartRow(StoreRow, table=True):
    """One site that answers one event in its own name."""

    __tablename__ = "opt_apart"

    utility: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    site: str = Field(primary_key=True)
    digest: bytes


_SCHEDULE: Final = table_of(OptScheduleRow)
GUARD: Final = Guard(_SCHEDULE, ("opt_id",), ("opt_id", "utility", "created_at", "body"))
ALL: Final = select(_SCHEDULE).order_by(_SCHEDULE.c.created_at, _SCHEDULE.c.opt_id)
_ONE: Final = select(_SCHEDULE).where(_SCHEDULE.c.opt_id == bindparam("opt_id"))
_OF: Final = ALL.where(_SCHEDULE.c.utility == bindparam("utility"))
_OPEN: Final = _OF.where(or_(_SCHEDULE.c.until.is_(None), _SCHEDULE.c.until > bindparam("now")))
_FORGET: Final = delete(_SCHEDULE).where(
    _SCHEDULE.c.until < bindparam("before"), _SCHEDULE.c.taken == 1
)
_PENDING: Final = _OF.where(_SCHEDULE.c.taken == 0)
_NEW: Final = insert(_SCHEDULE).excluded
_UPSERT: Final = insert(_SCHEDULE).on_conflict_do_update(
    index_elements=["opt_id"],
    set_={"body": _NEW.body, "digest": _NEW.digest, "until": _NEW.until, "taken": 0},
)
_TAKEN: Final = (
    update(_SCHEDULE)
    .where(_SCHEDULE.c.opt_id == bindparam("b_opt_id"), _SCHEDULE.c.body == bindparam("b_body"))
    .values(taken=1)
)
_APART: Final = table_of(OptApartRow)
APART_GUARD: Final = Guard(_APART, ("utility", "event_id", "site"), ("utility", "event_id", "site"))
ALL_APART: Final = select(_APART)
_APART_OF: Final = ALL_APART.where(
    _APART.c.utility == bindparam("utility"), _APART.c.event_id == bindparam("event_id")
)
_SET_APART: Final = insert(_APART).on_conflict_do_nothing()


class Opting:
    """See ``gateway.pipeline.opting.Opting``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, schedule: OptSchedule) -> None:
        """Store a schedule, or that it was taken back; the utility's session has not taken it yet."""
        values = {
            "opt_id": schedule.opt_id,
            "utility": schedule.utility,
            "created_at": micros(schedule.created_at),
            "body": OPT_SCHEDULE.dump_json(schedule),
        }
        beside = {"until": optional_micros(schedule.until), "taken": 0}
        self._transaction.run(_UPSERT, GUARD.sealed({**values}) | beside)

    def get(self, opt_id: str) -> OptSchedule | None:
        """Return one schedule."""
        row = self._transaction.run(_ONE, {"opt_id": opt_id}).first()
        if row is None:
            return None
        GUARD.require(self._transaction, row)
        return _schedule(row)

    def of(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return every schedule towards a utility, oldest first."""
        return self._schedules(_OF, utility)

    def open(self, utility: UtilityName, now: datetime) -> tuple[OptSchedule, ...]:
        """Return the schedules towards a utility that are not over, oldest first."""
        rows = self._transaction.run(_OPEN, {"utility": utility, "now": micros(now)})
        return tuple(map(_schedule, GUARD.sound(self._transaction, rows)))

    def forget(self, before: datetime) -> None:
        """Remove what was over, and taken by its session, before an instant."""
        self._transaction.run(_FORGET, {"before": micros(before)})

    def pending(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return what no session has taken yet, oldest first."""
        return self._schedules(_PENDING, utility)

    def taken(self, schedule: OptSchedule) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        values = {"b_opt_id": schedule.opt_id, "b_body": OPT_SCHEDULE.dump_json(schedule)}
        self._transaction.run(_TAKEN, values)

    def apart(self, event: EventKey) -> frozenset[SiteId]:
        """Return the sites whose answer to an event is told in their own name."""
        values = {"utility": event.utility, "event_id": event.event_id}
        rows = APART_GUARD.sound(self._transaction, self._transaction.run(_APART_OF, values))
        return frozenset(SiteId(row.site) for row in rows)

    def set_apart(self, event: EventKey, site: SiteId) -> None:
        """Have a site's answers to an event told in its own name from now on."""
        values: dict[str, object] = {
            "utility": event.utility,
            "event_id": event.event_id,
            "site": site,
        }
        self._transaction.run(_SET_APART, APART_GUARD.sealed(values))

    def _schedules(self, statement: Any, utility: UtilityName) -> tuple[OptSchedule, ...]:
        rows = self._transaction.run(statement, {"utility": utility})
        return tuple(map(_schedule, GUARD.sound(self._transaction, rows)))


def _schedule(row: Row[Any]) -> OptSchedule:
    return decoded(OPT_SCHEDULE, row.body)
