"""Expected verdicts of foreign devices: a difference either way is a surprise."""

import pytest

from conformance.engine.data import load
from conformance.engine.judging import Judged
from conformance.engine.pics import Pics, checked
from conformance.engine.plans import find_plan
from conformance.engine.run import Order, prepare
from conformance.foreign.expected import (
    Deviation,
    Expected,
    LeftOut,
    find_peer,
    peer_names,
    surprises,
)
from conformance.kit.verdict import Verdict

ROW = Deviation(case="C-2", requirement="REQ-2", reason="known")
LEAST = {
    "gridgate-push": 11,
    "gridgate-sep2": 4,
    "gridgate-sep2-server": 10,
    "gridgate-vtn-pull": 18,
    "gridgate-vtn-push": 5,
}
EXPECTED = Expected(plan="p", subset=("C-1",), deviations=(ROW,))


def case(name: str, verdict: Verdict, cause: str = "") -> Judged:
    return Judged(
        case=name,
        version=1,
        title="",
        verdict=verdict,
        cause=cause,
        requirements=(),
        public=(),
        maturity="stable",
        mandatory=True,
        took_s=0,
    )


GOOD = case("C-1", Verdict.PASS)
KNOWN = case("C-2", Verdict.FAIL, "REQ-2 message 4: expected a, observed b")


def test_verdicts_as_expected_surprise_nobody() -> None:
    assert surprises(EXPECTED, [GOOD, KNOWN]) == []


def test_a_deselected_case_surprises_nobody() -> None:
    left_out = case("C-2", Verdict.SKIP, "deselected by --only")
    assert surprises(EXPECTED, [GOOD, left_out]) == []


@pytest.mark.parametrize(
    ("judged", "told"),
    [
        ([case("C-1", Verdict.FAIL, "REQ-1 no"), KNOWN], "C-1: unexpected FAIL"),
        ([case("C-1", Verdict.INCONCLUSIVE, "transport"), KNOWN], "C-1: unexpected INCONCLUSIVE"),
        ([case("C-1", Verdict.WARN, "REQ-1 no"), KNOWN], "C-1: unexpected WARN"),
        ([GOOD, case("C-2", Verdict.PASS)], "C-2: unexpected PASS; expected FAIL: known"),
        ([GOOD, case("C-2", Verdict.INCONCLUSIVE, "x")], "C-2: unexpected INCONCLUSIVE"),
        ([GOOD, case("C-2", Verdict.FAIL, "REQ-22 message 4")], "C-2: expected FAIL of REQ-2"),
        ([GOOD, case("C-2", Verdict.SKIP, "not claimed")], "C-2: expected to deviate, but skipped"),
        ([GOOD], "C-2: expected, but not in the plan"),
        ([KNOWN], "C-1: expected, but not in the plan"),
    ],
)
def test_any_difference_is_told(judged: list[Judged], told: str) -> None:
    found = surprises(EXPECTED, judged)
    assert len(found) == 1
    assert found[0].startswith(told)


@pytest.mark.parametrize("name", peer_names())
def test_the_files_of_a_foreign_device_fit_the_plan(name: str) -> None:
    peer = find_peer(name)
    checked(load(peer.pics, Pics))
    time = peer.expected.time
    prepared = prepare(Order(plan=peer.expected.plan, pics=peer.pics, ixit=peer.ixit, time=time))
    playable = {case.id for case in prepared.playable}

    assert prepared.file.time == (time or "real")
    assert set(peer.expected.subset) <= playable
    assert {row.case for row in peer.expected.deviations} <= playable
    assert len(peer.expected.subset) >= LEAST.get(name, 30)
    known = {c.id for c in find_plan(peer.expected.plan).cases}
    assert playable <= known


def test_what_is_left_out_is_not_played_and_must_be_in_the_plan() -> None:
    row = LeftOut(case="C-9", reason="takes a year")
    expected = EXPECTED.model_copy(update={"left_out": (row,)})

    assert expected.played(["C-1", "C-9"]) == ("C-1",)
    assert EXPECTED.played(["C-1", "C-9"]) == ()
    assert surprises(expected, [GOOD, KNOWN]) == ["C-9: expected, but not in the plan"]
    left_out = case("C-9", Verdict.SKIP, "deselected by --only")
    assert surprises(expected, [GOOD, KNOWN, left_out]) == []


def test_a_deviation_without_requirement_is_refused() -> None:
    row = {"case": "C-1", "reason": "x"}
    with pytest.raises(ValueError, match="requirement"):
        Deviation.model_validate({**row, "verdict": "FAIL"})
