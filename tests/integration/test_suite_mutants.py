"""Wrong devices: every one is found for its declared reason, and the data stays true to the source."""

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli.main import run as command
from conformance.engine.matrix import Kept, Row, key_of, matrix_of, path_of, row_of, stale, write
from conformance.engine.mutation import Breadth, Workshop, try_all
from conformance.engine.plans import Plan, chosen, drafts, find_plan
from conformance.engine.wrong_devices import Change, Mutant, mutants
from conformance.mutants.altered_package import AlterationError, altered

PULL = "oadr20b-ven-pull"
KEPT = Path(__file__).parents[2] / "docs/conformance"
PLANS = ["oadr20b-ven-pull", "oadr20b-ven-push", "oadr20b-vtn-pull", "oadr20b-vtn-push"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANS)
def test_every_wrong_device_is_found_for_its_reason(name: str) -> None:
    plan = find_plan(name)
    pull = name.replace("push", "pull")
    tried = {case.id for case in find_plan(pull).cases} if name != pull else set()
    # What pull has found is not tried again in push. A slice: every device on the cases that it declares, and one in
    # eight, drawn by the seed, on eight others of the area too; the whole matrix is `make mutants`.
    wrong = [m for m in mutants(plan.profile, plan.role, plan.mode) if not set(m.cases) <= tried]

    trials = try_all(plan, wrong, plan.cases, breadth=Breadth(beside=8, every=8), jobs=2)

    assert trials or name != pull
    assert [t for t in trials if not t.good] == []


@pytest.mark.parametrize(
    ("name", "case"), [(PLANS[1], "OADR20B-VEN-EVT-020"), (PLANS[2], "OADR20B-VTN-LST-040")]
)
def test_a_trial_leaves_no_device_behind(name: str, case: str) -> None:
    plan = find_plan(name)
    one = next(m for m in mutants(plan.profile, plan.role, plan.mode) if case in m.cases)

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
    real = next(
        m for m in mutants(plan.profile, plan.role, plan.mode) if m.id == "opts-out-of-everything"
    )
    mislabelled = real.model_copy(update={"requirement": "REQ-OADR20B-R42-1"})

    trial = try_all(
        plan, [mislabelled], chosen(plan, ("OADR20B-VEN-EVT-025", "OADR20B-VEN-EVT-020"))
    )[0]

    assert not trial.reason
    assert not trial.good


def test_a_slice_holds_what_is_declared_and_is_drawn_again_alike() -> None:
    plan = find_plan(PULL)
    names = {case.id for case in plan.cases}
    found = [
        m for m in mutants(plan.profile, plan.role, plan.mode) if len(names & set(m.cases)) == 1
    ]
    slices = [[c.id for c in Breadth(beside=2).of(m, plan.cases)] for m in found]

    assert all(set(m.cases) & set(own) for m, own in zip(found, slices, strict=True))
    assert {len(own) for own in slices} <= {1, 2, 3}
    assert slices == [[c.id for c in Breadth(beside=2).of(m, plan.cases)] for m in found]
    assert slices != [[c.id for c in Breadth(beside=2, seed=2).of(m, plan.cases)] for m in found]
    fewer = [[c.id for c in Breadth(beside=2, every=4).of(m, plan.cases)] for m in found]
    assert len(found) / 8 < sum(own == few for own, few in zip(slices, fewer, strict=True))
    assert len(found) / 2 < sum(len(few) == 1 for few in fewer) < len(found)
    assert len({name for own in slices for name in own}) > len(plan.cases) / 3


def test_cases_that_a_change_cannot_reach_are_not_played_and_nothing_else_comes_of_it() -> None:
    plan = find_plan(PULL)
    names = ("EVT-010", "EVT-020", "EVT-025", "REG-040", "REG-070", "RPT-010")
    cases = chosen(plan, tuple(f"OADR20B-VEN-{name}" for name in names))
    every = {m.id: m for m in mutants(plan.profile, plan.role, plan.mode)}
    wrong = [
        every[name]
        for name in (
            "answers-empty-distribution",
            "no-answer-to-report-request",
            "opts-out-of-everything",
            "no-answer-to-cancel",
        )
    ]
    shop = Workshop(plan)

    quick = try_all(plan, wrong, cases, breadth=Breadth(whole=True))
    whole = [shop.trial(mutant, cases) for mutant in wrong]

    assert sum(one.played for one in quick) <= 3 * len(cases)
    assert [replace(one, seconds=0, played=6) for one in quick] == [
        replace(one, seconds=0) for one in whole
    ]


def test_a_case_that_was_thought_out_of_reach_and_fails_is_told() -> None:
    plan = find_plan(PULL)
    one = next(
        m for m in mutants(plan.profile, plan.role, plan.mode) if m.id == "opts-out-of-everything"
    )
    name = "OADR20B-VEN-EVT-025"
    cases = chosen(plan, ("OADR20B-VEN-EVT-020", name))

    trial = Workshop(plan).trial(one, cases, (name,), audit=name)

    assert trial.strays == (f"{name}: FAIL though nothing of the change runs in it",)


def test_a_matrix_that_was_broken_off_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["mutants", "--plan", PULL, "--only", "OADR20B-VEN-EVT-010", "--write", str(tmp_path)]
    first = "answers-empty-distribution"
    plan = find_plan(PULL)
    cases = chosen(plan, ("OADR20B-VEN-EVT-010",))
    one = next(m for m in mutants(plan.profile, plan.role, plan.mode) if m.id == first)
    kept = Kept(tmp_path, plan)
    key = key_of(plan, one, [case.id for case in cases])
    kept.add(row_of(try_all(plan, [one], cases)[0], key))
    part = next(tmp_path.glob("*.part"))
    with part.open("a") as file:
        file.write('{"mutant": "half a li')

    assert command([*words, "--mutant", first]) == 0
    assert "1 of 1 are known" in capsys.readouterr().err
    assert not part.exists()
    assert stale(tmp_path, plan) != []

    changed = one.model_copy(update={"what": "something else"})
    assert Kept(tmp_path, plan).row(key)
    assert Kept(tmp_path, plan).row(key_of(plan, changed, [case.id for case in cases])) is None


def test_a_row_that_is_not_as_declared_is_made_again(tmp_path: Path) -> None:
    plan = find_plan(PULL)
    kept = Kept(tmp_path, plan)
    row = Row(
        mutant="m", killed=True, reason=True, missed=(), strays=("x",), failed=(), cited=(),
        played=1, key="k",
    )  # fmt: skip
    kept.add(row)
    kept.add(row.model_copy(update={"strays": (), "key": "l"}))

    assert Kept(tmp_path, plan).row("k") is None
    assert Kept(tmp_path, plan).row("l")


def test_a_kept_matrix_says_when_it_is_stale(tmp_path: Path) -> None:
    plan = find_plan(PULL)
    one = next(
        m for m in mutants(plan.profile, plan.role, plan.mode) if m.id == "opts-out-of-everything"
    )
    few = chosen(plan, one.cases)
    rows = [row_of(trial, "0") for trial in try_all(plan, [one], few)]
    kept = matrix_of(plan, few, [one], rows, whole=True)

    assert kept.good
    assert kept.trials[0].cited
    assert stale(tmp_path, plan) != []
    write(tmp_path, kept)
    assert any(": not tried: " in line for line in stale(tmp_path, plan))
    assert not any("have changed" in line for line in stale(tmp_path, plan))
    assert command(["mutants", "--plan", PULL, "--check", str(tmp_path)]) == 1

    write(tmp_path, kept.model_copy(update={"judged_sha256": "00"}))
    assert any("have changed" in line for line in stale(tmp_path, plan))


@pytest.mark.parametrize("plan", drafts(), ids=lambda plan: str(plan.id))
def test_a_kept_matrix_is_as_declared_or_says_that_it_is_stale(plan: Plan) -> None:
    """The digest is over cases, kit, peers, devices and data of one profile; the gateway is no part of it."""
    if not path_of(KEPT, plan.id).is_file():
        pytest.skip(f"{plan.id}: no matrix is kept: `make mutants` is due")
    why = stale(KEPT, plan)
    if any("have changed" in line for line in why):
        pytest.skip(f"`make mutants` is due: {'; '.join(why)}")

    assert why == []


def test_the_verb_counts_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutants", "--plan", PULL, "--mutant", "opts-out-of-everything", "--sample", "0"]

    assert command(words) == 0

    assert f"{PULL}: 1/1 killed, 1/1 for the declared reason" in capsys.readouterr().err
