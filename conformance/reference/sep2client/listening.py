"""The reference client's listener: takes notifications from its server alone, and answers them at once, without a body.

Spec: IEEE 2030.5-2018 clauses 5.5, 8.9 (NotificationList: POST alone); CSIP CORE-018 (201), ERR-002 (400).
"""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import web
from lxml.etree import _Element as Element

from conformance.reference.sep2client.wire import MEDIA_TYPE, parse
from gateway.domain.errors import GatewayError
from gateway.domain.ports import Clock
from gateway.transport.server import Listener, dated, guarded, listen, read_body
from gateway.transport.tls import peer_certificate

PLACE: Final = "/ntfy"
LARGEST: Final = 1 << 20
"""Of a notification, bytes; what is larger is refused, once it was read."""
_READ: Final = 8 << 20
_CREATED: Final = 201


async def open_listener(
    take: Callable[[Element], int],
    server: Callable[[], bytes | None],
    clock: Clock,
    context: ssl.SSLContext,
    port: int,
) -> Listener:
    """Listen.

    Args:
        take: Takes a notification; returns the status of the answer.
        server: Returns the certificate of the server, DER: nobody else may notify.
        clock: Time of limits.
        context: Identity.
        port: 0: any.
    """

    async def handle(request: web.Request) -> web.Response:
        if peer_certificate(request.transport) != server():
            return web.Response(status=403)
        if request.path != PLACE:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if request.content_type != MEDIA_TYPE:
            return web.Response(status=415)
        body = await read_body(request, clock, _READ)
        if len(body) > LARGEST:
            return web.Response(status=413)
        return answered(body)

    def answered(body: bytes) -> web.Response:
        try:
            status = take(parse(body))
        except ValueError:
            return web.Response(status=400)
        where = {"Location": f"{PLACE}/1"} if status == _CREATED else {}
        return web.Response(status=status, headers=where)

    def refuse(_: web.Request, __: GatewayError) -> web.StreamResponse:
        return web.Response(status=400)

    app = web.Application(client_max_size=_READ)
    # Not as a middleware: aiohttp remembers the handlers of those, and with them the device, for ever.
    app.router.add_route("*", "/{path:.*}", partial(guarded(refuse), handler=handle))
    dated(app, clock)
    return await listen(app, "127.0.0.1", port, context)
