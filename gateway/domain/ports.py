"""What the core asks of the outside world, as protocols that are met structurally."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Protocol

from gateway.domain.chance import Chance

__all__ = ["Chance", "Clock", "Ids", "Signer"]


class Clock(Protocol):
    """The only source of time.

    A virtual clock counts *tokens* of work in flight and moves only when there are none. A task holds one token
    from its first line to its last (``held``) except while it sleeps on the clock. Whoever sends a message to a
    task that waits without a timer takes a token for it (``hold``); the receiver gives back its own token before
    it waits (``release``) and thereby inherits the message's. Real clocks ignore tokens.
    """

    def now(self) -> datetime:
        """Return the current instant, aware, UTC."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until ``at``; an instant in the past returns after one turn of the loop. Gives the token back."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[None]:
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
