"""HTTP/1.1 read byte by byte: head and body exactly as they came, and in what they are broken."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from conformance.faults.wire import HttpMessage
from conformance.kit.head import split_head

LARGEST_BODY: Final = 32 << 20
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One message as it came."""

    head: bytes
    body: bytes = field(default=b"", repr=False)
    coded: bytes | None = field(default=None, repr=False)
    """The body in its transfer coding, if it had one."""
    broken: str = ""

    @property
    def message(self) -> HttpMessage:
        """Return it as the faults take it."""
        start, headers = split_head(self.head)
        return HttpMessage(start=start, headers=headers, body=self.body)


def _header(head: bytes, name: str) -> str:
    _, headers = split_head(head)
    return next((value for key, value in headers if key.strip().lower() == name), "")


async def read_raw(reader: asyncio.StreamReader) -> Raw | None:
    """Read one message; None: the peer closed before its first byte."""
    try:
        head = await reader.readuntil(_END)
    except asyncio.IncompleteReadError as error:
        return Raw(head=error.partial, broken="ended inside the head") if error.partial else None
    except asyncio.LimitOverrunError:
        return Raw(head=b"", broken="a head without end")
    except (ConnectionError, OSError):
        return None
    if "chunked" in _header(head, "transfer-encoding").lower():
        return await _chunked(reader, head)
    return await _measured(reader, head)


async def _measured(reader: asyncio.StreamReader, head: bytes) -> Raw:
    text = _header(head, "content-length") or "0"
    if not text.isdigit() or len(text) > 10 or int(text) > LARGEST_BODY:
        return Raw(head=head, broken=f"a length of {text[:40]!r}")
    try:
        return Raw(head=head, body=await reader.readexactly(int(text)))
    except asyncio.IncompleteReadError as error:
        return Raw(head=head, body=error.partial, broken="ended inside the body")
    except (ConnectionError, OSError) as error:
        return Raw(head=head, broken=f"lost inside the body: {type(error).__name__}")


async def _chunked(reader: asyncio.StreamReader, head: bytes) -> Raw:
    coded, body = bytearray(), bytearray()
    try:
        while len(coded) < LARGEST_BODY:
            line = await reader.readline()
            coded += line
            size = int(line.split(b";")[0], 16)
            piece = await reader.readexactly(size + 2)
            coded += piece
            body += piece[:-2]
            if size == 0:
                return Raw(head=head, body=bytes(body), coded=bytes(coded))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
        pass
    return Raw(head=head, body=bytes(body), coded=bytes(coded), broken="broken chunks")


def write_head(start: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Write a head."""
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
