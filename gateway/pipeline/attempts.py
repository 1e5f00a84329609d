"""Items that are being worked on, counted before the work begins: what kills the process is not tried for ever.

An item that fails by its own content is set aside at once. One that takes the whole process with it says nothing; it
is known by the attempts that began and never ended, and is set aside at the third start (R-OUT-4). The counts need
outlive the process only, not a power loss, so they cost no flush.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from gateway.domain.errors import GatewayError, StoreError

MOST: Final = 2
"""Attempts that may end with the process; before the next one the item is set aside."""
KILLED: Final = "KILLED"
"""Reason of an item that ended the process so often."""
_OWN: Final = frozenset({"CONSTRAINT", "STALE_REVISION", "TOO_LARGE"})
"""What the store says of one row; everything else it says is about itself."""
_UNCLEAR: Final = frozenset({"CORRUPT_ROW"})
"""Stops the process as a rule, and may be met again at the next start."""


class Attempts(Protocol):
    """Keeps the counts; never raises: what cannot be counted is tried all the same."""

    def made(self, key: str) -> int:
        """Return how many attempts at an item began and did not end."""
        ...

    def begin(self, keys: Collection[str]) -> None:
        """Count one more attempt at each item; survives the process as soon as it returns."""
        ...

    def end(self, keys: Collection[str]) -> None:
        """Forget the attempts at each item: it is done, or set aside."""
        ...


class MemoryAttempts:
    """Counts of one process, for stores that end with it."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def made(self, key: str) -> int:
        """Return how many attempts at an item began and did not end."""
        return self.counts.get(key, 0)

    def begin(self, keys: Collection[str]) -> None:
        """Count one more attempt at each item."""
        for key in keys:
            self.counts[key] = self.made(key) + 1

    def end(self, keys: Collection[str]) -> None:
        """Forget the attempts at each item."""
        for key in keys:
            self.counts.pop(key, None)


def own_fault(error: GatewayError) -> bool:
    """Say whether an item failed by its own content, so that trying it again is of no use."""
    return not isinstance(error, StoreError) or error.reason in _OWN


async def tried(
    attempts: Attempts,
    item: str,
    counted_in: Callable[[], None],
    act: Callable[[], Awaitable[object]],
) -> str:
    """Work on one item by itself.

    Args:
        attempts: Keeps the counts.
        item: Name of the item.
        counted_in: Called once the attempt is counted.
        act: Does the work.

    Returns:
        Why the item must be set aside: it cannot be done, or has killed the process too often. Empty: it is done.

    Raises:
        GatewayError: it is no fault of the item's.
    """
    if attempts.made(item) >= MOST:
        return KILLED
    try:
        with counted(attempts, (item,)):
            counted_in()
            await act()
    except GatewayError as error:
        if not own_fault(error):
            raise
        return error.reason
    return ""


@contextmanager
def counted(attempts: Attempts, keys: Collection[str]) -> Iterator[None]:
    """Count an attempt for as long as it is not known how it ended; a bug of ours leaves it counted."""
    if not keys:
        yield
        return
    attempts.begin(keys)
    try:
        yield
    except GatewayError as error:
        if error.reason not in _UNCLEAR:
            attempts.end(keys)
        raise
    except asyncio.CancelledError:
        attempts.end(keys)
        raise
    attempts.end(keys)
