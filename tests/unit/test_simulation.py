"""Virtual days: nothing lost, nothing doubled, the same day twice the same; wrong gateways are found by their seeds."""

from pathlib import Path

import pytest

from conformance.simulation.day import Wiring, play
from conformance.simulation.mutants import MUTANTS, forget_sessions
from conformance.simulation.script import DATES, Drawing
from conformance.simulation.verdicts import verdicts
from conformance.soak.row import CAUGHT, Plan
from conformance.soak.simulate import run, silence


@pytest.mark.slow
@pytest.mark.parametrize("seed", [19, 71, 95, 144])
def test_a_day_loses_nothing_and_doubles_nothing(seed: int) -> None:
    """Pin what days have shown.

    71: an event that came while the clock was in 1970 stayed held when the clock was right again. 95: one that was over
    by a clock set two hours ahead was declined for good. 144: an event was released early because a utility four
    minutes ahead no longer listed it. 19: a utility 47 minutes behind.
    """
    with silence():
        found = verdicts(play(seed))
    assert found == (), [str(each) for each in found]


@pytest.mark.slow
def test_a_seed_replays_exactly() -> None:
    with silence():
        first, second = play(5), play(5)
    assert len(first.marks) > 100
    assert first.digest == second.digest


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_gateway_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with silence():
        found = verdicts(play(mutant.seeds[0], mutant.wiring))
    assert found


@pytest.mark.slow
def test_a_session_that_forgot_everything_starts_nothing_anew() -> None:
    """What the mutant without dedupe is compared with: forgetting alone does no harm."""
    seed = MUTANTS["no dedupe"].seeds[0]
    with silence():
        assert verdicts(play(seed, Wiring(forget=forget_sessions))) == ()


def test_the_days_have_what_must_be_survived() -> None:
    drawn = [Drawing(seed).script() for seed in range(1, 201)]
    assert {script.start for script in drawn} == set(DATES)
    assert any(script.clocks for script in drawn)
    for by in (-120, 0, 120):
        assert any(s.by.total_seconds() == by * 60 for d in drawn for s in d.clocks)
    assert {47, -47} <= {script.utility_off.total_seconds() / 60 for script in drawn}
    assert any(script.kills for script in drawn)
    assert any(script.deadly for script in drawn)
    longest = max(o.end - o.begin for script in drawn for o in script.outages)
    assert longest.total_seconds() > 5 * 3600
    whats = {turn.what for script in drawn for turn in script.turns}
    assert whats == {"publish", "modify", "cancel"}


@pytest.mark.slow
def test_every_mutant_must_be_caught() -> None:
    plan = Plan(seed=1, runs=1, quick=False, only="mutant: fires again", folder=Path())
    (row,) = run(plan)
    assert (row.expected, row.runs, row.caught, row.good) == (CAUGHT, 1, 1, True)
