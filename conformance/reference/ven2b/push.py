"""The endpoints of a push VEN.

Spec: OpenADR 2.0b section 9.1: POST only (else 501), known services only (else 404), XML only (else 406).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import web
from lxml.etree import _Element as Element

from conformance.reference.ven2b.envelope import Envelope
from conformance.reference.ven2b.settings import BASE_PATH
from conformance.reference.wire2b import message, response
from gateway.domain.errors import GatewayError, IdentityError
from gateway.domain.ports import Clock
from gateway.transport.server import dated, guarded, read_body

SERVICES: Final = ("EiEvent", "EiReport", "EiRegisterParty")
LARGEST: Final = 8 << 20
NOT_AUTHORISED: Final = "463"


def endpoints(
    take: Callable[[Element], Element | None], envelope: Envelope, clock: Clock
) -> web.Application:
    """Build the app.

    Args:
        take: Takes a message; returns what goes back in the same exchange, None for an empty body.
        envelope: Opens and closes documents.
        clock: Time of the ``Date`` header and of the limits.
    """

    async def handle(request: web.Request) -> web.Response:
        if request.path.removeprefix(f"{BASE_PATH}/") not in SERVICES:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=501)
        if request.content_type != "application/xml" or "Transfer-Encoding" in request.headers:
            return web.Response(status=406)
        answer = take(envelope.unwrap(await read_body(request, clock, LARGEST)))
        if answer is None:
            return web.Response(status=200)
        return said(answer)

    def said(answer: Element) -> web.Response:
        return web.Response(body=envelope.wrap(answer), content_type="application/xml")

    def refuse(request: web.Request, error: GatewayError) -> web.StreamResponse:
        if isinstance(error, IdentityError):
            return said(message("oadr:oadrResponse", response(NOT_AUTHORISED)))
        return web.Response(status=406)

    app = web.Application(client_max_size=LARGEST)
    # Not as a middleware: aiohttp remembers the handlers of those, and with them the device, for ever.
    app.router.add_route("*", "/{path:.*}", partial(guarded(refuse), handler=handle))
    dated(app, clock)
    return app
