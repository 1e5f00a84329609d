"""The suite's clients at the socket: exact bytes out, exact bytes in, one connection kept, every handshake recorded."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.kit.transcript import Message, Part, Side
from conformance.peers.script2b.handshake import agreed, failed, hearing
from conformance.peers.script2b.ports import Recorder, Seen
from conformance.peers.script2b.wire import Raw, read_raw, write_head
from gateway.domain.ports import Clock

_LIMIT: Final = 16 << 20
_END: Final = b"\r\n\r\n"
_PORT: Final = 443
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request as it goes out."""

    method: str
    target: str
    """Path with its query."""
    body: bytes = b""
    headers: Headers = ()
    """Replace the usual ones of the same name; an empty value leaves one out."""
    wrong: str = ""


@dataclass
class _Line:
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Caller:
    """One client's way to the server.

    Args:
        name: Of the client, noted with each of its connections.
        tape: Records.
        clock: Of the limit.
        tls: Returns the identity that the client shows now, with its LFDI; no context: plain HTTP.
        limit_s: Seconds before an answer is given up.
    """

    def __init__(
        self,
        name: str,
        tape: Recorder,
        clock: Clock,
        tls: Callable[[], tuple[ssl.SSLContext | None, str]],
        limit_s: float = 30,
    ) -> None:
        self._name = name
        self._tape = tape
        self._clock = clock
        self._tls = tls
        self._limit_s = limit_s
        self._line: _Line | None = None
        self._turn = asyncio.Lock()

    async def exchange(self, url: str, sent: Sent) -> Message | None:
        """Send once to the host of a URL and return the answer; None, and a mark, when none came."""
        async with self._turn:
            for fresh in (False, True):
                new = fresh or self._line is None
                if new:
                    await self.close()
                    if not await self._connect(url):
                        return None
                found = await self._send(url, sent)
                if found is not None or new:
                    return found
        return None

    async def close(self) -> None:
        """Close the connection."""
        line, self._line = self._line, None
        if line is not None:
            line.writer.close()

    async def _connect(self, url: str) -> bool:
        parts = urlsplit(url)
        context, lfdi = self._tls()
        number = self._tape.connection(Side.SUITE)
        self._tape.mark("suite.client", client=self._name, connection=number, lfdi=lfdi)
        with hearing(context) as heard:
            try:
                async with self._clock.timeout(self._limit_s):
                    reader, writer = await asyncio.open_connection(
                        parts.hostname, parts.port or _PORT, ssl=context, limit=_LIMIT
                    )
            except (TimeoutError, OSError) as error:
                if context is not None and isinstance(error, ssl.SSLError):
                    self._tape.handshake(number, *failed(heard, error, context))
                what = type(error).__name__
                self._tape.mark(
                    "suite.unreachable", url=parts.netloc, error=what, connection=number
                )
                return False
        if context is not None:
            self._tape.handshake(number, *agreed(heard, writer.transport, context))
        self._line = _Line(number, reader, writer)
        return True

    async def _send(self, url: str, sent: Sent) -> Message | None:
        line = self._line
        if line is None:
            return None
        head = write_head(f"{sent.method} {sent.target} HTTP/1.1", _headers(url, sent))
        try:
            line.writer.write(head + sent.body)
            await line.writer.drain()
        except (ConnectionError, OSError):
            await self.close()
            return None
        request = self._tape.message(
            Seen(
                sender=Side.SUITE,
                part=Part.REQUEST,
                connection=line.number,
                exchange=None,
                head=head,
                body=sent.body,
                wrong=sent.wrong,
            )
        )
        return await self._answer(line, request)

    async def _answer(self, line: _Line, request: Message) -> Message | None:
        try:
            async with self._clock.timeout(self._limit_s):
                bare = request.method == "HEAD"
                raw = await (_head(line.reader) if bare else read_raw(line.reader))
        except TimeoutError:
            raw = None
        if raw is None:
            self._tape.mark("suite.unanswered", request=request.number)
            await self.close()
            return None
        found = self._tape.message(
            Seen(
                sender=Side.DEVICE,
                part=Part.RESPONSE,
                connection=line.number,
                exchange=request.number,
                head=raw.head,
                body=raw.body,
                coded=raw.coded,
                broken=raw.broken,
            )
        )
        if raw.broken or found.header("Connection").lower() == "close":
            await self.close()
        return found


def _headers(url: str, sent: Sent) -> Headers:
    usual: Headers = (("Host", urlsplit(url).netloc), ("Accept", MEDIA_TYPE))
    if sent.body:
        usual += (("Content-Type", MEDIA_TYPE),)
    if sent.body or sent.method in ("PUT", "POST"):
        usual += (("Content-Length", str(len(sent.body))),)
    named = {name.lower() for name, _ in sent.headers}
    kept = tuple(pair for pair in usual if pair[0].lower() not in named)
    return (*kept, *((name, value) for name, value in sent.headers if value))


async def _head(reader: asyncio.StreamReader) -> Raw | None:
    """Read the head of an answer that has no body, whatever its length says."""
    try:
        return Raw(head=await reader.readuntil(_END))
    except asyncio.IncompleteReadError as error:
        return Raw(head=error.partial, broken="ended inside the head") if error.partial else None
    except (asyncio.LimitOverrunError, ConnectionError, OSError):
        return None
