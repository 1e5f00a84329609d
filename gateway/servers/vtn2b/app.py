"""The VTN over HTTP: what the transport decides before a message is a message.

Spec: OpenADR 2.0b section 9.1: POST only (else 501), one XML document per request (else 406), no chunked bodies, 200
for everything that has an answer, application errors included.
"""

import asyncio
import functools
import gzip
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web
from cryptography import x509

from gateway.domain.errors import GatewayError, IdentityError, StoreError, WireError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.errors import response_code
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.messages import EiResponse, Message, OadrResponse
from gateway.protocols.oadr2b.server import SERVICES
from gateway.protocols.oadr2b.vtn_facts import Refused
from gateway.protocols.xml import OFF_LOOP_BYTES
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.security import Security
from gateway.servers.vtn2b.transcript import Transcript, remember
from gateway.transport.limits import Limits
from gateway.transport.server import dated, guarded, read_body
from gateway.transport.tls import peer_certificate

BASE_PATH: Final = "/OpenADR2/Simple/2.0b/"
LARGEST: Final = 8 << 20
"""Bytes of one document, events and reports alike."""
_ANSWERS: Final = 4096
_CERTIFICATES: Final = 4096
_READABLE: Final = frozenset(
    {"SCHEMA_VERSION", "INVALID_NUMBER", "INVALID_TIME", "INVALID_DURATION", "INVALID_TEXT"}
)
"""Faults of documents that are XML of the schema's shape: they get an application answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What may differ between VTNs in the field."""

    prefix: str = ""
    """Path before ``/OpenADR2``, without trailing slash."""
    schema_error_status: int = 406
    """For a body that fails validation: 406 by the norm, 400 and 403 are seen in the field."""
    requests_per_s: float = 20.0
    """Per certificate; 0: without limit."""
    burst: int = 100
    handlers: int = 256
    """Requests in work at the same time."""


class _Front:
    """Handles every request of one app."""

    def __init__(
        self,
        desk: VtnDesk,
        codec: Codec,
        clock: Clock,
        options: HttpOptions,
        security: Security | None,
    ) -> None:
        self._desk = desk
        self._security = security
        self._codec = codec
        self._clock = clock
        self._options = options
        self.base = options.prefix + BASE_PATH
        self._encoded = functools.lru_cache(maxsize=_ANSWERS)(codec.encode)
        """What an empty queue is answered with, most of the time."""
        self._limits = Limits(options.requests_per_s, options.burst, options.handlers)
        self._certificates: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        service = self._service(request)
        if service is None:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=501)
        now = self._clock.now()
        peer = self._peer(request, now)
        with self._limits.admitted(peer, now):
            return await self._exchange(request, service, peer)

    def _service(self, request: web.Request) -> str | None:
        path = request.path
        service = path.removeprefix(self.base) if path.startswith(self.base) else ""
        return service if service in SERVICES else None

    def _peer(self, request: web.Request, now: datetime) -> str:
        """Return the fingerprint of the client's certificate, empty over plain HTTP.

        Raises:
            IdentityError: ``EXPIRED``: a connection may outlive its certificate (rule 516).
        """
        der = peer_certificate(request.transport)
        if der is None:
            return ""
        found = self._certificates.get(der)
        if found is None:
            found = (fingerprint(der), x509.load_der_x509_certificate(der).not_valid_after_utc)
            self._certificates[der] = found
            if len(self._certificates) > _CERTIFICATES:
                self._certificates.popitem(last=False)
        if now > found[1]:
            raise IdentityError("EXPIRED", "the client's certificate has expired")
        return found[0]

    async def _exchange(self, request: web.Request, service: str, peer: str) -> web.Response:
        _check_headers(request)
        body = await read_body(request, self._clock, LARGEST)
        remember(request, body, peer)
        if self._security is not None:
            return await self._secured(self._security, request, service, peer, body)
        message = await self._decoded(body)
        reply = await self._desk.answer(service, message, peer)
        return _written(request, self._text(reply))

    def _text(self, reply: Message | None) -> bytes:
        if reply is None:
            return b""
        return (self._encoded if isinstance(reply, OadrResponse) else self._codec.encode)(reply)

    async def _secured(
        self, security: Security, request: web.Request, service: str, peer: str, body: bytes
    ) -> web.Response:
        """Do the same where signatures are wanted, or at least verified."""
        said: Message | None
        try:
            found = await security.receive(body, peer, self._desk.vtn, LARGEST)
        except IdentityError as error:
            self._desk.tell(Refused(ven_id="", message="", code="463", detail=error.reason))
            if security.options.refusal == "403":
                raise
            said, sealed = _refused(error), True
        else:
            said, sealed = await self._desk.answer(service, found.message, peer), found.sealed
        text = self._text(said)
        return _written(request, await security.seal(text) if sealed and text else text)

    async def _decoded(self, body: bytes) -> Message:
        if len(body) <= OFF_LOOP_BYTES:
            return self._codec.decode(body, largest=LARGEST)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            None, functools.partial(self._codec.decode, body, largest=LARGEST)
        )

    def refuse(self, request: web.Request, error: GatewayError) -> web.StreamResponse:
        """Turn an error into an answer."""
        if isinstance(error, StoreError):
            return web.Response(status=503, headers={"Retry-After": "30"})
        if isinstance(error, IdentityError):
            return web.Response(status=403)
        if error.reason in _READABLE:
            return _written(request, self._codec.encode(_refused(error)))
        status = _STATUS.get(error.reason, self._options.schema_error_status)
        response = web.Response(status=status)
        if status == _BUSY:
            response.headers["Retry-After"] = "5"
        if status in _CLOSING:
            response.force_close()
        return response


_STATUS: Final = {
    "MEDIA_TYPE": 406,
    "CHUNKED": 406,
    "ENCODING": 406,
    "TOO_LARGE": 413,
    "SLOW_BODY": 408,
    "OVERLOADED": 503,
}
_BUSY: Final = 503
_CLOSING: Final = frozenset({406, 408, 413})
"""After these the rest of the body is not read, so the connection cannot go on."""


def _refused(error: GatewayError) -> OadrResponse:
    """Write the application answer to what never became a message for the VTN."""
    return OadrResponse(
        ei_response=EiResponse(
            response_code=str(response_code(error)),
            response_description=error.detail,
            request_id="",
        )
    )


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


def _written(request: web.Request, body: bytes) -> web.Response:
    """Write a 200; compressed for a client that asks for it (section 9.1.9.2), never chunked."""
    if not body:
        return web.Response(status=200)
    headers = {}
    accepted = _accepted(request.headers.get("Accept-Encoding", ""))
    for coding, compress in _CODINGS.items():
        if coding in accepted:
            body, headers = compress(body), {"Content-Encoding": coding}
            break
    return web.Response(status=200, body=body, content_type="application/xml", headers=headers)


def _accepted(header: str) -> set[str]:
    """Return the codings that an Accept-Encoding names and does not exclude by ``q=0``."""
    found = set()
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        if not _EXCLUDED.fullmatch(weight.strip()):
            found.add(coding.strip())
    return found


_EXCLUDED: Final = re.compile(r"q\s*=\s*0(\.0*)?")
_CODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "gzip": functools.partial(gzip.compress, compresslevel=6, mtime=0),
    "deflate": zlib.compress,
}
"""The one we like best first."""


def vtn_app(
    desk: VtnDesk,
    codec: Codec,
    clock: Clock,
    options: HttpOptions | None = None,
    security: Security | None = None,
    transcript: Transcript | None = None,
) -> web.Application:
    """Build the app; serve it with ``gateway.transport.server.listen``.

    Args:
        desk: Opens the doors of the VTN.
        codec: Reads and writes the messages.
        clock: Time of deadlines, of limits and of the ``Date`` header.
        options: What may differ from the norm.
        security: Verifies and signs; None: signatures are neither made nor looked at.
        transcript: Takes every exchange down; None: nobody does.
    """
    front = _Front(desk, codec, clock, options or HttpOptions(), security)
    outer = [transcript.middleware()] if transcript is not None else []
    app = web.Application(middlewares=[*outer, guarded(front.refuse)], client_max_size=LARGEST)
    for service in sorted(SERVICES):
        app.router.add_route("*", f"{front.base}{service}", front.handle)
    app.router.add_route("*", "/{path:.*}", front.handle)
    dated(app, clock)
    return app
