"""The benches on hostile peers: what they feel, what they call good, and that nothing passes that did not happen."""

import asyncio
import mmap
import threading
from typing import Any

import pytest

from conformance.bench.hostile import LONGEST_BLOCK_MS, MOST_GROWTH_MIB, Cost
from conformance.bench.hostile_bodies import BODIES
from conformance.bench.hostile_documents import DOCUMENTS
from conformance.bench.isolation import LEAST_SAMPLES, Pair, Phase, _figures
from conformance.bench.probe import TICK_S, LoopProbe
from conformance.faults.registry import FAULTS
from conformance.soak import hostile
from gateway.domain.errors import MisuseError


async def ticks(count: int) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(count * TICK_S, over.set)
    await over.wait()


async def test_the_probe_feels_a_blocked_loop_and_memory_that_was_held_for_a_moment() -> None:
    probe = LoopProbe()
    await ticks(4)
    probe.look()

    with mmap.mmap(-1, 64 << 20) as held:  # never what the heap has free
        held.write(bytes(len(held)))
        threading.Event().wait(0.1)
    await ticks(4)
    felt = probe.look()
    calm = felt
    for _ in range(50):  # the machine may be busy for a while, too
        if calm.block_ms < 40:
            break
        await ticks(4)
        calm = probe.look()

    assert felt.block_ms > 80
    assert felt.peak_mib - felt.before_mib > 50
    assert calm.block_ms < 40
    assert calm.peak_mib < felt.peak_mib


def cost(**figures: Any) -> Cost:
    usual = {"growth_mib": 1.0, "block_ms": 1.0, "busy_ms": 1.0, "struck": 2}
    return Cost(name="x", kind="upstream", **{**usual, **figures})


def test_a_row_is_good_only_within_both_limits_and_only_if_it_happened() -> None:
    assert cost().good
    assert not cost(growth_mib=MOST_GROWTH_MIB + 1).good
    assert not cost(block_ms=LONGEST_BLOCK_MS + 1).good
    assert not cost(struck=0).good
    best = cost(growth_mib=90.0, block_ms=2.0).better(cost(growth_mib=3.0, block_ms=400.0))
    assert (best.growth_mib, best.block_ms) == (3.0, 2.0)


def test_rows_have_names_of_their_own() -> None:
    names = [*FAULTS, *(body.name for body in BODIES), *(fault.name for fault in DOCUMENTS)]
    assert len(set(names)) == len(names)
    assert set(hostile.QUICK) <= set(names)


def phase(p50: float, p99: float) -> Phase:
    return Phase(p50_ms=p50, p99_ms=p99, samples=100)


@pytest.mark.parametrize(
    ("struck", "times", "good"),
    [
        (phase(13.4, 39.0), 5, True),
        (phase(13.6, 39.0), 5, False),
        (phase(13.4, 41.0), 5, False),
        (phase(13.4, 39.0), 0, False),
    ],
)
def test_a_second_utility_is_slowed_or_not(struck: Phase, times: int, good: bool) -> None:
    pairs = [Pair(without=phase(10.0, 20.0), struck=struck)] * 5
    assert _figures(pairs, times)["good"] is good


def test_too_few_samples_say_nothing() -> None:
    with pytest.raises(MisuseError):
        Phase.of([1.0] * (LEAST_SAMPLES - 1))
    assert Phase.of([1.0] * LEAST_SAMPLES).p99_ms == 1.0
