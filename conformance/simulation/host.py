"""A computer in virtual time: its wall clock may be set, its boot clock only runs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar
from weakref import WeakSet

from gateway.app.virtual import VirtualClock, VirtualMailbox
from gateway.client.timeline import ClockStep, Timeline

T = TypeVar("T")


class HostDials:
    """Clocks of one computer, as true time plus an error.

    Args:
        true: Time as it is.
    """

    def __init__(self, true: VirtualClock) -> None:
        self._true = true
        self.wrong_by = timedelta(0)
        """The wall's error; positive: it is ahead."""
        self.lost_at: datetime | None = None
        """True instant at which the wall fell back to 1970; None: it did not."""

    def wall(self) -> datetime:
        """Return what the wall shows."""
        if self.lost_at is not None:
            return EPOCH + (self._true.now() - self.lost_at)
        return self._true.now() + self.wrong_by

    def boot(self) -> float:
        """Return seconds since the simulation began."""
        return self._true.elapsed_s()


EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


class HostClock:
    """A process's ``Clock`` on such a computer: the product's own timeline over virtual time.

    Args:
        true: Moves when nobody works.
        dials: The computer's clocks.
        credulous: True: whatever the wall shows is believed, as by a wrong gateway.
    """

    def __init__(self, true: VirtualClock, dials: HostDials, *, credulous: bool = False) -> None:
        self._true = true
        built = EPOCH if credulous else EPOCH + timedelta(days=3650)
        self._timeline = Timeline(dials, self._stepped, built=built)
        self._waiting: WeakSet[HostMailbox[object]] = WeakSet()
        self._mailboxes: WeakSet[HostMailbox[object]] = WeakSet()
        self._made = 0
        self.told: list[ClockStep] = []

    def _stepped(self, step: ClockStep) -> None:
        self.told.append(step)

    def now(self) -> datetime:
        """Return the process's time."""
        return self._timeline.now()

    def elapsed_s(self) -> float:
        """Return seconds since the process began."""
        return self._timeline.elapsed_s()

    @property
    def sane(self) -> bool:
        """Say whether the wall is believed."""
        return self._timeline.sane

    def not_before(self, at: datetime) -> None:
        """Take over an instant that is known to be past."""
        self._timeline.not_before(at)

    @property
    def base(self) -> VirtualClock:
        """Return time as it is."""
        return self._true

    def look(self) -> None:
        """Let everybody who sleeps look at the clock: it was set."""
        steps = self._timeline.steps
        self._timeline.now()
        if self._timeline.steps != steps:
            for mailbox in sorted(self._waiting, key=lambda each: each.made):
                mailbox.look()

    def true(self, at: datetime) -> datetime:
        """Return when an instant of the process's time comes, if nobody sets the clock."""
        return self._true.now() + (at - self.now())

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until an instant of the process's time, or until the clock is set."""
        mailbox: HostMailbox[object] = self.mailbox()
        await mailbox.get(until=max(at, self.now()))

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Bound the body, whatever the wall shows."""
        async with self._true.timeout(seconds):
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold one token."""
        with self._true.held():
            yield

    def hold(self) -> None:
        """Take one token."""
        self._true.hold()

    def release(self) -> None:
        """Give one token back."""
        self._true.release()

    def mailbox(self) -> "HostMailbox[T]":
        """Make a queue that also wakes when the clock is set."""
        self._made += 1
        made: HostMailbox[T] = HostMailbox(self, self._true.mailbox(), self._made)
        self._mailboxes.add(made)  # type: ignore[arg-type]  # what is in it does not matter here
        return made

    def drain(self) -> None:
        """Give back the tokens of what nobody will ever read: the process is gone."""
        for mailbox in tuple(self._mailboxes):
            mailbox.drain()

    def waits(self, mailbox: "HostMailbox[T]") -> None:
        """Remember who sleeps."""
        self._waiting.add(mailbox)  # type: ignore[arg-type]  # what is in it does not matter here

    def woke(self, mailbox: "HostMailbox[T]") -> None:
        """Forget a sleeper."""
        self._waiting.discard(mailbox)  # type: ignore[arg-type]  # what is in it does not matter here


class _Look:
    """Wakes a sleeper without an item."""


_LOOK: Final = _Look()


class HostMailbox(Generic[T]):
    """A virtual mailbox with one more reason to wake.

    Args:
        clock: Knows who sleeps.
        inner: Carries tokens.
        made: Order among sleepers.
    """

    def __init__(self, clock: HostClock, inner: VirtualMailbox[T | _Look], made: int) -> None:
        self._clock = clock
        self._inner = inner
        self.made = made

    def __len__(self) -> int:
        return len(self._inner)

    def put(self, item: T) -> None:
        """Leave an item."""
        self._inner.put(item)

    def look(self) -> None:
        """Wake the sleeper, if it has nothing else to wake for."""
        if not len(self._inner):
            self._inner.put(_LOOK)

    def drain(self) -> None:
        """Give back the tokens of what lies here."""
        for _ in range(len(self._inner)):
            self._clock.release()
        self._inner = VirtualMailbox(self._clock.base)

    async def get(self, until: datetime | None = None) -> T | None:
        """Wait for an item, at most until an instant, or until the clock is set; for ever without an instant."""
        while True:
            if until is not None:
                self._clock.waits(self)
            try:
                item = await self._inner.get(None if until is None else self._clock.true(until))
            finally:
                self._clock.woke(self)
            if not isinstance(item, _Look):
                return item
            if until is not None:
                return None
