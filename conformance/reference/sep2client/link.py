"""One request to the server: links resolved, lists read to their end, redirects followed, failures told apart."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

from lxml.etree import _Element as Element

from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.wire import MEDIA_TYPE, every, parse
from gateway.domain.errors import TransportError
from gateway.domain.ports import Clock
from gateway.transport.client import Answer, PeerClient
from gateway.transport.sep2_tls import judge_chain

Method = Literal["GET", "PUT", "POST", "DELETE"]
HOPS: Final = 3
MOST: Final = 255
"""Members asked for at once; a server may bring fewer."""
TRIES: Final = 5
"""Of a list that changes while it is read."""
_OK: Final = 200
_MOVED: Final = frozenset({301, 302, 307, 308})
_LATER: Final = frozenset({408, 429})


class LaterError(Exception):
    """The server cannot answer now.

    Args:
        pause: That it asks for; None: none.
    """

    def __init__(self, pause: timedelta | None = None) -> None:
        super().__init__()
        self.pause = pause


class RefusedError(Exception):
    """The server will not answer this.

    Args:
        status: Of its answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class Link:
    """This client's way to its server."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._root = settings.url
        self.peer_der: bytes | None = None
        """Certificate that the server showed last."""
        self.heed: Callable[[str, Element], None] = lambda _, __: None
        """Told of every document that was read, with its address."""
        self._http = PeerClient(
            settings.url,
            settings.tls,
            clock,
            total_s=settings.timeout_s,
            test_mode=True,
            admit=judge_chain,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def read(self, href: str, query: str = "") -> Element:
        """GET a resource.

        Raises:
            LaterError: not now.
            RefusedError: not this.
        """
        answer = await self._ask("GET", href + query, b"")
        if answer.status != _OK:
            raise RefusedError(answer.status)
        try:
            found = parse(answer.body)
        except ValueError:
            raise LaterError from None
        self.heed(href, found)
        return found

    async def members(self, href: str, name: str) -> tuple[Element, list[Element]]:
        """Read a list to its end: the first page, and every member; begun again when it changes meanwhile.

        Raises:
            LaterError: not now, or it never stays the same.
            RefusedError: not this.
        """
        for _ in range(TRIES):
            first = page = await self.read(href, f"?s=0&l={MOST}")
            found = every(page, name)
            while len(found) < int(first.get("all", "0")) and every(page, name):
                page = await self.read(href, f"?s={len(found)}&l={MOST}")
                if page.get("all") != first.get("all"):
                    break
                found += every(page, name)
            if page.get("all") == first.get("all"):
                return first, found
        raise LaterError

    async def send(self, method: Method, href: str, body: bytes) -> str:
        """PUT or POST a document; return where what it created lies, empty if it created nothing.

        Raises:
            LaterError: not now; the same document must be sent again.
            RefusedError: never.
        """
        answer = await self._ask(method, href, body)
        if answer.status >= 300:
            raise RefusedError(answer.status)
        return answer.location

    async def _ask(self, method: Method, href: str, body: bytes) -> Answer:
        url = urljoin(self._root, href)
        hops = 0
        while True:
            try:
                answer = await self._http.request(method, url, body, MEDIA_TYPE)
            except TransportError:
                raise LaterError from None
            if answer.status in _MOVED and answer.location and hops < HOPS:
                url, hops = self._onward(url, answer.location), hops + 1
                continue
            if answer.status >= 500 or answer.status in _LATER:
                raise LaterError(answer.retry_after)
            self.peer_der = answer.peer_der or self.peer_der
            return answer

    def _onward(self, url: str, location: str) -> str:
        """Follow a redirect, but never out of TLS."""
        onward = urljoin(url, location)
        if urlsplit(url).scheme == "https" != urlsplit(onward).scheme:
            raise RefusedError(0)
        return onward
