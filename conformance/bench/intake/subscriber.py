"""Reads event streams as a scheduler would, and notes when each event's intent came."""

import asyncio
import re
import ssl
from pathlib import Path
from time import perf_counter
from typing import Final, Self
from urllib.parse import urlsplit

EVENT_ID: Final = re.compile(rb'"eventID":"([^"]+)"')
_LONGEST: Final = 1 << 22


class Subscriber:
    """One site's stream over TLS.

    Args:
        url: Of the southbound listener.
        token: Bearer token.
        anchor: Root that is trusted.
    """

    def __init__(self, url: str, token: str, anchor: Path) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self._token = token
        self._tls = ssl.create_default_context(cafile=anchor)
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.block_bytes = 0
        """Length of the last block that was waited for."""

    async def __aenter__(self) -> Self:
        """Connect, and read until the stream has begun."""
        host, port = self._address
        reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=self._tls, server_hostname=host, limit=_LONGEST
        )
        request = f"GET /v1/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        self._writer.write(request.encode())
        while not (await reader.readline()).startswith(b"retry"):
            pass
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        if self._reading is not None and self._writer is not None:
            self._reading.cancel()
            self._writer.transport.abort()

    def expect(self, event_id: str) -> "asyncio.Future[float]":
        """Return a future of the ``perf_counter`` at which an event's intent arrives."""
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[event_id] = found
        return found

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            at = perf_counter()
            named = EVENT_ID.search(line) if line.startswith(b"data:") else None
            waiting = self._waiting.pop(named[1].decode(), None) if named else None
            if waiting is not None:
                self.block_bytes = len(line)
                waiting.set_result(at)
