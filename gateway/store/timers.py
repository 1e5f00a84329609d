"""Due dates as rows, so that no crash forgets one."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import instant_at, micros, optional_instant_at
from gateway.pipeline.records import Timer
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class TimerRow(StoreRow, table=True):
    """Something to be done once."""

    __tablename__ = "timer"

    key: str = Field(primary_key=True)
    kind: str
    subject: str
    due_at: int = Field(sa_type=BigInteger, index=True)
    digest: bytes
    aside: int = 0
    """1: does not fit its digest; kept, and no longer looked at."""


_TIMER: Final = table_of(TimerRow)
GUARD: Final = Guard(_TIMER, ("key",), ("key", "kind", "subject", "due_at"))
ALL: Final = select(_TIMER)
_NEW: Final = insert(_TIMER).excluded
_SET: Final = insert(_TIMER).on_conflict_do_update(
    index_elements=["key"],
    set_={
        "kind": _NEW.kind,
        "subject": _NEW.subject,
        "due_at": _NEW.due_at,
        "digest": _NEW.digest,
        "aside": 0,
    },
)
_DROP: Final = delete(_TIMER).where(_TIMER.c.key == bindparam("key"))
_DUE: Final = (
    select(_TIMER)
    .where(_TIMER.c.due_at <= bindparam("now"), _TIMER.c.aside == 0)
    .order_by(_TIMER.c.due_at, _TIMER.c.key)
    .limit(bindparam("most"))
)
_NEXT: Final = select(func.min(_TIMER.c.due_at)).where(_TIMER.c.aside == 0)
_PUT_ASIDE: Final = update(_TIMER).where(_TIMER.c.key == bindparam("b_key")).values(aside=1)


class Timers:
    """See ``gateway.pipeline.ports.Timers``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def set(self, timer: Timer) -> None:
        """Insert or move a timer."""
        self._transaction.run(
            _SET,
            GUARD.sealed(
                {
                    "key": timer.key,
                    "kind": timer.kind,
                    "subject": timer.subject,
                    "due_at": micros(timer.due_at),
                }
            )
            | {"aside": 0},
        )

    def drop(self, key: str) -> None:
        """Remove a timer; unknown keys are fine."""
        self._transaction.run(_DROP, {"key": key})

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Return what is due, earliest first; overdue ones of before a restart too.

        A corrupt timer is put aside, or it would be due for ever.
        """
        rows = self._transaction.run(_DUE, {"now": micros(now), "most": limit}).all()
        sound = GUARD.sound(self._transaction, rows)
        if len(sound) < len(rows) and self._transaction.writable:
            for row in set(rows) - set(sound):
                self._transaction.run(_PUT_ASIDE, {"b_key": row.key})
        return tuple(map(_timer, sound))

    def next_due(self) -> datetime | None:
        """Return the earliest due date."""
        return optional_instant_at(self._transaction.run(_NEXT).scalar())


def _timer(row: Row[Any]) -> Timer:
    return Timer(key=row.key, kind=row.kind, subject=row.subject, due_at=instant_at(row.due_at))
