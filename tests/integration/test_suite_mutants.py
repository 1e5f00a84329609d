"""Wrong devices: every one is found for its declared reason, on its own area, and the data stays true to the source."""

import pytest

from conformance.engine.mutation import try_all
from conformance.engine.plans import chosen, find_plan
from conformance.engine.wrong_devices import Change, Mutant, mutants
from conformance.mutants.altered_package import AlterationError, altered

PLANS = ["oadr20b-ven-pull", "oadr20b-ven-push", "oadr20b-vtn-pull", "oadr20b-vtn-push"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANS)
def test_every_wrong_device_is_found_for_its_reason(name: str) -> None:
    plan = find_plan(name)
    pull = name.replace("push", "pull")
    tried = {case.id for case in find_plan(pull).cases} if name != pull else set()
    # What pull has found is not tried again in push; the whole matrix is `make mutants`.
    wrong = [m for m in mutants(plan.profile, plan.role) if not set(m.cases) <= tried]

    trials = try_all(plan, wrong, plan.cases, jobs=2)

    assert trials or name != pull
    assert [t for t in trials if not t.good] == []


def test_a_change_must_fit_the_source_once() -> None:
    source = "def f():\n    if a:\n        return 1\n    return 2\n"

    assert "return 3" in altered(source, "return 1\n", "return 3\n", "x")
    assert (
        altered(source, "if a:\n    return 1\n", "pass\n", "x")
        == "def f():\n    pass\n    return 2\n"
    )
    assert altered(source, "return 2\n", "", "x") == "def f():\n    if a:\n        return 1\n"
    for old in ("return 9\n", "return\n", ""):
        with pytest.raises(AlterationError):
            altered(source, old, "pass\n", "x")


def test_a_mutant_that_no_case_finds_is_not_called_killed() -> None:
    plan = find_plan("oadr20b-ven-pull")
    change = Change(
        file="conformance/reference/ven2b/settings.py",
        old='device_class: str = "Managed_Commercial_and_Industrial_Loads"\n',
        new='device_class: str = "Thermostat"\n',
    )
    harmless = Mutant(
        id="harmless",
        what="calls itself a thermostat",
        requirement="REQ-OADR20B-R42-1",
        cases=("OADR20B-VEN-EVT-020",),
        changes=(change,),
    )

    trial = try_all(plan, [harmless], chosen(plan, ("OADR20B-VEN-EVT-020",)))[0]

    assert not trial.killed
    assert trial.missed == ("OADR20B-VEN-EVT-020: PASS",)


def test_a_mutant_found_for_another_reason_is_not_good() -> None:
    plan = find_plan("oadr20b-ven-pull")
    real = next(m for m in mutants(plan.profile, plan.role) if m.id == "opts-out-of-everything")
    mislabelled = real.model_copy(update={"requirement": "REQ-OADR20B-R42-1"})

    trial = try_all(
        plan, [mislabelled], chosen(plan, ("OADR20B-VEN-EVT-025", "OADR20B-VEN-EVT-020"))
    )[0]

    assert not trial.reason
    assert not trial.good
