"""The frozen plans that are published can be run as they stand: no case of theirs does what it did not do then."""

from pathlib import Path

import pytest

from conformance.engine.plans import find_plan, plan_files

PLANS = sorted((Path(__file__).parents[2] / "docs/conformance/plans").glob("*.yaml"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_published_plan_is_frozen_and_holds(path: Path) -> None:
    plan = find_plan(str(path))

    assert plan.frozen
    assert plan.id == path.stem
    assert len(plan.cases) > (25 if plan.mode == "aggregator" else 100)


def test_every_bundled_plan_has_a_frozen_one() -> None:
    frozen = {path.stem.rpartition("-")[0] for path in PLANS}

    assert frozen == {path.stem for path in plan_files()}
