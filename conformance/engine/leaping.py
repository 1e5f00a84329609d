"""A device's own clock on the suite's: right at first, and off by what an operator sets."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from gateway.domain.ports import Clock, Mailbox

T = TypeVar("T")


class LeapingClock:
    """Another clock and an offset; what elapses is the other's (meets ``gateway.domain.ports.Clock``).

    Args:
        clock: The suite's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta(0)
        """By how much it is fast."""

    def now(self) -> datetime:
        """Return what it shows."""
        return self._clock.now() + self.offset

    def elapsed_s(self) -> float:
        """Return seconds that nobody can set."""
        return self._clock.elapsed_s()

    @property
    def sane(self) -> bool:
        """Return True: it believes itself."""
        return True

    def not_before(self, at: datetime) -> None:
        """Do nothing: it believes itself."""

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until it shows an instant, as far as it knows now."""
        await self._clock.sleep_until(at - self.offset)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Cancel the body after so many seconds."""
        return self._clock.timeout(seconds)

    def held(self) -> AbstractContextManager[None]:
        """Hold one token."""
        return self._clock.held()

    def hold(self) -> None:
        """Take one token."""
        self._clock.hold()

    def release(self) -> None:
        """Give one token back."""
        self._clock.release()

    def mailbox(self) -> "LeapingMailbox[T]":
        """Make a queue that waits by this clock."""
        return LeapingMailbox(self, self._clock.mailbox())


class LeapingMailbox(Generic[T]):
    """A queue of the other clock's, waited for by this one."""

    def __init__(self, clock: LeapingClock, box: Mailbox[T]) -> None:
        self._clock = clock
        self._box = box

    def __len__(self) -> int:
        return len(self._box)

    def put(self, item: T) -> None:
        """Leave an item."""
        self._box.put(item)

    async def get(self, until: datetime | None = None) -> T | None:
        """Wait for an item, at most until the clock shows an instant, as far as it knows now."""
        return await self._box.get(until - self._clock.offset if until is not None else None)
