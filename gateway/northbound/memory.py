"""What of a session's state is stored already, so that a turn that changed nothing costs no transaction."""

import hashlib
from dataclasses import dataclass, field

from gateway.protocols.parts import State
from gateway.protocols.session import Partwise, Session


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

    def state(self) -> tuple[State, bool]:
        """Return what is to be stored, and whether it differs from what is; the same until ``kept`` or a door."""
        if isinstance(self.session, Partwise):
            changes = self.session.changes()
            return changes, bool(changes)
        state = self.session.snapshot()
        self._asked = hashlib.sha256(state).digest()
        return state, self._asked != self._stored

    def kept(self) -> None:
        """Take that what ``state`` returned last is stored."""
        self._stored = self._asked
        if isinstance(self.session, Partwise):
            self.session.kept()
