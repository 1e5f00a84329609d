"""The plans for 2030.5 clients against the bundled one: all pass, are judged again alike; wrong devices are found."""

from pathlib import Path

import pytest

from conformance.engine.conclude import rejudged
from conformance.engine.judging import VERDICTS, written
from conformance.engine.mutation import Breadth, try_all
from conformance.engine.plans import find_plan
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.wrong_devices import mutants
from conformance.kit.verdict import Verdict

PLANS = ["csip-der", "csip-aggregator", "csipaus-client"]


@pytest.mark.parametrize("name", PLANS)
def test_the_reference_client_passes_every_case(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    verdicts = play_run(prepare(Order(plan=name)), folder)

    assert [
        (c.case, c.verdict, c.cause) for c in verdicts.cases if c.verdict is not Verdict.PASS
    ] == []
    assert verdicts.certifiable
    assert written(rejudged(folder)) == (folder / VERDICTS).read_bytes()


def test_wrong_clients_are_found_for_their_reason() -> None:
    plan = find_plan(PLANS[0])
    names = {case.id for case in plan.cases}
    wrong = [m for m in mutants(plan.profile, plan.role, plan.mode) if names & set(m.cases)]
    # Every fourth, so that it stays quick; the whole matrix is `make mutants`.
    trials = try_all(plan, wrong[::4], plan.cases, breadth=Breadth(beside=0))

    assert trials
    assert [t for t in trials if not t.good] == []
