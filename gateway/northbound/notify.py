"""The door for notifications of IEEE 2030.5: what the transport decides before a session thinks about one.

One listener serves several utilities, each under a path of its own and with a share of requests, rate and connections
that no other can use up. Who notifies, its certificate alone says; what it notifies of, the session judges.

Spec: IEEE 2030.5-2018 clauses 5.5 (HTTP), 8.9 (NotificationList: POST alone); CSIP CORE-018 (201), ERR-002.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakSet

import structlog
from aiohttp import web
from cryptography import x509

from gateway.domain.errors import GatewayError, IdentityError, WireError
from gateway.domain.names import UtilityName
from gateway.domain.ports import Clock
from gateway.northbound.crowding import count_in
from gateway.protocols.actions import Message, Reply
from gateway.protocols.sep2.client.notified import NOTIFICATION
from gateway.protocols.sep2.codec import MAX_BYTES
from gateway.protocols.sep2.identity import lfdi_of
from gateway.protocols.sep2.pinning import pinned_as
from gateway.transport.limits import Limits
from gateway.transport.marks import is_test_certificate
from gateway.transport.server import dated, guarded, read_body
from gateway.transport.tls import peer_certificate

MEDIA_TYPE: Final = "application/sep+xml"
REQUESTS_PER_S: Final = 200.0
BURST: Final = 2000
"""A change in a program of an aggregator is told for each of its devices."""
IN_WORK: Final = 16
"""Requests of one utility at the same time: no more wait for its session."""
CONNECTIONS: Final = 16
"""Of one utility."""
_REMEMBERED: Final = 256
_CREATED: Final = 201
_BUSY: Final = 503
_RETRY_AFTER_S: Final = 5
_STATUS: Final = {
    "MEDIA_TYPE": 415,
    "ENCODING": 415,
    "TOO_LARGE": 413,
    "SLOW_BODY": 408,
    "OVERLOADED": 503,
}
_CLOSING: Final = frozenset({403, 408, 413, 415, 503})
"""After these the rest of the body is not read, so the connection cannot go on."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifies:
    """Which certificates a utility notifies with."""

    pinned: Sequence[str] = ()
    """LFDIs or SFDIs out of the configuration."""
    seen: Callable[[], str] = lambda: ""
    """Returns the LFDI that the utility showed last as a server; empty before the first exchange."""

    def check(self, lfdi: str) -> None:
        """Let a peer pass.

        Raises:
            IdentityError: ``FINGERPRINT``: it is somebody else.
            WireError: ``OVERLOADED``: nobody can tell yet; it shall come back later.
        """
        known = self.pinned or [seen for seen in (self.seen(),) if seen]
        if not known:
            raise WireError("OVERLOADED", "the utility has not been heard yet, so nobody knows it")
        if not any(pinned_as(lfdi, one) for one in known):
            raise IdentityError("FINGERPRINT", "this certificate is not the utility's")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyRoute:
    """One utility at a listener."""

    utility: UtilityName
    path: str
    """As in the address that was handed to the utility."""
    notifies: Notifies
    ask: Callable[[Message], Awaitable[Reply]]
    """Gives a notification to the session, and returns once everything that follows from it is stored."""
    limits: Limits = field(default_factory=lambda: Limits(REQUESTS_PER_S, BURST, IN_WORK))
    connections: WeakSet[object] = field(default_factory=WeakSet)


class _Front:
    """Handles every request of one listener."""

    def __init__(self, routes: Sequence[NotifyRoute], clock: Clock, *, test_mode: bool) -> None:
        self._routes = {route.path: route for route in routes}
        self._clock = clock
        self._test_mode = test_mode
        self._read: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request.

        Raises:
            WireError: ``MEDIA_TYPE``.
        """
        now = self._clock.now()
        route = self._routes.get(request.rel_url.raw_path)
        peer = self._peer(request, now)
        if route is None:
            return web.Response(status=404)
        route.notifies.check(peer)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        count_in(route.connections, request.transport, CONNECTIONS)
        with route.limits.admitted("", now):
            if request.content_type != MEDIA_TYPE:
                raise WireError("MEDIA_TYPE", f"send {MEDIA_TYPE}")
            body = await read_body(request, self._clock, MAX_BYTES)
            return await self._exchange(route, body, peer)

    async def _exchange(self, route: NotifyRoute, body: bytes, peer: str) -> web.Response:
        message = Message(
            request_id="", service=NOTIFICATION, body=body, media_type=MEDIA_TYPE, peer=peer
        )
        reply = await route.ask(message)
        headers = {}
        if reply.status == _CREATED:
            # Nothing can be read there; the standard wants a Location of every 201 (clause 5.5.2.4).
            headers["Location"] = f"{route.path}/{hashlib.sha256(body).hexdigest()[:16]}"
        if reply.status == _BUSY:
            headers["Retry-After"] = str(_RETRY_AFTER_S)
        return web.Response(status=reply.status, headers=headers)

    def _peer(self, request: web.Request, now: datetime) -> str:
        """Return the LFDI of whoever notifies.

        Raises:
            IdentityError: ``NO_CERTIFICATE``; ``TEST_CERTIFICATE``; ``EXPIRED``: a connection may outlive its
                certificate.
        """
        der = peer_certificate(request.transport)
        if der is None:
            raise IdentityError("NO_CERTIFICATE", "the utility showed no certificate")
        if not self._test_mode and is_test_certificate(der):
            raise IdentityError("TEST_CERTIFICATE", "the utility shows a test certificate")
        found = self._read.get(der)
        if found is None:
            found = (lfdi_of(der), x509.load_der_x509_certificate(der).not_valid_after_utc)
            self._read[der] = found
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        if now > found[1]:
            raise IdentityError("EXPIRED", "the utility's certificate has expired")
        return found[0]

    def refuse(self, request: web.Request, error: GatewayError) -> web.StreamResponse:
        """Turn an error into an answer."""
        log.warning("notification_refused", path=request.path[:100], reason=error.reason)
        status = 403 if isinstance(error, IdentityError) else _STATUS.get(error.reason, 500)
        response = web.Response(status=status)
        if status == _BUSY:
            response.headers["Retry-After"] = str(_RETRY_AFTER_S)
        if status in _CLOSING:
            response.force_close()
        return response


def notify_app(routes: Sequence[NotifyRoute], clock: Clock, *, test_mode: bool) -> web.Application:
    """Build the app of one listener; serve it with ``gateway.transport.server.listen`` under mutual TLS.

    Args:
        routes: Its utilities; their paths differ.
        clock: Time of deadlines, of limits and of the ``Date`` header.
        test_mode: False refuses test certificates.
    """
    front = _Front(routes, clock, test_mode=test_mode)
    app = web.Application(middlewares=[guarded(front.refuse)], client_max_size=MAX_BYTES)
    app.router.add_route("*", "/{path:.*}", front.handle)
    dated(app, clock)
    return app
