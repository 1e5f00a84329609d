"""The trace of a request: the caller's when it sent one, else drawn when somebody asks for it."""

import re
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.domain.ports import Ids
from gateway.transport.server import Handler

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_IDS: Final = web.RequestKey("ids", Ids)


def trace_id(request: web.Request) -> str:
    """Return the id under which the request can be found."""
    given = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return given.group(1) if given else str(request[_IDS].uuid()).replace("-", "")


def traced(ids: Ids) -> Middleware:
    """Make the middleware that draws trace ids and echoes ``X-Request-Id``.

    Spec: W3C Trace Context, traceparent header.
    """

    @web.middleware
    async def settle(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_IDS] = ids
        answer = await handler(request)
        echo = request.headers.get("X-Request-Id", "")
        if not answer.prepared and _REQUEST_ID.fullmatch(echo):
            answer.headers["X-Request-Id"] = echo
        return answer

    return settle
