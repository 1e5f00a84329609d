"""Identity that survives crash, restore and clone: derived intent ids, and revisions that carry the store's epoch."""

import hashlib
import hmac
from typing import Final
from uuid import UUID

from gateway.domain.errors import MisuseError
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName

SHORTEST_KEY: Final = 32
"""Bytes; the installation key is kept with the secrets, never in the store."""
STEP: Final = 2**32
"""Revisions in one epoch."""
EPOCHS: Final = 2**21
"""Epochs below which every revision stays under 2^53, where JSON numbers are still exact."""


def intent_id(key: bytes, utility: UtilityName, event_id: EventId, site: SiteId) -> IntentId:
    """Derive the id of the intent that one utility event makes at one site.

    The same event, fetched again after a restore, finds its own intent; without the key nobody can guess the id.

    Args:
        key: The installation key, at least 32 bytes.
        utility: The authority, by its configured name.
        event_id: The utility's own id, verbatim.
        site: The site, by its configured name.

    Returns:
        A UUID of version 8 (RFC 9562, section 5.8) in lower case: 122 bits of HMAC-SHA256.

    Raises:
        MisuseError: ``SHORT_KEY``.
    """
    if len(key) < SHORTEST_KEY:
        raise MisuseError("SHORT_KEY", f"an installation key has {SHORTEST_KEY} bytes at least")
    parts = [part.encode() for part in ("compute-flex/1 intent", utility, event_id, site)]
    # Each part carries its length, so that no two triples share one message.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    drawn = bytearray(hmac.digest(key, message, hashlib.sha256)[:16])
    drawn[6] = 0x80 | drawn[6] & 0x0F
    drawn[8] = 0x80 | drawn[8] & 0x3F
    return IntentId(str(UUID(bytes=bytes(drawn))))


def revision(epoch: int, n: int) -> int:
    """Return the ``n``-th revision of an epoch: ``epoch * 2^32 + n``, below 2^53.

    Args:
        epoch: The store's epoch, 1 or more; every restore raises it, so that later commands are never ignored as old.
        n: 1 for the first revision in this epoch.

    Raises:
        MisuseError: ``OUT_OF_RANGE``.
    """
    if not (1 <= epoch < EPOCHS and 1 <= n < STEP):
        raise MisuseError("OUT_OF_RANGE", f"no revision {n} of epoch {epoch}")
    return epoch * STEP + n


def revision_parts(number: int) -> tuple[int, int]:
    """Return (epoch, n) of a revision.

    Raises:
        MisuseError: ``OUT_OF_RANGE`` for a number that ``revision`` never returns.
    """
    epoch, n = divmod(number, STEP)
    if not (1 <= epoch < EPOCHS and n):
        raise MisuseError("OUT_OF_RANGE", f"{number} is no revision")
    return epoch, n


def next_revision(epoch: int, last: int | None) -> int:
    """Return the revision after ``last`` in the store's present epoch: it counts on, or starts anew after a restore.

    Args:
        epoch: The store's present epoch.
        last: The newest revision known of that intent or plan, None for none.

    Raises:
        MisuseError: ``OUT_OF_RANGE``; ``NEWER_EPOCH`` when ``last`` is of an epoch above the store's own.
    """
    if last is None:
        return revision(epoch, 1)
    last_epoch, n = revision_parts(last)
    if last_epoch > epoch:
        raise MisuseError("NEWER_EPOCH", f"revision {last} is of an epoch after {epoch}")
    return revision(epoch, n + 1 if last_epoch == epoch else 1)
