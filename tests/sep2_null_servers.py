"""2030.5 servers that do nothing of use, and whose operators say yes to everything: none may ever get a PASS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from conformance.engine.drivers.entry import Factory, Place
from conformance.engine.drivers.hands import Values
from conformance.kit.sep2.build import make, written
from gateway.domain.ports import Mailbox
from gateway.transport.server import Listener, listen

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
EMPTY = written(make("EndDeviceList", {}, {"all": 0, "results": 0}))


@dataclass
class NullServer:
    """Answers every request alike, or does not listen at all."""

    place: Place
    handle: Handle | None
    _listener: Listener | None = field(default=None)

    async def run(self) -> None:
        """Live until cancelled."""
        with self.place.clock.held():
            if self.handle is not None:
                app = web.Application()
                app.router.add_route("*", "/{path:.*}", self.handle)
                self._listener = await listen(app, "127.0.0.1", 0, self.place.server_tls)
            never: Mailbox[None] = self.place.clock.mailbox()
            try:
                await never.get()
            finally:
                if self._listener is not None:
                    await self._listener.stop()

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"{self._listener.url}/dcap" if self._listener is not None else ""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Values]]:
        """Have every method of an operator, and do nothing in it."""
        if name.startswith("_") or name == "ready":
            raise AttributeError(name)
        return _nothing


async def _nothing(**_: str) -> Values:
    return {}


def answering(status: int, body: bytes = b"") -> Handle:
    """Return what answers every request so."""

    async def handle(_: web.Request) -> web.StreamResponse:
        kind = "application/sep+xml"
        return web.Response(status=status, body=body, content_type=kind if body else None)

    return handle


async def hanging_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def made(handle: Handle | None) -> Factory:
    """Return what makes such a server."""
    return lambda place: NullServer(place, handle)


NULL_SERVERS: dict[str, Factory] = {
    "silent": made(None),
    "hanging up": made(hanging_up),
    "always 200, empty": made(answering(200)),
    "always an empty list": made(answering(200, EMPTY)),
    "always 403": made(answering(403)),
    "always 404": made(answering(404)),
    "always 500": made(answering(500)),
}
