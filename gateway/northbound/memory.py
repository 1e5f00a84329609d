"""What of a session's state is stored already, so that a turn that changed nothing costs no transaction."""

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gateway.protocols.parts import State
from gateway.protocols.session import Partwise, Session
from gateway.transport.heap import Growing

STEP: Final = 250
"""Parts of a state, each of a device with some eighty objects; the search that this spares would take 10 ms."""


@dataclass(slots=True)
class Memory:
    """The state of one session beside what is stored of it.

    Args:
        session: Whose state.
    """

    session: Session
    _stored: bytes = field(default=b"", init=False)
    """Digest of a whole state as it is stored: the state itself may be large."""
    _asked: bytes = field(default=b"", init=False)
    _parts: set[str] = field(default_factory=set, init=False)
    """Names of those that are stored, or about to be."""
    _growing: Growing = field(default_factory=partial(Growing, STEP), init=False)

    def state(self) -> tuple[State, bool]:
        """Return what is to be stored, and whether it differs from what is; the same until ``kept`` or a door."""
        if isinstance(self.session, Partwise):
            changes = self.session.changes()
            self._parts -= {name for name, body in changes.items() if body is None}
            self._parts |= {name for name, body in changes.items() if body is not None}
            return changes, bool(changes)
        state = self.session.snapshot()
        self._asked = hashlib.sha256(state).digest()
        return state, self._asked != self._stored

    def kept(self) -> None:
        """Take that what ``state`` returned last is stored."""
        self._stored = self._asked
        if isinstance(self.session, Partwise):
            self.session.kept()
            self._growing.look(len(self._parts))
