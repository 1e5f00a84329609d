"""Fencing numbers: which of two gateways on copies of one store goes on, and how a site tells it to the other.

A number is (epoch, start, instance): the store's epoch, how often a gateway was started on it, and an id drawn at that
start. Of two numbers of one store the higher one goes on; two copies of one file that were started equally often still
differ in the instance, so exactly one of them stops.

A number travels as a text with a message authentication code under the installation key. Sites repeat texts and
compare them, but cannot make one up: nobody without the key can stop a gateway.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HEADER: Final = "Gridgate-Fence"
"""Header of every answer to a site, and of every request that a site makes after it."""
MOST: Final = 4
"""Numbers in one header: of so many stores that use one address in turn."""
LONGEST: Final = 1024
_PURPOSE: Final = b"compute-flex/1 fence"
_SHAPE: Final = re.compile(
    r"([0-9A-Za-z-]{1,64}):([1-9][0-9]{0,8}):([1-9][0-9]{0,14}):([0-9A-Za-z-]{1,64}):[0-9a-f]{64}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One start of one gateway."""

    store_id: str
    epoch: int
    start: int
    """Gateways started on the store, this one included, over all epochs."""
    instance: str

    @property
    def rank(self) -> tuple[int, int, str]:
        """Return what decides between two of one store: the higher goes on."""
        return (self.epoch, self.start, self.instance)

    def above(self, other: "Fence") -> bool:
        """Say whether this one fences the other off."""
        return self.store_id == other.store_id and self.rank > other.rank


def fence_text(key: bytes, fence: Fence) -> str:
    """Write a number with its code.

    Args:
        key: The installation key.
        fence: The number.
    """
    plain = f"{fence.store_id}:{fence.epoch}:{fence.start}:{fence.instance}"
    return f"{plain}:{_code(key, plain)}"


def read_fence(text: str) -> Fence | None:
    """Read a number without judging its code; None for anything else."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    store_id, epoch, start, instance = match.groups()
    return Fence(store_id=store_id, epoch=int(epoch), start=int(start), instance=instance)


def authentic(key: bytes, text: str) -> Fence | None:
    """Read a number that was written under a key; None for anything else."""
    fence = read_fence(text)
    plain, _, code = text.rpartition(":")
    if fence is None or not hmac.compare_digest(code, _code(key, plain)):
        return None
    return fence


def texts(header: str) -> Iterator[str]:
    """Yield the texts of a header; nothing for one that is too long."""
    if len(header) <= LONGEST:
        yield from [part.strip() for part in header.split(",")][:MOST]


def _code(key: bytes, plain: str) -> str:
    inner = hmac.digest(key, _PURPOSE, hashlib.sha256)
    return hmac.digest(inner, plain.encode(), hashlib.sha256).hex()
