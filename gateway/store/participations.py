"""Answers on their way to utilities: kept until a session has made them its own."""

from typing import Any, Final

from sqlalchemy import Row, UniqueConstraint, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import BIG_KEY
from gateway.domain.names import UtilityName
from gateway.domain.participation import Participation
from gateway.store.codec import PARTICIPATION, decoded
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class ParticipationRow(StoreRow, table=True):
    """One answer to one version of an event."""

    __tablename__ = "participation"
    __table_args__ = (UniqueConstraint("utility", "body"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    utility: str
    body: bytes
    digest: bytes
    taken: int = 0


_ANSWER: Final = table_of(ParticipationRow)
GUARD: Final = Guard(_ANSWER, ("utility", "id"), ("utility", "body"))
_QUEUE: Final = insert(_ANSWER).on_conflict_do_nothing()
ALL_PENDING: Final = select(_ANSWER).where(_ANSWER.c.taken == 0)
_PENDING: Final = ALL_PENDING.where(_ANSWER.c.utility == bindparam("utility")).order_by(
    _ANSWER.c.id
)
_TAKEN: Final = (
    update(_ANSWER)
    .where(_ANSWER.c.utility == bindparam("b_utility"), _ANSWER.c.body == bindparam("b_body"))
    .values(taken=1)
)


class Participations:
    """See ``gateway.pipeline.ports.Participations``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def queue(self, participation: Participation) -> None:
        """Store an answer to be sent by the utility's session; the very same answer is stored once."""
        values = {
            "utility": participation.event.utility,
            "body": _bytes(participation),
        }
        self._transaction.run(_QUEUE, GUARD.sealed({**values}) | {"taken": 0})

    def pending(self, utility: UtilityName) -> tuple[Participation, ...]:
        """Return answers that no session has taken yet, oldest first."""
        rows = self._transaction.run(_PENDING, {"utility": utility})
        return tuple(map(_answer, GUARD.sound(self._transaction, rows)))

    def taken(self, participation: Participation) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        self._transaction.run(
            _TAKEN,
            {
                "b_utility": participation.event.utility,
                "b_body": _bytes(participation),
            },
        )


def _bytes(participation: Participation) -> bytes:
    """Write an answer; without the fields that later versions added and that say nothing, so that older rows match."""
    return PARTICIPATION.dump_json(participation, exclude_defaults=True)


def _answer(row: Row[Any]) -> Participation:
    return decoded(PARTICIPATION, row.body)
