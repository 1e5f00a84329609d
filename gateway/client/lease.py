"""The lease: how long the gateway may be silent before the site falls back to what it was told beforehand.

It is a length of time, so setting the wall's clock neither ends it nor makes it longer.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from gateway.domain.doorbell import Doorbell
from gateway.domain.intent import FailSafe
from gateway.domain.ports import TICK_S, Clock

DEFAULT_LEASE_S: Final = 60.0
OnLost = Callable[[FailSafe | None], Awaitable[None]]
OnRegained = Callable[[], Awaitable[None]]


class LeaseWatch:
    """Tells once when the gateway has been silent too long, and once when it is back.

    Args:
        clock: Time.
        lease_s: Length set by the site; None: what the gateway says.
        on_lost: Called with the newest plan's fail-safe, None before the first plan.
        on_regained: Called when something is heard again.
    """

    def __init__(
        self,
        clock: Clock,
        lease_s: float | None,
        on_lost: OnLost | None,
        on_regained: OnRegained | None,
    ) -> None:
        self._clock = clock
        self._fixed = lease_s is not None
        self._lease_s = lease_s if lease_s is not None else DEFAULT_LEASE_S
        self._on_lost = on_lost
        self._on_regained = on_regained
        self._heard_s = clock.elapsed_s()
        self._bell = Doorbell(clock)
        self.failsafe: FailSafe | None = None
        self.lost = False
        """True between the two calls."""

    def heard(self) -> None:
        """Note that the gateway lives."""
        self._heard_s = self._clock.elapsed_s()
        if self.lost:
            self._bell.ring()

    def lasts(self, lease_s: float) -> None:
        """Take the gateway's word for the length, unless the site has set its own."""
        if not self._fixed and lease_s > 0 and lease_s != self._lease_s:
            self._lease_s = lease_s
            self._bell.ring()

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            seen = self._bell.rings
            left_s = self._heard_s + self._lease_s - self._clock.elapsed_s()
            silent = left_s < TICK_S
            if silent and not self.lost:
                self.lost = True
                if self._on_lost is not None:
                    await self._on_lost(self.failsafe)
                continue
            if self.lost and not silent:
                self.lost = False
                if self._on_regained is not None:
                    await self._on_regained()
                continue
            due = self._clock.now() + timedelta(seconds=left_s)
            await self._bell.wait(seen, None if self.lost else due)
