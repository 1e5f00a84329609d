"""The trace of a request: the caller's when it sent one, else drawn here."""

import re
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.domain.ports import Ids
from gateway.transport.server import Handler

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_TRACE: Final = web.RequestKey("trace_id", str)


def trace_id(request: web.Request) -> str:
    """Return the trace id that the middleware settled."""
    return str(request.get(_TRACE, ""))


def traced(ids: Ids) -> Middleware:
    """Make the middleware that settles a trace id and echoes ``X-Request-Id``.

    Spec: W3C Trace Context, traceparent header.
    """

    @web.middleware
    async def settle(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        request[_TRACE] = given.group(1) if given else ids.uuid().replace("-", "")
        answer = await handler(request)
        echo = request.headers.get("X-Request-Id", "")
        if not answer.prepared and _REQUEST_ID.fullmatch(echo):
            answer.headers["X-Request-Id"] = echo
        return answer

    return settle
