"""The site's policies: where they cut first, what they never touch, and what a tier still allows."""

from decimal import Decimal
from fractions import Fraction

import pytest

from conformance.site.control import least_parts
from conformance.site.jobs import (
    FULL,
    PHOENIX,
    Settings,
    Tier,
    kw,
    parts,
    power_mw,
    total_mw,
    uncapped,
    weight,
)
from conformance.site.policies import POLICIES
from conformance.site.policies.dvfs_greedy import ladder
from conformance.site.policies.policy import JobState, Need
from gateway.domain.plan import Phase

FREE = tuple(JobState(job=job, least_parts=0) for job in PHOENIX)


def need(target_kw: float, deepest_kw: float | None = None) -> Need:
    deepest = target_kw if deepest_kw is None else deepest_kw
    return Need(phase=Phase.HOLD, target_mw=int(target_kw * 1e6), deepest_mw=int(deepest * 1e6))


def chosen(policy: str, target_kw: float, jobs: tuple[JobState, ...] = FREE) -> Settings:
    return POLICIES[policy].choose(need(target_kw), jobs)


def weighted(settings: Settings) -> float:
    return float(
        sum(
            weight(job, PHOENIX) * Fraction(parts(job, setting), FULL)
            for job, setting in zip(PHOENIX, settings, strict=True)
        )
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_limited_while_the_target_allows_everything(policy: str) -> None:
    assert chosen(policy, 94.8448) == uncapped(PHOENIX)
    assert chosen(policy, 500) == uncapped(PHOENIX)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("target", [94, 85, 71.1, 60])
def test_the_target_is_met(policy: str, target: float) -> None:
    assert total_mw(PHOENIX, chosen(policy, target)) <= target * 1e6


@pytest.mark.spec("compute-flex B.8")
@pytest.mark.parametrize(("fraction", "least"), [(0.75, 0.899), (0.686, 0.854), (0.6, 0.774)])
def test_dvfs_comes_close_to_the_reference_while_urgent_jobs_run_at_full_power(
    fraction: float, least: float
) -> None:
    # The reference (0.902, 0.870, 0.806) may slow Flex 1 down too, which this site does not.
    settings = chosen("dvfs_greedy", 94.8448 * fraction)

    assert settings[2] == 400
    assert least <= weighted(settings) <= 1


def test_dvfs_stops_within_one_step_of_the_target() -> None:
    largest = max(
        power_mw(job, cap) - power_mw(job, cap - 5) for job in PHOENIX for cap in range(105, 401, 5)
    )

    for target in range(48_000_000, 94_000_000, 700_000):
        drawn = total_mw(PHOENIX, chosen("dvfs_greedy", target / 1e6))
        assert 0 <= target - drawn <= largest


def test_a_deeper_target_never_gives_a_job_more_power() -> None:
    before = uncapped(PHOENIX)

    for target in range(95, 40, -1):
        settings = chosen("dvfs_greedy", target)
        for now, was in zip(settings, before, strict=True):
            assert now is not None
            assert was is not None
            assert now <= was
        before = settings


def test_the_first_steps_are_the_cheapest() -> None:
    first = chosen("dvfs_greedy", 94.8)

    # Of all first steps, a batch inference job saves the most power per weighted loss.
    assert first == (400, 395, 400, 400, 400, 400)


def test_steps_are_5_watts_and_cover_every_flexible_job_to_its_lowest_cap() -> None:
    steps = ladder(PHOENIX)

    flexible = [place for place, job in enumerate(PHOENIX) if job.tier.flexible]
    assert sorted(steps) == [(place, cap) for place in flexible for cap in range(100, 400, 5)]
    for place in flexible:
        assert [cap for each, cap in steps if each == place] == list(range(395, 95, -5))


def test_a_job_stays_above_what_its_tier_still_allows() -> None:
    states = tuple(JobState(job=job, least_parts=70_000) for job in PHOENIX)

    settings = chosen("dvfs_greedy", 1, states)

    for job, cap in zip(PHOENIX, settings, strict=True):
        assert cap is not None
        assert parts(job, cap) >= 70_000
        assert cap == 400 or parts(job, cap - 5) < 70_000


def test_pausing_takes_experiments_first_and_the_largest_saving_first() -> None:
    orders = [chosen("pause_greedy", target) for target in (94, 70, 60, 50, 39, 30, 1)]

    paused = [[place for place, cap in enumerate(each) if cap is None] for each in orders]
    assert paused == [
        [5],
        [4, 5],
        [1, 4, 5],
        [1, 3, 4, 5],
        [0, 1, 3, 4, 5],
        [0, 1, 3, 4, 5],
        [0, 1, 3, 4, 5],
    ]


def test_pausing_acts_on_the_deepest_target_ahead() -> None:
    settings = POLICIES["pause_greedy"].choose(need(93, deepest_kw=68), FREE)

    assert settings.count(None) == 2


def test_dvfs_acts_on_the_target_of_now() -> None:
    settings = POLICIES["dvfs_greedy"].choose(need(93, deepest_kw=68), FREE)

    assert Decimal("92.7") < kw(total_mw(PHOENIX, settings)) <= 93


@pytest.mark.parametrize("policy", POLICIES)
def test_rigid_tiers_are_untouched_whatever_is_asked(policy: str) -> None:
    settings = chosen(policy, 0)

    assert [job.tier for job, cap in zip(PHOENIX, settings, strict=True) if cap == 400] == [
        Tier.FLEX_1
    ]


def test_a_budget_is_spread_evenly_over_the_time_under_the_cap() -> None:
    # 100 s, floor 0.75, nothing lost yet, capped from 20 to 60 and free otherwise: 25 lost seconds in 40.
    assert least_parts(Fraction(3, 4), 0, 0, 100, (20, 60)) == 37_500
    # Half-way with 15 of them lost: 10 left in 20 s.
    assert least_parts(Fraction(3, 4), 25 * FULL, 40, 100, (40, 60)) == 50_000


def test_without_a_cap_ahead_nothing_is_asked_of_the_budget() -> None:
    assert least_parts(Fraction(1), 0, 50, 100, (100, 100)) == 0


def test_a_job_that_lost_too_much_already_may_lose_no_more() -> None:
    assert least_parts(Fraction(9, 10), 0, 50, 100, (50, 60)) == FULL
