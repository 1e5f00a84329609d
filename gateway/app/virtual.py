"""A clock that moves only when nobody works: hours in seconds, the same way every time.

Work is counted by tokens (see ``gateway.domain.ports.Clock``). At zero tokens the clock jumps to the earliest sleeper
and wakes that one alone; sleepers of the same instant follow one by one, in the order in which they lay down. Waking
them together was tried: results then differ from run to run.
"""

import asyncio
import heapq
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from gateway.domain.errors import MisuseError

T = TypeVar("T")

SETTLE_TURNS: Final = 4
"""Turns of the loop without a token before the clock moves: tasks that were just made start tasks of their own."""
STUCK_AFTER_S: Final = 20.0
"""Real seconds without a move of the clock after which the watchdog names the holders."""


class VirtualClock:
    """Simulated time for one process that holds every role.

    Args:
        start: First instant; aware UTC.
        on_stuck: Called with a text that names the token holders when the clock has not moved for 20 real seconds.
    """

    def __init__(self, start: datetime, on_stuck: Callable[[str], None] | None = None) -> None:
        self._now = self._start = start
        self._tokens = 0
        self._holders: Counter[str] = Counter()
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._on_stuck = on_stuck
        self._watch: asyncio.TimerHandle | None = None
        self._armed = False
        self._resting: set[asyncio.Task[object]] = set()
        self._stood_in: set[asyncio.Task[object]] = set()

    def now(self) -> datetime:
        """Return the current virtual instant."""
        return self._now

    def elapsed_s(self) -> float:
        """Return virtual seconds since the clock was made."""
        return (self._now - self._start).total_seconds()

    @property
    def sane(self) -> bool:
        """Return True: nobody sets this clock."""
        return True

    def not_before(self, at: datetime) -> None:
        """Do nothing: this clock needs no belief."""

    def hold(self) -> None:
        """Take one token."""
        self._tokens += 1
        self._holders[_who()] += 1
        self._guard()

    def release(self) -> None:
        """Give one token back; at zero the clock moves once everything already started has had its turn.

        Raises:
            MisuseError: ``TOKEN`` when there is none to give back.
        """
        if self._tokens == 0:
            raise MisuseError("TOKEN", f"{_who()} gave back a token that nobody held")
        self._tokens -= 1
        self._holders[_who()] -= 1
        if self._tokens == 0 and not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._settle, SETTLE_TURNS)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold one token for the length of the block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until a virtual instant."""
        await self.rest(self.alarm(at))

    def alarm(self, at: datetime) -> asyncio.Future[None]:
        """Return a future that the clock resolves at ``at``, taking a token for whoever waits on it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (max(at, self._now), next(self._order), future))
        return future

    async def rest(self, woken: asyncio.Future[None]) -> None:
        """Give the caller's token back until ``woken`` is resolved by somebody who took one for it."""
        task = asyncio.current_task()
        if task is None:
            raise MisuseError("TOKEN", "only a task may rest")
        self.release()
        self._resting.add(task)
        try:
            await woken
        except asyncio.CancelledError:
            inherited = task in self._stood_in or (woken.done() and not woken.cancelled())
            if not inherited:
                self.hold()
            raise
        finally:
            self._resting.discard(task)
            self._stood_in.discard(task)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Cancel the body at a virtual instant; while anybody holds a token the instant cannot come."""
        async with asyncio.timeout(None) as scope:  # noqa: TID251 - this module is a Clock
            alarm = self.alarm(self._now + timedelta(seconds=seconds))
            task = asyncio.current_task()
            alarm.add_done_callback(lambda rung: self._expire(rung, scope, task))
            try:
                yield
            finally:
                if not alarm.done():
                    alarm.cancel()

    def _expire(
        self,
        rung: "asyncio.Future[None]",
        scope: asyncio.Timeout,
        task: "asyncio.Task[object] | None",
    ) -> None:
        if rung.cancelled():
            return
        # The clock took a token for this alarm. It stands in for the one that the body gave back when it lay down,
        # or that a peer gave back for it by withholding an answer.
        if task is not None and task in self._resting:
            self._stood_in.add(task)
        scope.reschedule(asyncio.get_running_loop().time())

    def mailbox(self) -> "VirtualMailbox[T]":
        """Make a queue whose items carry tokens."""
        return VirtualMailbox(self)

    def _settle(self, turns: int) -> None:
        if self._tokens == 0 and turns > 0:
            asyncio.get_running_loop().call_soon(self._settle, turns - 1)
            return
        self._move()

    def _move(self) -> None:
        self._armed = False
        while self._tokens == 0 and self._sleepers:
            at, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._now = at
            self._tokens += 1
            self._holders["woken"] += 1
            self._guard()
            future.set_result(None)

    def _guard(self) -> None:
        if self._on_stuck is None:
            return
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_later(STUCK_AFTER_S, self._complain)

    def _complain(self) -> None:
        if self._on_stuck is not None and self._tokens:
            held = ", ".join(f"{who} {count:+d}" for who, count in self._holders.items() if count)
            self._on_stuck(
                f"virtual clock stuck at {self._now:%H:%M:%S}: {self._tokens} tokens ({held})"
            )


class VirtualMailbox(Generic[T]):
    """A queue whose items carry tokens until they are got."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._items: deque[T] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._woken_by_item = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Leave an item; it holds a token until it is got."""
        self._clock.hold()
        self._items.append(item)
        if self._waiting is not None and not self._waiting.done():
            # The receiver inherits the item's token: nothing more is taken for waking it.
            self._woken_by_item = True
            self._waiting.set_result(None)

    async def get(self, until: datetime | None = None) -> T | None:
        """Wait for an item, at most until a virtual instant; None when the instant comes first."""
        if not self._items:
            self._woken_by_item = False
            loop = asyncio.get_running_loop()
            alarmed = until is not None
            self._waiting = self._clock.alarm(until) if until is not None else loop.create_future()
            try:
                await self._clock.rest(self._waiting)
            except asyncio.CancelledError:
                if self._woken_by_item:
                    self._clock.hold()  # the task went off with the item's token; the item stays
                raise
            finally:
                self._waiting = None
            if self._woken_by_item:
                return self._items.popleft()
            if not (alarmed and self._items):
                return None
        # The caller already has a token of its own, so the item's is given back.
        self._clock.release()
        return self._items.popleft()


def _who() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "outside"
    return task.get_name() if task else "callback"
