"""Verdicts that are the same again and again, in any order of the cases; and those that are not, named."""

import json
from pathlib import Path

import pytest

from conformance.cli.ending import Exit
from conformance.cli.main import run as command
from conformance.engine.run import Order, prepare
from conformance.engine.sealed import verify

PLAN = "oadr20b-ven-pull"
ONLY = ("OADR20B-VEN-EVT-020", "OADR20B-VEN-EVT-025", "OADR20B-VEN-EVT-086")
CHOSEN = [word for name in ONLY for word in ("--only", name)]


def order_of(shuffle: int | None) -> list[str]:
    return [case.id for case in prepare(Order(plan=PLAN, shuffle=shuffle)).playable]


def test_an_order_is_drawn_from_its_seed_alone() -> None:
    plain = order_of(None)

    assert order_of(1) == order_of(1)
    assert sorted(order_of(1)) == plain == sorted(plain)
    assert len({tuple(order_of(seed)) for seed in range(5)} | {tuple(plain)}) == 6


@pytest.mark.slow
def test_twenty_runs_in_twenty_orders_judge_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs"
    words = ["run", "--plan", PLAN, *CHOSEN, "--out", str(out), "--repeat", "20", "--shuffle", "5"]

    assert command(words) == Exit.OK

    assert "20 runs of" in (told := capsys.readouterr().err)
    assert told.rstrip().endswith("all verdicts alike")
    kept = json.loads((out / "stability.json").read_bytes())
    assert (kept["runs"], kept["shuffle"], kept["unstable"]) == (20, 5, {})
    folders = sorted(path for path in out.iterdir() if path.is_dir())
    assert len(folders) == 20
    assert verify(folders[7]).faults == ()
    seeds = [json.loads((folder / "run.json").read_bytes())["shuffle"] for folder in folders]
    assert seeds == list(range(5, 25))


def test_a_device_that_behaves_differently_each_time_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ixit = tmp_path / "ixit.yaml"
    ixit.write_text("driver: {kind: python, entry: 'tests.null_devices:moody'}\nstart_up_s: 60\n")
    words = ["run", "--plan", PLAN, "--only", ONLY[0], "--ixit", str(ixit), "--repeat", "4"]

    assert command([*words, "--out", str(tmp_path / "runs"), "--json"]) == Exit.INCONCLUSIVE

    said = capsys.readouterr()
    assert f"NOT STABLE   {ONLY[0]}: 2 x " in said.err
    assert list(json.loads(said.out)["unstable"]) == [ONLY[0]]
    found = json.loads(said.out)["unstable"][ONLY[0]]
    assert sorted(found.values()) == [2, 2]
    assert {word.split()[0] for word in found} == {"PASS", "FAIL"}


def test_a_certified_run_is_made_once(tmp_path: Path) -> None:
    words = ["run", "--plan", PLAN, "--certify", "--repeat", "2", "--out", str(tmp_path / "runs")]

    assert command(words) == Exit.USAGE
