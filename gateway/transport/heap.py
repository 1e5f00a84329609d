"""The heap of a gateway's process: few of the C library's, large blocks given back at once, and what stays set apart.

By default each thread gets a heap of its own, and what one thread has freed no other can use: a document of megabytes
that passes from a worker thread through the writer to the loop would leave its size behind in each of them.
"""

import ctypes
import gc
from typing import Final

_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3
HEAPS: Final = 2
STEP: Final = 5000
"""Entries; some four objects each, which is a search of 10 ms."""
LARGE: Final = 1 << 20
"""Bytes from which on a block is a map of its own, gone when it is freed; fixed, or the library would raise it."""


def settle_heap() -> bool:
    """Say so to the library, for the whole process; call it before threads are started.

    Returns:
        False: this C library knows no such thing (others than glibc), and everything stays as it was.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    return bool(set_option(_ARENA_MAX, HEAPS)) and bool(set_option(_MMAP_THRESHOLD, LARGE))


def set_apart() -> None:
    """Take what lives for good, code and tables, out of every later search for garbage.

    A full search holds the interpreter, and the loop with it: 100 ms for all that is loaded, next to nothing without.
    Call it once, when everything is started.
    """
    gc.collect()
    gc.freeze()


class Growing:
    """Sets apart anew what has come to live for good, step by step, so that no later search grows with it.

    What is garbage at such a moment, in rings and young, stays for good: a little for each step, and there are no more
    steps than the most that there ever was, however much comes and goes.

    Args:
        step: By how much it grows until the next time.
    """

    def __init__(self, step: int = STEP) -> None:
        self._step = step
        self._most = 0

    def look(self, size: int) -> None:
        """Set apart what has come since the last step.

        Args:
            size: Of what lives for good, as its owner counts it.
        """
        if size < self._most + self._step:
            return
        self._most = size
        gc.collect(1)
        gc.freeze()


def give_back() -> bool:
    """Give what is free back to the system, also from between what is in use; a few milliseconds.

    After a document of megabytes: its tree leaves holes that nothing else fits, so without this the next large thing
    comes on top. Measured with a listing of 8 MiB: 17 MiB less at the worst moment.

    Returns:
        False: nothing was free, or this C library knows no such thing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
