"""Snapshots of the protocol sessions."""

from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.domain.names import UtilityName
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class SessionRow(StoreRow, table=True):
    """One session's state, opaque to us."""

    __tablename__ = "session_state"

    utility: str = Field(primary_key=True)
    body: bytes
    digest: bytes


_STATE: Final = table_of(SessionRow)
GUARD: Final = Guard(_STATE, ("utility",), ("utility", "body"))
ALL: Final = select(_STATE)
_ONE: Final = select(_STATE).where(_STATE.c.utility == bindparam("utility"))
_NEW: Final = insert(_STATE).excluded
_UPSERT: Final = insert(_STATE).on_conflict_do_update(
    index_elements=["utility"], set_={"body": _NEW.body, "digest": _NEW.digest}
)


class Sessions:
    """See ``gateway.pipeline.ports.Sessions``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def state(self, utility: UtilityName) -> bytes | None:
        """Return the last snapshot."""
        row = self._transaction.run(_ONE, {"utility": utility}).first()
        if row is None:
            return None
        GUARD.require(self._transaction, row)
        body: bytes = row.body
        return body

    def put(self, utility: UtilityName, state: bytes) -> None:
        """Replace the snapshot; a corrupt one was set aside when it was read at start."""
        self._transaction.run(_UPSERT, GUARD.sealed({"utility": utility, "body": state}))
