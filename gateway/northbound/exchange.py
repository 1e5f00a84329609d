"""The exchange of a session over HTTP: a ``Send`` becomes a POST, the answer a ``Message``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import IdentityError, TransportError
from gateway.protocols.actions import Message, Send
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint
from gateway.transport.client import Answer, PeerClient

OK: Final = 200


def pinned(expected: str) -> Callable[[Sequence[bytes]], None]:
    """Make the judge that lets only one server certificate pass, by its OpenADR fingerprint.

    Raises:
        IdentityError: ``FINGERPRINT``.
    """

    def admit(chain: Sequence[bytes]) -> None:
        if not chain or not same_fingerprint(fingerprint(chain[0]), expected):
            raise IdentityError("FINGERPRINT", "the server's certificate is not the pinned one")

    return admit


def refused(answer: Answer, send: Send) -> TransportError:
    """Return the error that an answer's status means, with the time that the peer asks to be left alone for."""
    return TransportError(
        f"STATUS_{answer.status}",
        f"{send.service} answered {answer.status}",
        retry_after=answer.retry_after,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExchange:
    """Sends to one utility.

    Args:
        client: Connection pool of this utility.
    """

    client: PeerClient

    async def __call__(self, send: Send) -> Message:
        """Return the answer.

        Raises:
            TransportError: no answer, or ``STATUS_503`` and the like for any status but 200 (OpenADR 2.0b 9.1.5: the
                body of such an answer is undefined), with the time that the peer asks to be left alone for.
        """
        answer = await self.client.post(send.service, send.body, send.media_type)
        peer = fingerprint(answer.peer_der) if answer.peer_der else ""
        if answer.status != OK:
            raise refused(answer, send)
        return Message(
            request_id=send.request_id,
            service=send.service,
            body=answer.body,
            status=answer.status,
            media_type=answer.media_type,
            peer=peer,
            date=answer.date,
        )
