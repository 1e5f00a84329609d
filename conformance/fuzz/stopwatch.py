"""Processor time of this thread: what other processes do does not count."""

import time


def cpu_s() -> float:
    """Return seconds of processor time that this thread has used."""
    return time.thread_time()
