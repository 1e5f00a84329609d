"""The exchange of a session over HTTP: a ``Send`` becomes a POST, the answer a ``Message``."""

from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import TransportError
from gateway.protocols.actions import Message, Send
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint
from gateway.transport.client import PeerClient

OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExchange:
    """Sends to one utility.

    Args:
        client: Connection pool of this utility.
        pinned: Fingerprint that the server's certificate must have; empty: any certificate of the anchor.
    """

    client: PeerClient
    pinned: str = ""

    async def __call__(self, send: Send) -> Message:
        """Return the answer.

        Raises:
            TransportError: no answer, ``STATUS_503`` and the like for any status but 200 (OpenADR 2.0b 9.1.5: the body
                of such an answer is undefined), or ``FINGERPRINT`` when the server is not the pinned one.
        """
        answer = await self.client.post(send.service, send.body, send.media_type)
        peer = fingerprint(answer.peer_der) if answer.peer_der else ""
        if self.pinned and not same_fingerprint(peer, self.pinned):
            raise TransportError("FINGERPRINT", "the server's certificate is not the pinned one")
        if answer.status != OK:
            raise TransportError(
                f"STATUS_{answer.status}", f"{send.service} answered {answer.status}"
            )
        return Message(
            request_id=send.request_id,
            service=send.service,
            body=answer.body,
            status=answer.status,
            media_type=answer.media_type,
            peer=peer,
            date=answer.date,
        )
