"""The proxy: takes the client's connections, ends TLS, and passes each message on unless a fault strikes it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.faults.disguise import HONEST, Disguise, Wardrobe
from conformance.faults.exchange import Exchange
from conformance.faults.fault import Fault
from conformance.faults.line import ClientLine, GoneError
from conformance.faults.schedule import Schedule
from conformance.faults.wire import HttpMessage, answer, read_message
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 128

Forward = Callable[[HttpMessage], Awaitable[HttpMessage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The real server."""

    port: int
    tls: ssl.SSLContext | None
    """The client's own identity: a server knows its clients by certificate."""
    host: str = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One message, or one connection, that went through, and what struck it."""

    connection: int
    message: int
    """0: the connection as a whole."""
    target: str
    """Path of the request."""
    fault: str
    """Empty: none."""
    at: datetime

    def __str__(self) -> str:
        return f"{self.connection}.{self.message} {self.target} {self.fault or '-'}"


class FaultProxy:
    """Stands between one client and one server.

    Args:
        upstream: The real server.
        wardrobe: Identities to show; None: plain HTTP.
        clock: Time of the faults that take some.
        schedule: What strikes where; may be replaced at any time.
    """

    def __init__(
        self,
        upstream: Upstream,
        wardrobe: Wardrobe | None,
        clock: Clock,
        schedule: Schedule | None = None,
    ) -> None:
        self._upstream = upstream
        self._wardrobe = wardrobe
        self._clock = clock
        self.schedule = schedule or Schedule()
        self.passed: list[Passed] = []
        """Everything that came, in order."""
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._serving: dict[asyncio.Task[None], ClientLine | None] = {}
        self._connections = 0
        self._port = 0

    @property
    def url(self) -> str:
        """Return ``scheme://localhost:port``."""
        if not self._port:
            raise MisuseError("NOT_STARTED", "start the proxy first")
        return f"{'https' if self._wardrobe else 'http'}://localhost:{self._port}"

    async def start(self) -> None:
        """Listen; after ``down`` on the same port as before."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((_HOST, self._port))
        listening.listen(_BACKLOG)
        self._port = int(listening.getsockname()[1])
        self._listening = listening
        self._accepting = asyncio.create_task(self._accept(listening), name="proxy accept")

    async def down(self) -> None:
        """Close the port and every connection: nobody answers until ``start``."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
        if self._listening is not None:
            self._listening.close()
        await self.cut()

    async def cut(self) -> None:
        """End every connection; the port stays open."""
        for task, line in list(self._serving.items()):
            if line is not None:
                line.stop()
            task.cancel()
        if self._serving:
            await asyncio.wait(set(self._serving))

    async def stop(self) -> None:
        """End everything."""
        await self.down()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listening)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections += 1
            name = f"proxy connection {self._connections}"
            task = asyncio.create_task(self._serve(accepted, self._connections), name=name)
            self._serving[task] = None
            task.add_done_callback(lambda done: self._serving.pop(done, None))

    # --- one connection

    async def _serve(self, accepted: socket.socket, connection: int) -> None:
        fault = self.schedule.at(connection)
        disguise = fault.disguise if fault and fault.disguise else HONEST
        if fault is not None:
            self._note(connection, 0, "", fault)
        line = ClientLine(accepted, self._clock)
        task = asyncio.current_task()
        if task is not None:
            self._serving[task] = line
        try:
            if disguise.refuse:
                line.reset()
                accepted.close()
            elif disguise.stall:
                await self._stall(accepted)
            else:
                await self._converse(accepted, line, disguise, connection)
        except (GoneError, ConnectionError, ssl.SSLError, OSError):
            pass  # the client has left, which faults provoke
        finally:
            line.close()

    async def _stall(self, accepted: socket.socket) -> None:
        """Read what the client says and answer nothing; its token is given back."""
        loop = asyncio.get_running_loop()
        with accepted:
            self._clock.release()
            try:
                while await loop.sock_recv(accepted, 4096):
                    pass
            except asyncio.CancelledError:
                self._clock.hold()
                raise

    async def _converse(
        self, accepted: socket.socket, line: ClientLine, disguise: Disguise, connection: int
    ) -> None:
        loop = asyncio.get_running_loop()
        context = self._wardrobe.context(disguise) if self._wardrobe else None
        await loop.connect_accepted_socket(lambda: line, accepted, ssl=context)
        line.renegotiates = disguise.renegotiate and context is not None
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

        async def forward(request: HttpMessage) -> HttpMessage:
            nonlocal server
            if server is None:
                server = await asyncio.open_connection(
                    self._upstream.host, self._upstream.port, ssl=self._upstream.tls
                )
            reader, writer = server
            writer.write(request.whole)
            return await read_message(reader)

        try:
            await self._messages(line, forward, connection)
        finally:
            if server is not None:
                server[1].close()
                with contextlib.suppress(OSError, ssl.SSLError):
                    await server[1].wait_closed()

    async def _messages(self, line: ClientLine, forward: Forward, connection: int) -> None:
        number = 0
        while not line.gone:
            try:
                request = await read_message(line.reader)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                return
            number += 1
            fault = self.schedule.at(connection, number)
            self._note(connection, number, request.start.split(" ")[1], fault)
            exchange = Exchange(
                line=line,
                request=request,
                forward=_asking(forward, request),
                clock=self._clock,
            )
            if fault is None or fault.act is None:
                await line.write((await exchange.forward()).whole)
            else:
                await fault.act(exchange, fault.amount)

    def _note(self, connection: int, message: int, target: str, fault: Fault | None) -> None:
        name = fault.name if fault else ""
        self.passed.append(
            Passed(
                connection=connection,
                message=message,
                target=target,
                fault=name,
                at=self._clock.now(),
            )
        )


def _asking(forward: Forward, request: HttpMessage) -> Callable[[], Awaitable[HttpMessage]]:
    """Ask the server once; a server that is not there is a bad gateway to the client."""

    async def ask() -> HttpMessage:
        try:
            return await forward(request)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, ValueError):
            return answer("502 Bad Gateway")

    return ask
