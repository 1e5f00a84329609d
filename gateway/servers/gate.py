"""A bound on what is under way at the same time, understood by every clock."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.domain.ports import Clock, Mailbox


class Gate:
    """Lets so many through at a time; whoever waits gives its token back meanwhile.

    Args:
        width: How many.
        clock: Whose tokens.
    """

    def __init__(self, width: int, clock: Clock) -> None:
        self._left = width
        self._clock = clock
        self._waiting: deque[Mailbox[None]] = deque()

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Hold a place for the length of the block."""
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._left > 0:
            self._left -= 1
            return
        box: Mailbox[None] = self._clock.mailbox()
        self._waiting.append(box)
        try:
            await box.get()
        except asyncio.CancelledError:
            if box in self._waiting:
                self._waiting.remove(box)
            else:  # the place was ours already
                await box.get()
                self._leave()
            raise

    def _leave(self) -> None:
        if self._waiting:
            self._waiting.popleft().put(None)
        else:
            self._left += 1
