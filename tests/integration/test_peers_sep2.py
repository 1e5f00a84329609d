"""Our own gateway and server of 2030.5 judged as strangers, in this process, on the suite's clock."""

from pathlib import Path

import pytest

from conformance.engine.run import Order, play_run, prepare
from conformance.foreign.expected import find_peer, surprises
from conformance.kit.verdict import Verdict


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize("name", ["gridgate-sep2", "gridgate-sep2-server"])
def test_ours_gets_the_verdicts_that_are_kept_of_it(name: str, tmp_path: Path) -> None:
    peer = find_peer(name)
    expected = peer.expected
    order = Order(
        plan=expected.plan,
        pics=peer.pics,
        ixit=peer.ixit,
        only=expected.subset,
        time=expected.time,
    )

    verdicts = play_run(prepare(order), tmp_path / "run")

    played = [case.verdict for case in verdicts.cases if case.verdict is not Verdict.SKIP]
    assert surprises(expected, verdicts.cases) == []
    assert played == [Verdict.PASS] * len(expected.subset)
