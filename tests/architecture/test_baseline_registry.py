"""Every registered method brings what a newcomer and an auditor need."""

import re
from pathlib import Path

import pytest

from gateway.baselines.registry import METHODS, read_method
from gateway.telemetry.vee.registry import RULES
from tests.metering import DATA

ROOT = Path(__file__).parents[2]
EXAMPLES: dict[str, dict[str, object]] = {
    "same_day": {"windows": [{"anchor": "start", "from_min": -60, "to_min": 0}]},
    "fsl": {"plc_kw": "10000.5", "fsl_kw": "limit_kw", "loss_factor": "1.04"},
}


@pytest.mark.parametrize("family", METHODS)
def test_a_method_has_a_readme_with_a_coverage_table(family: str) -> None:
    text = (ROOT / "gateway" / "baselines" / family / "README.md").read_text()

    assert "| Clause | What | Where | Test | Status |" in text
    for test in re.findall(r"`(test_\w+)`", text):
        assert f"def {test}" in (ROOT / "tests/unit/test_baselines.py").read_text()


@pytest.mark.parametrize("family", METHODS)
def test_a_method_has_golden_data_that_its_readme_names(family: str) -> None:
    text = (ROOT / "gateway" / "baselines" / family / "README.md").read_text()
    names = re.findall(r"golden `([\w.]+)`", text)

    assert names
    for name in names:
        assert (DATA / name).exists() or (DATA / "cases" / f"{name}.json").exists()


@pytest.mark.parametrize("family", METHODS)
def test_options_round_trip_with_their_metadata(family: str) -> None:
    given = {"family": family, **EXAMPLES[family], "source": "a manual", "unverified": ["x"]}

    _, options = read_method(given)

    written = options.model_dump(mode="json")
    assert read_method(written)[1] == options
    assert {key: written[key] for key in given} == given
    assert written["verified"] is False


def test_every_method_folder_is_registered_and_every_rule_module_is_used() -> None:
    folders = {path.parent.name for path in (ROOT / "gateway" / "baselines").glob("*/__init__.py")}
    modules = {
        path.stem
        for path in (ROOT / "gateway" / "telemetry" / "vee").glob("*.py")
        if path.stem not in {"__init__", "options", "registry", "series", "validate"}
    }

    assert folders == set(METHODS)
    assert modules == set(RULES)
