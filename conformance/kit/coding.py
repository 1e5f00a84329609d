"""Content codings of HTTP, undone for the judge."""

import zlib
from typing import Final

LARGEST: Final = 32 << 20
_ANY: Final = 32 + zlib.MAX_WBITS
"""Window bits that take gzip and zlib alike."""
CODED: Final = ("gzip", "x-gzip", "deflate")


def undone(body: bytes, coding: str) -> bytes:
    """Return a body without its coding; as it is when there is none, it is broken, or it is too large.

    Args:
        body: As it stood at the socket.
        coding: The Content-Encoding.
    """
    if coding.strip().lower() not in CODED:
        return body
    unpacking = zlib.decompressobj(_ANY)
    try:
        found = unpacking.decompress(body, LARGEST)
    except zlib.error:
        return body
    return found if unpacking.eof else body
