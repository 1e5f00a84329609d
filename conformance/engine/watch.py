"""How late the suite itself is: a loop that is held up stamps what it sees too late, and must not blame the device."""

from datetime import timedelta
from typing import Final

from gateway.domain.ports import Clock

STEP: Final = timedelta(milliseconds=50)
"""Real time between two looks; a delay that is shorter is not seen and would matter to no check."""


class Watch:
    """Wakes again and again, and notes by how much too late.

    Args:
        clock: Of the case; delays are measured in its seconds.
        step: Of the clock, between two looks.
    """

    def __init__(self, clock: Clock, step: timedelta) -> None:
        self._clock = clock
        self._step = step
        self.worst_s = 0.0
        """Longest delay so far."""
        self.looks = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            begun = self._clock.elapsed_s()
            await self._clock.sleep_until(self._clock.now() + self._step)
            passed = self._clock.elapsed_s() - begun
            self.worst_s = max(self.worst_s, round(passed - self._step.total_seconds(), 6))
            self.looks += 1
