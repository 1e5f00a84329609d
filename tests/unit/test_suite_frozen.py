"""Frozen plans: named by a hash, refused once changed, and the reason why a changed case needs a new version."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from conformance.cli.ending import Exit
from conformance.cli.main import run as command
from conformance.engine import plans
from conformance.engine.errors import SuiteError
from conformance.engine.fingerprints import case_digest, kit_digest
from conformance.engine.plans import Plan, drafts, find_plan, frozen, named, plan_files
from conformance.kit.case import Case, Maturity, Timing

DRAFT = find_plan("oadr20b-ven-pull")
CASE = DRAFT.cases[0]


def written(plan: Plan, folder: Path) -> str:
    path = folder / f"{plan.id}.yaml"
    path.write_text(yaml.safe_dump(plan.model_dump(mode="json")))
    return str(path)


def test_a_frozen_plan_is_found_again_and_named_by_its_hash(tmp_path: Path) -> None:
    plan = frozen(DRAFT, "lab-1", "2026-05-04")

    found = find_plan(written(plan, tmp_path))

    assert found == named(found) == plan
    assert found.digest() == found.sha256
    assert [case.id for case in found.cases] == [case.id for case in DRAFT.cases]
    assert found.kit_sha256 == kit_digest("oadr20b")


def test_a_case_that_changed_without_a_new_version_is_refused_by_name(tmp_path: Path) -> None:
    plan = frozen(DRAFT, "lab-1", "2026-05-04")
    assert plan.tests != "all"
    before = plan.tests[3].model_copy(update={"sha256": "0" * 64})
    made = plan.model_copy(update={"tests": (*plan.tests[:3], before, *plan.tests[4:])})
    made = made.model_copy(update={"sha256": made.digest()})

    with pytest.raises(SuiteError) as error:
        find_plan(written(made, tmp_path))

    assert before.id in str(error.value)
    assert "raise their version and freeze a new plan" in str(error.value)


def test_a_case_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    plan = frozen(DRAFT, "lab-1", "2026-05-04")
    made = plan.model_copy(update={"tests": (plans.Test(id=CASE.id, version=99, sha256="0" * 64),)})
    made = made.model_copy(update={"sha256": made.digest()})

    with pytest.raises(SuiteError, match=f"{CASE.id} version 99 has version {CASE.version} here"):
        _ = find_plan(written(made, tmp_path)).cases


@pytest.mark.parametrize(
    "change",
    [
        lambda case: replace(case, checks=case.checks[:-1]),
        lambda case: replace(case, observations=()),
        lambda case: replace(case, faults="1.1: http_503"),
        lambda case: replace(case, facts=(("vtn_metadata", "no"),)),
        lambda case: replace(case, timing=Timing(poll=timedelta(seconds=7))),
        lambda case: replace(case, suspends=("RULE-2B-001",)),
        lambda case: replace(case, maturity=Maturity.DRAFT),
        lambda case: replace(case, applies_if="A"),
        lambda case: replace(case, play=DRAFT.cases[1].play),
    ],
)
def test_what_decides_a_verdict_changes_the_digest(change: Callable[[Case], Case]) -> None:
    assert case_digest(change(CASE)) != case_digest(CASE)


def test_words_about_a_case_do_not() -> None:
    told = replace(CASE, title="t", purpose="p", mutants=("m",), public=("x",))

    assert case_digest(told) == case_digest(CASE)


def test_scripts_made_of_one_form_differ_by_what_they_were_given() -> None:
    digests = {case_digest(case) for plan in drafts() for case in plan.cases}
    cases = {case.id for plan in drafts() for case in plan.cases}

    assert len(digests) == len(cases)


def test_all_drafts_are_frozen_once_and_again_only_when_something_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "freeze", "--all", "--out", str(tmp_path)]

    assert command(words) == Exit.OK
    first = sorted(path.name for path in tmp_path.iterdir())
    assert first == sorted(f"{plan.id}-1.yaml" for plan in drafts())
    assert find_plan(str(tmp_path / first[0])).sha256 in capsys.readouterr().out

    assert command(words) == Exit.OK
    assert sorted(path.name for path in tmp_path.iterdir()) == first

    older = frozen(DRAFT, f"{DRAFT.id}-1", "2026-05-04").model_copy(update={"mandatory": ()})
    older = older.model_copy(update={"sha256": older.digest()})
    written(older, tmp_path)
    assert command(words) == Exit.OK
    assert {path.name for path in tmp_path.iterdir()} - set(first) == {f"{DRAFT.id}-2.yaml"}


@pytest.mark.parametrize("words", [["--all", DRAFT.id, "--as", "x"], [DRAFT.id], ["--as", "x"], []])
def test_freezing_takes_one_plan_with_its_new_id_or_all(words: list[str], tmp_path: Path) -> None:
    assert command(["plan", "freeze", *words, "--out", str(tmp_path / "x.yaml")]) == Exit.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_frozen_plan_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    words = ["plan", "freeze", DRAFT.id, "--as", "x", "--out", str(path)]
    assert command(words) == Exit.OK
    before = path.read_bytes()

    assert command(words) == Exit.USAGE

    assert path.read_bytes() == before


def test_the_newest_bundled_frozen_plans_can_be_run() -> None:
    """A case that was changed needs a new version, and then its plan a new frozen one (``plan freeze --all``)."""
    newest: dict[str, Path] = {}
    for path in plan_files():
        draft, _, number = path.stem.rpartition("-")
        if number.isdigit():
            newest[draft] = max(
                newest.get(draft, path), path, key=lambda p: int(p.stem.split("-")[-1])
            )

    for path in newest.values():
        assert find_plan(path.stem).cases
    assert {plan.id for plan in drafts()} >= set(newest)
