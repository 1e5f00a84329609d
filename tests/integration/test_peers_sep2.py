"""Our own gateway judged as a 2030.5 client that the suite has never seen, in this process, on the suite's clock."""

from pathlib import Path

import pytest

from conformance.engine.run import Order, play_run, prepare
from conformance.foreign.expected import find_peer, surprises
from conformance.kit.verdict import Verdict

PEER = find_peer("gridgate-sep2")


@pytest.mark.peer
@pytest.mark.slow
def test_the_gateway_gets_the_verdicts_that_are_kept_of_it(tmp_path: Path) -> None:
    expected = PEER.expected
    order = Order(
        plan=expected.plan,
        pics=PEER.pics,
        ixit=PEER.ixit,
        only=expected.subset,
        time=expected.time,
    )

    verdicts = play_run(prepare(order), tmp_path / "run")

    played = [case.verdict for case in verdicts.cases if case.verdict is not Verdict.SKIP]
    assert surprises(expected, verdicts.cases) == []
    assert played == [Verdict.PASS] * len(expected.subset)
