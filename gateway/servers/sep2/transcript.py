"""Every exchange as it went over the wire, in a ring of bounded size, PINs struck out; gone with the process."""

import re
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

MOST_BYTES: Final = 64 << 10
"""Of one body; a longer one is cut."""
MOST_KEPT: Final = 64 << 20
"""Bytes of all bodies together; the oldest exchanges go."""
_PIN: Final = re.compile(rb"(?<=<pIN>)[^<]{1,40}(?=</)")
STRUCK: Final = b"***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    number: int = 0
    """Counted from 1."""
    at: datetime
    """When the answer was ready."""
    peer: str
    """LFDI."""
    method: str
    target: str
    """Path and query."""
    status: int
    location: str
    request: bytes
    answer: bytes
    outward: bool = False
    """It was the server that asked: a notification."""


class Transcript:
    """Takes exchanges down.

    Args:
        most: Exchanges kept; 0: none.
        most_bytes: Of the bodies of all of them together.
    """

    def __init__(self, most: int, most_bytes: int = MOST_KEPT) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: deque[Exchange] = deque()
        self._bytes = 0
        self._last = 0

    def note(self, exchange: Exchange) -> None:
        """Take one exchange down."""
        self._last += 1
        self._kept.append(
            replace(
                exchange,
                number=self._last,
                target=exchange.target[:500],
                request=_cut(exchange.request),
                answer=_cut(exchange.answer),
            )
        )
        self._bytes += _size(self._kept[-1])
        while len(self._kept) > self._most or (self._kept and self._bytes > self._most_bytes):
            self._bytes -= _size(self._kept.popleft())

    def after(self, number: int, limit: int) -> list[Exchange]:
        """Return the oldest exchanges beyond a number."""
        first = self._last - len(self._kept)
        start = max(number - first, 0)
        return list(islice(self._kept, start, start + limit))


def _size(one: Exchange) -> int:
    return len(one.request) + len(one.answer)


def _cut(body: bytes) -> bytes:
    return _PIN.sub(STRUCK, body[:MOST_BYTES])
