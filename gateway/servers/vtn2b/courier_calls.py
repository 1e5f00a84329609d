"""Connections to VENs that are pushed to: each VEN known by its certificate, few of thousands open at a time."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from gateway.domain.errors import IdentityError, TransportError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint
from gateway.protocols.oadr2b.options import BASE_PATH
from gateway.protocols.oadr2b.vtn_push import Push
from gateway.transport.client import Answer, Bounds, PeerClient

KEPT: Final = 128
"""VENs that connections are kept to when nothing is under way."""
_LARGEST: Final = 1 << 20
"""Bytes of a reply."""
_Known: TypeAlias = tuple[str, tuple[str, ...]]

MakeContext = Callable[[], ssl.SSLContext]
"""Makes a client's context with the VTN's own certificate, chains verified and host names not."""


class Calls(Protocol):
    """Sends one push."""

    async def post(self, push: Push, body: bytes) -> Answer:
        """Return the VEN's answer, whatever its status.

        Raises:
            TransportError: there is none.
        """
        ...


@dataclass(slots=True)
class _Client:
    peer: PeerClient
    busy: int = 0


@dataclass
class HttpCalls:
    """Pushes over HTTPS; over plain HTTP where the VTN itself speaks it.

    Args:
        context: Makes the context of one VEN's connections; None: plain HTTP alone.
        clock: Time of the limits.
        total_s: For one exchange, seconds; 5 at least (section 9.1.6).
        test_mode: False refuses VENs with test certificates.
    """

    context: MakeContext | None
    clock: Clock
    total_s: float = 30.0
    test_mode: bool = True
    _clients: OrderedDict[_Known, _Client] = field(default_factory=OrderedDict, init=False)

    async def post(self, push: Push, body: bytes) -> Answer:
        """Return the VEN's answer, whatever its status.

        Raises:
            TransportError: there is none; ``FINGERPRINT``: somebody else answers at the VEN's address; ``TLS``: the
                address is not one for the way in which this VTN speaks.
        """
        secure = push.root.startswith("https://")
        if secure != (self.context is not None):
            raise TransportError("TLS", "https is pushed to by a VTN with TLS, http by one without")
        known = (push.root, push.fingerprints)
        client = self._clients.pop(known, None) or _Client(self._client(push))
        self._clients[known] = client
        client.busy += 1
        try:
            await self._make_room()
            return await client.peer.post(push.service, body, "application/xml")
        finally:
            client.busy -= 1

    def _client(self, push: Push) -> PeerClient:
        fingerprints = push.fingerprints

        def admit(chain: Sequence[bytes]) -> None:
            found = fingerprint(chain[0]) if chain else ""
            if not any(same_fingerprint(found, one) for one in fingerprints):
                raise IdentityError("FINGERPRINT", "this certificate is not the VEN's")

        return PeerClient(
            push.root + BASE_PATH,
            self.context() if self.context is not None else None,
            self.clock,
            total_s=self.total_s,
            bounds=Bounds(largest=_LARGEST),
            test_mode=self.test_mode,
            admit=admit,
        )

    async def _make_room(self) -> None:
        idle = [known for known, client in self._clients.items() if not client.busy]
        for known in idle[: max(0, len(self._clients) - KEPT)]:
            await self._clients.pop(known).peer.close()

    async def close(self) -> None:
        """Close every connection."""
        clients = [client.peer for client in self._clients.values()]
        self._clients.clear()
        await asyncio.gather(*(client.close() for client in clients))
