"""Wrong devices: every one is found for its declared reason, on its own area, and the data stays true to the source."""

import pytest

from conformance.engine.mutation import try_all
from conformance.engine.plans import find_plan
from conformance.engine.wrong_devices import mutants

PLANS = ["oadr20b-ven-pull", "oadr20b-ven-push"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_every_wrong_device_is_found_for_its_reason(name: str) -> None:
    plan = find_plan(name)

    trials = try_all(plan, mutants(plan.profile, plan.role), plan.cases)

    assert trials
    assert [t for t in trials if not t.good] == []
