"""Takes in a delivery of the gateway's webhooks: is it genuine, is it fresh, was it here before?

Spec: Standard Webhooks 1.0.
"""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.domain.errors import IdentityError, WireError

WINDOW: Final = timedelta(minutes=5)
"""A delivery stamped further from now, either way, is not believed."""
REMEMBERED: Final = timedelta(minutes=10)
"""How long an id is known; longer than any genuine repetition of the same stamp."""
MOST_IDS: Final = 10_000
MOST_SIGNATURES: Final = 16
_SYMMETRIC: Final = "whsec_"
_PUBLIC: Final = "whpk_"

Ed25519 = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> whether it holds; the standard library has no such arithmetic."""


@dataclass
class SeenIds:
    """Remembers deliveries that were taken in, so that a repeated one is known; in memory, oldest out first."""

    _at: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def add(self, webhook_id: str, now: datetime) -> None:
        """Remember an id for ``REMEMBERED``; call it once what was delivered is stored, not before."""
        self._forget(now)
        self._at[webhook_id] = now
        self._at.move_to_end(webhook_id)
        if len(self._at) > MOST_IDS:
            self._at.popitem(last=False)

    def known(self, webhook_id: str, now: datetime) -> bool:
        """Say whether an id was added lately."""
        self._forget(now)
        return webhook_id in self._at

    def _forget(self, now: datetime) -> None:
        while self._at and now - next(iter(self._at.values())) > REMEMBERED:
            self._at.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A genuine delivery."""

    webhook_id: str
    sent_at: datetime
    """Of this attempt."""
    repeated: bool
    """It was here before: answer 2xx again, and do nothing."""


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    now: datetime,
    *,
    seen: SeenIds | None = None,
    ed25519: Ed25519 | None = None,
) -> Delivered:
    """Check one delivery; answer 2xx only after what it says is stored.

    Args:
        headers: Of the request; names in any case.
        body: Exactly as received: never parsed and written again.
        secrets: ``whsec_…``, or ``whpk_…`` together with ``ed25519``; any of them may have signed.
        now: Aware.
        seen: Keep one per endpoint and ``add`` what you stored; without it ``repeated`` is always False.
        ed25519: Checks ``v1a`` signatures, with the library of your choice.

    Raises:
        WireError: ``NO_SIGNATURE`` when a header is missing or unreadable.
        IdentityError: ``STALE`` outside of ``WINDOW``, ``BAD_SIGNATURE``.
    """
    webhook_id, stamp, listed = _three(headers)
    sent_at = _instant(stamp)
    if abs(now - sent_at) > WINDOW:
        raise IdentityError("STALE", "the delivery is stamped more than 5 minutes away from now")
    message = b".".join((webhook_id.encode(), stamp.encode(), body))
    given = [entry.partition(",")[::2] for entry in listed.split(" ")[:MOST_SIGNATURES]]
    if not _any_holds(message, given, secrets, ed25519):
        raise IdentityError("BAD_SIGNATURE", "no signature of the delivery fits a known secret")
    repeated = seen is not None and seen.known(webhook_id, now)
    return Delivered(webhook_id=webhook_id, sent_at=sent_at, repeated=repeated)


def _three(headers: Mapping[str, str]) -> tuple[str, str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    found = [lower.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    if not all(found) or not all(text.isascii() for text in found):
        raise WireError("NO_SIGNATURE", "webhook-id, -timestamp and -signature are needed")
    return found[0], found[1], found[2]


def _instant(stamp: str) -> datetime:
    if not stamp.isdigit() or len(stamp) > 11:
        raise WireError("NO_SIGNATURE", "webhook-timestamp must be whole seconds since 1970")
    return datetime.fromtimestamp(int(stamp), UTC)


def _any_holds(
    message: bytes,
    given: Sequence[tuple[str, str]],
    secrets: Sequence[str],
    ed25519: Ed25519 | None,
) -> bool:
    """Compare everything with everything, so that time tells nothing about which one fits."""
    holds = False
    for secret in secrets:
        for version, signature in given:
            holds |= _holds(message, version, _decoded(signature), secret, ed25519)
    return holds


def _holds(
    message: bytes, version: str, signature: bytes, secret: str, ed25519: Ed25519 | None
) -> bool:
    if secret.startswith(_PUBLIC):
        key = _decoded(secret.removeprefix(_PUBLIC))
        fits = version == "v1a" and len(key) == 32 and len(signature) == 64
        return fits and ed25519 is not None and ed25519(key, message, signature)
    key = _decoded(secret.removeprefix(_SYMMETRIC))
    expected = hmac.digest(key, message, hashlib.sha256)
    # An empty key is a secret that could not be read: it fits nothing.
    return hmac.compare_digest(expected, signature) and version == "v1" and bool(key)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
