"""The gateway is killed at every named point of the main job; another one goes on, and nothing is lost or doubled."""

from pathlib import Path

import pytest

from conformance.soak.history import Acted, Answered, Fault, judge
from conformance.story.crash import Trial
from conformance.story.plot import PATIENCE
from conformance.story.utility_sep2 import SEP2
from conformance.story.world import Moment, World
from gateway.domain.points import SEP2_SERVICES, Step, all_points, sep2_points


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


@pytest.mark.slow
async def test_with_a_2030_5_utility_neither_responses_nor_readings_are_lost_or_doubled(
    tmp_path: Path,
) -> None:
    trial = Trial(tmp_path, cast=SEP2)

    assert await trial.whole() == ()
    assert set(trial.passed) == {
        *sep2_points(),
        *(f"{Step.OTHER}.{p}" for p in ("begun", "ran", "committed", "told")),
    }
    assert {point for point, _ in trial.crashes} == set(trial.passed)
    # Some at which this protocol differs; ``gridgate-conformance soak`` tries every point, several times.
    own = [f"send.{one}.after" for one in SEP2_SERVICES]
    steps = ["send.response.before", "cancel.committed", "timer.phase.begun", "door.failure"]
    found = [await trial.crash(point) for point in (*own, *steps)]
    assert [str(tried) for tried in found if tried.verdicts] == []


@pytest.mark.slow
async def test_an_event_whose_intake_kills_is_set_aside_and_its_next_version_is_followed(
    tmp_path: Path,
) -> None:
    moment: Moment | None = None
    for life in range(2):  # e1 kills the process each time, right before its commit
        world = World(_room(tmp_path, str(life)), f"life {life}", moment=moment)
        left: list[Moment] = []

        def die(point: str, world: World = world, left: list[Moment] = left) -> None:
            if point == "intake.ran" and not left:
                left.append(world.stopped_at(point))

        world.watch = die
        await world.play()
        (moment,) = left
    last = World(_room(tmp_path, "last"), "last life", moment=moment)
    ending = await last.play()

    # The poisoned version never reaches the site, and the utility is told so; nothing else is amiss.
    amiss = {(verdict.fault, verdict.key) for verdict in judge(ending.history, PATIENCE)}
    assert amiss <= {(Fault.LOST, "e1 version 0 at phx-1")}
    asked = [m for m in ending.history if isinstance(m, Acted) and m.event == "e1"]
    assert [m.version for m in asked] == [1]
    told = [m for m in ending.history if isinstance(m, Answered) and m.event == "e1"]
    assert (told[0].version, told[0].opt) == (0, "out")
    assert ending.outcome["e1"].startswith("settled")


def _room(folder: Path, name: str) -> Path:
    room = folder / name
    room.mkdir()
    return room
