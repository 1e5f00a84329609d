"""Tree heads: what the log was at an instant, signed with the log's key.

A head that only its own log signed does not rule out two histories for two readers; a counterparty that keeps an
earlier head, or signs the one it accepts, does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field

from gateway.domain.canonical import canonical
from gateway.domain.settlement import Document, LogIndex
from gateway.domain.timespan import Instant

Hex32 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Hex64 = Annotated[str, Field(pattern="^[0-9a-f]{128}$")]


class TreeHead(Document):
    """Which log, how many records, their root, and when."""

    log_id: Hex32
    """SHA-256 of the public key."""
    root: Hex32
    size: LogIndex
    ts: Instant

    def signed_bytes(self) -> bytes:
        """Return what is signed: the canonical head."""
        return canonical(self.model_dump(mode="json"))


class SignedHead(Document):
    """A head and its Ed25519 signature."""

    head: TreeHead
    signature: Hex64


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """The log's key: its public half, and a function that signs with the private one."""

    public: bytes
    """Raw Ed25519 public key, 32 bytes."""
    sign: Callable[[bytes], bytes]
    """Message -> 64-byte Ed25519 signature."""

    @property
    def log_id(self) -> str:
        """Id of the log."""
        return log_id_of(self.public)


def log_id_of(public_key: bytes) -> str:
    """Return the id of the log that a raw public key signs for, lower-case hex."""
    return sha256(public_key).hexdigest()


def sign_head(root: bytes, size: int, *, at: datetime, key: LogKey) -> SignedHead:
    """Issue a head: at every settlement, and every few minutes between."""
    head = TreeHead(log_id=key.log_id, root=root.hex(), size=size, ts=at)
    return SignedHead(head=head, signature=key.sign(head.signed_bytes()).hex())


def is_signed(signed: SignedHead, public_key: bytes) -> bool:
    """Check a head's signature, and that its log id is the key's."""
    if signed.head.log_id != log_id_of(public_key):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(signed.signature), signed.head.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True
