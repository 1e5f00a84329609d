"""The suite's HTTP server: bytes recorded at the socket in both directions, faults by connection and message.

A connection works under the token of the client that waits for it, so it runs on any clock.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from conformance.faults.disguise import HONEST
from conformance.faults.exchange import Exchange
from conformance.faults.fault import Fault
from conformance.faults.line import ClientLine, GoneError
from conformance.faults.registry import FAULTS
from conformance.faults.schedule import Schedule
from conformance.faults.wire import HttpMessage
from conformance.kit.transcript import Message, Part, Side
from conformance.peers.script2b.handshake import agreed, failed, hearing
from conformance.peers.script2b.ports import Answer, Contexts, Recorder, Seen
from conformance.peers.script2b.wire import Raw, read_raw
from gateway.domain.ports import Clock

_BACKLOG: Final = 64
KEPT: Final = 48 << 20
"""Most bytes of one answer that are recorded; more, and the run has no whole evidence."""

Desk = Callable[[Message], Awaitable[Answer]]


class RecordingLine(ClientLine):
    """A client's connection that remembers what was sent on it."""

    def __init__(self, accepted: socket.socket, clock: Clock) -> None:
        super().__init__(accepted, clock)
        self.sent = bytearray()
        self.overflow = False

    async def write(self, data: bytes) -> None:
        """Send bytes and remember them."""
        self._keep(data)
        await super().write(data)

    async def write_raw(self, data: bytes) -> None:
        """Send bytes beside TLS and remember them."""
        self._keep(data)
        await super().write_raw(data)

    def _keep(self, data: bytes) -> None:
        if len(self.sent) + len(data) > KEPT:
            self.overflow = True
        else:
            self.sent += data


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the suite listens, and how a device reaches it."""

    host: str = "127.0.0.1"
    port: int = 0
    name: str = "localhost"
    """Host name by which the device knows it."""


class Door:
    """Listens for the device.

    Args:
        desk: Answers requests.
        tape: Records.
        clock: Of the faults that take time.
        contexts: TLS identities; None: plain HTTP.
        address: Where.
        after: Called with each request once its answer is out.
    """

    def __init__(
        self,
        desk: Desk,
        tape: Recorder,
        clock: Clock,
        contexts: Contexts | None,
        address: Address,
        after: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self._desk = desk
        self._after = after
        self._tape = tape
        self._clock = clock
        self._contexts = contexts
        self._address = address
        self._port = address.port
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._serving: dict[asyncio.Task[None], RecordingLine | None] = {}
        self._count = 0
        self.schedule = Schedule()
        """What strikes where; connections count from the last change of it."""

    @property
    def url(self) -> str:
        """Return ``scheme://host:port``, without a path."""
        return f"{'https' if self._contexts else 'http'}://{self._address.name}:{self._port}"

    def strike(self, text: str) -> None:
        """Strike by this schedule from the next connection or message on."""
        self.schedule = Schedule.parse(text)
        self._count = 0

    async def up(self) -> None:
        """Listen; after ``down`` on the same port."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((self._address.host, self._port))
        listening.listen(_BACKLOG)
        self._port = int(listening.getsockname()[1])
        self._listening = listening
        self._accepting = asyncio.create_task(self._accept(listening), name="door accept")

    async def down(self) -> None:
        """Close the port and every connection."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
            self._accepting = None
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for task, line in list(self._serving.items()):
            if line is not None:
                line.stop()
            task.cancel()
        if self._serving:
            await asyncio.wait(set(self._serving))

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listening)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._count += 1
            task = asyncio.create_task(self._serve(accepted, self._count), name="door connection")
            self._serving[task] = None
            task.add_done_callback(lambda done: self._serving.pop(done, None))

    async def _serve(self, accepted: socket.socket, place: int) -> None:
        fault = self.schedule.at(place)
        number = self._tape.connection(Side.DEVICE)
        line = RecordingLine(accepted, self._clock)
        task = asyncio.current_task()
        if task is not None:
            self._serving[task] = line
        if fault is not None:
            self._tape.mark("suite.fault", fault=fault.name, connection=number)
        try:
            await self._welcome(accepted, line, fault, number, place)
        except (GoneError, ConnectionError, OSError):
            pass  # the client has left, or the handshake failed, which was recorded
        finally:
            line.close()

    async def _welcome(
        self,
        accepted: socket.socket,
        line: RecordingLine,
        fault: Fault | None,
        number: int,
        place: int,
    ) -> None:
        disguise = fault.disguise if fault and fault.disguise else HONEST
        if disguise.refuse:
            line.reset()
            accepted.close()
            return
        if disguise.stall:
            await self._stall(accepted)
            return
        loop = asyncio.get_running_loop()
        context = self._contexts.context(disguise) if self._contexts else None
        if context is None:
            await loop.connect_accepted_socket(lambda: line, accepted)
            await self._converse(line, number, place)
            return
        with hearing(context) as heard:
            try:
                await loop.connect_accepted_socket(lambda: line, accepted, ssl=context)
            except (ssl.SSLError, ConnectionError, OSError) as error:
                self._tape.handshake(number, *failed(heard, error, context))
                raise
        if line.transport is not None:
            self._tape.handshake(number, *agreed(heard, line.transport, context))
            line.renegotiates = disguise.renegotiate
        known = len(heard.alerts)
        try:
            await self._converse(line, number, place)
        finally:
            if later := heard.alerts[known:]:  # in TLS 1.3 a client refuses after the handshake
                self._tape.mark("tls.alert", connection=number, alerts=", ".join(later))

    async def _stall(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with accepted:
            self._clock.release()
            try:
                while await loop.sock_recv(accepted, 4096):
                    pass
            except asyncio.CancelledError:
                self._clock.hold()
                raise

    async def _converse(self, line: RecordingLine, number: int, place: int) -> None:
        count = 0
        while not line.gone:
            raw = await read_raw(line.reader)
            if raw is None:
                return
            count += 1
            request = self._tape.message(
                Seen(
                    sender=Side.DEVICE,
                    part=Part.REQUEST,
                    connection=number,
                    exchange=None,
                    head=raw.head,
                    body=raw.body,
                    coded=raw.coded,
                    broken=raw.broken,
                )
            )
            if raw.broken:
                return
            await self._reply(line, raw, request, self.schedule.at(place, count))

    async def _reply(
        self, line: RecordingLine, raw: Raw, request: Message, fault: Fault | None
    ) -> None:
        said: list[Answer] = []

        async def forward() -> HttpMessage:
            said.append(await self._desk(request))
            return written(said[0])

        line.sent.clear()
        first = None
        if fault is None:
            first = await forward()
            fault = named_fault(said[0].fault)
        broken = ""
        try:
            await self._strike(line, raw, fault, first, forward)
        except GoneError:
            broken = "the device left before all of it was sent"
        finally:
            if line.overflow:
                self._tape.mark("suite.evidence", what="an answer was too large to be kept")
            self._note(line, request, said, fault, broken)
            self._after(request)

    async def _strike(
        self,
        line: RecordingLine,
        raw: Raw,
        fault: Fault | None,
        first: HttpMessage | None,
        forward: Callable[[], Awaitable[HttpMessage]],
    ) -> None:
        if fault is None or fault.act is None:
            await line.write((first or await forward()).whole)
            return

        async def ask() -> HttpMessage:
            return first if first is not None else await forward()

        exchange = Exchange(line=line, request=raw.message, forward=ask, clock=self._clock)
        await fault.act(exchange, fault.amount)

    def _note(
        self,
        line: RecordingLine,
        request: Message,
        said: list[Answer],
        fault: Fault | None,
        broken: str,
    ) -> None:
        sent = bytes(line.sent)
        head, mark, body = sent.partition(b"\r\n\r\n")
        if not sent:
            broken = broken or "nothing was sent"
        self._tape.message(
            Seen(
                sender=Side.SUITE,
                part=Part.RESPONSE,
                connection=request.connection,
                exchange=request.number,
                head=head + mark,
                body=body,
                fault=fault.name if fault else "",
                wrong=said[0].wrong if said else "",
                broken=broken,
            )
        )


def written(said: Answer) -> HttpMessage:
    """Put an answer into HTTP."""
    named = {name.lower() for name, _ in said.headers}
    length = () if "content-length" in named else (("Content-Length", str(len(said.body))),)
    return HttpMessage(
        start=f"HTTP/1.1 {said.status}", headers=(*said.headers, *length), body=said.body
    )


def named_fault(text: str) -> Fault | None:
    """Return the fault that a script names, e.g. ``delay=20``; None for none."""
    if not text:
        return None
    name, _, amount = text.partition("=")
    fault = FAULTS[name]
    return fault.with_amount(float(amount)) if amount else fault
