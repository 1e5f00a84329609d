"""The suite's 2030.5 client (meets ``kit.sep2.client.Client``): sends what it is told, under its own certificate."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.sep2.build import make, seconds, written
from conformance.kit.sep2.checks.identity import sfdi_of
from conformance.kit.sep2.client import Headers, Listener
from conformance.kit.sep2.names import tag
from conformance.kit.sep2.values import Content
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element
from conformance.peers.script2b.ports import Recorder
from conformance.peers.scriptsep2.caller import Caller, Sent
from conformance.peers.scriptsep2.listener import ScriptedListener
from conformance.peers.scriptsep2.ways import Ways
from gateway.domain.ports import Clock

HONEST: Final = "honest"
_LATER: Final = frozenset({429, 503})
_PAUSES: Final = (5, 15, 30)
"""Seconds before what was asked too often is asked again, where the server does not say (CSIP-AUS procedures)."""
_LONGEST: Final = 300
_CATEGORY: Final = "00800000"
"""deviceCategory: PV with storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """An identity that a client can show."""

    context: ssl.SSLContext | None
    """None: plain HTTP."""
    lfdi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a scripted client is."""

    name: str
    wear: Callable[[str], Worn]
    """Makes an identity of a name; raises ``UnobservedError`` where the suite has no PKI of its own."""
    listener: Callable[[], ScriptedListener]


class ScriptedClient:
    """One client.

    Args:
        person: Who it is.
        url: Of the server's DeviceCapability.
        tape: Records.
        clock: Of the case.
    """

    def __init__(self, person: Person, url: str, tape: Recorder, clock: Clock) -> None:
        self._person = person
        self._url = url
        self._tape = tape
        self._clock = clock
        self._worn = person.wear(HONEST)
        self._own = self._worn
        self._caller = Caller(
            person.name, tape, clock, lambda: (self._worn.context, self._worn.lfdi)
        )
        self._ways = Ways(url, self._own.lfdi, self.get)
        self._listener: ScriptedListener | None = None

    # --- for the runner

    async def close(self) -> None:
        """Close everything."""
        await self._caller.close()
        if self._listener is not None:
            await self._listener.close()

    # --- who it is

    @property
    def name(self) -> str:
        """Return the script's name for it."""
        return self._person.name

    @property
    def lfdi(self) -> str:
        """Return the LFDI of its certificate."""
        return self._own.lfdi

    @property
    def sfdi(self) -> int:
        """Return its SFDI."""
        return sfdi_of(self.lfdi)

    async def listen(self) -> Listener:
        """Return where it takes notifications."""
        if self._listener is None:
            self._listener = self._person.listener()
            await self._listener.up()
            self._tape.mark("suite.listener", client=self.name, url=self._listener.url)
        return self._listener

    # --- exact requests

    async def get(self, href: str, *, headers: Headers = (), wrong: str = "") -> Message:
        """GET an address."""
        return await self.send("GET", href, headers=headers, wrong=wrong)

    async def put(
        self, href: str, element: Element, *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """PUT a document."""
        return await self.send("PUT", href, written(element), headers=headers, wrong=wrong)

    async def post(
        self, href: str, element: Element, *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """POST a document."""
        return await self.send("POST", href, written(element), headers=headers, wrong=wrong)

    async def delete(self, href: str, *, wrong: str = "") -> Message:
        """DELETE."""
        return await self.send("DELETE", href, wrong=wrong)

    async def send(
        self, method: str, href: str, body: bytes = b"", *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """Send exactly this, and again when the server says later."""
        sent = Sent(method=method, target=_target(href), body=body, headers=headers, wrong=wrong)
        found = await self._once(sent)
        for pause in _PAUSES:
            if found.status not in _LATER:
                break
            asked = found.header("Retry-After")
            if found.status != 429 and not asked:
                break
            length = min(int(asked), _LONGEST) if asked.isdigit() else pause
            await self._pause(timedelta(seconds=length))
            found = await self._once(sent)
        return found

    async def tries(self, href: str, *, wrong: str) -> Message | None:
        """GET where no answer may come."""
        return await self._caller.exchange(
            self._url, Sent(method="GET", target=_target(href), wrong=wrong)
        )

    async def _once(self, sent: Sent) -> Message:
        found = await self._caller.exchange(self._url, sent)
        if found is None:
            raise UnobservedError(f"answer {sent.method} {sent.target}")
        return found

    async def _pause(self, length: timedelta) -> None:
        until = self._clock.now() + length
        while self._clock.now() < until:
            await self._clock.sleep_until(until)

    # --- ways

    async def href(self, what: str, of: str = "") -> str:
        """Return where a resource lies."""
        return await self._ways.href(what, of)

    async def read(self, what: str, of: str = "") -> Message:
        """GET a resource by its way."""
        return await self._ways.read(what, of)

    async def members(self, what: str, of: str = "") -> Sequence[Element]:
        """Read a list to its end."""
        return await self._ways.members(what, of)

    async def walk(self) -> None:
        """Read everything that a device finds."""
        await self._ways.walk()

    def forget(self) -> None:
        """Forget every way."""
        self._ways.forget()

    # --- documents of a good client

    def end_device(self, lfdi: str = "", **content: object) -> Element:
        """Return an EndDevice for a registration in-band."""
        lfdi = lfdi or self.lfdi
        usual: Content = {
            "deviceCategory": _CATEGORY,
            "lFDI": lfdi,
            "sFDI": sfdi_of(lfdi),
            "changedTime": seconds(self._clock.now()),
        }
        return make("EndDevice", {**usual, **content})

    async def subscribe(
        self, href: str, *, uri: str = "", limit: int = 50, wrong: str = ""
    ) -> Message:
        """POST a Subscription."""
        listener = await self.listen()
        content = {
            "subscribedResource": href,
            "encoding": 0,
            "level": "+S1",
            "limit": limit,
            "notificationURI": uri or listener.url,
        }
        where = await self.href("SubscriptionList")
        return await self.post(where, make("Subscription", content), wrong=wrong)

    async def respond(
        self,
        control: Element,
        status: int,
        *,
        lfdi: str = "",
        content: Content | None = None,
        wrong: str = "",
    ) -> Message:
        """POST a Response to a control's replyTo."""
        usual: Content = {
            "createdDateTime": seconds(self._clock.now()),
            "endDeviceLFDI": lfdi or self.lfdi,
            "status": status,
            "subject": control.findtext(tag("mRID")) or "",
        }
        made = make("DERControlResponse", {**usual, **(content or {})})
        where = control.get("replyTo")
        if not where:
            raise UnobservedError("show a replyTo in the control")
        return await self.post(where, made, wrong=wrong)

    # --- connections

    def wear(self, face: str) -> None:
        """Show this identity from the next connection on."""
        self._worn = self._own if face == HONEST else self._person.wear(face)
        self._tape.mark("suite.face", client=self.name, face=face, lfdi=self._worn.lfdi)

    async def hang_up(self) -> None:
        """Close its connection."""
        await self._caller.close()


def _target(href: str) -> str:
    """Return what stands in the request line: an address may be whole or a path, perhaps with a query."""
    parts = urlsplit(href)
    return parts.path + (f"?{parts.query}" if parts.query else "")
