"""Notifications of the scripted server: every change told once to whoever subscribes to it, and what a script orders.

What is told follows from a difference: between what a subscriber would find now and what it would have found at the
last look. What only the clock changes, and how many members a list elsewhere has, is no change (CSIP erratum 42).
"""

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from conformance.kit.sep2.build import make, written
from conformance.kit.sep2.names import XSI, tag
from conformance.kit.sep2.notices import DELETED, Notice
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element, local_name
from conformance.peers.script2b.caller import Caller, Headers, _Line
from conformance.peers.script2b.ports import Recorder
from conformance.peers.scriptsep2.documents import Documents
from conformance.peers.scriptsep2.subscribing import Subscriptions
from conformance.peers.scriptsep2.tree import Key
from gateway.domain.ports import Clock, Mailbox

NOTICE: Final = "suite.notice"
"""Mark of a notice that a script ordered: ``notice``, ``request`` and ``status`` of the answer (0: none)."""
_GONE: Final = (404, 410)
_AGAIN: Final = tuple(timedelta(seconds=s) for s in (5, 30, 120))
"""Pauses before a notification that was not taken is sent once more."""
_BUSY: Final = 429
_FAILING: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """By which identities the server notifies."""

    client: SSLContext | None = None
    """Its own certificate; None: plain HTTP."""
    masks: Callable[[str], SSLContext] | None = None
    """Makes those of others; None: there are none."""


class _Caller(Caller):
    """Posts to an address as it stands: a query belongs to it, and an empty path is the root."""

    _target = "/"
    sent = 0
    """Number of the last request that went out whole; 0: none."""

    async def _post(
        self, url: str, body: bytes, wrong: str, headers: Headers, method: str
    ) -> Message | None:
        parts = urlsplit(url)
        self.sent = 0
        self._target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return await super()._post(url, body, wrong, headers, method)

    async def _exchange(
        self, start: str, host: str, body: bytes, wrong: str, headers: Headers
    ) -> Message | None:
        method = start.partition(" ")[0]
        whole = f"{method} {self._target} HTTP/1.1"
        return await super()._exchange(whole, host, body, wrong, headers)

    async def _answer(self, line: _Line, request: Message) -> Message | None:
        self.sent = request.number
        return await super()._answer(line, request)


class Notifier:
    """Tells the client.

    Args:
        documents: Makes what is told.
        subscriptions: Who is told what.
        tape: Records.
        clock: Of the case.
        outward: Identities.
    """

    def __init__(
        self,
        documents: Documents,
        subscriptions: Subscriptions,
        tape: Recorder,
        clock: Clock,
        outward: Outward,
    ) -> None:
        self._documents = documents
        self._subscriptions = subscriptions
        self._tape = tape
        self._clock = clock
        self._outward = outward
        self._caller = _Caller(tape, clock, outward.client)
        self._seen: dict[Key, bytes] = {}
        """Subscription -> what its subscriber would have found at the last look."""
        self._owed: deque[Key] = deque()
        self._bell: Mailbox[bool] = clock.mailbox()
        self._resting = False
        self._task: asyncio.Task[None] | None = None
        self.root = ""
        """Of the server: what its addresses begin with."""
        self.silent = False
        """True: what changes is told to nobody."""
        self.away = False
        """True: the server is down; what it owes it tells when it is there again."""

    def open(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._work(), name="server notifies")

    async def close(self) -> None:
        """Tell no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        while len(self._bell):
            await self._bell.get()
        await self._caller.close()

    # --- what follows from changes

    def look(self) -> None:
        """Find out for whom something has changed since the last look."""
        if self.away:
            return
        for key in self._subscriptions.all():
            now = self._sign(key)
            before = self._seen.get(key)
            self._seen[key] = now
            if before is not None and before != now and not self.silent and key not in self._owed:
                self._owed.append(key)
        if self._owed and self._resting:
            self._resting = False
            self._bell.put(True)

    def learn(self) -> None:
        """Note what a new subscriber knows already."""
        for key in self._subscriptions.all():
            if key not in self._seen:
                self._seen[key] = self._sign(key)

    def _sign(self, key: Key) -> bytes:
        found = self._document(key, {"l": "255"})
        return b"" if found is None else lasting(found)

    def _document(self, key: Key, query: dict[str, str]) -> Element | None:
        resource = self._subscriptions.resource(key)
        if resource is None or not self._documents.has(resource):
            return None
        return copy.deepcopy(self._documents.make(resource, self._clock.now(), query))

    async def _work(self) -> None:
        with self._clock.held():
            while True:
                while self._owed:
                    await self._deliver(self._owed.popleft())
                self._resting = True
                await self._bell.get()

    async def _deliver(self, key: Key) -> None:
        """Tell a subscriber how things stand; tried again some times, then given up."""
        for pause in (timedelta(0), *_AGAIN):
            if pause:
                await self._clock.sleep_until(self._clock.now() + pause)
            resource = (
                self._subscriptions.resource(key) if key in self._subscriptions.all() else None
            )
            if resource is None:
                return
            notice = Notice(of=resource, status=0 if self._documents.has(resource) else DELETED)
            answer, _ = await self._post(key, self._made(key, notice), notice)
            if notice.status or (answer is not None and answer.status in _GONE):
                self._subscriptions.drop(key)
            if answer is not None and answer.status < _FAILING and answer.status != _BUSY:
                return

    # --- what a script orders

    async def order(self, notice: Notice) -> Message | None:
        """Send one notice and return the answer.

        Raises:
            UnobservedError: the client is not subscribed to what it is about.
        """
        key = self._subscriptions.to(notice.of)
        if key is None:
            raise UnobservedError(f"subscribe to {notice.of[0]}")
        body = self._made(key, notice) if notice.body is None else notice.body
        answer, request = await self._post(key, body, notice)
        status = answer.status if answer else 0
        self._tape.mark(NOTICE, notice=notice.name, of=notice.of[0], request=request, status=status)
        if notice.status:
            self._subscriptions.drop(key)
        return answer

    async def _post(self, key: Key, body: bytes, notice: Notice) -> tuple[Message | None, int]:
        """Send a notice; return the answer and the number of the request."""
        caller = self._caller
        if notice.face and self._outward.masks is not None:
            caller = _Caller(self._tape, self._clock, self._outward.masks(notice.face))
        elif notice.face:
            raise UnobservedError(
                f"be told by {notice.face}, for which the suite needs a PKI of its own"
            )
        where = self._subscriptions.text(key, "notificationURI")
        headers = (("Content-Type", notice.media_type),)
        answer = await caller.post(where, body, wrong=notice.wrong, headers=headers)
        if caller is not self._caller:
            await caller.close()
        return answer, caller.sent

    def _made(self, key: Key, notice: Notice) -> bytes:
        told = self._subscriptions
        inside = (
            None
            if notice.bare or notice.status or not told.limit(key)
            else self._inside(key, notice)
        )
        root = "" if notice.relative else self.root
        content = {
            "subscribedResource": notice.resource or told.text(key, "subscribedResource"),
            "newResourceURI": notice.moved_to or None,
            "Resource": inside,
            "status": notice.status,
            "subscriptionURI": notice.subscription or f"{root}{told.href(key)}",
        }
        return written(make("Notification", content))

    def _inside(self, key: Key, notice: Notice) -> Element | None:
        most = told if (told := notice.members) is not None else self._subscriptions.limit(key)
        found = copy.deepcopy(notice.document)
        if found is None:
            found = self._document(key, {"l": str(most)})
        if found is not None:
            found.set(f"{{{XSI}}}type", local_name(found))
        return found


def lasting(root: Element) -> bytes:
    """Return a document without what time alone changes, and without the counts of lists elsewhere."""
    for element in list(root.iter(etree.Element)):
        name = local_name(element)
        if name.endswith("ListLink"):
            element.attrib.pop("all", "")
        elif name == "changedTime" or (name == "EventStatus" and _by_the_clock(element)):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
    return etree.tostring(root, method="c14n")


def _by_the_clock(status: Element) -> bool:
    return status.findtext(tag("currentStatus")) in ("0", "1")
