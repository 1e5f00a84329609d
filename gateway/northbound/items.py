"""What lies in a session's mailbox, and by which door each thing enters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from gateway.domain.errors import GatewayError, SessionError, StoreError
from gateway.domain.opting import Decision
from gateway.domain.ports import Mailbox
from gateway.domain.registering import Order
from gateway.domain.reserving import Need, Withdrawal
from gateway.protocols.actions import (
    UNREADABLE,
    Action,
    Failure,
    Message,
    Note,
    Readings,
    Reply,
)
from gateway.protocols.session import Registering, Reserving, Session

ANSWER_WITHIN: Final = timedelta(seconds=20)
"""Who asked waits no longer; what it asked for may still be done, and is then known when it asks again."""
UNAVAILABLE: Final = Reply(body=b"", status=503)
"""Nothing was promised: the utility is to come back later (OpenADR 2.0b section 9.1.5)."""
_OK: Final = 200
BROKEN: Final = Reply(body=b"", status=500)
"""The session could not say anything to what it was asked."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A child task's failure on its way to the door."""

    failure: Failure


@dataclass(slots=True)
class Asked:
    """A request of the utility on its way to the door, and where its answer is waited for."""

    message: Message
    slot: Mailbox[Reply]
    open: bool = field(default=True)
    """False: answered, or nobody waits any more."""

    def answer(self, reply: Reply) -> None:
        """Hand the answer to whoever waits; the first one counts."""
        if self.open:
            self.open = False
            self.slot.put(reply)

    async def wait(self, until: datetime) -> Reply:
        """Return the answer, or that there is none for now once ``until`` has come."""
        try:
            return await self.slot.get(until) or UNAVAILABLE
        finally:
            self.open = False
            while len(self.slot):  # what came at the very last holds a token
                await self.slot.get()


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an order."""

    error: GatewayError | None


@dataclass(slots=True)
class Ordered:
    """An operator's order on its way to the door, and where its end is waited for."""

    order: Order | Need | Withdrawal
    slot: Mailbox[Told]
    open: bool = field(default=True)
    """False: its end is known, or nobody waits any more."""

    def end(self, error: GatewayError | None = None) -> None:
        """Tell whoever waits that it is done and stored, or why not; the first word counts."""
        if self.open:
            self.open = False
            self.slot.put(Told(error))

    async def wait(self, until: datetime) -> None:
        """Return when it is done and stored.

        Raises:
            GatewayError: why it was refused, or ``BUSY`` once ``until`` has come.
        """
        try:
            told = await self.slot.get(until)
        finally:
            self.open = False
            while len(self.slot):  # what came at the very last holds a token
                await self.slot.get()
        if told is None:
            raise StoreError("BUSY", "the session did not take the order; look and try again")
        if told.error is not None:
            raise told.error


def ordered(session: Session, order: Order | Need | Withdrawal, now: datetime) -> Sequence[Action]:
    """Hand an order to a session.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE``, or ``REFUSED`` by a protocol that knows no registrations or reservations.
    """
    if isinstance(order, Need | Withdrawal):
        if not isinstance(session, Reserving):
            raise SessionError("REFUSED", "this utility's protocol knows no reservations")
        return session.on_reservation(order, now)
    if not isinstance(session, Registering):
        raise SessionError("REFUSED", "this utility's protocol knows no registrations")
    return session.on_order(order, now)


Knock = Message | Failed | Readings | Asked | Ordered
"""What opens a door by itself; answers are taken several at a time."""
Item = Knock | Decision


def door(item: Knock | None) -> str:
    """Return by which door something reaches the session, as ``gateway.domain.points`` names them."""
    match item:
        case None:
            return "time"
        case Message():
            return "message"
        case Asked():
            return "push"
        case Failed():
            return "failure"
        case Readings():
            return "readings"
        case Ordered():
            return "order"
        case unknown:
            assert_never(unknown)


def message_of(item: Knock | None) -> Message | None:
    """Return the message that an item brings, None for what is none."""
    if isinstance(item, Asked):
        return item.message
    return item if isinstance(item, Message) else None


def unreadable(actions: Sequence[Action]) -> str:
    """Return why an answer was no message; empty when it was one."""
    for action in actions:
        if isinstance(action, Note) and action.word == UNREADABLE:
            return action.fields.get("reason", "UNREADABLE")
    return ""


def answered(actions: Sequence[Action]) -> bool:
    """Say whether a request of the utility was one that has an answer (status 200)."""
    return any(isinstance(action, Reply) and action.status == _OK for action in actions)


def dismiss(item: Item | None, reply: Reply) -> None:
    """Tell whoever still waits for an item that nothing will come of it."""
    if isinstance(item, Asked):
        item.answer(reply)
    elif isinstance(item, Ordered):
        item.end(SessionError("REFUSED", "the session has ended meanwhile; look and try again"))
