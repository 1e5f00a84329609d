"""The reference client with notifications: what it is told of it reads again at once, and polls rarely.

A notification is a hint: what it brings may be old, or not all there is, so the resource itself is read.
"""

from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.sep2client.device import Client
from conformance.reference.sep2client.listening import PLACE, open_listener
from conformance.reference.sep2client.memory import Device, Memory
from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.subscriptions import KINDS, Subscriptions
from conformance.reference.sep2client.wire import local
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock

RARELY_S: Final = 900
"""How often what changes are told of is polled nevertheless, at the most."""
_JOB: Final = "subscribe"
_READS: Final = {"EndDeviceList": "edev", "FunctionSetAssignmentsList": "fsa"}
"""Name of a resource -> job that reads it; the others are read with their programs."""
_MOVED: Final = "2"


class SubscribedClient(Client):
    """One client that subscribes to what its server offers.

    Args:
        settings: What the lab told it.
        clock: Its time.
        chance: Its dice.
        memory: What it remembered before a restart.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory | None = None
    ) -> None:
        super().__init__(settings, clock, chance, memory)
        self._subscriptions = Subscriptions(self._link)
        self._link.heed = self._heed
        self._seen: set[str] = set()
        """Addresses that the present job has read."""
        self._doing = ""
        self._again: set[str] = set()
        """Jobs that must be done once more, because something was told while they were under way."""

    async def run(self) -> None:
        """Work until cancelled."""
        context = self._settings.listen_tls
        if context is None or not self._settings.subscribes:
            await super().run()
            return
        with self._clock.held():
            listener = await open_listener(
                self._notified, lambda: self._link.peer_der, self._clock, context, self.memory.port
            )
        self.memory.port = listener.port
        self._subscriptions.uri = f"https://127.0.0.1:{listener.port}{PLACE}"
        try:
            await super().run()
        finally:
            with self._clock.held():
                await listener.stop()

    def unsubscribe(self) -> None:
        """End every subscription; an operator wants it."""
        self._subscriptions.wanted = False
        self._jobs.hurry(_JOB, self._clock.now())
        for name in _READS.values():
            self._hurry(name)
        self._hurry("programs")
        self._ring(self._bell)

    # --- what is read

    def _heed(self, href: str, root: Element) -> None:
        if local(root) not in KINDS or not self._subscriptions.uri:
            return
        self._seen.add(href)
        now = self._clock.now()
        if self._subscriptions.offer(href, root, now):
            self._plan(now)

    def _plan(self, now: datetime) -> None:
        if _JOB in self._jobs:
            self._jobs.hurry(_JOB, now)
        else:
            self._jobs.add(_JOB, now, self._subscribe)

    async def _subscribe(self) -> int | None:
        place = self._walk.own.links.get("SubscriptionListLink", "") if self._walk.own else ""
        if not place:
            return RARELY_S
        return await self._subscriptions.keep(place, self._clock.now())

    async def _do(self, name: str) -> None:
        self._doing, failed = name, self._jobs.is_failing(name)
        self._seen.clear()
        await super()._do(name)
        self._doing = ""
        if name in self._again:
            self._again.discard(name)
            self._jobs.hurry(name, self._clock.now())
        if failed and not self._jobs.is_failing(name) and self._subscriptions.uri:
            self._recover()

    def _recover(self) -> None:
        """Read everything once more after the server was away, and see whether it knows us still (8.9.3.4 f, g)."""
        self._subscriptions.doubt()
        self._plan(self._clock.now())
        for name in ("edev", "fsa", "programs"):
            self._hurry(name)

    def _paced(self, seconds: int | None) -> int | None:
        """Return how soon to read again what the present job has read."""
        told = bool(self._seen) and all(self._subscriptions.has(href) for href in self._seen)
        return max(seconds or 0, RARELY_S) if told else seconds

    async def _end_devices(self) -> int | None:
        return self._paced(await super()._end_devices())

    async def _assignments(self, device: Device) -> int | None:
        return self._paced(await super()._assignments(device))

    async def _programs(self, device: Device) -> int | None:
        return self._paced(await super()._programs(device))

    # --- what is told

    def _notified(self, told: Element) -> int:
        """Take a notification; return the status of the answer."""
        status, kind = self._subscriptions.take(told, self._clock.now())
        if kind:
            self._hurry(_READS.get(kind, "programs"))
        if told.findtext("{*}status") == _MOVED:
            self._walk_again()
        self._ring(self._bell)
        return status

    def _hurry(self, word: str) -> None:
        """Have everything of a kind read at once; what is being read, once more."""
        for name in self._jobs.names():
            if name.partition(" ")[0] == word:
                self._jobs.hurry(name, self._clock.now())
                if name == self._doing:
                    self._again.add(name)
