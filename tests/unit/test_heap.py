"""The heap of a gateway's process: what one thread has freed, another can use."""

import platform
import subprocess
import sys

import pytest

from gateway.transport.heap import HEAPS

_HEAPS = """
import re, sys, threading
if sys.argv[1] == "settled":
    from gateway.transport.heap import settle_heap
    settle_heap()
gate = threading.Barrier(9)
def work():
    held = [bytes(3000) for _ in range(50)]
    gate.wait()
    gate.wait()
    del held
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads: each.start()
gate.wait()
maps = open("/proc/self/maps").read()
# A heap of glibc beside the first one is a map that begins at a multiple of 64 MiB.
found = {int(start, 16) for start in re.findall(r"^([0-9a-f]+)-[0-9a-f]+ rw-p 00000000 00:00 0 *$", maps, re.M)}
print(sum(start % (64 << 20) == 0 for start in found))
gate.wait()
for each in threads: each.join()
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have no such heaps")
def test_threads_share_their_heaps() -> None:
    settled, usual = (
        int(subprocess.check_output([sys.executable, "-c", _HEAPS, mode], text=True))
        for mode in ("settled", "usual")
    )

    assert settled < HEAPS <= 4 <= usual


def test_what_lives_when_everything_is_started_is_not_searched_again() -> None:
    code = "import gc; from gateway.transport.heap import set_apart; set_apart(); print(gc.get_freeze_count())"
    frozen = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert int(frozen) > 1000


_GIVES_BACK = """
from conformance.bench.probe import resident
from gateway.transport.heap import give_back, settle_heap
settle_heap()
pieces = [b"x" * 8000 + bytes([k % 256]) for k in range(4_000)]  # each below the size of a map of its own
kept = pieces[::64]
del pieces
full = resident("VmRSS:")
give_back()
print(full - resident("VmRSS:"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_free_between_what_is_in_use_is_given_back() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _GIVES_BACK], check=True, capture_output=True, text=True
    )

    assert float(told.stdout) > 16  # of 31 MiB
