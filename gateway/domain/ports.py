"""What the core asks of the outside world, as protocols that are met structurally."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Final, Protocol, TypeVar

from gateway.domain.chance import Chance

__all__ = ["TICK_S", "Chance", "Clock", "Ids", "Mailbox", "Signer"]

T = TypeVar("T")

TICK_S: Final = 1e-6
"""Less than this is no time: instants have whole microseconds, elapsed seconds do not."""


class Mailbox(Protocol[T]):
    """A queue to one waiting task, made by ``Clock.mailbox``; unbounded, so its users bound what they put."""

    def put(self, item: T) -> None:
        """Leave an item; wakes the receiver. The item carries a token until it is got."""
        ...

    async def get(self, until: datetime | None = None) -> T | None:
        """Wait for an item, at most until an instant of the clock.

        Returns:
            The oldest item, or None at ``until``, or as soon as the clock was set: look at it again. The caller's
            token is given back while it waits.
        """
        ...

    def __len__(self) -> int:
        """Return how many items wait."""
        ...


class Clock(Protocol):
    """The only source of time.

    A virtual clock counts *tokens* of work in flight and moves only when there are none. A task holds one token
    from its first line to its last (``held``) except while it sleeps on the clock. Whoever sends a message to a
    task that waits on something else than the clock takes a token for it (``hold``); the receiver gives back its own
    token before it waits (``release``) and thereby inherits the message's. A request over HTTP needs neither: the
    client keeps its token through the exchange, the handler works under it, and a handler that waits (long-poll)
    gives the client's token back for that time. Real clocks ignore tokens.
    """

    def now(self) -> datetime:
        """Return the current instant, aware, UTC; it may jump when somebody sets the clock. For due dates."""
        ...

    def elapsed_s(self) -> float:
        """Return seconds since the clock was made, time asleep too; nobody can set them. For durations."""
        ...

    @property
    def sane(self) -> bool:
        """Say whether ``now`` is believed; False: it is the last instant known plus what has elapsed since."""
        ...

    def not_before(self, at: datetime) -> None:
        """Take over an instant that is known to be past: a wall that shows much less is not believed."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until ``at``; an instant in the past returns after one turn of the loop. Gives the token back.

        Returns early when the clock is set meanwhile: whoever waits for a due date looks at the clock again.
        """
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Cancel the body after ``seconds`` of this clock's time and raise ``TimeoutError``."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Hold one token for the length of a ``with`` block."""
        ...

    def hold(self) -> None:
        """Take one token, for a message on its way to a waiting task."""
        ...

    def release(self) -> None:
        """Give one token back, before waiting without a timer."""
        ...

    def mailbox(self) -> Mailbox[T]:
        """Make a queue whose ``get`` understands this clock."""
        ...


class Ids(Protocol):
    """A source of identifiers that nobody can guess."""

    def uuid(self) -> str:
        """Return a fresh UUID, version 4, in its canonical lower-case form."""
        ...

    def token(self) -> str:
        """Return a fresh secret of at least 256 bits, safe in URLs."""
        ...


class Signer(Protocol):
    """Signs published documents; holds the private key so that nobody else has to."""

    @property
    def kid(self) -> str:
        """Key id, as found in the key set that verifiers fetch."""
        ...

    def detached(self, payload: bytes) -> str:
        """Sign canonical bytes: compact JWS ES256 with the payload part left empty (RFC 7515, appendix F)."""
        ...

    def key_set(self) -> Mapping[str, object]:
        """Return the public keys as a JWK set (RFC 7517)."""
        ...
