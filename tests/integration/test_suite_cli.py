"""The verbs as a user types them: exit codes, what is printed, what lies there afterwards."""

import json
from pathlib import Path

import pytest

from conformance.cli.ending import Exit
from conformance.cli.main import run as command

PLAN = "oadr20b-ven-pull"
CASE = "OADR20B-VEN-EVT-020"


def test_a_run_is_typed_and_judged_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"

    assert command(["run", "--plan", PLAN, "--only", CASE, "--out", str(folder), "--json"]) == 0

    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "PASS"
    assert f"PASS         {CASE}" in said.err
    assert "pre-test" in said.err
    assert command(["verify", str(folder)]) == 0
    assert command(["rejudge", str(folder)]) == 0
    assert command(["diff", str(folder), str(folder)]) == 0


def test_a_mutant_that_does_not_exist_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["mutants", "--mutant", "no-such"]) == Exit.USAGE
    assert "--mutant no-such: no such mutant" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_run_says_first_how_long_it_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    only = "OADR20B-VEN-EVT-020"

    assert command(
        ["run", "--plan", PLAN, "--only", only, "--time", "scaled:30", "--out", str(folder)]
    ) in (0, 2)

    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"{PLAN}: 1 of ")
    assert "of real time (scaled:30), until about" in first
    assert (folder / "console.log").read_text().startswith(first)


def test_a_virtual_run_needs_no_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["run", "--plan", PLAN, "--only", CASE, "--out", str(tmp_path / "run")]) == 0
    assert "of real time" not in capsys.readouterr().err
