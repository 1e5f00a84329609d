"""The suite against its bundled VEN: whole runs in virtual and in real time."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from conformance.engine.clocks import Time
from conformance.engine.conclude import rejudged, same_as_recorded
from conformance.engine.estimate import estimate
from conformance.engine.run import Order, play_run, prepare
from conformance.kit.verdict import Verdict


@pytest.mark.parametrize(("plan", "shuffle"), [("oadr20b-ven-pull", None), ("oadr20b-ven-push", 7)])
def test_the_bundled_ven_passes_every_stable_case_in_any_order(
    plan: str, shuffle: int | None, tmp_path: Path
) -> None:
    prepared = prepare(Order(plan=plan, shuffle=shuffle))
    verdicts = play_run(prepared, tmp_path / "run")

    took = timedelta(seconds=sum(case.took_s for case in verdicts.cases))
    told = estimate(prepared.playable, len(prepared.cases), Time("real")).lasts
    assert 0.5 < took / told < 1.1
    bad = [(c.case, c.verdict, c.cause) for c in verdicts.cases if c.verdict is not Verdict.PASS]
    assert [row for row in bad if row[1] is not Verdict.SKIP] == []
    assert len(verdicts.cases) >= 5


@pytest.mark.slow
def test_a_case_is_played_in_real_time_too(tmp_path: Path) -> None:
    order = Order(plan="oadr20b-ven-pull", only=("OADR20B-VEN-EVT-020",), time="real")

    verdicts = play_run(prepare(order), tmp_path / "run")

    assert {c.verdict for c in verdicts.cases} == {Verdict.PASS, Verdict.SKIP}
    rows = [json.loads(x) for x in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    delay = next(row for row in rows if row.get("name") == "suite.delay")
    assert 0 <= float(delay["values"]["worst_s"]) < 10
    assert int(delay["values"]["looks"]) > 10
    assert same_as_recorded(tmp_path / "run", rejudged(tmp_path / "run"))
