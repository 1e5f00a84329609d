"""The states of the protocol sessions: each in one row, or in a row per part."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.domain.names import UtilityName
from gateway.protocols.parts import Changes, State, joined
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class SessionRow(StoreRow, table=True):
    """One session's state, opaque to us."""

    __tablename__ = "session_state"

    utility: str = Field(primary_key=True)
    body: bytes
    digest: bytes


class SessionPartRow(StoreRow, table=True):
    """One part of one session's state, opaque to us."""

    __tablename__ = "session_part"

    utility: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
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
_DROP: Final = delete(_STATE).where(_STATE.c.utility == bindparam("of_utility"))

_PART: Final = table_of(SessionPartRow)
PART_GUARD: Final = Guard(_PART, ("utility", "name"), ("utility", "name", "body"))
ALL_PARTS: Final = select(_PART)
_PARTS: Final = select(_PART).where(_PART.c.utility == bindparam("utility"))
_NEW_PART: Final = insert(_PART).excluded
_UPSERT_PART: Final = insert(_PART).on_conflict_do_update(
    index_elements=["utility", "name"],
    set_={"body": _NEW_PART.body, "digest": _NEW_PART.digest},
)
_DROP_PARTS: Final = delete(_PART).where(_PART.c.utility == bindparam("of_utility"))
_DROP_PART: Final = _DROP_PARTS.where(_PART.c.name == bindparam("of_name"))


class Sessions:
    """See ``gateway.pipeline.ports.Sessions``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def state(self, utility: UtilityName) -> bytes | None:
        """Return the state, whole."""
        row = self._transaction.run(_ONE, {"utility": utility}).first()
        if row is None:
            parts = self._parts(utility)
            return joined(parts) if parts else None
        GUARD.require(self._transaction, row)
        body: bytes = row.body
        return body

    def put(self, utility: UtilityName, state: State) -> None:
        """Replace the state, or take what of it has changed; a corrupt one was set aside when it was read at start."""
        if not isinstance(state, bytes):
            self._change(utility, state)
            return
        self._transaction.run(_DROP_PARTS, {"of_utility": utility})
        self._transaction.run(_UPSERT, GUARD.sealed({"utility": utility, "body": state}))

    def _change(self, utility: UtilityName, changes: Changes) -> None:
        """Store the parts that changed; what is not named stays, but for a state that stands there as a whole."""
        self._transaction.run(_DROP, {"of_utility": utility})
        fresh = [
            PART_GUARD.sealed({"utility": utility, "name": name, "body": body})
            for name, body in changes.items()
            if body is not None
        ]
        gone = [
            {"of_utility": utility, "of_name": name}
            for name, body in changes.items()
            if body is None
        ]
        if fresh:
            self._transaction.run(_UPSERT_PART, fresh)
        if gone:
            self._transaction.run(_DROP_PART, gone)

    def _parts(self, utility: UtilityName) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for row in self._transaction.run(_PARTS, {"utility": utility}).all():
            PART_GUARD.require(self._transaction, row)
            found[row.name] = row.body
        return found
