"""What the server asks of a store, and the store that forgets."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from gateway.protocols.sep2.server.records import Delivery, Kept, Pair, Posted, Turn
from gateway.protocols.sep2.server.shelf import Packed
from gateway.protocols.sep2.server.usage import Meter

MOST_READINGS: Final = 100_000
"""Values that the forgetting store holds."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """Everything that a store had kept."""

    kept: list[Kept] = field(default_factory=list)
    packed: list[Packed] = field(default_factory=list)
    """As ``kept``, unread."""
    members: list[Pair] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    moves: list[Pair] = field(default_factory=list)


class Sep2Store(Protocol):
    """Keeps turns; those that come together are stored as a whole or not at all."""

    async def load(self) -> Loaded:
        """Return everything that was kept.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def save(self, turns: Sequence[Turn]) -> Awaitable[None]:
        """Keep what turns changed; whoever waits for it goes on once it is durable.

        Raises:
            StoreError: it cannot be kept; the store must not be used again (R-DUR-9).
        """
        ...

    async def readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        """Return values that were posted, with their numbers, in the order in which they first came.

        Args:
            lfdi: Of one device; empty: of all.
            after: Number of the last one known.
            limit: Most that are returned.

        Raises:
            StoreError: they cannot be read.
        """
        ...

    async def newest(self, meter: Meter, limit: int) -> list[Posted]:
        """Return the newest values of one meter, newest first.

        Raises:
            StoreError: they cannot be read.
        """
        ...

    async def close(self) -> None:
        """End."""
        ...


class MemoryStore:
    """Keeps nothing beyond the process: for demonstrations in virtual time."""

    def __init__(self) -> None:
        self._readings: dict[tuple[str, str, str, int, int, int], tuple[int, Posted]] = {}
        self._last = 0

    async def load(self) -> Loaded:
        """Return nothing."""
        return Loaded()

    async def save(self, turns: Sequence[Turn]) -> None:
        """Keep the newest values; for the rest the server's own book is the memory."""
        for posted in (one for turn in turns for one in turn.readings):
            known = self._readings.get(posted.key)
            if known is None:
                self._last += 1
            self._readings[posted.key] = (known[0] if known else self._last, posted)
            if len(self._readings) > MOST_READINGS:
                del self._readings[next(iter(self._readings))]

    async def readings(self, lfdi: str, after: int, limit: int) -> list[tuple[int, Posted]]:
        """Return values, oldest first."""
        found = (
            (number, one)
            for number, one in self._readings.values()
            if number > after and lfdi in {"", one.lfdi}
        )
        return list(islice(found, limit))

    async def newest(self, meter: Meter, limit: int) -> list[Posted]:
        """Return the newest values of one meter."""
        wanted = (meter.lfdi, meter.mirror, meter.meter_reading)
        found = [one for key, (_, one) in self._readings.items() if key[:3] == wanted]
        return sorted(found, key=lambda one: one.key, reverse=True)[:limit]

    async def close(self) -> None:
        """Do nothing."""
