"""The door for utilities that push: what the transport decides before a session thinks about a request.

One listener serves several utilities, each under a path of its own. Their requests meet nothing shared but the loop:
every utility has its own share of requests in work, of requests per second and of connections, so that one that floods
is told to come back later, and the others notice nothing.

Spec: OpenADR 2.0b section 9.1: POST only (else 501), one XML document per request (else 406), no chunked bodies, 200
for everything that has an answer, 403 for a certificate that is somebody else's (rule 517), 404 for what is not served.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

import structlog
from aiohttp import web

from gateway.domain.errors import GatewayError, IdentityError, WireError
from gateway.domain.names import UtilityName
from gateway.domain.points import Watch, unwatched
from gateway.domain.ports import Clock
from gateway.northbound.crowding import count_in
from gateway.northbound.push_peers import Certificates, Expected
from gateway.protocols.actions import Message, Reply
from gateway.protocols.oadr2b.options import BASE_PATH
from gateway.protocols.oadr2b.ven_push import PUSHED
from gateway.transport.limits import Limits
from gateway.transport.server import dated, guarded, read_body

LARGEST: Final = 8 << 20
"""Bytes of one document, events and reports alike."""
REQUESTS_PER_S: Final = 20.0
BURST: Final = 100
IN_WORK: Final = 24
"""Requests of one utility at the same time: those that wait for its session, and a few that are still arriving."""
CONNECTIONS: Final = 8
"""Of one utility."""
_STATUS: Final = {
    "MEDIA_TYPE": 406,
    "CHUNKED": 406,
    "ENCODING": 406,
    "TOO_LARGE": 413,
    "SLOW_BODY": 408,
    "OVERLOADED": 503,
}
_BUSY: Final = 503
_CLOSING: Final = frozenset({406, 408, 413, 503})
"""After these the rest of the body is not read, so the connection cannot go on."""
_RETRY_AFTER_S: Final = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRoute:
    """One utility at a listener."""

    utility: UtilityName
    prefix: str
    """Path before ``/OpenADR2``, without trailing slash."""
    expected: Expected
    ask: Callable[[Message], Awaitable[Reply]]
    """Gives a request to the session, and returns its reply once everything is stored."""
    limits: Limits = field(default_factory=lambda: Limits(REQUESTS_PER_S, BURST, IN_WORK))
    connections: WeakSet[object] = field(default_factory=WeakSet)


class _Front:
    """Handles every request of one listener."""

    def __init__(
        self, routes: Sequence[PushRoute], clock: Clock, certificates: Certificates, watch: Watch
    ) -> None:
        self._routes = {
            f"{route.prefix}{BASE_PATH}/{service}": (route, service)
            for route in routes
            for service in PUSHED
        }
        self._clock = clock
        self._certificates = certificates
        self._watch = watch

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        found = self._routes.get(request.path)
        if found is None:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=501)
        route, service = found
        now = self._clock.now()
        peer = self._certificates.peer(request.transport, now)
        route.expected.check(peer)
        count_in(route.connections, request.transport, CONNECTIONS)
        with route.limits.admitted("", now):
            _check_headers(request)
            body = await read_body(request, self._clock, LARGEST)
            return await self._exchange(route, service, body, peer)

    async def _exchange(
        self, route: PushRoute, service: str, body: bytes, peer: str
    ) -> web.Response:
        self._watch(f"push.{service}.before")
        message = Message(request_id="", service=service, body=body, peer=peer)
        reply = await route.ask(message)
        self._watch(f"push.{service}.after")
        return _written(reply)

    def refuse(self, request: web.Request, error: GatewayError) -> web.StreamResponse:
        """Turn an error into an answer."""
        log.warning("push_refused", path=request.path, reason=error.reason)
        if isinstance(error, IdentityError):
            response = web.Response(status=403)
            response.force_close()
            return response
        status = _STATUS.get(error.reason, 500)
        response = web.Response(status=status)
        if status == _BUSY:
            response.headers["Retry-After"] = str(_RETRY_AFTER_S)
        if status in _CLOSING:
            response.force_close()
        return response


def _check_headers(request: web.Request) -> None:
    """Refuse what cannot be one XML document.

    Raises:
        WireError: ``MEDIA_TYPE``, ``CHUNKED``.
    """
    if "Transfer-Encoding" in request.headers:
        raise WireError("CHUNKED", "chunked bodies are forbidden: send a Content-Length")
    charset = request.charset
    if request.content_type != "application/xml" or (charset or "utf-8").lower() != "utf-8":
        raise WireError("MEDIA_TYPE", "send application/xml in UTF-8")


def _written(reply: Reply) -> web.Response:
    """Write a reply; never chunked, never compressed."""
    response = web.Response(status=reply.status)
    if reply.body:
        response = web.Response(status=reply.status, body=reply.body, content_type=reply.media_type)
    if reply.status == _BUSY:
        response.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return response


def push_app(
    routes: Sequence[PushRoute], clock: Clock, *, test_mode: bool, watch: Watch = unwatched
) -> web.Application:
    """Build the app of one listener; serve it with ``gateway.transport.server.listen``.

    Args:
        routes: Its utilities; their paths differ.
        clock: Time of deadlines, of limits and of the ``Date`` header.
        test_mode: False refuses test certificates.
        watch: Is told the points that a request passes.
    """
    front = _Front(routes, clock, Certificates(test_mode), watch)
    app = web.Application(middlewares=[guarded(front.refuse)], client_max_size=LARGEST)
    app.router.add_route("*", "/{path:.*}", front.handle)
    dated(app, clock)
    return app
