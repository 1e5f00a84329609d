"""The gateway is killed at every named point of the main job; another one goes on, and nothing is lost or doubled."""

from pathlib import Path

import pytest

from conformance.story.crash import Trial
from gateway.domain.points import Step, all_points


@pytest.mark.slow
async def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    trial = Trial(tmp_path)

    assert await trial.whole() == ()
    # Every point is reached, and no other one: a name that is told stands in the registry.
    assert set(trial.passed) == {
        *all_points(),
        *(f"{Step.OTHER}.{p}" for p in ("begun", "ran", "committed", "told")),
    }
    found = [await trial.crash(point, time) for point, time in trial.crashes]
    assert [str(tried) for tried in found if tried.verdicts] == []
    assert {tried.point for tried in found} >= set(all_points())
