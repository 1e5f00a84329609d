"""Cases side by side: each with a device of its own, in one record that is judged as ever."""

from itertools import pairwise
from pathlib import Path

import pytest

from conformance.engine.conclude import finish, rejudged, same_as_recorded
from conformance.engine.errors import SuiteError
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.sealed import load_key, verify
from conformance.kit.verdict import Verdict

ONLY = tuple(f"OADR20B-VEN-SIG-{number:03}" for number in range(1, 7))


@pytest.mark.slow
def test_cases_played_side_by_side_are_judged_each_by_itself(tmp_path: Path) -> None:
    order = Order(plan="oadr20b-ven-pull", only=ONLY, time="scaled:20", jobs=6)
    prepared = prepare(order)

    verdicts = play_run(prepared, tmp_path / "run")

    found = {c.case: (c.verdict, c.cause) for c in verdicts.cases if c.verdict is not Verdict.SKIP}
    assert found == dict.fromkeys(ONLY, (Verdict.PASS, ""))
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    order_of_cases = [line.split('"case":"')[1][:20] for line in lines]
    changes = sum(a != b for a, b in pairwise(order_of_cases))
    assert changes > len(ONLY)  # they did overlap
    finish(tmp_path / "run", prepared.file, verdicts, load_key(None))
    assert verify(tmp_path / "run").faults == ()
    assert same_as_recorded(tmp_path / "run", rejudged(tmp_path / "run"))


@pytest.mark.parametrize(("time", "fields"), [("virtual", ""), ("real", "listen_port: 8443\n")])
def test_side_by_side_is_refused_where_devices_would_meet(
    time: str, fields: str, tmp_path: Path
) -> None:
    ixit = tmp_path / "ixit.yaml"
    ixit.write_text(f'driver: {{kind: python, entry: "conformance.engine.bundled:ven"}}\n{fields}')

    with pytest.raises(SuiteError, match="--jobs"):
        prepare(Order(plan="oadr20b-ven-pull", ixit=ixit, time=time, jobs=2))


@pytest.mark.slow
def test_the_poll_period_of_the_ixit_is_offered(tmp_path: Path) -> None:
    ixit = tmp_path / "ixit.yaml"
    ixit.write_text(
        'driver: {kind: python, entry: "conformance.engine.bundled:ven"}\npoll_s: 2\nvtn_id: Lab-7\n'
    )
    order = Order(plan="oadr20b-ven-pull", ixit=ixit, only=ONLY[:1])

    verdicts = play_run(prepare(order), tmp_path / "run")

    assert {c.verdict for c in verdicts.cases} == {Verdict.PASS, Verdict.SKIP}
    bodies = [
        path.read_bytes()
        for path in (tmp_path / "run" / "bodies").iterdir()
        if path.stat().st_size < 9000
    ]
    assert any(b">PT2S<" in body for body in bodies)
    assert any(b"vtnID>Lab-7<" in body for body in bodies)
