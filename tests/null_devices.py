"""Devices that do nothing of use: silent, refusing, empty, failing. None of them may ever get a PASS."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from conformance.engine.drivers.entry import Device, Factory, Place
from gateway.domain.errors import TransportError
from gateway.transport.client import PeerClient
from gateway.transport.server import listen

PERIOD = timedelta(seconds=10)
Act = Callable[["NullDevice"], Awaitable[None]]


@dataclass
class NullDevice:
    """Does one useless thing every ten seconds."""

    place: Place
    act: Act
    status: int = 0
    """What its server answers to everything; 0: it has none."""

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

    async def _answer(self, _: web.Request) -> web.Response:
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
}
