"""The server over HTTP: what the transport decides before a request concerns a resource.

Who a peer is, its certificate alone says; a header may say it only where a listed proxy terminates TLS.

Spec: IEEE 2030.5-2018 clauses 5.5 (HTTP), 6.3 (identity), 6.8 (access control); CSIP CORE-001, CORE-002.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web
from cryptography import x509

from gateway.domain.errors import GatewayError, IdentityError, StoreError, WireError
from gateway.domain.ports import Clock
from gateway.protocols.sep2.codec import MAX_BYTES
from gateway.protocols.sep2.identity import lfdi, lfdi_of
from gateway.protocols.sep2.server.asking import MEDIA_TYPE, acceptable, is_ours
from gateway.protocols.sep2.server.records import Answer
from gateway.protocols.sep2.server.server import READS, WRITES
from gateway.servers.sep2.desk import Sep2Desk
from gateway.servers.sep2.transcript import Exchange, Transcript
from gateway.transport.limits import Limits
from gateway.transport.server import dated, guarded, read_body
from gateway.transport.tls import peer_certificate

_CERTIFICATES: Final = 16_384
_NEVER: Final = frozenset({"OPTIONS", "PATCH", "TRACE", "CONNECT"})
"""Methods of HTTP that no resource of 2030.5 takes."""
_STATUS: Final = {"TOO_LARGE": 413, "SLOW_BODY": 408, "ENCODING": 415, "OVERLOADED": 503}
_CLOSING: Final = frozenset({408, 413, 415})
"""After these the rest of the body is not read, so the connection cannot go on."""
_BUSY: Final = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What may differ between servers in the field."""

    requests_per_s: float = 50.0
    """Per device; 0: without limit."""
    burst: int = 2000
    handlers: int = 512
    """Requests in work at the same time."""
    identity_header: str = ""
    """Header in which a proxy tells the client's LFDI; only those of ``proxies`` are believed."""
    proxies: frozenset[str] = frozenset()
    """Addresses."""


class _Front:
    """Handles every request of one app."""

    def __init__(
        self, desk: Sep2Desk, clock: Clock, options: HttpOptions, transcript: Transcript
    ) -> None:
        self._transcript = transcript
        self._desk = desk
        self._clock = clock
        self._options = options
        self._limits = Limits(options.requests_per_s, options.burst, options.handlers)
        self._certificates: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        now = self._clock.now()
        peer = self._peer(request, now)
        with self._limits.admitted(peer, now):
            answer, body = await self._answered(request, peer)
        self._transcript.note(
            Exchange(
                at=self._clock.now(),
                peer=peer,
                method=request.method,
                target=request.raw_path,
                status=answer.status,
                location=answer.location,
                request=body,
                answer=answer.body,
            )
        )
        return _written(answer)

    def _peer(self, request: web.Request, now: datetime) -> str:
        """Return the LFDI of the client.

        Raises:
            IdentityError: ``NO_CERTIFICATE``, ``EXPIRED``: a connection may outlive its certificate.
        """
        options = self._options
        if options.identity_header and request.remote in options.proxies:
            return lfdi(request.headers.get(options.identity_header, ""))
        der = peer_certificate(request.transport)
        if der is None:
            raise IdentityError("NO_CERTIFICATE", "the client showed no certificate")
        found = self._certificates.get(der)
        if found is None:
            found = (lfdi_of(der), x509.load_der_x509_certificate(der).not_valid_after_utc)
            self._certificates[der] = found
            if len(self._certificates) > _CERTIFICATES:
                self._certificates.popitem(last=False)
        if now > found[1]:
            raise IdentityError("EXPIRED", "the client's certificate has expired")
        return found[0]

    async def _answered(self, request: web.Request, peer: str) -> tuple[Answer, bytes]:
        """Return the answer and the body that came."""
        server, method = self._desk.server, request.method
        path = request.rel_url.raw_path
        if not request.headers.get("Host"):
            return server.refuse(400, 0), b""
        if method in WRITES:
            return await self._write(request, path, peer)
        if method not in READS:
            return (server.never(path, peer) if method in _NEVER else server.refuse(501)), b""
        if not acceptable(request.headers.getall("Accept", ())):
            return server.refuse(406), b""
        return await self._desk.look_up(path, request.rel_url.raw_query_string, peer), b""

    async def _write(self, request: web.Request, path: str, peer: str) -> tuple[Answer, bytes]:
        body = b""
        if request.method != "DELETE":
            if not is_ours(request.headers.get("Content-Type", "")):
                return self._desk.server.refuse(415), b""
            body = await read_body(request, self._clock, MAX_BYTES)
        return await self._desk.write(request.method, path, body, peer), body

    def refuse(self, _: web.Request, error: GatewayError) -> web.StreamResponse:
        """Turn an error into an answer."""
        if isinstance(error, StoreError):
            return web.Response(status=_BUSY, headers={"Retry-After": "30"})
        if isinstance(error, IdentityError):
            return web.Response(status=403)
        if not isinstance(error, WireError):
            return web.Response(status=500)
        status = _STATUS.get(error.reason, 400)
        response = web.Response(status=status)
        if status == _BUSY:
            response.headers["Retry-After"] = "5"
        return response


def _written(answer: Answer) -> web.Response:
    headers = {}
    if answer.location:
        headers["Location"] = answer.location
    if answer.allow:
        headers["Allow"] = answer.allow
    if answer.retry_after:
        headers["Retry-After"] = str(answer.retry_after)
    if not answer.body:
        response = web.Response(status=answer.status, headers=headers)
    else:
        headers["Content-Type"] = MEDIA_TYPE
        response = web.Response(status=answer.status, body=answer.body, headers=headers)
    if answer.status in _CLOSING:
        response.force_close()
    return response


def sep2_app(
    desk: Sep2Desk,
    clock: Clock,
    options: HttpOptions | None = None,
    transcript: Transcript | None = None,
) -> web.Application:
    """Build the app; serve it with ``gateway.transport.server.listen`` under mutual TLS.

    Args:
        desk: Opens the doors of the server.
        clock: Time of deadlines, of limits and of the ``Date`` header.
        options: What may differ.
        transcript: Takes every exchange down; None: nobody does.
    """
    front = _Front(desk, clock, options or HttpOptions(), transcript or Transcript(0))
    app = web.Application(middlewares=[guarded(front.refuse)], client_max_size=MAX_BYTES)
    app.router.add_route("*", "/{path:.*}", front.handle)
    dated(app, clock)
    return app
