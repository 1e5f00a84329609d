"""The server's clock as the client follows it: at once forward, a minute at a time backward, never for a tremble."""

from datetime import timedelta

import pytest

from gateway.protocols.sep2.client.clock import ServerClock
from tests.sep2_world import START, seconds

SECOND = timedelta(seconds=1)


def told(clock: ServerClock, ahead: int) -> bool:
    """Let a server tell its time that far ahead of ours, in an answer that takes a second."""
    now = START - SECOND / 2
    return clock.read(seconds(START) + ahead, now, now + SECOND)


@pytest.mark.spec("CSIP TIME.011", "CSIP CORE-006", "IEEE 2030.5-2018 Time")
def test_a_clock_goes_back_by_a_minute_at_a_time_at_most() -> None:
    clock = ServerClock()
    told(clock, 0)
    begin = clock.seconds(START)

    seen = []
    while told(clock, -150):
        seen.append(clock.seconds(START) - begin)

    assert [round(one / 10) * 10 for one in seen] == [-60, -120, -150]
    assert all(before - after <= 60 for before, after in zip([0, *seen], seen, strict=False))


@pytest.mark.spec("CSIP CORE-006", "IEEE 2030.5-2018 Time")
def test_a_clock_goes_forward_as_far_as_it_is_told_at_once() -> None:
    clock = ServerClock()

    assert told(clock, 7200)
    assert abs(clock.seconds(START) - seconds(START) - 7200) <= 1
    assert not told(clock, 7200)


@pytest.mark.spec("IEEE 2030.5-2018 Time")
@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_second_more_or_less_moves_no_clock(ahead: int) -> None:
    clock = ServerClock(offset=timedelta(seconds=10))

    assert not told(clock, 10 + ahead)
    assert clock.offset == timedelta(seconds=10)
