"""Tells the gateway what became of events: in order, and again until it has heard or refused."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import assert_never

from conformance.site.episodes import Ended, Went
from conformance.site.journal import Journal
from conformance.site.ports import Link
from gateway.domain.doorbell import Doorbell
from gateway.domain.errors import SessionError, TransportError
from gateway.domain.ports import Clock

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Insistence:
    """Sends what must arrive.

    Args:
        clock: Time.
        retry_s: Between two attempts, in the clock's seconds.
    """

    clock: Clock
    retry_s: float
    refused: int = 0
    """How often the gateway said no."""

    async def send(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call until it works or is refused."""
        for attempt in count(1):
            try:
                return await call()
            except SessionError as error:
                self.refused += 1
                log.warning("the gateway refused: %s", error)
                return None
            except TransportError as error:
                if attempt == 1:
                    log.warning("trying again until it works: %s", error)
            await self.clock.sleep_until(self.clock.now() + timedelta(seconds=self.retry_s))
        raise AssertionError  # counting has no end


@dataclass(slots=True)
class Teller:
    """The queue of what is still to be said, and the task that says it.

    Args:
        clock: Time.
        insistence: Sends.
        journal: Remembers what was said.
        actions: Labels of how the site follows events.
    """

    clock: Clock
    insistence: Insistence
    journal: Journal
    actions: tuple[str, ...]
    _outbox: deque[tuple[int, Went | Ended]] = field(init=False, default_factory=deque)
    _work: Doorbell = field(init=False)
    _empty: Doorbell = field(init=False)

    def __post_init__(self) -> None:
        self._work = Doorbell(self.clock)
        self._empty = Doorbell(self.clock)

    def __len__(self) -> int:
        return len(self._outbox)

    def post(self, minute: int, said: tuple[Went | Ended, ...]) -> None:
        """Queue what is said of a minute."""
        self._outbox.extend((minute, each) for each in said)
        self._work.ring()

    async def run(self, link: Link) -> None:
        """Say it, for ever."""
        while True:
            seen = self._work.rings
            while self._outbox:
                minute, message = self._outbox[0]
                await self._say(link, message)
                self._outbox.popleft()
                if not self._outbox or self._outbox[0][0] != minute:
                    self.journal.has_said(minute)
            self._empty.ring()
            await self._work.wait(seen)

    async def drained(self, until: datetime) -> None:
        """Wait until all is said, at most until an instant."""
        while self._outbox and self.clock.now() < until:
            seen = self._empty.rings
            if self._outbox:
                await self._empty.wait(seen, until)

    async def _say(self, link: Link, message: Went | Ended) -> None:
        match message:
            case Went():
                await self.insistence.send(partial(link.progress, message))
            case Ended():
                await self.insistence.send(partial(link.completion, message, self.actions))
            case _:
                assert_never(message)
