"""HTTP listeners: limits that hold before a handler runs, our own ``Date``, and one place that turns a bug into 500."""

import asyncio
import errno
import functools
import socket
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
from gateway.transport.doorway import DoorLimits, Doorway

BODY_S: Final = 10.0
"""A declared body that never comes is not ended by aiohttp (measured)."""
RATE_WINDOW_S: Final = 5.0
RATE_BYTES: Final = 5 << 10
"""A body must bring so many bytes in each window, or end: 1 KiB/s."""
HEADER_BYTES: Final = 16 << 10
"""Of one request, all headers together."""
MOST_HEADERS: Final = 64
IDLE_S: Final = 75.0
"""A connection without a request, or with an unfinished one, is closed after this; an hour by default."""
_BACKLOG: Final = 1024
_NOT_HERE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

_HEADERS_TOO_LARGE: Final = 431

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorAnswer = Callable[[web.Request, GatewayError], web.StreamResponse]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening server; ``stop`` ends it and waits for its handlers."""

    runner: web.AppRunner
    door: Doorway
    scheme: str

    @property
    def port(self) -> int:
        """Return the port that is really listened on."""
        return self.door.address[1]

    @property
    def url(self) -> str:
        """Return ``scheme://host:port``."""
        host = self.door.address[0]
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def stop(self) -> None:
        """Take no more connections, end open streams, wait for handlers."""
        await self.door.close()
        await self.runner.cleanup()


async def listen(
    app: web.Application,
    host: str,
    port: int,
    context: ssl.SSLContext | None,
    limits: DoorLimits | None = None,
) -> Listener:
    """Serve an app.

    Args:
        app: With its own error middleware.
        host: Address; loopback unless the configuration says otherwise.
        port: 0 for any free one.
        context: TLS context, None for plain HTTP.
        limits: What is taken at the door at the same time; None: the usual.

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
        max_headers=MOST_HEADERS,
        keepalive_timeout=IDLE_S,
        # Compressed bodies are refused; aiohttp would unpack them first, on the loop.
        auto_decompress=False,
    )
    await runner.setup()
    server = runner.server
    assert server is not None, "setup makes it"  # noqa: S101 - what the library promises
    try:
        listening = await _bound(host, port)
    except OSError:
        await runner.cleanup()
        raise
    connected = functools.partial(_connections, server)
    door = Doorway(listening, server, connected, context, limits or DoorLimits())
    return Listener(runner, door, "https" if context else "http")


async def _bound(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets at every address of a host, all on one port.

    Raises:
        OSError: an address is in use or not ours.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            here = made[0].getsockname()[1] if made else port
            try:
                made.append(_listening(family, (address[0], here, *address[2:])))
            except OSError as error:
                # A name may have an address of a family that this machine does not speak.
                if error.errno not in _NOT_HERE or len(found) == 1:
                    raise
    except OSError:
        for one in made:
            one.close()
        raise
    if not made:
        raise OSError(errno.EADDRNOTAVAIL, f"no address of {host} is ours")
    return made


def _connections(server: web.Server) -> int:
    return len(server.connections)


def _listening(family: int, address: tuple[str | int, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setblocking(False)
        one.bind(address)
        one.listen(_BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def dated(app: web.Application, clock: Clock) -> None:
    """Stamp every answer with the clock's time: aiohttp's own ``Date`` is the wall's."""
    written = functools.lru_cache(maxsize=4)(functools.partial(format_datetime, usegmt=True))

    async def stamp(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = written(clock.now().replace(microsecond=0))
        response.headers["Server"] = ""

    app.on_response_prepare.append(stamp)


def guarded(answer: ErrorAnswer) -> Middleware:
    """Make the one middleware that turns errors of the tree into answers, and anything else into 500.

    Args:
        answer: Maps an error to the protocol's own answer.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if sum(len(name) + len(value) for name, value in request.raw_headers) > HEADER_BYTES:
            return web.Response(status=_HEADERS_TOO_LARGE)
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
    if request.content.is_eof():  # it came together with the headers
        return request.content.read_nowait()
    parts: list[bytes] = []
    size = 0
    try:
        if (request.content_length or largest) < RATE_BYTES:
            return await _part(request, clock)  # one window is all that it has
        async with clock.timeout(BODY_S):
            while part := await _part(request, clock):
                size += len(part)
                if size > largest:
                    raise WireError("TOO_LARGE", f"a body may have {largest} bytes here")
                parts.append(part)
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_S:g} s, or hardly moved"
        raise WireError("SLOW_BODY", detail) from None
    return b"".join(parts)


async def _part(request: web.Request, clock: Clock) -> bytes:
    """Return what one window brought; empty at the end of the body."""
    pieces: list[bytes] = []
    size = 0
    async with clock.timeout(RATE_WINDOW_S):
        while size < RATE_BYTES and (piece := await request.content.readany()):
            size += len(piece)
            pieces.append(piece)
    return b"".join(pieces)
