"""The fencing number on every answer, and a last look at it before anything is said (R-OUT-1)."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.domain.errors import FencedError
from gateway.domain.fence import HEADER
from gateway.pipeline.desk import Fence


def fenced(app: web.Application, fence: Fence) -> None:
    """Put the number on every answer of an app, streams too."""

    async def tell(_: web.Request, response: web.StreamResponse) -> None:
        response.headers[HEADER] = fence.text

    app.on_response_prepare.append(tell)


def look(fence: Fence) -> Middleware:
    """Make the middleware that hears what sites repeat, and refuses everything once another gateway goes on."""

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        told = request.headers.get(HEADER)
        if told is not None:
            fence.heard(told)
        refuse_stopped(fence)
        return await handler(request)

    return judge


def refuse_stopped(fence: Fence | None) -> None:
    """Refuse to go on once another gateway does.

    Raises:
        FencedError: ``FENCED``.
    """
    if fence is not None and fence.stopped:
        raise FencedError("FENCED", "another gateway goes on with a copy of this store")
