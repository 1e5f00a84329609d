"""The published schemas: real reports are valid by them, spoilt ones are not, and they are of this source."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli.main import run as command
from conformance.engine.conclude import finish, fresh_reports
from conformance.engine.published import FORMS, schema_of, text_of
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.sealed import load_key

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "conformance" / "examples" / "openleadr"
PUBLISHED = ROOT / "docs" / "conformance" / "schemas"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("schemas") / "run"
    prepared = prepare(Order(plan="oadr20b-ven-pull", only=("OADR20B-VEN-EVT-020",)))
    verdicts = play_run(prepared, folder)
    finish(folder, prepared.file, verdicts, load_key(None))
    yield folder
    shutil.rmtree(folder)


def faults(name: str, found: object) -> list[str]:
    validator = Draft202012Validator(schema_of(name))
    return sorted(error.message for error in validator.iter_errors(found))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_what_is_published_is_of_this_source(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Draft202012Validator.check_schema(schema_of(name))

    assert command(["schema", name]) == 0

    kept = (PUBLISHED / f"{name}.schema.json").read_text()
    assert capsys.readouterr().out == kept == text_of(name)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_real_files_are_valid(name: str, made: Path) -> None:
    assert faults(name, json.loads((made / f"{name}.json").read_bytes())) == []


@pytest.fixture(scope="module")
def failing() -> Iterator[dict[str, Any]]:
    """The report of the kept run, in which a foreign device fails."""
    folder = fresh_reports(EXAMPLE)
    yield json.loads((folder / "report.json").read_bytes())
    shutil.rmtree(folder)


def test_a_report_with_failures_is_valid(failing: dict[str, Any]) -> None:
    assert any(case["findings"] for case in failing["cases"])
    assert faults("report", failing) == []


@pytest.mark.parametrize("name", sorted(FORMS))
def test_files_of_an_earlier_run_are_valid_still(name: str) -> None:
    assert faults(name, json.loads((EXAMPLE / f"{name}.json").read_bytes())) == []


def spoilt(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is wrong and a report with it."""
    case = next(n for n, row in enumerate(report["cases"]) if row["findings"])

    def changed(*path: str | int, value: object) -> dict[str, Any]:
        copied = copy.deepcopy(report)
        place: Any = copied
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return copied

    yield "another form", changed("report", value="gridgate-conformance-report/2")
    yield "a seventh verdict", changed("cases", case, "verdict", value="MAYBE")
    yield "a number that is none", changed("cases", case, "version", value="one")
    yield "an unknown field", changed("more", value=1)
    yield "an unknown field of a finding", changed("cases", case, "findings", 0, "more", value=1)
    yield "a third level", changed("cases", case, "findings", 0, "level", value="perhaps")
    missing = copy.deepcopy(report)
    del missing["cases"][case]["cause"]
    yield "no cause", missing


def test_spoilt_reports_are_not_valid(failing: dict[str, Any]) -> None:
    rows = dict(spoilt(failing))

    assert [what for what, found in rows.items() if not faults("report", found)] == []
    assert len(rows) == 7
