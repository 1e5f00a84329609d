"""Programs of their own judged by the suite, openleadr's VEN and our VTN: each gets what is known of it, either way."""

from pathlib import Path

import pytest

from conformance.engine.conclude import rejudged, same_as_recorded
from conformance.engine.run import Order, play_run, prepare
from conformance.foreign.expected import Peer, find_peer, surprises
from conformance.foreign.openleadr import is_installed
from conformance.kit.verdict import Verdict

NEEDED = pytest.mark.skipif(not is_installed(), reason="openleadr is not installed")
PEER = find_peer("openleadr")
OURS = ("gridgate-vtn-pull", "gridgate-vtn-push")
SLICE = ("EVT-020", "EVT-392", "SIG-018", "SIG-030", "TGT-072", "TGT-325")


def judged(
    only: tuple[str, ...], jobs: int, folder: Path, peer: Peer = PEER
) -> tuple[list[str], list[Verdict]]:
    order = Order(
        plan=peer.expected.plan,
        pics=peer.pics,
        ixit=peer.ixit,
        only=only,
        jobs=jobs,
        time=peer.expected.time,
    )
    verdicts = play_run(prepare(order), folder)
    assert same_as_recorded(folder, rejudged(folder))
    played: list[Verdict] = [
        case.verdict for case in verdicts.cases if case.verdict is not Verdict.SKIP
    ]
    return surprises(peer.expected, verdicts.cases), played


@NEEDED
@pytest.mark.peer
@pytest.mark.slow
def test_a_slice_of_the_plan_finds_what_openleadr_does_and_does_not(tmp_path: Path) -> None:
    only = tuple(f"OADR20B-VEN-{name}" for name in SLICE)

    found, played = judged(only, len(SLICE), tmp_path / "run")

    assert found == []
    assert sorted(played) == [Verdict.FAIL] * 3 + [Verdict.PASS] * 3


@NEEDED
@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_openleadr_gets_the_verdicts_that_are_kept_of_it(tmp_path: Path) -> None:
    found, played = judged(PEER.expected.subset, len(PEER.expected.subset), tmp_path / "run")

    assert found == []
    assert len(played) >= 30
    assert played.count(Verdict.PASS) >= 30


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", OURS)
def test_our_vtn_in_a_process_of_its_own_passes_as_a_stranger_would(
    name: str, tmp_path: Path
) -> None:
    peer = find_peer(name)

    found, played = judged(peer.expected.subset, peer.expected.side_by_side, tmp_path / "run", peer)

    assert found == []
    assert len(played) == len(peer.expected.subset)
    assert played.count(Verdict.PASS) >= len(played) - len(peer.expected.deviations)
