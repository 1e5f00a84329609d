"""Faults of the answer as HTTP: its status, its headers, its length, its body."""

import zlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from typing import Final

from conformance.faults.exchange import Exchange
from conformance.faults.wire import Headers, HttpMessage, answer

_MIB: Final = 1 << 20
_BLOCK: Final = b" " * (64 << 10)
XML: Final = ("Content-Type", "application/xml")
Act = Callable[[Exchange, float], Awaitable[None]]


def status(line: str, *headers: tuple[str, str], body: bytes = b"") -> Act:
    """Answer with a status in the server's place; it never sees the request."""

    async def act(exchange: Exchange, _: float) -> None:
        await exchange.line.write(answer(line, headers, body).whole)

    return act


def retry_after(line: str) -> Act:
    """Answer with a status and a Retry-After of so many seconds."""

    async def act(exchange: Exchange, seconds: float) -> None:
        header = ("Retry-After", str(int(seconds)))
        await exchange.line.write(answer(line, (header,)).whole)

    return act


def retry_at(line: str) -> Act:
    """Answer with a status and a Retry-After that names an instant."""

    async def act(exchange: Exchange, seconds: float) -> None:
        at = exchange.clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
        header = ("Retry-After", format_datetime(at, usegmt=True))
        await exchange.line.write(answer(line, (header,)).whole)

    return act


def spoilt(change: Callable[[HttpMessage], HttpMessage | bytes], *, close: bool = False) -> Act:
    """Let the server answer and change what it said, perhaps closing afterwards."""

    async def act(exchange: Exchange, _: float) -> None:
        changed = change(await exchange.forward())
        await exchange.line.write(changed if isinstance(changed, bytes) else changed.whole)
        if close:
            exchange.line.close()

    return act


def body(change: Callable[[bytes], bytes]) -> Act:
    """Let the server answer and change the body alone, keeping its length honest."""
    return spoilt(lambda found: found.with_body(change(found.body)))


def headed(*changed: tuple[str, str]) -> Act:
    """Let the server answer and replace headers."""
    return spoilt(lambda found: found.with_headers(*changed))


def chunked(found: HttpMessage) -> bytes:
    """Write the body in chunks of 64 bytes (RFC 9112 section 7.1)."""
    pieces = [found.body[at : at + 64] for at in range(0, len(found.body), 64)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return _unmeasured(found, ("Transfer-Encoding", "chunked")).head + coded


def broken_chunk(found: HttpMessage) -> bytes:
    """Write a chunk whose size is no number."""
    return _unmeasured(found, ("Transfer-Encoding", "chunked")).head + b"zz\r\n" + found.body


def two_lengths(found: HttpMessage) -> bytes:
    """Give a length and chunks at once, which invites smuggling."""
    return chunked(found).replace(
        b"Transfer-Encoding", b"Content-Length: 5\r\nTransfer-Encoding", 1
    )


def _unmeasured(found: HttpMessage, *added: tuple[str, str]) -> HttpMessage:
    kept: Headers = tuple(pair for pair in found.headers if pair[0].lower() != "content-length")
    return HttpMessage(start=found.start, headers=(*kept, *added), body=found.body)


def no_length(found: HttpMessage) -> HttpMessage:
    """Leave the length out; the end of the connection is the end of the body."""
    return _unmeasured(found, ("Connection", "close"))


def doubled(found: HttpMessage) -> HttpMessage:
    """Send every header twice."""
    again = tuple(pair for pair in found.headers if pair[0].lower() != "content-length")
    return HttpMessage(start=found.start, headers=(*found.headers, *again), body=found.body)


def different_lengths(found: HttpMessage) -> HttpMessage:
    """Send two lengths that contradict each other."""
    wrong = ("Content-Length", str(len(found.body) + 7))
    return HttpMessage(start=found.start, headers=(*found.headers, wrong), body=found.body)


def too_long(found: HttpMessage) -> bytes:
    """Announce more than comes."""
    return found.with_headers(("Content-Length", str(len(found.body) + 1000))).whole


def too_short(found: HttpMessage) -> bytes:
    """Announce less than comes."""
    return found.with_headers(("Content-Length", str(max(1, len(found.body) // 2)))).whole


def head_only(found: HttpMessage) -> bytes:
    """Send the headers and nothing else."""
    return found.head


def many_headers(found: HttpMessage) -> HttpMessage:
    """Send five thousand headers."""
    return found.with_headers(*((f"X-{number}", "x" * 100) for number in range(5000)))


def long_header(found: HttpMessage) -> HttpMessage:
    """Send one header of 256 KiB."""
    return found.with_headers(("X-Long", "x" * (256 << 10)))


def padded(found: bytes) -> bytes:
    """Follow the document by white space, up to 1.5 MiB in all."""
    return found.ljust(3 * _MIB // 2)


async def endless_body(exchange: Exchange, total: float) -> None:
    """Announce so many bytes and send them as fast as they are taken."""
    found = await exchange.forward()
    await exchange.line.write(found.with_headers(("Content-Length", str(int(total)))).head)
    for _ in range(int(total) // len(_BLOCK)):
        await exchange.line.write(_BLOCK)


async def endless_chunks(exchange: Exchange, total: float) -> None:
    """Send so many bytes in chunks, without ever having said how many."""
    found = _unmeasured(await exchange.forward(), ("Transfer-Encoding", "chunked"))
    await exchange.line.write(found.head)
    for _ in range(int(total) // len(_BLOCK)):
        await exchange.line.write(b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK))
    await exchange.line.write(b"0\r\n\r\n")


@cache
def bomb(mebibytes: int) -> bytes:
    """Compress so many MiB of spaces, in a thousandth of the time that it takes to unpack them (RFC 1952)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    spaces = b" " * (16 * _MIB)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    check = size = 0
    for _ in range(mebibytes // 16):
        check = zlib.crc32(spaces, check)
        size += len(spaces)
    trailer = check.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * (mebibytes // 16) + packer.flush() + trailer


def compressed_bomb(found: HttpMessage) -> HttpMessage:
    """Answer with 256 MiB that travel as 256 KiB."""
    return found.with_headers(("Content-Encoding", "gzip")).with_body(bomb(256))
