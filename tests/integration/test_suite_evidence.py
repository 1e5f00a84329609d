"""Evidence of a run: judged again to the same bytes, sealed to the byte, gone on with after an interruption."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from conformance.cli.main import run as command
from conformance.engine.conclude import (
    changes,
    finish,
    opened,
    recorded,
    rejudged,
    same_as_recorded,
)
from conformance.engine.judging import Verdicts
from conformance.engine.reports.document import Report
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.sealed import load_key, verify
from conformance.kit.verdict import Verdict

PLAN = "oadr20b-ven-pull"
ONLY = ("OADR20B-VEN-EVT-020", "OADR20B-VEN-EVT-086")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("evidence") / "run"
    prepared = prepare(Order(plan=PLAN, only=ONLY))
    verdicts = play_run(prepared, folder)
    finish(folder, prepared.file, verdicts, load_key(None))
    yield folder
    shutil.rmtree(folder)


def test_a_run_is_judged_again_to_the_same_bytes(sealed: Path) -> None:
    assert same_as_recorded(sealed, rejudged(sealed))


def test_a_changed_answer_changes_the_verdict_when_it_is_judged_again(
    sealed: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(sealed, copy)
    for body in (copy / "bodies").iterdir():
        body.write_bytes(body.read_bytes().replace(b"optIn", b"optOut"))

    again = rejudged(copy)

    assert not same_as_recorded(copy, again)
    assert again.verdict is Verdict.FAIL
    assert [c.case for c in changes(rejudged(sealed), again)] == ["OADR20B-VEN-EVT-020"]


def test_any_changed_byte_of_any_file_is_found(sealed: Path, tmp_path: Path) -> None:
    names = sorted(p.relative_to(sealed) for p in sealed.rglob("*") if p.is_file())
    kinds = {name.parts[0]: name for name in names}
    assert len(kinds) >= 10
    for place, name in enumerate(kinds.values()):
        copy = tmp_path / str(place)
        shutil.copytree(sealed, copy)
        path = copy / name
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        path.write_bytes(bytes(body))
        assert command(["verify", str(copy)]) != 0, name


def test_a_missing_an_added_and_a_linked_file_are_found(sealed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(sealed, copy)
    (copy / "junit.xml").unlink()
    (copy / "bodies" / "more").write_text("x")
    (copy / "report.html").unlink()
    (copy / "report.html").symlink_to(sealed / "report.html")

    faults = verify(copy).faults

    assert set(faults) == {
        "bodies/more: added",
        "junit.xml: missing",
        "report.html: a link",
    }


def test_a_seal_of_another_key_is_found(sealed: Path) -> None:
    assert verify(sealed).faults == ()
    assert verify(sealed, verify(sealed).key).faults == ()
    assert verify(sealed, "00" * 32).faults


def test_the_reports_say_what_the_verdicts_say(sealed: Path) -> None:
    report = Report.model_validate_json((sealed / "report.json").read_bytes())
    suite = etree.parse(str(sealed / "junit.xml")).getroot()
    page = (sealed / "report.html").read_text()

    assert report.counts == {"PASS": 2, "SKIP": len(report.cases) - 2}
    assert report.verdict == "PASS"
    assert suite.get("skipped") == str(len(report.cases) - 2)
    assert suite.get("failures") == "0"
    assert "src=" not in page
    assert "<script" not in page
    assert "OADR20B-VEN-EVT-020" in page


def test_an_interrupted_run_is_gone_on_with(sealed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(sealed, copy)
    for name in ("MANIFEST.json", "MANIFEST.sig", "verdicts.json"):
        (copy / name).unlink()
    history = copy / "history.jsonl"
    lines = history.read_bytes().splitlines(keepends=True)
    second = next(n for n, line in enumerate(lines) if b"EVT-086" in line)
    history.write_bytes(b"".join(lines[: second + 9]) + lines[second + 9][:30])

    begun: list[str] = []
    prepared = prepare(Order(plan=PLAN, only=ONLY))
    listener = prepared.listener
    object.__setattr__(listener, "begun", lambda case, *_: begun.append(case.id))
    verdicts = play_run(prepared, copy)

    assert begun == ["OADR20B-VEN-EVT-086"]
    assert verdicts.verdict is Verdict.PASS
    numbers = [json.loads(line)["n"] for line in history.read_bytes().splitlines()]
    assert numbers == sorted(set(numbers))
    assert same_as_recorded(copy, rejudged(copy))


def test_a_finished_run_is_not_played_into(sealed: Path) -> None:
    before = sorted((p.name, p.read_bytes()) for p in sealed.rglob("*") if p.is_file())

    assert command(["run", "--plan", PLAN, "--out", str(sealed)]) == 4

    assert sorted((p.name, p.read_bytes()) for p in sealed.rglob("*") if p.is_file()) == before


def test_a_run_of_another_order_is_not_mixed_in(sealed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(sealed, copy)
    (copy / "MANIFEST.json").unlink()

    assert command(["run", "--plan", PLAN, "--seed", "9", "--out", str(copy)]) == 4


def test_two_runs_of_one_seed_are_the_same(tmp_path: Path) -> None:
    def stimuli(name: str) -> tuple[Verdicts, list[tuple[str, ...]]]:
        folder = tmp_path / name
        verdicts = play_run(prepare(Order(plan=PLAN, only=ONLY, seed=7)), folder)
        rows = [json.loads(line) for line in (folder / "history.jsonl").read_bytes().splitlines()]
        keys = ("case", "kind", "at", "sender", "body")
        return verdicts, [tuple(str(row.get(key)) for key in keys) for row in rows]

    first, second = stimuli("a"), stimuli("b")

    assert first == second
    assert opened(tmp_path / "a").seed == 7


def test_the_example_in_the_documentation_is_sealed_and_judged_as_it_says() -> None:
    example = Path(__file__).parents[2] / "docs" / "conformance" / "examples" / "openleadr"
    key = (example.parent / "README.md").read_text().split("KEY is `")[1].split("`")[0]

    assert verify(example, key).faults == ()
    now = {case.case: case.verdict for case in rejudged(example).cases}
    assert now == {case.case: case.verdict for case in recorded(example).cases}
    assert sorted(now.values()) == [Verdict.FAIL] * 3 + [Verdict.PASS] * 3


def test_a_record_is_judged_and_verified_with_the_gateway_out_of_reach(sealed: Path) -> None:
    command = [sys.executable, "-m", "tests.suite_judge", str(sealed)]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.stdout, found.stderr) == ("0 faults, PASS\n", "")
