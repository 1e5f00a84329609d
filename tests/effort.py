"""How much processor time work takes, judged so that neither other tests' leavings nor other processes are in it.

A full collection searches everything that the tests before left alive, which may take a second; and a processor that
others use too makes the same work dearer, never cheaper. So the collector is kept out, and the least of a few tries
counts. Speed itself is measured by ``gridgate bench``: here a limit lies far above what is usual, and only work of
another order passes it.
"""

import gc
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import thread_time
from typing import Final

TRIES: Final = 5


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector out."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def seconds(work: Callable[[], object], enough: float = 0.0, tries: int = TRIES) -> float:
    """Return the least processor time of this thread over a few tries.

    Args:
        work: Done once in each try.
        enough: No further try once one took at most so long.
        tries: At most.
    """
    best = float("inf")
    for _ in range(tries):
        with uncollected():
            began = thread_time()
            work()
            best = min(best, thread_time() - began)
        if best <= enough:
            break
    return best


def growth(work: Callable[[int], object], size: int, times: int = 4) -> float:
    """Return how many times dearer work becomes when there is so many times as much to do.

    Args:
        work: Does so much.
        size: The smaller amount.
        times: Work that grows with its size gives about this; with its square, the square of this.
    """
    few = seconds(lambda: work(size))
    return seconds(lambda: work(size * times), enough=few * times) / few


def seconds_of_process(
    command: Sequence[str], folder: Path, enough: float = 0.0, tries: int = TRIES
) -> float:
    """Return the least processor time of a process, from its start to its end, over a few tries.

    Args:
        command: Must end well each time.
        folder: Where it runs.
        enough: No further try once one took at most so long.
        tries: At most.
    """
    best = float("inf")
    for _ in range(tries):
        began = _of_ended_processes()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        best = min(best, _of_ended_processes() - began)
        if best <= enough:
            break
    return best


def _of_ended_processes() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
