"""Devices that do nothing of use: silent, refusing, empty, failing. None of them may ever get a PASS."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import web

from conformance.engine.bundled import BundledVen
from conformance.engine.drivers.entry import Device, Factory, Place
from conformance.engine.drivers.hands import Values
from conformance.kit.oadr20b.build import payload
from conformance.kit.oadr20b.registration import query_registration
from conformance.kit.xml import Element
from conformance.reference.ven2b.inbox import Answer
from gateway.domain.errors import TransportError
from gateway.transport.client import PeerClient
from gateway.transport.server import listen

PERIOD = timedelta(minutes=1)
Act = Callable[["NullDevice"], Awaitable[None]]


@dataclass
class NullDevice:
    """Does one useless thing every minute."""

    place: Place
    act: Act
    status: int = 0
    """What its server answers to everything; 0: it has none."""
    heard: bytes = b""
    """The last body that an echo was told."""

    async def run(self) -> None:
        """Live until cancelled."""
        clock = self.place.clock
        with clock.held():
            listener = None
            if self.status:
                app = web.Application()
                app.router.add_route("*", "/{path:.*}", self._answer)
                listener = await listen(app, "127.0.0.1", 0, self.place.server_tls)
            try:
                while True:
                    await self.act(self)
                    await clock.sleep_until(clock.now() + PERIOD)
            finally:
                if listener is not None:
                    await listener.stop()

    async def _answer(self, request: web.Request) -> web.Response:
        if self.act is post_the_last_answer:
            return web.Response(body=await request.read(), content_type="application/xml")
        return web.Response(status=self.status)


async def nothing(_: NullDevice) -> None:
    """Do nothing."""


async def connect(device: NullDevice) -> None:
    """Connect and leave without a word."""
    parts = urlsplit(device.place.url)
    _, writer = await asyncio.open_connection(
        parts.hostname, parts.port, ssl=device.place.client_tls
    )
    writer.transport.abort()


async def post_nothing(device: NullDevice) -> None:
    """Post an empty body to every service."""
    client = PeerClient(
        device.place.url, device.place.client_tls, device.place.clock, test_mode=True
    )
    try:
        for service in ("EiRegisterParty", "EiEvent", "EiReport", "EiOpt", "OadrPoll"):
            with suppress(TransportError):
                await client.post(service, b"", "application/xml")
    finally:
        await client.close()


async def post_the_last_answer(device: NullDevice) -> None:
    """Ask what the VTN is, once, and from then on say what was said last."""
    client = PeerClient(
        device.place.url, device.place.client_tls, device.place.clock, test_mode=True
    )
    try:
        for service in ("EiRegisterParty", "EiEvent", "EiReport", "EiOpt", "OadrPoll"):
            body = device.heard or payload(query_registration("echo"))
            with suppress(TransportError):
                device.heard = (await client.post(service, body, "application/xml")).body
    finally:
        await client.close()


class Mute:
    """Registers, offers its reports and polls (or listens) as the reference VEN does, then never says a word more."""

    def __init__(self, place: Place) -> None:
        self._inner = BundledVen(place)
        self._inner._ven._inbox = _Deaf()  # type: ignore[assignment]

    async def run(self) -> None:
        """Live until cancelled."""
        await self._inner.run()

    async def state(self) -> Values:
        """Say that no event is acted on."""
        return {}


_MADE = itertools.count()


def moody(place: Place) -> Device:
    """Make a good device and a mute one by turns."""
    return Mute(place) if next(_MADE) % 2 else BundledVen(place)


class _Deaf:
    def take(self, content: Element, now: datetime, *, limited: bool = False) -> Answer:
        """Take nothing."""
        return Answer()


def made(act: Act, status: int = 0) -> Factory:
    """Return what makes such a device."""

    def factory(place: Place) -> Device:
        return NullDevice(place, act, status)

    return factory


NULL_DEVICES: dict[str, Factory] = {
    "silent": made(nothing),
    "refusing": made(connect),
    "always 200, empty": made(post_nothing, 200),
    "always 500": made(post_nothing, 500),
    "echo": made(post_the_last_answer, 200),
}
