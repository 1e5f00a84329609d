"""A slice of the wrong 2030.5 servers: each is found by the cases that it declares, for its reason."""

from datetime import timedelta

import pytest

from conformance.engine.mutation import Breadth, try_all
from conformance.engine.plans import find_plan
from conformance.engine.wrong_devices import mutants

EVERY = 9
"""One in so many, so that it stays quick; the whole matrix is `make mutants`."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "first"), [("csipaus-server", 0), ("csip-server", 4)])
def test_wrong_servers_are_found_for_their_reason(name: str, first: int) -> None:
    plan = find_plan(name)
    cases = [case for case in plan.cases if case.timing.lasts < timedelta(days=1)]
    names = {case.id for case in cases}
    wrong = [m for m in mutants(plan.profile, plan.role, plan.mode) if names & set(m.cases)]
    step = EVERY if first == 0 else 4 * EVERY

    trials = try_all(plan, wrong[first::step], cases, breadth=Breadth(beside=0))

    assert trials
    assert [t for t in trials if not t.good] == []
