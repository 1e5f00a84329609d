"""HTTP/1.1 as bytes: just enough to read a request or an answer whole and to write a spoilt one."""

import asyncio
from dataclasses import dataclass
from typing import Final

LARGEST_HEAD: Final = 64 << 10
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """A request or an answer; headers in order and as written."""

    start: str
    """Request line or status line."""
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first header of a name, empty without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def with_headers(self, *changed: tuple[str, str]) -> "HttpMessage":
        """Return it with headers of the same names replaced, others added."""
        names = {name.lower() for name, _ in changed}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return HttpMessage(start=self.start, headers=(*kept, *changed), body=self.body)

    def with_body(self, body: bytes) -> "HttpMessage":
        """Return it with another body and the length that goes with it."""
        found = self.with_headers(("Content-Length", str(len(body))))
        return HttpMessage(start=found.start, headers=found.headers, body=body)

    @property
    def head(self) -> bytes:
        """Start line and headers, with the empty line."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def whole(self) -> bytes:
        """Everything."""
        return self.head + self.body


def answer(status: str, headers: Headers = (), body: bytes = b"") -> HttpMessage:
    """Make an answer, e.g. of ``503 Service Unavailable``."""
    length = ("Content-Length", str(len(body)))
    return HttpMessage(start=f"HTTP/1.1 {status}", headers=(*headers, length), body=body)


async def read_message(reader: asyncio.StreamReader) -> HttpMessage:
    """Read one message.

    Raises:
        asyncio.IncompleteReadError: the peer closed; ``partial`` is empty between messages.
        ValueError: it is no HTTP that this proxy passes on.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = tuple(
        (name.strip(), value.strip()) for name, _, value in (x.partition(":") for x in lines)
    )
    found = HttpMessage(start=start, headers=headers)
    if "chunked" in found.header("Transfer-Encoding").lower():
        return HttpMessage(start=start, headers=headers, body=await _chunks(reader))
    length = int(found.header("Content-Length") or 0)
    return HttpMessage(start=start, headers=headers, body=await reader.readexactly(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readline()
        size = int(line.split(b";")[0], 16)
        parts.append(await reader.readexactly(size + 2))
        if size == 0:
            return b"".join(part[:-2] for part in parts)
