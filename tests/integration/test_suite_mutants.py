"""Wrong devices: every one is found for its declared reason, and the data stays true to the source."""

import gc
from pathlib import Path

import pytest

from conformance.cli.main import run as command
from conformance.engine.matrix import matrix_of, stale, write
from conformance.engine.mutation import Breadth, try_all
from conformance.engine.plans import chosen, find_plan
from conformance.engine.wrong_devices import Change, Mutant, mutants
from conformance.mutants.altered_package import AlterationError, altered

PULL = "oadr20b-ven-pull"
PLANS = ["oadr20b-ven-pull", "oadr20b-ven-push", "oadr20b-vtn-pull", "oadr20b-vtn-push"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANS)
def test_every_wrong_device_is_found_for_its_reason(name: str) -> None:
    plan = find_plan(name)
    pull = name.replace("push", "pull")
    tried = {case.id for case in find_plan(pull).cases} if name != pull else set()
    # What pull has found is not tried again in push. A slice: the declared cases and eight others of the area, drawn
    # by the seed; the whole matrix is `make mutants`.
    wrong = [m for m in mutants(plan.profile, plan.role) if not set(m.cases) <= tried]

    trials = try_all(plan, wrong, plan.cases, breadth=Breadth(beside=8), jobs=2)

    assert trials or name != pull
    assert [t for t in trials if not t.good] == []


@pytest.mark.parametrize(
    ("name", "case"), [(PLANS[1], "OADR20B-VEN-EVT-020"), (PLANS[2], "OADR20B-VTN-LST-040")]
)
def test_a_trial_leaves_no_device_behind(name: str, case: str) -> None:
    plan = find_plan(name)
    one = next(m for m in mutants(plan.profile, plan.role) if case in m.cases)

    assert try_all(plan, [one], chosen(plan, (case,)))[0].killed
    gc.collect()

    names = {(type(o).__module__, type(o).__name__) for o in gc.get_objects()}
    assert not names & {("altered_reference.device", kind) for kind in ("Ven", "Vtn")}


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


def test_a_slice_holds_what_is_declared_and_is_drawn_again_alike() -> None:
    plan = find_plan(PULL)
    names = {case.id for case in plan.cases}
    found = [m for m in mutants(plan.profile, plan.role) if len(names & set(m.cases)) == 1]
    slices = [[c.id for c in Breadth(beside=2).of(m, plan.cases)] for m in found]

    assert all(set(m.cases) & set(own) for m, own in zip(found, slices, strict=True))
    assert {len(own) for own in slices} <= {1, 2, 3}
    assert slices == [[c.id for c in Breadth(beside=2).of(m, plan.cases)] for m in found]
    assert slices != [[c.id for c in Breadth(beside=2, seed=2).of(m, plan.cases)] for m in found]
    assert len({name for own in slices for name in own}) > len(plan.cases) / 3


def test_a_kept_matrix_says_when_it_is_stale(tmp_path: Path) -> None:
    plan = find_plan(PULL)
    one = next(m for m in mutants(plan.profile, plan.role) if m.id == "opts-out-of-everything")
    few = chosen(plan, one.cases)
    kept = matrix_of(plan, few, [one], try_all(plan, [one], few), whole=True)

    assert kept.good
    assert kept.trials[0].cited
    assert stale(tmp_path, plan) != []
    write(tmp_path, kept)
    assert any(": not tried: " in line for line in stale(tmp_path, plan))
    assert not any("have changed" in line for line in stale(tmp_path, plan))
    assert command(["mutants", "--plan", PULL, "--check", str(tmp_path)]) == 1

    write(tmp_path, kept.model_copy(update={"judged_sha256": "00"}))
    assert any("have changed" in line for line in stale(tmp_path, plan))


def test_the_verb_counts_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutants", "--plan", PULL, "--mutant", "opts-out-of-everything", "--sample", "0"]

    assert command(words) == 0

    assert f"{PULL}: 1/1 killed, 1/1 for the declared reason" in capsys.readouterr().err
