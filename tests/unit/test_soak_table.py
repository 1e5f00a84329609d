"""The table of an endurance run: what counts as good, and what a reader is told when it is not."""

import argparse
import json
from pathlib import Path

import pytest

from conformance.cli.ending import Exit
from conformance.soak.__main__ import add_options, soak
from conformance.soak.row import CAUGHT, Plan, Row
from conformance.soak.run import read
from conformance.soak.table import closing, table, totals

GOOD = Row(part="crash", what="intake.committed", runs=3, seconds=1.25)
LOST = Row(part="crash", what="ack.ran", runs=3, lost=1, seed=7, note="evt-1 had no effect")
KILLED = Row(part="mutants", what="no dedupe", runs=2, caught=2, expected=CAUGHT)
MISSED = Row(part="mutants", what="in-memory timer", runs=2, caught=1, expected=CAUGHT)


@pytest.mark.parametrize(
    ("row", "good"),
    [
        (GOOD, True),
        (LOST, False),
        (KILLED, True),
        (MISSED, False),
        (Row(part="crash", what="never reached", runs=0), False),
        (Row(part="crash", what="late", runs=1, other=1), False),
        (Row(part="mutants", what="not run", runs=0, expected=CAUGHT), False),
    ],
)
def test_a_row_is_good_when_it_shows_what_it_must(row: Row, good: bool) -> None:
    assert row.good is good


def test_a_bad_row_tells_its_reason_and_how_to_run_it_again() -> None:
    lines = table([GOOD, LOST])
    assert "evt-1 had no effect" in lines[-2]
    assert lines[-1].strip() == (
        "again: gridgate-conformance soak --part crash --only 'ack.ran' --seed 7 --runs 3"
    )
    assert all(len(line) <= 120 for line in lines)


def test_mutants_do_not_count_as_losses() -> None:
    found = totals([GOOD, LOST, KILLED, MISSED])
    assert (found["lost"], found["mutants"], found["mutants_caught"]) == (1, 2, 1)
    assert "1 lost, 0 doubled" in closing([GOOD, LOST, KILLED, MISSED])


def test_a_row_comes_back_from_another_process_as_it_was() -> None:
    assert read("crash", json.dumps(LOST.document())) == LOST


def test_a_stray_line_of_a_part_is_a_bad_row() -> None:
    stray = read("crash", "2026-11-21 something happened\n")
    assert not stray.good
    assert "something happened" in stray.note


def test_a_plan_runs_as_often_as_told_or_by_its_kind() -> None:
    plan = Plan(seed=1, runs=None, quick=True, only="ack", folder=Path())
    assert plan.times(quick=2, whole=50) == 2
    assert plan.wants("ack.ran")
    assert not plan.wants("intake.ran")
    assert Plan(seed=1, runs=9, quick=False, only="", folder=Path()).times(2, 50) == 9


def test_a_row_that_does_not_exist_is_wrong_use_and_not_a_good_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    given = parser.parse_args(["--part", "forgeries", "--only", "no such", "--quick"])

    assert soak(given) == Exit.USAGE
    assert "no row of forgeries begins with 'no such'" in capsys.readouterr().err
