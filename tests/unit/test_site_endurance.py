"""The reference site over longer stretches: two steps, ten hours, five days of events without notice."""

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import pytest

from conformance.site.minutes import RunOptions
from conformance.site.offline import simulate
from gateway.domain.plan import EffectivePlan, Phase, PlanSegment
from gateway.domain.timespan import Span
from tests.site_fakes import LIMIT_KW, MINUTE, PRE_EVENT_KW, RUN_START, plan, segment, staircase

HOUR = timedelta(hours=1)


def descent(start_minute: int, high: Decimal, low: Decimal) -> list[PlanSegment]:
    begin = RUN_START + start_minute * MINUTE
    return [
        segment(
            begin + n * MINUTE,
            begin + (n + 1) * MINUTE,
            Phase.RAMP_IN,
            round(high - (high - low) * (n + 1) / 15, 3),
        )
        for n in range(15)
    ]


@pytest.mark.spec("compute-flex D.3")
def test_two_steps_are_followed_with_transitions_of_15_minutes() -> None:
    upper, lower = PRE_EVENT_KW * Decimal("0.814"), PRE_EVENT_KW * Decimal("0.69")
    first, second, release = (RUN_START + n * MINUTE for n in (75, 225, 345))
    steps = (
        segment(RUN_START, first - 15 * MINUTE, Phase.NORMAL, None),
        *descent(60, PRE_EVENT_KW, upper),
        segment(first, second - 15 * MINUTE, Phase.HOLD, upper),
        *descent(210, upper, lower),
        segment(second, release, Phase.HOLD, lower),
        segment(release, None, Phase.NORMAL, None),
    )

    result = simulate(
        [(RUN_START, plan(steps))], RunOptions(span=Span.lasting(RUN_START, 400 * MINUTE))
    )

    values = [minute.it_kw for minute in result.minutes]
    assert all(Decimal("0.9") * upper < kw <= upper for kw in values[75:210])
    assert all(Decimal("0.9") * lower < kw <= lower for kw in values[225:345])
    assert all(kw > Decimal("0.98") * PRE_EVENT_KW for kw in values[360:])
    assert max(abs(after - before) for before, after in pairwise(values)) <= 15
    assert all(result.account.floors_met.values())


@pytest.mark.spec("compute-flex D.3")
def test_ten_hours_are_held_without_breaking_a_tier() -> None:
    event = Span.lasting(RUN_START + HOUR, 10 * HOUR)

    result = simulate(
        [(RUN_START, plan(staircase(event=event)))],
        RunOptions(span=Span.lasting(RUN_START, 12 * HOUR)),
    )

    assert all(minute.it_kw <= LIMIT_KW for minute in result.minutes[60:660])
    assert all(result.account.floors_met.values())


def drawn(number: int, what: str, low: int, high: int) -> int:
    """Draw from [low, high], the same in every run."""
    return low + int.from_bytes(sha256(f"{what}{number}".encode()).digest()[:4]) % (high - low + 1)


@pytest.mark.slow
@pytest.mark.spec("compute-flex D.3")
def test_two_hundred_events_without_notice_in_five_days_are_all_met() -> None:
    history: list[tuple[Span, Decimal, EffectivePlan]] = []
    for number in range(200):
        start = RUN_START + (36 * number + drawn(number, "start", 1, 8)) * MINUTE
        span = Span.lasting(start, drawn(number, "length", 5, 20) * MINUTE)
        limit = Decimal(drawn(number, "limit", 66, 90))
        asked = plan(
            staircase(event=span, limit_kw=limit, ramp_minutes=0, known_from=start),
            revision=number + 1,
            made_at=start,
        )
        history.append((span, limit, asked))

    result = simulate(
        [(span.start, asked) for span, _, asked in history],
        RunOptions(span=Span.lasting(RUN_START, timedelta(days=5))),
    )

    for span, limit, _ in history:
        settled = range((span.start - RUN_START) // MINUTE + 3, (span.end - RUN_START) // MINUTE)
        assert all(result.minutes[number].it_kw <= limit for number in settled)
    assert all(result.account.floors_met.values())
