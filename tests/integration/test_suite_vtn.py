"""The VTN plans against the bundled VTN: every case that applies ends in PASS, for what was really seen."""

import asyncio
from pathlib import Path

import pytest

from conformance.engine.run import Order, prepare, run
from conformance.kit.verdict import Verdict

_FEWEST = {"oadr20b-vtn-pull": 140, "oadr20b-vtn-push": 140}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(_FEWEST))
def test_the_bundled_vtn_passes_every_case_in_any_order(name: str, tmp_path: Path) -> None:
    shuffle = 7 if name.endswith("push") else None
    prepared = prepare(Order(plan=name, time="virtual", shuffle=shuffle))

    verdicts = asyncio.run(run(prepared, tmp_path / "run"))

    open_ = {c.case: c.cause for c in verdicts.cases if c.verdict is not Verdict.PASS}
    assert open_ == {}
    assert len(verdicts.cases) >= _FEWEST[name]
