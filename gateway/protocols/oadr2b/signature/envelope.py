"""The border between signed bytes and messages, the same for both roles and both directions.

Whoever sends hands its bytes to a ``Seal`` right before the network takes them; whoever receives reads through
``opened`` what it may believe, and has the stamp admitted by its ``ReplayWindow`` and stored before it acts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.signature.replay import Stamp
from gateway.protocols.oadr2b.signature.verify import STRICT, Policy, Verified, is_signed, verify
from gateway.protocols.xml import Element


class Seal(Protocol):
    """Signs what is about to be sent; met by ``Sealer`` and by what reloads one."""

    def seal(self, body: bytes, now: datetime) -> bytes:
        """Return the document signed, with the time of sending."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A message and who vouches for it."""

    message: Message
    signer: str = ""
    """Fingerprint of the certificate that signed it; empty: it is not signed."""
    stamp: Stamp | None = None
    """For ``ReplayWindow.admit``; None: it is not signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is believed of one peer."""

    signers: Collection[str]
    """Fingerprints of its certificates on file."""
    policy: Policy = STRICT
    required: bool = True
    """False: an unsigned message is taken too; a signature that is there must be right all the same."""


def opened(
    codec: Codec, body: bytes, trust: Trust, now: datetime, *, largest: int = xml.MAX_BYTES
) -> Opened:
    """Read a message of a peer.

    Safe on a worker thread; the stamp is judged by whoever owns the window.

    Args:
        codec: Reads what was verified.
        body: As received.
        trust: What is believed of this peer.
        now: Current instant.
        largest: Most bytes allowed.

    Raises:
        WireError: As ``Codec.decode`` does.
        IdentityError: As ``verify`` does.
    """
    found: list[Verified] = []

    def admit(root: Element) -> Element:
        if not trust.required and not is_signed(root):
            return root
        found.append(verify(root, trust.signers, now, trust.policy))
        return found[0].root

    message = codec.decode(body, largest=largest, admit=admit)
    if not found:
        return Opened(message=message)
    return Opened(message=message, signer=found[0].signer, stamp=found[0].stamp)
