"""The suite's HTTP client: exact bytes out, exact bytes in, one connection kept per peer."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.transcript import Message, Part, Side
from conformance.peers.script2b.handshake import agreed, failed, hearing
from conformance.peers.script2b.ports import Recorder, Seen
from conformance.peers.script2b.wire import read_raw, write_head
from gateway.domain.ports import Clock

_LIMIT: Final = 16 << 20
Headers = tuple[tuple[str, str], ...]


@dataclass
class _Line:
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Caller:
    """Posts to the device.

    Args:
        tape: Records.
        clock: Of the limit.
        tls: The suite's identity; None: plain HTTP.
        limit_s: Seconds before an answer is given up.
    """

    def __init__(
        self, tape: Recorder, clock: Clock, tls: ssl.SSLContext | None, limit_s: float = 30
    ) -> None:
        self._tape = tape
        self._clock = clock
        self._tls = tls
        self._limit_s = limit_s
        self._line: _Line | None = None
        self._where: tuple[str, int] | None = None
        self._turn = asyncio.Lock()

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        wrong: str = "",
        headers: Headers = (),
        method: str = "POST",
    ) -> Message | None:
        """Post once and return the answer; None, and a mark, when none came.

        One exchange at a time: a script may send while the same VEN polls in the background.
        """
        async with self._turn:
            return await self._post(url, body, wrong, headers, method)

    async def _post(
        self, url: str, body: bytes, wrong: str, headers: Headers, method: str
    ) -> Message | None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        for fresh in (False, True):
            if fresh or self._line is None or self._where != (host, port):
                await self.close()
                if not await self._connect(host, port, secure=parts.scheme == "https"):
                    return None
                fresh = True  # noqa: PLW2901 - a connection just made is not tried a second time
            found = await self._exchange(
                f"{method} {parts.path} HTTP/1.1", f"{host}:{port}", body, wrong, headers
            )
            if found is not None or fresh:
                return found
        return None

    async def close(self) -> None:
        """Close the connection."""
        line, self._line = self._line, None
        if line is not None:
            line.writer.close()

    async def _connect(self, host: str, port: int, *, secure: bool) -> bool:
        number = self._tape.connection(Side.SUITE)
        tls = self._tls if secure else None
        with hearing(tls) as heard:
            try:
                async with self._clock.timeout(self._limit_s):
                    reader, writer = await asyncio.open_connection(
                        host, port, ssl=tls, limit=_LIMIT
                    )
            except (TimeoutError, OSError) as error:
                if tls is not None and isinstance(error, ssl.SSLError):
                    self._tape.handshake(number, *failed(heard, error, tls))
                what = type(error).__name__
                self._tape.mark("suite.unreachable", url=f"{host}:{port}", error=what)
                return False
        if tls is not None:
            self._tape.handshake(number, *agreed(heard, writer.transport, tls))
        self._line = _Line(number, reader, writer)
        self._where = (host, port)
        return True

    async def _exchange(
        self, start: str, host: str, body: bytes, wrong: str, headers: Headers
    ) -> Message | None:
        line = self._line
        if line is None:
            return None
        usual: Headers = (("Host", host), ("Content-Type", "application/xml"))
        named = {name.lower() for name, _ in headers}
        kept = tuple(pair for pair in usual if pair[0].lower() not in named)
        measured = not named & {"content-length", "transfer-encoding"}
        length = (("Content-Length", str(len(body))),) if measured else ()
        head = write_head(start, (*kept, *headers, *length))
        try:
            line.writer.write(head + body)
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
                body=body,
                wrong=wrong,
            )
        )
        return await self._answer(line, request)

    async def _answer(self, line: _Line, request: Message) -> Message | None:
        try:
            async with self._clock.timeout(self._limit_s):
                raw = await read_raw(line.reader)
        except TimeoutError:
            raw = None
            self._tape.mark("suite.unanswered", request=request.number)
        if raw is None:
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
