"""A device of the bench on the wire: HTTP by hand over mutual TLS, so that measuring is cheaper than the measured."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import MisuseError

_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]+)\r\n")
_PLACE: Final = re.compile(rb"\r\n[Ll]ocation: *([^\r]+)\r\n")
_XML: Final = "application/sep+xml"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    location: str
    body: bytes


class Wire:
    """One connection that stays open.

    Args:
        port: Of the server, on this machine.
        context: TLS with the device's certificate.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._busy = asyncio.Lock()

    async def open(self) -> None:
        """Connect: a full handshake."""
        self._streams = await asyncio.open_connection(
            "localhost", self._port, ssl=self._context, server_hostname="localhost"
        )

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def get(self, path: str) -> bytes:
        """Read a resource.

        Raises:
            MisuseError: ``BENCH`` unless it is there.
        """
        return (await self._ask(f"GET {path} HTTP/1.1\r\n", b"", 200)).body

    async def send(self, method: str, path: str, body: bytes, status: int) -> Said:
        """Write a resource.

        Raises:
            MisuseError: ``BENCH`` for another answer than the one wanted.
        """
        head = (
            f"{method} {path} HTTP/1.1\r\nContent-Type: {_XML}\r\nContent-Length: {len(body)}\r\n"
        )
        return await self._ask(head, body, status)

    async def _ask(self, head: str, body: bytes, status: int) -> Said:
        async with self._busy:
            if self._streams is None:
                await self.open()
            reader, writer = self._open_streams()
            writer.write(f"{head}Host: localhost\r\nAccept: {_XML}\r\n\r\n".encode() + body)
            told = await reader.readuntil(b"\r\n\r\n")
            length, place = _LENGTH.search(told), _PLACE.search(told)
            content = await reader.readexactly(int(length[1])) if length else b""
        found = Said(int(told[9:12]), place[1].decode() if place else "", content)
        if found.status != status:
            raise MisuseError("BENCH", f"{head.splitlines()[0]} is answered {found.status}")
        return found

    def _open_streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise MisuseError("BENCH", "the connection is not open")
        return self._streams
