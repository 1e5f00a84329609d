"""Spans, instants and durations, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import WireError
from gateway.domain.timespan import (
    Span,
    day_span,
    duration,
    duration_text,
    floor_to,
    instant,
    instant_text,
)

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "253402300800", "9999-12-31T23:59:59-01:00", "1970-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "now", "",
        "2026-01-01T00:00:60Z",
    ],
)  # fmt: skip
def test_an_impossible_instant_is_refused(text: str) -> None:
    with pytest.raises(WireError) as refused:
        instant(text)
    assert refused.value.reason == "INVALID_TIME"


def test_an_instant_without_zone_is_utc() -> None:
    assert instant("2026-03-08T12:00:00") == NOON == instant("2026-03-08T13:00:00+01:00")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT1H", timedelta(hours=1)), ("P1D", timedelta(days=1)), ("PT90M", timedelta(minutes=90)),
        ("P0D", timedelta()),
        ("P2W", timedelta(weeks=2)), ("-PT5M", -timedelta(minutes=5)), ("PT0S", timedelta()),
        ("P1M", timedelta(days=30)),
    ],
)  # fmt: skip
@pytest.mark.spec("OpenADR 2.0b 8.1")
def test_iso_durations_are_read(text: str, length: timedelta) -> None:
    assert duration(text) == length


def test_months_count_by_the_calendar_from_where_they_start() -> None:
    assert duration("P1M", since=datetime(2026, 1, 31, tzinfo=UTC)) == timedelta(days=28)
    assert duration("P1Y", since=datetime(2027, 3, 1, tzinfo=UTC)) == timedelta(days=366)


@pytest.mark.parametrize("text", ["P", "PT", "1H", "P9999Y", "PT1.5H", "P401D", "PT-5M", "P1H"])
def test_an_impossible_duration_is_refused(text: str) -> None:
    with pytest.raises(WireError) as refused:
        duration(text)
    assert refused.value.reason == "INVALID_DURATION"


@given(st.integers(-400 * 86400, 400 * 86400))
def test_a_duration_and_its_text_are_one(seconds: int) -> None:
    assert duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.integers(0, 199 * 365 * 86400 * 10**6))
def test_an_instant_and_its_text_are_one(microseconds: int) -> None:
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)

    assert instant(instant_text(at)) == at


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Los_Angeles", date(2026, 3, 8), 23), ("America/Los_Angeles", date(2026, 11, 1), 25),
        ("America/Phoenix", date(2026, 3, 8), 24), ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)  # fmt: skip
def test_a_civil_day_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    span = day_span(day, ZoneInfo(zone))

    assert span.duration == timedelta(hours=hours)
    assert day_span(day + timedelta(days=1), ZoneInfo(zone)).start == span.end


def test_steps_cover_a_span_without_overlap() -> None:
    span = Span.lasting(NOON, timedelta(minutes=17))
    steps = list(span.steps(timedelta(minutes=5)))

    assert steps[0].start == span.start
    assert steps[-1].end == span.end
    assert all(a.end == b.start for a, b in pairwise(steps))


def test_a_span_contains_its_start_and_not_its_end() -> None:
    span = Span.lasting(NOON, timedelta(minutes=1))

    assert span.contains(NOON)
    assert not span.contains(span.end)
    with pytest.raises(ValueError, match="must not end"):
        Span(start=NOON, end=NOON - timedelta(seconds=1))


def test_flooring_goes_to_the_whole_step_before() -> None:
    assert floor_to(NOON + timedelta(seconds=59), timedelta(minutes=1)) == NOON
