"""Pushes what waits for push VENs, one message per VEN at a time, in order.

Spec: OpenADR 2.0b sections 9.1.1.2 and 9.1.4.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.desk import Desk
from conformance.reference.vtn2b.settings import BASE_PATH, Settings
from conformance.reference.vtn2b.state import Memory, Ven
from conformance.reference.wire2b import local, opened, sealed
from gateway.domain.chance import Chance
from gateway.domain.errors import TransportError, WireError
from gateway.domain.ports import Clock, Mailbox
from gateway.transport.client import PeerClient

SERVICE: Final = {
    "oadrDistributeEvent": "EiEvent",
    "oadrCancelPartyRegistration": "EiRegisterParty",
    "oadrRequestReregistration": "EiRegisterParty",
}
"""Everything else goes to EiReport."""
OK: Final = 200
NEVER_AGAIN: Final = (404, 406, 501)
"""A message refused so is not sent again (section 9.1.5)."""
JITTER: Final = 0.1


class Courier:
    """Delivers to every push VEN in turn; a reference for a handful of VENs, not for a fleet."""

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory, desk: Desk
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._memory = memory
        self._desk = desk
        self._woken: Mailbox[Callable[[], None]] = clock.mailbox()
        self._clients: dict[str, PeerClient] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Say that something waits."""
        if not len(self._woken):
            self._woken.put(lambda: None)

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while len(self._woken):  # nobody is left to be woken
            await self._woken.get()

    async def _run(self) -> None:
        with self._clock.held():
            try:
                while True:
                    await self._round()
                    await self._woken.get(until=self._next_due())
            finally:
                for client in self._clients.values():
                    await client.close()

    def _next_due(self) -> datetime | None:
        pushed = (ven for ven in self._memory.vens.values() if not ven.pull)
        return min((asked.due for ven in pushed for asked in ven.asked.values()), default=None)

    async def _round(self) -> None:
        for ven in list(self._memory.vens.values()):
            while not ven.pull and self._memory.vens.get(ven.ven_id) is ven:
                content = self._desk.next(ven, self._clock.now())
                if content is None:
                    break
                await self._deliver(ven, content)

    async def _deliver(self, ven: Ven, content: Element) -> None:
        """Post until it is through, with pauses of 1, 2, 4 … seconds, each ± 10 %."""
        body, service = sealed(content), SERVICE.get(local(content), "EiReport")
        pause = timedelta(seconds=1)
        while self._memory.vens.get(ven.ven_id) is ven:
            try:
                answer = await self._client(ven).post(service, body, "application/xml")
                if answer.status in NEVER_AGAIN:
                    return
                if answer.status != OK:
                    raise TransportError("STATUS", f"the VEN answered {answer.status}")
                if answer.body.strip():
                    self._heard(ven, opened(answer.body))
                return
            except (TransportError, WireError):
                spread = 1 - JITTER + 2 * JITTER * self._chance.random()
                await self._clock.sleep_until(self._clock.now() + pause * spread)
            pause = min(pause * 2, self._settings.longest_pause)

    def _heard(self, ven: Ven, content: Element) -> None:
        """Take what a VEN answered; an oadrCreatedReport that this calls for is posted next."""
        said = self._desk.take(content, ven.peer, self._clock.now())
        if said is not None and local(said) == "oadrCreatedReport":
            ven.queue.appendleft(said)

    def _client(self, ven: Ven) -> PeerClient:
        url = ven.address.rstrip("/")
        url = url if url.endswith(BASE_PATH) else url + BASE_PATH
        if url not in self._clients:
            self._clients[url] = PeerClient(
                url,
                self._settings.client_tls,
                self._clock,
                total_s=self._settings.timeout_s,
                test_mode=True,
            )
        return self._clients[url]
