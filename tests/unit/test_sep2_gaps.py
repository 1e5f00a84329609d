"""Intervals that a meter had not told when it was asked: when they are asked for again, and what is stored of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.timespan import Span
from gateway.protocols.sep2.client.gaps import FIRST_LOOK, KEPT_FOR, LONGEST_PAUSE, Gaps

NOON = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def span(place: int, length: timedelta = FIVE) -> Span:
    return Span.lasting(NOON + place * length, length)


def missing(*spans: Span) -> Gaps:
    gaps = Gaps()
    for one in spans:
        gaps.missed(one, one.end)
    return gaps


def test_a_gap_is_looked_at_later_each_time_and_never_more_than_an_hour_apart() -> None:
    gaps, pauses = missing(span(0)), []
    now = span(0).end
    while gaps.look_at is not None:
        pauses.append(gaps.look_at - now)
        now = gaps.look_at
        taken = gaps.take(now)
        if not taken:
            break
        gaps.found((), now)
    assert pauses[:4] == [FIRST_LOOK, 2 * FIRST_LOOK, 4 * FIRST_LOOK, 8 * FIRST_LOOK]
    assert max(pauses) == LONGEST_PAUSE
    assert (gaps.spans, now > span(0).end + KEPT_FOR) == ({}, True)


def test_a_meter_that_tells_again_is_asked_for_its_gaps_at_once_but_not_at_each_interval() -> None:
    gaps, now = missing(span(0), span(1)), span(1).end
    for _ in range(8):
        assert gaps.look_at is not None
        now = gaps.look_at
        gaps.take(now)
        gaps.found((), now)
    gaps.heard(now)
    assert gaps.look_at == now + FIRST_LOOK
    gaps.take(now + FIRST_LOOK)
    gaps.found((), now + FIRST_LOOK)
    later = gaps.look_at
    gaps.heard(now + FIRST_LOOK)
    assert gaps.look_at == later


def test_gaps_of_another_length_wait_for_their_turn() -> None:
    gaps = missing(span(0), span(1), span(2, 2 * FIVE))
    now = NOON + timedelta(hours=1)
    assert gaps.take(now) == (span(0), span(1))
    gaps.found([span(0), span(1)], now)
    assert gaps.take(now + FIRST_LOOK) == (span(2, 2 * FIVE),)
    gaps.found([span(2, 2 * FIVE)], now + FIRST_LOOK)
    assert (gaps.spans, gaps.look_at) == ({}, None)


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 9)))
def test_what_is_stored_brings_back_the_same_gaps(short: set[int], long: set[int]) -> None:
    gaps = missing(*map(span, sorted(short)), *(span(n, 3 * FIVE) for n in sorted(long)))
    other = Gaps()
    other.recall(gaps.runs, NOON)
    assert list(other.spans) == list(gaps.spans)
    assert len(gaps.runs) <= len(short) + len(long)
