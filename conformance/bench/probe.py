"""What a process does to its own event loop and memory: the longest block, and the most memory held at once.

A block is the time by which a tick of the loop comes late: on a machine that others use, theirs is in it too. Beside it
stands the processor time that the loop's own thread spent between two ticks, which nobody else can add to.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, thread_time
from typing import Final

TICK_S: Final = 0.005
_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_PEAK: Final = "VmHWM:"
_NOW: Final = "VmRSS:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What happened since the last look."""

    block_ms: float
    """Longest time by which a tick came late."""
    busy_ms: float
    """Most processor time of the loop's thread between two ticks."""
    before_mib: float
    """Resident memory at the last look."""
    peak_mib: float
    """Most of it since then."""
    after_mib: float


class LoopProbe:
    """Ticks on the running loop; make it inside."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._block = self._busy = 0.0
        self._due = perf_counter() + TICK_S
        self._spent = thread_time()
        self._before = resident(_NOW)
        forget_peak()
        self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now, spent = perf_counter(), thread_time()
        self._block = max(self._block, now - self._due)
        self._busy = max(self._busy, spent - self._spent)
        self._due, self._spent = now + TICK_S, spent
        self._loop.call_later(TICK_S, self._tick)

    def look(self) -> Felt:
        """Return what happened since the last look, and begin anew."""
        found = Felt(
            block_ms=round(self._block * 1000, 1),
            busy_ms=round(self._busy * 1000, 1),
            before_mib=self._before,
            peak_mib=resident(_PEAK),
            after_mib=resident(_NOW),
        )
        self._block = self._busy = 0.0
        self._before = found.after_mib
        forget_peak()
        return found


def resident(name: str) -> float:
    """Return a line of the process's memory status, in MiB."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def forget_peak() -> None:
    """Let the peak begin at what is held now (Linux, proc(5))."""
    _CLEAR.write_text("5")
