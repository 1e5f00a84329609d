"""The doors of a session: values in, actions out; no sockets, no threads, no clock.

A door either returns actions or raises one error of the tree; it never does both and never half-changes state.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from gateway.domain.opting import Decision
from gateway.domain.registering import Order, Standing
from gateway.domain.reserving import Need, Reservation, Withdrawal
from gateway.protocols.actions import Action, Failure, Message, Readings
from gateway.protocols.parts import Changes


class Session(Protocol):
    """A relationship with one utility, in the client role."""

    def on_message(self, message: Message, now: datetime) -> Sequence[Action]:
        """Take the answer to a ``Send`` (or a pushed request)."""
        ...

    def on_failure(self, failure: Failure, now: datetime) -> Sequence[Action]:
        """Take the news that a ``Send`` got no answer."""
        ...

    def on_time(self, now: datetime) -> Sequence[Action]:
        """Do what is due; called at start and at every ``Wake``. Calling it early or twice does no harm."""
        ...

    def on_decisions(self, decisions: Sequence[Decision], now: datetime) -> Sequence[Action]:
        """Take answers to events and what was said ahead of events, in order; the same twice changes nothing."""
        ...

    def on_readings(self, readings: Readings, now: datetime) -> Sequence[Action]:
        """Take the metered values that a ``Collect`` asked for."""
        ...

    def snapshot(self) -> bytes:
        """Return everything that must survive a restart as canonical JSON."""
        ...


@runtime_checkable
class Partwise(Protocol):
    """A session whose state is stored in parts, each when it changes; ``snapshot`` returns all of them as one."""

    def changes(self) -> Changes:
        """Return what has changed since it was last kept; the same again, and cheaply, until then."""
        ...

    def kept(self) -> None:
        """Take that the changes as last returned are stored."""
        ...


@runtime_checkable
class Reserving(Protocol):
    """A session whose protocol knows reservations of energy."""

    def reservations(self) -> Sequence[Reservation]:
        """Return what was asked for, and what was granted."""
        ...

    def on_reservation(self, wish: Need | Withdrawal, now: datetime) -> Sequence[Action]:
        """Take what a site needs, or needs no more; raises ``SessionError`` where that cannot be asked."""
        ...


@runtime_checkable
class Registering(Protocol):
    """A session whose protocol knows registrations that an operator may act upon."""

    def standing(self) -> Standing:
        """Return how the registration stands."""
        ...

    def on_order(self, order: Order, now: datetime) -> Sequence[Action]:
        """Do what an operator orders; raises ``SessionError`` ``OUT_OF_SEQUENCE`` where that cannot be now."""
        ...
