"""The one module that reads the clock: the wall's time, or a timeline that runs faster for demonstrations."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SHORTEST_TIMEOUT_S: Final = 2.0
"""A scaled clock never gives a peer less real time than this, however fast its timeline runs."""


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
        """Wait for an item, at most until an instant; None when the instant comes first."""
        while not self._items:
            self._arrived.clear()
            real = None if until is None else self._clock.real_seconds_until(until)
            if real is not None and real <= 0:
                await asyncio.sleep(0)  # noqa: TID251 - this module is the Clock
                return None if not self._items else self._items.popleft()
            try:
                async with asyncio.timeout(real):  # noqa: TID251 - this module is the Clock
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
    """

    def __init__(self, origin: datetime, started: datetime, factor: float) -> None:
        self._origin = origin
        self._started = started
        self._factor = factor

    def now(self) -> datetime:
        """Return the current instant of the timeline."""
        real = datetime.now(UTC)  # noqa: TID251 - this module is the Clock
        return self._origin + (real - self._started) * self._factor

    def real_seconds_until(self, at: datetime) -> float:
        """Return how long to wait in real seconds; negative for the past."""
        return (at - self.now()).total_seconds() / self._factor

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until an instant of the timeline; the wall may be set while we sleep, so look again."""
        while True:
            left = self.real_seconds_until(at)
            await asyncio.sleep(max(0.0, left))  # noqa: TID251 - this module is the Clock
            if left <= 0:
                return

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Bound the body; never below ``SHORTEST_TIMEOUT_S`` of real time unless less was asked for."""
        real = max(seconds / self._factor, min(seconds, SHORTEST_TIMEOUT_S))
        async with asyncio.timeout(real):  # noqa: TID251 - this module is the Clock
            yield

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
    """The wall's time in UTC."""

    def __init__(self) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - this module is the Clock
        super().__init__(origin=now, started=now, factor=1.0)
