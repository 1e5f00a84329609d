"""Where a figure was measured, and how a duration is taken."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

BATCHES: Final = 7
"""The best batch counts: on a machine that others use, the least disturbed one shows what the code costs."""
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


def best_ms(work: Callable[[], object]) -> float:
    """Return milliseconds per call: the mean of the fastest of several batches, after one call to warm up."""
    work()
    calls = max(1, int(BATCH_SECONDS / max(_seconds(work, 1), 1e-6)))
    return min(_seconds(work, calls) / calls for _ in range(BATCHES)) * 1000


def _seconds(work: Callable[[], object], calls: int) -> float:
    started = perf_counter()
    for _ in range(calls):
        work()
    return perf_counter() - started
