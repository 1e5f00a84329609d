"""Every message as it went over the wire, in a ring of bounded size: exact bytes, secrets struck out.

What changed nothing (a poll of an empty queue) is written with the next turn, after ``FLUSH_S`` at the latest; a
process that is killed loses that much of its transcript, and nothing else.
"""

import re
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.domain.errors import StoreError
from gateway.domain.ports import Clock
from gateway.transport.server import Handler

FLUSH_S: Final = timedelta(seconds=1)
BATCH: Final = 64
"""Exchanges that are written together at most."""
MOST_BYTES: Final = 256 << 10
"""Of one body; a longer one is cut, and says so."""
STRUCK: Final = b"***"
_SECRETS: Final = re.compile(rb"(?<=://)[^/\s<>\"'@]{1,400}@")
"""User name and password in a URL."""
_SAID: Final = re.compile(rb"<(?:[\w.-]+:)?(oadr(?!Payload|SignedObject)[A-Z]\w*)[\s/>]")
_REQUEST: Final = web.RequestKey("vtn2b_request", bytes)
_PEER: Final = web.RequestKey("vtn2b_peer", str)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    number: int = 0
    """Place in the transcript, counted on over restarts."""
    at: datetime
    """When the answer was ready."""
    by: str
    """Who asked: ``ven``, or ``vtn`` for a push."""
    peer: str
    """Fingerprint of the VEN's certificate; empty over plain HTTP."""
    method: str
    path: str
    status: int
    """Of the answer; 0: none came."""
    request: bytes
    answer: bytes
    struck: bool = False
    """Whether anything was struck out or cut off."""

    @property
    def said(self) -> tuple[str, str]:
        """Return the names of the two messages, empty where there was none."""
        return _name(self.request), _name(self.answer)


def _name(body: bytes) -> str:
    # Looked for, not parsed: the transcript also holds what is no XML.
    found = _SAID.search(body[:4096])
    return found[1].decode("ascii", "replace") if found else ""


class Shelf(Protocol):
    """Where exchanges are kept."""

    async def keep_exchanges(self, exchanges: list[Exchange], most: int) -> None:
        """Add exchanges, and forget the oldest beyond ``most``.

        Raises:
            StoreError: they cannot be kept.
        """
        ...

    async def exchanges_after(self, number: int, limit: int) -> list[Exchange]:
        """Return the oldest exchanges beyond a number."""
        ...


class MemoryShelf:
    """Keeps exchanges as long as the process lives."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque()
        self._last = 0

    async def keep_exchanges(self, exchanges: list[Exchange], most: int) -> None:
        """Add exchanges, and forget the oldest beyond ``most``."""
        for one in exchanges:
            self._last += 1
            self._kept.append(replace(one, number=self._last))
        while len(self._kept) > most:
            self._kept.popleft()

    async def exchanges_after(self, number: int, limit: int) -> list[Exchange]:
        """Return the oldest exchanges beyond a number."""
        return [one for one in self._kept if one.number > number][:limit]


class Transcript:
    """Takes exchanges down.

    Args:
        shelf: Where they are kept.
        clock: Time of each.
        most: Exchanges kept.
    """

    def __init__(self, shelf: Shelf, clock: Clock, most: int = 100_000) -> None:
        self._shelf = shelf
        self._clock = clock
        self._most = most
        self._waiting: list[Exchange] = []

    async def note(self, exchange: Exchange) -> None:
        """Take one exchange down.

        Raises:
            StoreError: it cannot be kept.
        """
        self._waiting.append(_without_secrets(exchange))
        oldest = self._waiting[0].at
        if len(self._waiting) >= BATCH or self._clock.now() - oldest >= FLUSH_S:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            StoreError: it cannot be kept.
        """
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            await self._shelf.keep_exchanges(waiting, self._most)

    async def after(self, number: int, limit: int) -> list[Exchange]:
        """Return the oldest exchanges beyond a number, those that wait included."""
        await self.flush()
        return await self._shelf.exchanges_after(number, limit)

    def middleware(self) -> Middleware:
        """Return what takes down every request of an app with the answer it gets."""

        @web.middleware
        async def recorded(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            body = answer.body if isinstance(answer, web.Response) else b""
            exchange = Exchange(
                at=self._clock.now(),
                by="ven",
                peer=request.get(_PEER, ""),
                method=request.method[:16],
                path=request.path[:200],
                status=answer.status,
                request=request.get(_REQUEST, b""),
                answer=body if isinstance(body, bytes) else b"",
            )
            try:
                await self.note(exchange)
            except StoreError as error:
                # The answer stands: what it promises was stored before.
                log.warning("transcript_lost", reason=error.reason)
            return answer

        return recorded


def remember(request: web.Request, body: bytes, peer: str) -> None:
    """Hand a request's body to the transcript that may be listening."""
    request[_REQUEST] = body
    request[_PEER] = peer


def _without_secrets(exchange: Exchange) -> Exchange:
    bodies = (exchange.request, exchange.answer)
    kept = tuple(_SECRETS.sub(STRUCK + b"@", body[:MOST_BYTES]) for body in bodies)
    return replace(
        exchange, request=kept[0], answer=kept[1], struck=exchange.struck or kept != bodies
    )
