"""The one module that reads the clock: the wall's time, or a timeline that runs faster for demonstrations."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from gateway.client.timeline import ClockStep, Dials, Timeline

T = TypeVar("T")

SHORTEST_TIMEOUT_S: Final = 2.0
"""A scaled clock never gives a peer less real time than this, however fast its timeline runs."""
LOOK_EVERY_S: Final = 5.0
"""Whoever sleeps looks at the clock so often: it may have been set, or the computer was asleep."""
_BOOT: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemDials:
    """The clocks of this computer."""

    def wall(self) -> datetime:
        """Return the wall's time."""
        return datetime.now(UTC)  # noqa: TID251 - this module is the Clock

    def boot(self) -> float:
        """Return seconds since boot, time asleep included where the system counts it."""
        return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)  # noqa: TID251 - this module is the Clock


class LiveMailbox(Generic[T]):
    """A queue whose receiver waits in real time."""

    def __init__(self, clock: "ScaledClock") -> None:
        self._clock = clock
        self._items: deque[T] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Leave an item and wake the receiver."""
        self._items.append(item)
        self._arrived.set()

    async def get(self, until: datetime | None = None) -> T | None:
        """Wait for an item, at most until an instant; None when the instant comes first, or the clock was set."""
        steps = self._clock.steps
        while not self._items:
            self._arrived.clear()
            piece = self._clock.piece_s(until)
            if piece is not None and (piece <= 0 or self._clock.steps != steps):
                await asyncio.sleep(0)  # noqa: TID251 - this module is the Clock
                return None if not self._items else self._items.popleft()
            try:
                async with asyncio.timeout(piece):  # noqa: TID251 - this module is the Clock
                    await self._arrived.wait()
            except TimeoutError:
                continue
        return self._items.popleft()


class ScaledClock:
    """A timeline that passes ``origin`` at the real instant ``started`` and runs ``factor`` times as fast.

    Several processes given the same three values share one timeline, also after one of them was restarted.

    Args:
        origin: Instant of the timeline at ``started``; aware UTC.
        started: Real instant at which the timeline passed ``origin``; aware UTC.
        factor: Seconds of the timeline per real second, above 0.
        dials: Clocks to read; None: this computer's.
        look_every_s: How often sleepers look at the clock, real seconds.
    """

    def __init__(
        self,
        origin: datetime,
        started: datetime,
        factor: float,
        dials: Dials | None = None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._origin = origin
        self._started = started
        self._factor = factor
        self._look_every_s = look_every_s
        self._told: list[Callable[[ClockStep], None]] = []
        self._timeline = Timeline(dials or SystemDials(), self._stepped)

    def now(self) -> datetime:
        """Return the current instant of the timeline."""
        return self._origin + (self._timeline.now() - self._started) * self._factor

    def elapsed_s(self) -> float:
        """Return seconds of this clock since it was made; setting the wall's clock does not change them."""
        return self._timeline.elapsed_s() * self._factor

    @property
    def factor(self) -> float:
        """Return how many seconds of the timeline pass per real second."""
        return self._factor

    @property
    def sane(self) -> bool:
        """Say whether the wall's clock is believed."""
        return self._timeline.sane

    @property
    def steps(self) -> int:
        """Return how often the wall's clock was set since this was made, as far as noticed."""
        return self._timeline.steps

    def not_before(self, at: datetime) -> None:
        """Take over an instant of the timeline that is known to be past."""
        self._timeline.not_before(self._started + (at - self._origin) / self._factor)

    def on_step(self, told: Callable[[ClockStep], None]) -> None:
        """Have a function told of every step of the wall's clock, in whatever thread noticed it."""
        self._told.append(told)

    def _stepped(self, step: ClockStep) -> None:
        for told in self._told:
            told(step)

    def piece_s(self, until: datetime | None) -> float | None:
        """Return how long to wait in one piece in real seconds; negative for the past, None for ever."""
        if until is None:
            return None
        return min((until - self.now()).total_seconds() / self._factor, self._look_every_s)

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until an instant of the timeline, or until the wall's clock is set meanwhile."""
        steps = self.steps
        piece = self.piece_s(at) or 0.0
        while piece > 0 and self.steps == steps:
            await asyncio.sleep(piece)  # noqa: TID251 - this module is the Clock
            piece = self.piece_s(at) or 0.0
        await asyncio.sleep(0)  # noqa: TID251 - this module is the Clock

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Bound the body; never below ``SHORTEST_TIMEOUT_S`` of real time unless less was asked for."""
        real = max(seconds / self._factor, min(seconds, SHORTEST_TIMEOUT_S))
        return asyncio.timeout(real)  # noqa: TID251 - this module is the Clock

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing: real time waits for nobody."""
        yield

    def hold(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def mailbox(self) -> LiveMailbox[T]:
        """Make a queue that waits in real time."""
        return LiveMailbox(self)


class SystemClock(ScaledClock):
    """The wall's time in UTC.

    Args:
        dials: Clocks to read; None: this computer's.
        look_every_s: How often sleepers look at the clock, seconds.
    """

    def __init__(self, dials: Dials | None = None, look_every_s: float = LOOK_EVERY_S) -> None:
        shown = dials or SystemDials()
        now = shown.wall()
        super().__init__(
            origin=now, started=now, factor=1.0, dials=shown, look_every_s=look_every_s
        )
