"""A 2030.5 client that does nothing of use gets no PASS; a mute one none but those of walking and telling."""

from pathlib import Path

import pytest

from conformance.engine.bundled_sep2 import BundledClient
from conformance.engine.drivers.entry import Place
from conformance.engine.run import Order, play_run, prepare
from conformance.kit.verdict import Verdict
from tests.null_devices import NULL_DEVICES

MUTE_EARNS = {"DSC", "DER", "REG", "TLS", "MUP", "LOG", "LST", "ERR", "AGG", "GRP"}
"""Areas in which a client that takes no control may still do well."""
MUTE_SUBSCRIBES = {
    "CSIP-CLI-SUB-115",
    *(f"SEP2-CLI-SUB-0{number}" for number in ("01", "02", "03", "29", "33")),
}
"""Cases about subscriptions themselves, and about defaults, which it keeps."""


@pytest.mark.parametrize(
    ("name", "plan"), [("silent", "csip-der"), ("refusing", "csip-aggregator")]
)
def test_a_null_client_never_passes(name: str, plan: str, tmp_path: Path) -> None:
    verdicts = play_run(prepare(Order(plan=plan), NULL_DEVICES[name]), tmp_path / "run")

    assert verdicts.cases
    assert [c.case for c in verdicts.cases if c.verdict in (Verdict.PASS, Verdict.WARN)] == []
    assert [(c.case, c.cause) for c in verdicts.cases if c.verdict is Verdict.ERROR] == []
    assert not verdicts.certifiable


class Mute(BundledClient):
    """Walks, polls and tells as the reference client does, and never takes a control."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._client._events.take = _nothing  # type: ignore[method-assign,assignment] # that is what is wrong with it


def _nothing(*_: object) -> None:
    """Take nothing."""


@pytest.mark.parametrize("plan", ["csip-der"])
def test_a_mute_client_passes_no_case_about_controls(plan: str, tmp_path: Path) -> None:
    verdicts = play_run(prepare(Order(plan=plan), Mute), tmp_path / "run")

    passed = {c.case for c in verdicts.cases if c.verdict in (Verdict.PASS, Verdict.WARN)}
    assert {name.split("-")[2] for name in passed - MUTE_SUBSCRIBES} <= MUTE_EARNS
    assert [c.case for c in verdicts.cases if c.verdict is Verdict.ERROR] == []
