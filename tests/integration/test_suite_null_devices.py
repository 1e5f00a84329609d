"""A device that does nothing of use gets no PASS in any plan; a mute one none but those of registering and polling."""

from pathlib import Path

import pytest

from conformance.engine.run import Order, play_run, prepare
from conformance.kit.verdict import Verdict
from tests.null_devices import NULL_DEVICES, Mute


@pytest.mark.slow
@pytest.mark.parametrize("name", NULL_DEVICES)
@pytest.mark.parametrize("plan", ["oadr20b-ven-pull", "oadr20b-ven-push"])
def test_a_null_device_never_passes(plan: str, name: str, tmp_path: Path) -> None:
    prepared = prepare(Order(plan=plan), NULL_DEVICES[name])

    verdicts = play_run(prepared, tmp_path / "run")

    found = {case.case: (case.verdict, case.cause) for case in verdicts.cases}
    assert found
    assert [row for row in found.items() if row[1][0] in (Verdict.PASS, Verdict.WARN)] == []
    assert [row for row in found.items() if row[1][0] is Verdict.ERROR] == []
    assert not verdicts.certifiable


EARNED = {
    "OADR20B-VEN-GEN-011",
    "OADR20B-VEN-GEN-018",
    "OADR20B-VEN-GEN-019",
    "OADR20B-VEN-NET-001",
    "OADR20B-VEN-NET-008",
    "OADR20B-VEN-NET-012",
    "OADR20B-VEN-REG-010",
    "OADR20B-VEN-REG-016",
    "OADR20B-VEN-REG-025",
    "OADR20B-VEN-REG-085",
    "OADR20B-VEN-REG-095",
}
"""Registering and polling, which is all that a mute device does, and does well."""


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["oadr20b-ven-pull", "oadr20b-ven-push"])
def test_a_mute_device_passes_no_case_about_events_reports_or_opts(
    plan: str, tmp_path: Path
) -> None:
    verdicts = play_run(prepare(Order(plan=plan), Mute), tmp_path / "run")

    passed = {c.case for c in verdicts.cases if c.verdict in (Verdict.PASS, Verdict.WARN)}
    assert passed - EARNED == set()
    assert "OADR20B-VEN-NET-001" in passed  # it does register
    assert [c.case for c in verdicts.cases if c.verdict is Verdict.ERROR] == []
