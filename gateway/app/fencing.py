"""Watches that no other gateway goes on with a copy of this store (R-DUR-12, R-OUT-1).

Every answer to a site carries this gateway's fencing number; every request of a site repeats the highest that it was
told. Whoever hears of a higher one under its own key stops: it writes that down, refuses every further write and ends.
Between a restore and the end of the recovery it is the other way round: what the operator restored shall go on, so a
higher number only tells which epoch to begin above.
"""

from collections.abc import Callable
from typing import Final

import structlog

from gateway.domain.errors import FencedError
from gateway.domain.fence import Fence, authentic, fence_text, texts
from gateway.domain.ports import Clock, Mailbox
from gateway.store.identity import refuse_fenced
from gateway.store.sqlite_store import SqliteStore

_REMEMBERED: Final = 256
"""Texts judged already; a site repeats the same one with every request."""

log = structlog.get_logger()


class Fencing:
    """The fencing number of a running gateway, and what becomes of higher ones.

    Args:
        store: Whose start was counted.
        key: The installation key, which a copy of the store needs too.
        clock: Wakes the watch.
        on_stop: Called at once when this gateway is fenced off, before anything else is sent.
    """

    def __init__(
        self, store: SqliteStore, key: bytes, clock: Clock, on_stop: Callable[[], None]
    ) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._on_stop = on_stop
        self._heard: Mailbox[Fence] = clock.mailbox()
        self._judged: set[str] = set()
        self._written: tuple[Fence, str] | None = None
        self._stopped = False

    @property
    def own(self) -> Fence:
        """Return this gateway's number."""
        known = self._store.identity
        return Fence(
            store_id=known.store_id, epoch=known.epoch, start=known.start, instance=known.instance
        )

    @property
    def text(self) -> str:
        """Return this gateway's number as sites are told it."""
        own = self.own
        if self._written is None or self._written[0] != own:
            self._written = own, fence_text(self._key, own)
        return self._written[1]

    @property
    def stopped(self) -> bool:
        """Say whether another gateway goes on instead of this one."""
        return self._stopped

    def heard(self, header: str) -> None:
        """Judge what a request repeats; what is not ours, or forged, says nothing."""
        for text in texts(header):
            if text in self._judged or text == self.text:
                continue
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            self._judged.add(text)
            self._judge(text)

    def _judge(self, text: str) -> None:
        fence = authentic(self._key, text)
        if fence is None or fence.store_id != self.own.store_id:
            return
        if self._store.identity.recovering:
            if fence.epoch >= self.own.epoch:
                self._heard.put(fence)
        elif fence.above(self.own):
            self._stopped = True  # at once: nothing is sent while the watch wakes up
            self._on_stop()
            self._heard.put(fence)
        elif fence.epoch == self.own.epoch and fence.start == self.own.start:
            log.error("clone_heard_of", start=fence.start, instance=fence.instance[:8])

    async def run(self) -> None:
        """Wait for a higher number.

        Raises:
            FencedError: ``FENCED``: this gateway has written down that it stops.
        """
        with self._clock.held():
            while True:
                fence = await self._heard.get()
                if fence is None:
                    continue
                if self._stopped:
                    await self._stop(fence)
                elif fence.epoch >= self.own.epoch:
                    await self._rise(fence)

    async def _rise(self, fence: Fence) -> None:
        """Begin above a number of before the restore: the same backup may have been restored before."""
        raised = await self._store.raise_epoch(fence.epoch)
        self._judged.clear()
        log.warning("epoch_raised", heard=fence.epoch, epoch=raised.epoch)

    async def _stop(self, fence: Fence) -> None:
        own = self.own
        log.error(
            "gateway_fenced",
            alarm=True,
            why="another gateway goes on with a copy of this store",
            own_epoch=own.epoch,
            own_start=own.start,
            epoch=fence.epoch,
            start=fence.start,
            instance=fence.instance[:8],
        )
        await self._store.fence_off(fence)
        refuse_fenced(self._store.identity)
        raise FencedError("FENCED", "another gateway goes on with a copy of this store")
