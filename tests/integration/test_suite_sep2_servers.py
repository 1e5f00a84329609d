"""The plans for 2030.5 servers: the bundled one passes, is judged again alike; one that does nothing gets no PASS."""

from datetime import timedelta
from pathlib import Path

import pytest

from conformance.engine.catalogue import catalogue
from conformance.engine.conclude import rejudged
from conformance.engine.judging import VERDICTS, written
from conformance.engine.plans import find_plan
from conformance.engine.run import Order, play_run, prepare
from conformance.kit.case import Case
from conformance.kit.verdict import Verdict
from tests.sep2_null_servers import NULL_SERVERS

DAY = timedelta(days=1)
AUS, PLAIN = "csipaus-server", "csip-server"


WHOLE = {"always 403", "always an empty list"}
"""Null servers that every case is played on; on the others one in five, as they can do less still."""


def _short(name: str) -> list[Case]:
    """Return the cases of a plan that do not take days: three of these are half a minute of the processor."""
    known = catalogue()
    return [known[c.id] for c in find_plan(name).cases if known[c.id].timing.lasts < DAY]


def _own(name: str) -> tuple[str, ...]:
    """Return the cases to play of a plan: of the second one those that the first has not, and one in four more."""
    first = {case.id for case in find_plan(AUS).cases}
    rows = _short(name)
    return tuple(c.id for n, c in enumerate(rows) if name == AUS or c.id not in first or n % 4 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", [AUS, PLAIN])
def test_the_reference_server_passes_every_case(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    verdicts = play_run(prepare(Order(plan=name, only=_own(name))), folder)

    judged = [c for c in verdicts.cases if "deselected" not in c.cause]
    assert judged
    assert [(c.case, c.verdict, c.cause) for c in judged if c.verdict is not Verdict.PASS] == []
    assert written(rejudged(folder)) == (folder / VERDICTS).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", NULL_SERVERS)
def test_a_null_server_never_passes(name: str, tmp_path: Path) -> None:
    cases = [case.id for case in _short(AUS)][:: 1 if name in WHOLE else 5]
    order = Order(plan=AUS, only=tuple(cases))

    verdicts = play_run(prepare(order, NULL_SERVERS[name]), tmp_path / "run")

    assert verdicts.cases
    assert [c.case for c in verdicts.cases if c.verdict in (Verdict.PASS, Verdict.WARN)] == []
    assert [(c.case, c.cause) for c in verdicts.cases if c.verdict is Verdict.ERROR] == []
    assert not verdicts.certifiable
