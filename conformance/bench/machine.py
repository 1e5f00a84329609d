"""Where a figure was measured, and how a duration is taken."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Final

BATCHES: Final = 7
"""The best batch counts: on a machine that others use, the least disturbed one shows what the code costs."""
TRIAL_BATCHES: Final = 2
BATCH_SECONDS: Final = 0.25


def machine() -> dict[str, str | float]:
    """Return CPU model, one-minute load average and Python version."""
    return {
        "cpu": cpu_model(Path("/proc/cpuinfo")),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def cpu_model(listing: Path) -> str:
    """Return the CPU's name from a ``/proc/cpuinfo``; the architecture where there is none."""
    if listing.is_file():
        for line in listing.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine() or "unknown"


def best_ms(work: Callable[[], object], share: int = 1) -> float:
    """Return milliseconds of this thread's processor time per call: the mean of the fastest of several batches.

    Args:
        work: Called once to warm up, then as often as fits.
        share: Part of the usual time in each batch, for a trial of few batches: 10 takes a tenth.
    """
    work()
    calls = max(1, int(BATCH_SECONDS / share / max(_seconds(work, 1), 1e-6)))
    batches = BATCHES if share == 1 else TRIAL_BATCHES
    return min(_seconds(work, calls) / calls for _ in range(batches)) * 1000


def _seconds(work: Callable[[], object], calls: int) -> float:
    started = thread_time()
    for _ in range(calls):
        work()
    return thread_time() - started
