"""Our own gateway judged by the suite, pull and push: the whole program in this process, on the suite's clock."""

from pathlib import Path

import pytest

from conformance.engine.conclude import rejudged, same_as_recorded
from conformance.engine.judging import Verdicts
from conformance.engine.run import Order, play_run, prepare
from conformance.foreign.expected import Peer, find_together, surprises
from conformance.foreign.summary import summary
from conformance.kit.verdict import Verdict

PEERS = find_together("gridgate")


def judged(peer: Peer, folder: Path) -> Verdicts:
    expected = peer.expected
    order = Order(
        plan=expected.plan,
        pics=peer.pics,
        ixit=peer.ixit,
        only=expected.subset,
        time=expected.time,
    )
    verdicts = play_run(prepare(order), folder)
    assert same_as_recorded(folder, rejudged(folder))
    return verdicts


def test_the_gateway_is_judged_in_both_modes() -> None:
    plans = [peer.expected.plan for peer in PEERS]

    assert plans == ["oadr20b-ven-pull", "oadr20b-ven-push"]
    assert PEERS[0].pics.read_text() == PEERS[1].pics.read_text()
    assert sum(len(peer.expected.subset) for peer in PEERS) >= 30


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_the_gateway_gets_the_verdicts_that_are_kept_of_it(tmp_path: Path, peer: Peer) -> None:
    verdicts = judged(peer, tmp_path / "run")
    played = [case.verdict for case in verdicts.cases if case.verdict is not Verdict.SKIP]

    assert surprises(peer.expected, verdicts.cases) == []
    assert played.count(Verdict.PASS) == len(peer.expected.subset)
    page = summary([(peer, verdicts)])
    assert f"## {peer.expected.plan}" in page
    assert "deselected" not in page
