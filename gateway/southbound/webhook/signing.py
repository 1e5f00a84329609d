"""Signatures of deliveries, so that any receiver's ready library can check them.

Spec: Standard Webhooks 1.0: signed is ``id.timestamp.body``; ``v1`` HMAC-SHA256, ``v1a`` Ed25519.
"""

import base64
import binascii
import hashlib
import hmac
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.domain.errors import ConfigError

SYMMETRIC: Final = "whsec_"
PRIVATE: Final = "whsk_"
PUBLIC: Final = "whpk_"
SHORTEST: Final = 24
LONGEST: Final = 64
"""Bytes of a symmetric secret."""
MOST_SECRETS: Final = 2
"""The new one and, while it is rolled out, the old one."""
_LARGEST_FILE: Final = 1024
_FIX: Final = f"one line that begins with {SYMMETRIC} or {PRIVATE}, then base64"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of one endpoint; its text shows nowhere."""

    kind: str
    key: bytes = field(repr=False)

    def signature(self, message: bytes) -> str:
        """Return one entry of the ``webhook-signature`` header."""
        if self.kind == SYMMETRIC:
            return f"v1,{_base64(hmac.digest(self.key, message, hashlib.sha256))}"
        return f"v1a,{_base64(Ed25519PrivateKey.from_private_bytes(self.key).sign(message))}"

    def public(self) -> str:
        """Return what the receiver of an Ed25519 signature needs, empty for a symmetric secret."""
        if self.kind == SYMMETRIC:
            return ""
        key = Ed25519PrivateKey.from_private_bytes(self.key).public_key()
        return PUBLIC + _base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def parse_secret(text: str) -> Secret:
    """Read a secret.

    Raises:
        ValueError: what is wrong, never the text itself.
    """
    for kind in (SYMMETRIC, PRIVATE):
        if text.startswith(kind):
            return Secret(kind, _key(kind, text.removeprefix(kind)))
    raise ValueError(f"holds no secret: {_FIX}")


def _key(kind: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"holds no secret: {_FIX}") from None
    if kind == SYMMETRIC:
        if not SHORTEST <= len(key) <= LONGEST:
            raise ValueError(f"a {SYMMETRIC} secret has {SHORTEST} to {LONGEST} bytes")
        return key
    if len(key) == 64:  # the public half may follow, as some tools write it
        public = Ed25519PrivateKey.from_private_bytes(key[:32]).public_key()
        if public.public_bytes(Encoding.Raw, PublicFormat.Raw) != key[32:]:
            raise ValueError(f"the halves of the {PRIVATE} key do not belong together")
    elif len(key) != 32:
        raise ValueError(f"a {PRIVATE} key has 32 bytes")
    return key[:32]


def read_secrets(files: Sequence[Path]) -> tuple[Secret, ...]:
    """Read an endpoint's secrets, the newest first.

    Raises:
        ConfigError: a file cannot be read, may be read by others, or holds no secret.
    """
    secrets, faults = [], []
    for path in files:
        try:
            secrets.append(parse_secret(_text(path)))
        except OSError as error:
            faults.append(f"{path}: {error.strerror}; it must hold the endpoint's secret")
        except ValueError as error:
            faults.append(f"{path}: {error}")
    if faults:
        raise ConfigError(tuple(faults))
    return tuple(secrets)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ValueError(f"can be read by others; run: chmod 600 {path}")
        raw = file.read(_LARGEST_FILE)
    if not raw.isascii():
        raise ValueError(f"holds no secret: {_FIX}")
    return raw.decode("ascii").strip()


def signed_headers(
    secrets: Sequence[Secret], webhook_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of one attempt.

    Args:
        secrets: One signature each, so that a receiver may hold any of them.
        webhook_id: Equal over all attempts; without a dot, which delimits what is signed.
        at: Instant of the attempt.
        body: Exactly as sent.
    """
    timestamp = str(int(at.timestamp()))
    message = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(secret.signature(message) for secret in secrets),
    }


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
