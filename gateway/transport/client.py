"""One utility over HTTP: every exchange bounded in time and size, never redirected, never repeated by itself."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from yarl import URL

from gateway.domain.errors import IdentityError, TransportError
from gateway.domain.ports import Clock
from gateway.protocols.actions import Method
from gateway.transport.connector import CONNECT_S, MOST_CONNECTIONS, OrderlyConnector
from gateway.transport.marks import is_test_certificate
from gateway.transport.tls import admit_peers

FIRST_BYTE_SHARE: Final = 2 / 3
"""Of the total limit: a peer that has not begun its answer by then is given up."""
RATE_WINDOW_S: Final = 5.0
RATE_BYTES: Final = 5 << 10
"""A body must bring so many bytes in each window, or end."""
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
LONGEST_LOCATION: Final = 2048
"""Characters of a ``Location``; nobody's links are longer."""
_WITH_BODY: Final = frozenset({"POST", "PUT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    media_type: str
    peer_der: bytes | None
    date: datetime | None
    retry_after: timedelta | None
    location: str = ""
    """``Location`` as it came; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one peer may take of us."""

    largest: int = 8 << 20
    """An answer's body, bytes as they arrive."""
    connections: int = MOST_CONNECTIONS
    """Kept open at most; a request waits for one."""


class PeerClient:
    """Asks one peer over one connection pool of its own.

    Args:
        base_url: Everything before the service name, without trailing slash.
        context: TLS context of this peer; None for plain HTTP (loopback only, decided by the configuration).
        clock: Time for the total limit.
        total_s: Limit for one exchange, connect and body included, seconds.
        largest: Of an answer's body, in the place of that of the bounds.
        bounds: Of answers and connections.
        test_mode: False refuses peers whose certificate carries the test mark.
        admit: Judges the peer's chain (DER, leaf first, the anchor last) further; raises ``IdentityError`` to refuse.
    """

    def __init__(  # noqa: PLR0913 - wrong devices that are kept as they are name `largest`
        self,
        base_url: str,
        context: ssl.SSLContext | None,
        clock: Clock,
        *,
        total_s: float = 30.0,
        largest: int | None = None,
        bounds: Bounds | None = None,
        test_mode: bool = False,
        admit: Callable[[Sequence[bytes]], None] | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._total_s = total_s
        bounds = bounds or Bounds()
        self._largest = bounds.largest if largest is None else largest
        self._test_mode = test_mode
        self._admit = admit
        self._peer_der: bytes | None = None
        self._refusal: IdentityError | None = None
        if context is not None:
            # aiohttp lets go of a connection as soon as a short answer is read, so the peer is judged at the handshake.
            admit_peers(context, self._judge)
        self._http = aiohttp.ClientSession(
            connector=OrderlyConnector(context, clock, most=bounds.connections),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )

    async def post(self, service: str, body: bytes, media_type: str) -> Answer:
        """Send one document to a service below the root and read the whole answer.

        Raises:
            TransportError: as ``request``.
        """
        return await self.request("POST", f"{self._base_url}/{service}", body, media_type)

    async def request(self, method: Method, url: str, body: bytes, media_type: str) -> Answer:
        """Ask one thing and read the whole answer; a redirect is an answer like any other.

        Args:
            method: What to do.
            url: Whole; it goes out as it stands, nothing is quoted anew.
            body: Goes out with POST and PUT only.
            media_type: Of the body, and of the answer that is wanted.

        Raises:
            TransportError: ``TIMEOUT``, ``TLS``, ``CONNECT``, ``BROKEN`` or ``TOO_LARGE``: the peer may or may not
                have acted on it; ``TEST_CERTIFICATE`` when the peer shows a test certificate in production.
        """
        headers = {"Accept": media_type, "Accept-Encoding": "identity"}
        document = body if method in _WITH_BODY else None
        if document is not None:
            headers["Content-Type"] = media_type
        try:
            async with self._clock.timeout(self._total_s):
                return await self._exchange(method, url, document, headers)
        except aiohttp.ConnectionTimeoutError:
            raise TransportError(
                "CONNECT", f"{url}: no connection, or no TLS handshake, within {CONNECT_S:g} s"
            ) from None
        except TimeoutError:
            raise TransportError(
                "TIMEOUT", f"{url}: no answer within {self._total_s:g} s, or one that hardly moves"
            ) from None
        except aiohttp.ClientSSLError as error:
            refusal, self._refusal = self._refusal, None
            if refusal is not None:
                raise TransportError(refusal.reason, f"{url}: {refusal.detail}") from None
            raise TransportError("TLS", f"{url}: {error}") from None
        except aiohttp.ClientConnectorError as error:
            raise TransportError("CONNECT", f"{url}: {error}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError("BROKEN", f"{url}: {type(error).__name__}") from None

    async def _exchange(
        self, method: Method, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        async with self._clock.timeout(self._total_s * FIRST_BYTE_SHARE):
            answer = await self._http.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            )
        async with answer:
            return Answer(
                status=answer.status,
                body=await self._read(answer),
                media_type=answer.content_type,
                peer_der=self._peer_der,
                date=_date(answer.headers.get("Date")),
                retry_after=self._retry_after(answer.headers.get("Retry-After")),
                location=answer.headers.get("Location", "")[:LONGEST_LOCATION],
            )

    def _judge(self, chain: Sequence[bytes]) -> None:
        der = chain[0] if chain else b""
        try:
            if not self._test_mode and is_test_certificate(der):
                detail = "the peer shows a test certificate; set [gateway] test_mode to talk to it"
                raise IdentityError("TEST_CERTIFICATE", detail)
            if self._admit is not None:
                self._admit(chain)
        except IdentityError as error:
            self._refusal = error
            raise
        self._peer_der = der

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        encoding = answer.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise TransportError(
                "BROKEN", f"the answer came as {encoding[:16]}, which was not offered"
            )
        if (answer.content_length or 0) > self._largest:
            raise self._too_large(answer)
        parts: list[bytes] = []
        size = 0
        while part := await self._part(answer):
            size += len(part)
            if size > self._largest:
                raise self._too_large(answer)
            parts.append(part)
        return b"".join(parts)

    async def _part(self, answer: aiohttp.ClientResponse) -> bytes:
        """Return what one window brought; empty at the end of the body."""
        pieces: list[bytes] = []
        size = 0
        async with self._clock.timeout(RATE_WINDOW_S):
            while size < RATE_BYTES and (piece := await answer.content.readany()):
                size += len(piece)
                pieces.append(piece)
        return b"".join(pieces)

    def _too_large(self, answer: aiohttp.ClientResponse) -> TransportError:
        answer.close()
        return TransportError("TOO_LARGE", f"the answer is larger than {self._largest} bytes")

    def _retry_after(self, text: str | None) -> timedelta | None:
        if not text:
            return None
        if text.isascii() and text.isdigit():
            return min(timedelta(seconds=min(int(text[:9]), 86_400)), LONGEST_RETRY_AFTER)
        at = _date(text)
        if at is None:
            return None
        return min(max(at - self._clock.now(), timedelta(0)), LONGEST_RETRY_AFTER)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else None
