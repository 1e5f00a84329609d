"""A store that fails to order, between the gateway and its real one (R-DUR-10, section 13.7).

    refused    nothing is done, and the caller is told so
    lost       nothing is done, and the caller hears only that the outcome is unknown
    done       everything is done, and the caller hears only that the outcome is unknown
    late       the caller hears that the outcome is unknown; a little later everything is done
    dropped    nothing is done, and the caller is told that all is well: no store may do that, and it must be noticed

A caller that takes ``unknown`` for "not done" doubles effects; one that takes it for "done" loses them.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, TypeVar

from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError, SessionError, StoreError
from gateway.domain.points import Step
from gateway.domain.ports import Clock
from gateway.pipeline.ports import Store, Work

T = TypeVar("T")

LATE_BY: Final = timedelta(seconds=3)
"""Longer than any caller waits before it tries again."""


class Fault(StrEnum):
    """What happens to one call."""

    REFUSED = "refused"
    LOST = "lost"
    DONE = "done"
    LATE = "late"
    DROPPED = "dropped"


HONEST: Final = (Fault.REFUSED, Fault.LOST, Fault.DONE, Fault.LATE)
"""What the gateway has to bear."""


Choose = Callable[[int, Step], Fault | None]
"""Number of the write, from 1, and its step -> what happens to it; None: nothing."""


def nth(number: int, fault: Fault) -> Choose:
    """Let one write fail."""
    return lambda count, _: fault if count == number else None


def at_random(chance: Chance, share: float) -> Choose:
    """Let a share of all writes fail, each in any way."""

    def choose(_: int, __: Step) -> Fault | None:
        if chance.random() >= share:
            return None
        return HONEST[chance.randint(0, len(HONEST) - 1)]

    return choose


@dataclass
class FaultyStore:
    """See ``gateway.pipeline.ports.Store``.

    Args:
        store: The real one.
        choose: Says what happens to each write.
        refuse_read: Says whether the n-th read is refused.
    """

    store: Store
    choose: Choose
    refuse_read: Callable[[int], bool] = lambda _: False
    clock: Clock | None = None
    """For ``late``; set once the world has one."""
    writes: int = 0
    reads: int = 0
    steps: list[Step] = field(default_factory=list)
    """Of every write, in order."""
    hit: list[tuple[int, Step, Fault]] = field(default_factory=list)
    """Which writes failed, and how."""
    _late: set["asyncio.Task[None]"] = field(default_factory=set)

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Run a job, or fail."""
        self.writes += 1
        self.steps.append(step)
        fault = self.choose(self.writes, step)
        if fault is None:
            return await self.store.write(job, step)
        self.hit.append((self.writes, step, fault))
        if fault is Fault.REFUSED:
            raise StoreError("BUSY", "refused to order; nothing was done")
        if fault is Fault.DROPPED:
            return await self._drop(job, step)
        if fault is Fault.DONE:
            await self.store.write(job, step)
        elif fault is Fault.LATE and self.clock is not None:
            task = asyncio.create_task(self._later(job, step, self.clock), name="late write")
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        raise StoreError("UNKNOWN_OUTCOME", "unknown to order; it may have been done")

    async def _drop(self, job: Callable[[Work], T], step: Step) -> T:
        values: list[T] = []

        def undone(work: Work) -> None:
            values.append(job(work))
            raise SessionError("REFUSED", "undone to order")

        with contextlib.suppress(SessionError):
            await self.store.write(undone, step)
        return values[0]

    async def _later(self, job: Callable[[Work], T], step: Step, clock: Clock) -> None:
        with clock.held():
            await clock.sleep_until(clock.now() + LATE_BY)
            try:
                await self.store.write(job, step)
            except GatewayError:
                return  # what it was for has moved on; nobody waits for the answer

    async def read(self, job: Callable[[Work], T]) -> T:
        """Read, or refuse."""
        self.reads += 1
        if self.refuse_read(self.reads):
            raise StoreError("BUSY", "refused to order")
        return await self.store.read(job)
