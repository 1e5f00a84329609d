"""The reference server: listens, answers, notifies, and does what its operator asks.

``memory`` outlives it: a server made anew on the same memory is one that was restarted.
"""

from functools import partial
from typing import Final

from aiohttp import web

from conformance.kit.sep2.build import make, written
from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.reference.sep2server.courier import Courier
from conformance.reference.sep2server.desk import Desk
from conformance.reference.sep2server.identity import lfdi_of
from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.operating import Operator
from conformance.reference.sep2server.paths import path_of
from conformance.reference.sep2server.refusal import FORMAT, RefusedError
from conformance.reference.sep2server.settings import Settings
from conformance.reference.sep2server.state import Memory
from conformance.reference.sep2server.telling import Teller
from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError, MisuseError
from gateway.domain.ports import Clock
from gateway.transport.sep2_tls import judge_chain
from gateway.transport.server import Listener, dated, guarded, listen, read_body
from gateway.transport.tls import admit_peers, peer_certificate

LARGEST: Final = 1 << 20
READING: Final = ("GET", "HEAD")
WRITING: Final = ("PUT", "POST", "DELETE")
WITH_BODY: Final = ("PUT", "POST")
_ACCEPTED: Final = (MEDIA_TYPE, "application/*", "*/*")
_WIRE: Final = {"TOO_LARGE": 413, "SLOW_BODY": 408, "ENCODING": 415}


class Server(Operator):
    """One server.

    Args:
        settings: What the lab told it.
        clock: Its time.
        chance: Its dice.
        memory: What it remembered before a restart.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory | None = None
    ) -> None:
        memory = memory if memory is not None else Memory()
        mint = Mint(memory, chance)
        super().__init__(memory, mint, clock)
        self._settings = settings
        self._desk = Desk(memory, settings, mint)
        teller = Teller(memory, self._desk, lambda: self.url)
        self._courier = Courier(settings, clock, chance, memory, teller)
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        app = web.Application(client_max_size=LARGEST)
        # Not as a middleware: aiohttp remembers the handlers of those, and with them the server, for ever.
        app.router.add_route("*", "/{path:.*}", partial(guarded(_unread), handler=self._handle))
        dated(app, self._clock)
        settings = self._settings
        if settings.server_tls is not None:
            admit_peers(settings.server_tls, judge_chain)
        self._listener = await listen(app, "127.0.0.1", settings.port, settings.server_tls)
        self._courier.start()

    async def stop(self) -> None:
        """Close every connection."""
        await self._courier.stop()
        if self._listener is not None:
            await self._listener.stop()

    @property
    def url(self) -> str:
        """Return what clients are given: where DeviceCapability lies."""
        if self._listener is None:
            raise MisuseError("NOT_STARTED", "start the reference server first")
        return self._listener.url + path_of("DeviceCapability")

    def changed(self) -> None:
        """Have subscribers told."""
        self._courier.wake()

    # --- work

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            self._judge(request)
            if request.method in READING:
                return self._read(request)
            body = await read_body(request, self._clock, LARGEST)
            return self._change(request, body)
        except RefusedError as error:
            return _refused(error)

    def _judge(self, request: web.Request) -> None:
        """Look at what is asked before who asks it.

        Raises:
            RefusedError: 400 without Host, 501 for a method that nobody knows, 404, 405, 406, 415.
        """
        if "Host" not in request.headers:
            raise RefusedError(400, FORMAT)
        if request.method not in (*READING, *WRITING):
            raise RefusedError(501)
        allowed = self._desk.allowed(request.path)
        if request.method not in allowed:
            raise RefusedError(405, allow=allowed)
        if request.method in READING and not _accepts(request.headers.get("Accept", "*/*")):
            raise RefusedError(406)
        if request.method in WITH_BODY and request.content_type != MEDIA_TYPE:
            raise RefusedError(415)

    def _caller(self, request: web.Request) -> str:
        return lfdi_of(peer_certificate(request.transport))

    def _read(self, request: web.Request) -> web.Response:
        view = self._desk.view(self._caller(request), self.now())
        found = self._desk.read(view, request.path, request.query)
        return web.Response(body=written(found), content_type=MEDIA_TYPE)

    def _change(self, request: web.Request, body: bytes) -> web.Response:
        view = self._desk.view(self._caller(request), self.now())
        done = self._desk.change(view, request.method, request.path, body)
        self.changed()
        headers = {"Location": done.location} if done.location else {}
        return web.Response(status=done.status, headers=headers)


def _accepts(accepted: str) -> bool:
    kinds = (part.partition(";")[0].strip().lower() for part in accepted.split(","))
    return any(kind in _ACCEPTED for kind in kinds)


def _refused(error: RefusedError) -> web.Response:
    headers = {"Allow": ", ".join(error.allow)} if error.allow else {}
    body = written(make("Error", {"reasonCode": error.reason}))
    return web.Response(status=error.status, body=body, content_type=MEDIA_TYPE, headers=headers)


def _unread(request: web.Request, error: GatewayError) -> web.StreamResponse:
    return _refused(RefusedError(_WIRE.get(error.reason, 400), FORMAT))
