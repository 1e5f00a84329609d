"""A device that does nothing of use gets no PASS in any plan."""

from pathlib import Path

import pytest

from conformance.engine.run import Order, play_run, prepare
from conformance.kit.verdict import Verdict
from tests.null_devices import NULL_DEVICES


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
