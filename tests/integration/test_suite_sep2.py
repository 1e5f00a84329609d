"""The plans for 2030.5 clients against the bundled one: all pass, are judged again alike; wrong devices are found."""

from pathlib import Path

import pytest

from conformance.engine.conclude import rejudged
from conformance.engine.judging import VERDICTS, written
from conformance.engine.mutation import Breadth, Trial, placed, try_all
from conformance.engine.plans import find_plan
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.wrong_devices import mutants
from conformance.kit.verdict import Verdict

PLANS = ["csip-der", "csip-aggregator", "csipaus-client"]
SEED = 1


def _own(name: str) -> tuple[str, ...]:
    """Return the cases that no earlier plan has: a plan takes half a minute, and shares most of its cases."""
    earlier = {case.id for other in PLANS[: PLANS.index(name)] for case in find_plan(other).cases}
    return tuple(case.id for case in find_plan(name).cases if case.id not in earlier)


@pytest.mark.parametrize("name", PLANS)
def test_the_reference_client_passes_every_case(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    verdicts = play_run(prepare(Order(plan=name, only=_own(name))), folder)

    judged = [c for c in verdicts.cases if "deselected" not in c.cause]
    assert judged
    assert [(c.case, c.verdict, c.cause) for c in judged if c.verdict is not Verdict.PASS] == []
    assert written(rejudged(folder)) == (folder / VERDICTS).read_bytes()


def test_wrong_clients_are_found_for_their_reason() -> None:
    tried: dict[str, Trial] = {}
    for plan in map(find_plan, PLANS):
        known = {case.id: case for case in plan.cases}
        for mutant in mutants(plan.profile, plan.role, plan.mode):
            own = [known[name] for name in mutant.cases if name in known]
            # Every second one, drawn, on the first case that it declares; the whole matrix is `make mutants`.
            if own and mutant.id not in tried and placed(SEED, mutant, "")[0] % 2:
                tried[mutant.id] = try_all(plan, [mutant], own[:1], breadth=Breadth(beside=0))[0]

    assert len(tried) > 50
    assert [trial for trial in tried.values() if not trial.good] == []
