"""The reference site under arbitrary plans: never above a cap it can meet, never below a tier, always the same."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.site.jobs import PHOENIX, TABLE, Job, Tier, parts, power_mw
from conformance.site.minutes import RunOptions
from conformance.site.offline import RunResult, simulate
from conformance.site.plant import Plant
from conformance.site.run import Run
from gateway.domain.timespan import Span
from tests.site_fakes import MINUTE, RUN_START, plan, staircase

SHORT = Span(start=RUN_START, end=RUN_START + 90 * MINUTE)
CAPS = st.none() | st.integers(100, 400)


@given(st.sampled_from(sorted(TABLE)), st.integers(100, 400), st.integers(100, 400))
def test_power_is_monotone_in_the_cap(workload: str, one: int, other: int) -> None:
    job = Job(name="job", workload=workload, gpus=3, tier=Tier.FLEX_2)

    low, high = sorted((one, other))
    assert power_mw(job, None) < power_mw(job, low) <= power_mw(job, high)
    assert parts(job, low) <= parts(job, high)


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 50), st.tuples(*[CAPS] * 6)), max_size=6),
    st.lists(st.integers(0, 300), max_size=5),
)
@settings(max_examples=50)
def test_energy_does_not_depend_on_where_the_run_is_cut(
    seed: int, orders: list[tuple[int, tuple[int | None, ...]]], cuts: list[int]
) -> None:
    plant, at = Plant(PHOENIX, seed), 0
    for wait, caps in orders:
        at += wait
        plant.order(caps, at)

    pieces = [plant.drawn(*piece) for piece in pairwise([0, *sorted(cuts), 300])]

    whole = plant.drawn(0, 300)
    for job in range(6):
        assert sum(piece.noisy_mws[job] for piece in pieces) == whole.noisy_mws[job]
        assert sum(piece.part_seconds[job] for piece in pieces) == whole.part_seconds[job]


@st.composite
def days(draw: st.DrawFn) -> tuple[Decimal, list[int], int, RunResult]:
    """An event somewhere in 90 minutes, known some time before or during it, sent once or several times."""
    start = draw(st.integers(5, 60))
    length = draw(st.integers(1, 25))
    limit = Decimal(draw(st.integers(56, 94)))
    event = plan(
        staircase(
            event=Span(start=RUN_START + start * MINUTE, end=RUN_START + (start + length) * MINUTE),
            limit_kw=limit,
            ramp_minutes=draw(st.integers(0, min(15, start))),
            up_kw=Decimal(draw(st.integers(3, 15))),
        ),
        max_down_kw=Decimal(draw(st.integers(6, 12))),
        max_up_kw=Decimal(draw(st.integers(6, 15))),
    )
    arrivals = sorted(draw(st.lists(st.integers(0, (start + length) * 60), min_size=1, max_size=4)))
    result = simulate(
        [(RUN_START + timedelta(seconds=at), event) for at in arrivals],
        RunOptions(span=SHORT, seed=draw(st.integers(0, 100))),
    )
    hold = [n for n in range(start, start + length) if n * 60 >= arrivals[0] + 8 * 60]
    return limit, hold, arrivals[0], result


@given(days())
@settings(max_examples=20, deadline=None)
def test_a_cap_that_tiers_allow_is_kept_and_steps_stay_small(
    day: tuple[Decimal, list[int], int, RunResult],
) -> None:
    limit, hold, _, result = day
    values = [minute.it_kw for minute in result.minutes]
    steps = [after - before for before, after in pairwise(values)]

    assert all(values[number] <= limit for number in hold)
    assert all(result.account.floors_met.values())
    assert min(steps) >= -12
    assert max(steps) <= 15


@given(days(), st.lists(st.integers(0, 90), max_size=8))
@settings(max_examples=8, deadline=None)
def test_nothing_happens_before_a_plan_is_known(
    day: tuple[Decimal, list[int], int, RunResult], stops: list[int]
) -> None:
    arrived, result = day[2], day[3]

    for minute in result.minutes[: arrived // 60]:
        assert minute.settings == (400,) * 6
    idle = Run(RunOptions(span=SHORT))
    for stop in sorted(stops):
        list(idle.minutes_until(RUN_START + stop * MINUTE))
    assert idle.account().weighted_throughput in {0, 1}
