"""The exchange of a 2030.5 session over HTTP: a ``Send`` names a method and a link, the answer comes with its status.

A link is the server's: it is resolved against the place that it was read at and never taken apart. Redirects are
followed here, three at most, and the session is told where the answer came from in the end, so that it can look for
everything anew (IEEE 2030.5-2018 clause 5.5.2.7).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.domain.errors import IdentityError, TransportError
from gateway.northbound.exchange import refused
from gateway.protocols.actions import Message, Send
from gateway.protocols.sep2.identity import lfdi_of
from gateway.protocols.sep2.pinning import pinned_as
from gateway.transport.client import Answer, PeerClient

MOST_HOPS: Final = 3
MEDIA_TYPE: Final = "application/sep+xml"
_MOVED: Final = frozenset({301, 302, 307, 308})
_LATER: Final = 429
_SERVER_ERROR: Final = 500


def pinned_device(expected: str) -> Callable[[Sequence[bytes]], None]:
    """Make the judge that lets only one server certificate pass, by its LFDI or SFDI.

    Raises:
        IdentityError: ``FINGERPRINT``.
    """

    def admit(chain: Sequence[bytes]) -> None:
        if not chain or not pinned_as(lfdi_of(chain[0]), expected):
            raise IdentityError("FINGERPRINT", "the server's certificate is not the pinned one")

    return admit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sep2Exchange:
    """Sends to one utility.

    Args:
        client: Connection pool of this utility.
        root: The configured address; links are resolved against it.
        trusted: Further origins, e.g. ``https://other.example:8443``, that the server may send us to; its own always
            is one of them.
    """

    client: PeerClient
    root: str
    trusted: frozenset[str] = frozenset()

    async def __call__(self, send: Send) -> Message:
        """Return the answer, whatever its status below 500 says.

        Raises:
            TransportError: no answer; ``STATUS_429``, ``STATUS_503`` and the like with the time that the peer asks to
                be left alone for; ``REDIRECT`` for more than three hops, for one from https to http, and for one to a
                place that is not trusted.
        """
        url = self._allowed(_onward(self.root, send.href), self.root)
        answer = await self._ask(send, url)
        hops = 0
        while answer.status in _MOVED and answer.location:
            hops += 1
            if hops > MOST_HOPS:
                raise TransportError("REDIRECT", f"{send.service}: more than {MOST_HOPS} redirects")
            url = self._allowed(_onward(url, answer.location), url)
            answer = await self._ask(send, url)
        if answer.status == _LATER or answer.status >= _SERVER_ERROR:
            raise refused(answer, send)
        return Message(
            request_id=send.request_id,
            service=send.service,
            body=answer.body,
            status=answer.status,
            media_type=answer.media_type,
            peer=lfdi_of(answer.peer_der) if answer.peer_der else "",
            date=answer.date,
            location=answer.location,
            href=url,
        )

    async def _ask(self, send: Send, url: str) -> Answer:
        return await self.client.request(send.method, url, send.body, send.media_type)

    def _allowed(self, url: str, before: str) -> str:
        """Return an address without its fragment, if we may go there from ``before``."""
        there, here = urlsplit(url), urlsplit(before)
        if here.scheme == "https" and there.scheme != "https":
            raise TransportError("REDIRECT", "the server sends us from https to plain http")
        origin = f"{there.scheme}://{there.netloc}"
        if origin not in {self._origin, *self.trusted}:
            raise TransportError(
                "REDIRECT", f"the server sends us to {origin[:64]}, which is not trusted"
            )
        return there._replace(fragment="").geturl()

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.root)
        return f"{parts.scheme}://{parts.netloc}"


def _onward(url: str, there: str) -> str:
    """Resolve an address that a server gave."""
    try:
        return urljoin(url, there)
    except ValueError:
        raise TransportError("REDIRECT", "the server sends us to what is no address") from None
