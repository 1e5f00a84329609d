"""A run whose process is killed goes on where it was, and is judged as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli.main import run as command
from conformance.engine.conclude import recorded
from conformance.kit.verdict import Verdict

PLAN = "oadr20b-ven-pull"
AREA = "TGT"


def ended(folder: Path) -> int:
    history = folder / "history.jsonl"
    text = history.read_bytes() if history.exists() else b""
    return text.count(b'"case.end"')


@pytest.mark.slow
@pytest.mark.parametrize("cases", [0, 1, 4])
def test_a_killed_run_goes_on_and_is_judged_the_same(cases: int, tmp_path: Path) -> None:
    folder, whole = tmp_path / "run", tmp_path / "whole"
    words = [sys.executable, "-m", "tests.suite_story", str(folder), AREA]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for _ in range(cases):
            process.stderr.readline()  # one line per case that has ended
        process.kill()
    before = ended(folder)

    assert command(["run", "--plan", PLAN, "--only", AREA, "--out", str(folder)]) == 0
    assert command(["run", "--plan", PLAN, "--only", AREA, "--out", str(whole)]) == 0

    assert command(["verify", str(folder)]) == 0
    assert command(["rejudge", str(folder)]) == 0
    found = {c.case: c.verdict for c in recorded(folder).cases}
    assert found == {c.case: c.verdict for c in recorded(whole).cases}
    assert Verdict.PASS in found.values()
    played = [v for v in found.values() if v is not Verdict.SKIP]
    assert ended(folder) == len(played) >= before >= cases
    numbers = [json.loads(x)["n"] for x in (folder / "history.jsonl").read_bytes().splitlines()]
    assert numbers == sorted(set(numbers))


def test_a_torn_body_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    words = ["run", "--plan", PLAN, "--only", "OADR20B-VEN-EVT-020", "--out", str(tmp_path)]
    assert command(words) == 0
    for name in ("MANIFEST.json", "MANIFEST.sig", "history.jsonl"):
        (tmp_path / name).unlink()
    for body in (tmp_path / "bodies").iterdir():
        body.write_bytes(body.read_bytes()[:40])

    assert command(words) == 0

    assert command(["rejudge", str(tmp_path)]) == 0
