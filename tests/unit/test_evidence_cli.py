"""``gridgate evidence verify``: exit codes and what people read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.forgeries.editing import Files
from gateway.cli.evidence import verify
from gateway.domain.event import TestKind
from gateway.settlement.archive import to_zip
from gateway.settlement.evidence import MANIFEST, RECORDS, RESULT
from tests.evidence_story import KEY, OTHER_KEY, close, honest
from tests.intent_samples import EVENT, START
from tests.settlement_story import MINUTE, TERMS, told


def folder(files: Files, at: Path) -> Path:
    for name, body in files.items():
        path = at / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return at / "bundle"


def packed(files: Files, at: Path) -> Path:
    path = at / "bundle.zip"
    path.write_bytes(to_zip(files))
    return path


def test_a_zip_and_its_folder_verify_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = honest().files

    assert verify(packed(files, tmp_path), as_json=False) == 0
    first = capsys.readouterr().out
    assert verify(folder(files, tmp_path), as_json=False, log_id=KEY.log_id) == 0
    second = capsys.readouterr().out

    assert first.startswith("VERIFIED")
    assert "payment     75.00 USD" in first
    assert "SIMULATED" in first
    assert "trusted on first use" in first
    assert "trusted on first use" not in second
    assert f"log         {KEY.log_id}" in second


def test_json_carries_numbers_and_the_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(packed(honest().files, tmp_path), as_json=True) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "verified"
    assert found["findings"] == []
    assert found["statement"]["payment"] == 75.0
    assert found["statement"]["performance"] == pytest.approx(1.2)
    assert found["statement"]["baseline_verified"] is False
    assert len(found["evidence"]["root"]) == 64
    assert found["evidence"]["trusted_on_first_use"] is True


def test_a_tampered_bundle_is_exit_one_and_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**honest().files, RECORDS: honest().files[RECORDS].replace(b"1.6666", b"1.7666", 1)}

    assert verify(folder(files, tmp_path), as_json=False) == 1

    shown = capsys.readouterr().out
    assert shown.startswith("MISMATCH")
    assert "records.jsonl: its SHA-256 is not the one in the manifest" in shown
    assert "NOT verified" in shown


def test_a_tampered_figure_is_shown_as_not_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = close(told(skip=[START + n * MINUTE for n in range(30)]))
    files = {**honest().files, RESULT: other.files[RESULT]}

    assert verify(folder(files, tmp_path), as_json=False) == 1

    shown = capsys.readouterr().out
    assert "as claimed, NOT verified" in shown
    assert "more; --json prints all" in shown


def test_another_log_than_expected_is_exit_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = packed(honest().files, tmp_path)

    assert verify(bundle, as_json=False, log_id=OTHER_KEY.log_id) == 1
    assert "tree_heads.json: another log signed this" in capsys.readouterr().out


def test_garbage_a_missing_path_and_an_empty_folder_are_exit_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    garbage = tmp_path / "x.zip"
    garbage.write_bytes(b"garbage")
    (tmp_path / "empty").mkdir()

    for path in (garbage, tmp_path / "nowhere", tmp_path / "empty"):
        assert verify(path, as_json=False) == 2
        assert capsys.readouterr().out.startswith("MALFORMED")


def test_a_folder_that_cannot_be_read_is_exit_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = folder(honest().files, tmp_path)
    (bundle / "loop").symlink_to(bundle / "loop")

    assert verify(bundle, as_json=True) == 2
    assert json.loads(capsys.readouterr().out)["outcome"] == "malformed"


def test_a_missing_file_is_exit_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: body for name, body in honest().files.items() if name != MANIFEST}

    assert verify(folder(files, tmp_path), as_json=False) == 3
    assert "manifest.json: every bundle has this file" in capsys.readouterr().out


def test_a_bundle_too_large_to_be_one_is_refused_unread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = tmp_path / "huge.zip"
    with huge.open("wb") as file:
        file.truncate((1 << 30) + 1)

    assert verify(huge, as_json=False) == 2
    assert "larger than a bundle can be" in capsys.readouterr().out


def test_a_test_event_says_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    practice = close(told(event=replace(EVENT, test=TestKind.LIVE_TEST)))
    out_of_reach = close(
        told(terms=TERMS.model_copy(update={"baseline": dict(TERMS.alternatives[0])}))
    )

    assert verify(packed(practice.files, tmp_path), as_json=False) == 0
    assert "TEST" in capsys.readouterr().out
    assert verify(packed(out_of_reach.files, tmp_path), as_json=False) == 0
    assert "baseline    fsl" in capsys.readouterr().out
