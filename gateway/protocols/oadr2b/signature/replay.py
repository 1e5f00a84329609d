"""Messages that came in before: what ReplayProtect is compared with, bounded by time and by count.

Every stamp taken is kept until its time has passed out of the window, in buckets of some seconds that are dropped as a
whole. ``Remembered`` is what must survive a restart: then the window forgets nothing but what is too old anyway. A
clock that is set back does not reopen what was dropped: nothing older than the last bucket dropped is ever taken.

Spec: OpenADR 2.0b rule 514 (the size of the window is not standardised).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.domain.errors import IdentityError

BUCKET_S: Final = 10
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A ReplayProtect."""

    at: datetime
    """When the message was sent."""
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How wide the window is, and how much it holds."""

    past: timedelta = timedelta(seconds=60)
    future: timedelta = timedelta(seconds=60)
    of_one_peer: int = 8_192
    """Stamps; more than a peer may send within the window at the rate that is allowed."""
    of_all: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One stamp that was taken."""

    peer: str
    bucket: int
    """Which span of ``BUCKET_S`` since 1970 it lies in."""
    digest: str
    """Names peer, time and nonce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A window as it is stored."""

    floor: int = 0
    """Buckets below it were dropped."""
    seen: tuple[Seen, ...] = ()


NOTHING_SEEN: Final = Remembered()


class ReplayWindow:
    """The stamps of all peers that are new enough to matter.

    Args:
        limits: Width and room.
        before: What was remembered; nothing for the first start.
    """

    def __init__(self, limits: Limits, before: Remembered | None = None) -> None:
        before = before or NOTHING_SEEN
        self._limits = limits
        self._floor = before.floor
        self._buckets: dict[int, dict[bytes, str]] = {}
        self._of_peer: dict[str, int] = {}
        self._total = 0
        for one in before.seen:
            self._put(one)

    @property
    def floor(self) -> int:
        """Return the number of the lowest bucket that was not dropped for good."""
        return self._floor

    def admit(self, peer: str, stamp: Stamp, now: datetime) -> Seen:
        """Take a stamp that is new, and remember it.

        Args:
            peer: Fingerprint of the signer.
            stamp: As it came.
            now: Current instant.

        Returns:
            What is to be stored before the message counts.

        Raises:
            IdentityError: ``REPLAY_TIME`` outside the window, ``REPLAY_SEEN`` the second time, ``REPLAY_FULL``.
        """
        limits = self._limits
        bucket = bucket_of(stamp.at)
        if not now - limits.past <= stamp.at <= now + limits.future or bucket < self._floor:
            off_s = (stamp.at - now).total_seconds()
            detail = (
                f"the message was sent {off_s:+.0f} s from now by our clock; set both clocks right"
            )
            raise IdentityError("REPLAY_TIME", detail)
        self._drop(bucket_of(now - limits.past))
        seen = Seen(peer=peer, bucket=bucket, digest=_digest(peer, stamp))
        if bytes.fromhex(seen.digest) in self._buckets.get(bucket, {}):
            raise IdentityError(
                "REPLAY_SEEN", "a message with this timestamp and nonce came before"
            )
        if self._of_peer.get(peer, 0) >= limits.of_one_peer or self._total >= limits.of_all:
            raise IdentityError("REPLAY_FULL", "too many messages within the replay window")
        self._put(seen)
        return seen

    def remembered(self) -> Remembered:
        """Return what must survive a restart."""
        return Remembered(floor=self._floor, seen=tuple(self._all()))

    def _all(self) -> Iterator[Seen]:
        for bucket, digests in self._buckets.items():
            for digest, peer in digests.items():
                yield Seen(peer=peer, bucket=bucket, digest=digest.hex())

    def _put(self, seen: Seen) -> None:
        self._buckets.setdefault(seen.bucket, {})[bytes.fromhex(seen.digest)] = seen.peer
        self._of_peer[seen.peer] = self._of_peer.get(seen.peer, 0) + 1
        self._total += 1

    def _drop(self, lowest: int) -> None:
        """Forget every bucket below one."""
        for bucket in [known for known in self._buckets if known < lowest]:
            gone = self._buckets.pop(bucket)
            self._total -= len(gone)
            for peer in gone.values():
                left = self._of_peer[peer] - 1
                if left:
                    self._of_peer[peer] = left
                else:
                    del self._of_peer[peer]
            self._floor = max(self._floor, bucket + 1)


def bucket_of(at: datetime) -> int:
    """Return the number of the bucket that an instant lies in."""
    return int(at.astimezone(UTC).timestamp() // BUCKET_S)


def _digest(peer: str, stamp: Stamp) -> str:
    text = f"{peer}\0{stamp.at.astimezone(UTC).isoformat()}\0{stamp.nonce}"
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
