"""Delivers notifications: one after the other for each subscriber, again and again until they are through.

Spec: IEEE 2030.5-2018 clause 8.9.3; CSIP-AUS S-ALL-46.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.reference.sep2server.settings import Settings
from conformance.reference.sep2server.state import Memory, Subscription
from conformance.reference.sep2server.telling import Notice, Teller
from gateway.domain.chance import Chance
from gateway.domain.errors import TransportError
from gateway.domain.ports import Clock, Mailbox
from gateway.transport.client import PeerClient
from gateway.transport.sep2_tls import judge_chain

FINE: Final = range(200, 300)
UNKNOWN_THERE: Final = (404, 410)
"""The subscriber knows of no such subscription: it ends."""
USELESS: Final = 400
"""The subscriber cannot do anything with this one; it is not sent again."""
JITTER: Final = 0.1


class Courier:
    """Delivers to every subscriber; a reference for a handful of them, not for a fleet.

    Args:
        settings: Of the server.
        clock: Its time.
        chance: Its dice.
        memory: Everything.
        teller: Finds what is to be told.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory, teller: Teller
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._memory = memory
        self._teller = teller
        self._woken: Mailbox[None] = clock.mailbox()
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._http: PeerClient

    def start(self) -> None:
        """Begin to deliver."""
        settings = self._settings
        self._http = PeerClient(
            "",
            settings.client_tls,
            self._clock,
            total_s=settings.timeout_s,
            test_mode=True,
            admit=judge_chain,
        )
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Say that something may have changed."""
        if not len(self._woken):
            self._woken.put(None)

    async def stop(self) -> None:
        """End."""
        if self._task is None:
            return
        tasks = [*self._flying.values(), self._task]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._http.close()
        while len(self._woken):  # nobody is left to be woken
            await self._woken.get()

    async def _run(self) -> None:
        with self._clock.held():
            while True:
                now = self._clock.now()
                for one in list(self._memory.subscriptions.values()):
                    self._look(one, now)
                await self._woken.get(until=self._next(now))

    def _next(self, now: datetime) -> datetime | None:
        tries = [s.retry_at for s in self._memory.subscriptions.values() if s.retry_at]
        change = self._teller.next_change(now) if self._memory.subscriptions else None
        coming = [*(at for at in tries if at > now), *([change] if change else [])]
        return min(coming, default=None)

    def _look(self, one: Subscription, now: datetime) -> None:
        """Send what a subscriber does not know yet, unless something is on its way, or it was down just now."""
        waiting = one.retry_at is not None and one.retry_at > now
        notice = None if waiting or one.number in self._flying else self._teller.owed(one, now)
        if notice is not None:
            self._flying[one.number] = asyncio.create_task(self._deliver(one, notice))

    async def _deliver(self, one: Subscription, notice: Notice) -> None:
        with self._clock.held():
            try:
                answer = await self._http.request("POST", one.uri, notice.body, MEDIA_TYPE)
            except TransportError as error:
                self._failed(one, error.retry_after)
            else:
                self._judge(one, notice, answer.status, answer.retry_after)
            finally:
                del self._flying[one.number]
            self.wake()

    def _judge(
        self, one: Subscription, notice: Notice, status: int, pause: timedelta | None
    ) -> None:
        taken = status in FINE or status == USELESS
        if status in UNKNOWN_THERE or (taken and not notice.told):
            self._memory.subscriptions.pop(one.number, None)
        elif taken:
            one.told, one.failures, one.retry_at = notice.told, 0, None
        else:
            self._failed(one, pause)

    def _failed(self, one: Subscription, asked: timedelta | None) -> None:
        """Wait 1, 2, 4 … seconds, each ± 10 %, or as long as the subscriber asks for."""
        usual = min(timedelta(seconds=2**one.failures), self._settings.longest_pause)
        spread = 1 - JITTER + 2 * JITTER * self._chance.random()
        one.failures = min(one.failures + 1, 16)
        one.retry_at = self._clock.now() + (asked or usual * spread)
