"""A store that refuses, loses, does unseen or does late changes nothing of what the main job brings about."""

from pathlib import Path

import pytest

from conformance.faults.store import HONEST, Fault, FaultyStore, at_random, nth
from conformance.soak import store_faults
from conformance.soak.row import Plan
from conformance.soak.store_faults import Verdict, never, played, unharmed
from gateway.app.ids import SeededChance
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import StoreError
from gateway.domain.points import Step
from gateway.pipeline.ports import Work
from tests.intent_samples import UTC_1600
from tests.store_fakes import MemoryStore
from tests.store_samples import AZP


@pytest.mark.slow
def test_each_fault_at_some_writes_and_at_random_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Kills: a session told only once of an answer, a progress report kept twice, a settlement done twice."""
    plan = Plan(seed=1, runs=1, quick=True, only="", folder=tmp_path)

    rows = list(store_faults.run(plan))

    assert [(row.what, row.note) for row in rows if not row.good] == []
    assert [row.what for row in rows] == [
        *(f"every write {fault.value}" for fault in HONEST),
        "writes and reads at random, 1 %",
        "mutant: a store that says done and drops",
    ]


@pytest.mark.slow
def test_the_comparison_sees_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    right = played(tmp_path, 1, never, unharmed)
    verdict = Verdict(right.bag)
    verdict.take("same", right)
    assert (verdict.lost, verdict.doubled, verdict.other) == (0, 0, 0)

    first = next(iter(right.bag))
    less, more = right.bag.copy(), right.bag.copy()
    less[first] -= 1
    more[first] += 1
    verdict.take("less", store_faults.Outcome(bag=less, steps=(), hit=()))
    verdict.take("more", store_faults.Outcome(bag=more, steps=(), hit=(), fault="stuck"))

    assert (verdict.lost, verdict.doubled, verdict.other) == (1, 1, 1)
    assert first in verdict.note


def put(work: Work) -> str:
    work.sessions.put(AZP, b"state")
    return "done"


async def state(store: FaultyStore) -> bytes | None:
    return await store.read(lambda work: work.sessions.state(AZP))


@pytest.mark.parametrize(
    ("fault", "reason", "now", "later"),
    [
        (Fault.REFUSED, "BUSY", None, None),
        (Fault.LOST, "UNKNOWN_OUTCOME", None, None),
        (Fault.DONE, "UNKNOWN_OUTCOME", b"state", b"state"),
        (Fault.LATE, "UNKNOWN_OUTCOME", None, b"state"),
    ],
)
async def test_a_fault_does_what_it_says(
    fault: Fault, reason: str, now: bytes | None, later: bytes | None
) -> None:
    clock = VirtualClock(UTC_1600)
    store = FaultyStore(MemoryStore(), nth(1, fault), clock=clock)

    with clock.held():
        with pytest.raises(StoreError, match=reason):
            await store.write(put, Step.SESSION)
        assert await state(store) == now
        await clock.sleep_until(UTC_1600 + 2 * store_faults.POLL)
        assert await state(store) == later

    assert store.hit == [(1, Step.SESSION, fault)]
    assert await store.write(put) == "done"


async def test_faults_at_random_follow_from_their_seed() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        choose = at_random(SeededChance(seed, "writes"), 0.2)
        return [choose(n, Step.OTHER) for n in range(500)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert {*HONEST, None} == set(drawn(1))
