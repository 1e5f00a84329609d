"""HTTP listeners: limits that hold before a handler runs, our own ``Date``, and one place that turns a bug into 500."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.domain.errors import GatewayError, WireError
from gateway.domain.ports import Clock

HANDSHAKE_S: Final = 5.0
"""A silent TCP connection on a TLS port would live 60 s by default (R-TLS-1)."""
BODY_S: Final = 10.0
"""A declared body that never comes is not ended by aiohttp (measured)."""
HEADER_BYTES: Final = 16 << 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorAnswer = Callable[[web.Request, GatewayError], web.StreamResponse]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening server; ``stop`` ends it and waits for its handlers."""

    runner: web.AppRunner
    server: asyncio.Server
    scheme: str

    @property
    def port(self) -> int:
        """Return the port that is really listened on."""
        return int(self.server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Return ``scheme://host:port``."""
        host = self.server.sockets[0].getsockname()[0]
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def stop(self) -> None:
        """Take no more connections, end open streams, wait for handlers."""
        self.server.close()
        await self.runner.cleanup()


async def listen(
    app: web.Application, host: str, port: int, context: ssl.SSLContext | None
) -> Listener:
    """Serve an app.

    Args:
        app: With its own error middleware.
        host: Address; loopback unless the configuration says otherwise.
        port: 0 for any free one.
        context: TLS context, None for plain HTTP.

    Raises:
        OSError: the address is in use or not ours.
    """
    # Handlers of open streams end when the app's shutdown signal tells them; 60 s is aiohttp's default wait.
    runner = web.AppRunner(
        app,
        handle_signals=False,
        shutdown_timeout=2.0,
        access_log=None,
        max_line_size=HEADER_BYTES,
        max_field_size=HEADER_BYTES,
    )
    await runner.setup()
    loop = asyncio.get_running_loop()
    tls = {"ssl": context, "ssl_handshake_timeout": HANDSHAKE_S} if context else {}
    try:
        server = await loop.create_server(runner.server, host, port, **tls)  # type: ignore[call-overload]  # aiohttp's Server is a protocol factory
    except OSError:
        await runner.cleanup()
        raise
    return Listener(runner, server, "https" if context else "http")


def dated(app: web.Application, clock: Clock) -> None:
    """Stamp every answer with the clock's time: aiohttp's own ``Date`` is the wall's."""

    async def stamp(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(clock.now().replace(microsecond=0), usegmt=True)
        response.headers["Server"] = ""

    app.on_response_prepare.append(stamp)


def guarded(answer: ErrorAnswer) -> Middleware:
    """Make the one middleware that turns errors of the tree into answers, and anything else into 500.

    Args:
        answer: Maps an error to the protocol's own answer.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except GatewayError as error:
            return answer(request, error)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:
            # the border: a bug becomes 500 and a log line, never a lost loop
            log.exception("handler_failed", route=request.path, error=type(error).__name__)
            return web.Response(status=500)

    return guard


async def read_body(request: web.Request, clock: Clock, largest: int) -> bytes:
    """Read a request's body within ``BODY_S`` seconds and ``largest`` bytes.

    Raises:
        WireError: ``TOO_LARGE``, ``SLOW_BODY``, ``ENCODING`` for a compressed body.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WireError("ENCODING", "send the body uncompressed")
    if (request.content_length or 0) > largest:
        raise WireError("TOO_LARGE", f"a body may have {largest} bytes here")
    parts: list[bytes] = []
    size = 0
    try:
        async with clock.timeout(BODY_S):
            async for part in request.content.iter_chunked(1 << 16):
                size += len(part)
                if size > largest:
                    raise WireError("TOO_LARGE", f"a body may have {largest} bytes here")
                parts.append(part)
    except TimeoutError:
        raise WireError("SLOW_BODY", f"the body did not arrive within {BODY_S:g} s") from None
    return b"".join(parts)
