"""The tables of OpenADR 2.0b: inputs never leave them, what is over stays over, reports never drift."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import SessionError
from gateway.protocols.oadr2b import asks, events, opts, registration, reports
from gateway.protocols.oadr2b.messages import EiActivePeriod, EventStatus

MINUTE = timedelta(minutes=1)


@pytest.mark.spec("OpenADR 2.0b section 8.4")
@given(st.lists(st.sampled_from(registration.Input), max_size=20))
def test_a_registration_never_leaves_its_table(inputs: list[registration.Input]) -> None:
    state = registration.State.UNREGISTERED
    for event in inputs:
        known = registration.allowed(state, event)
        try:
            state = registration.step(state, event)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
            assert not known
        else:
            assert known


def test_every_state_of_a_registration_can_be_reached_and_left() -> None:
    reached = {registration.State.UNREGISTERED, *registration.TRANSITIONS.values()}
    left = {state for state, _ in registration.TRANSITIONS}

    assert reached == set(registration.State)
    assert left == set(registration.State)


@pytest.mark.spec("OpenADR 2.0b rule 58")
@given(st.lists(st.sampled_from(events.Input), max_size=20))
def test_a_cancelled_event_stays_cancelled(inputs: list[events.Input]) -> None:
    state = events.State.UNKNOWN
    for event in inputs:
        before = state
        try:
            state, effect = events.step(state, event)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
        else:
            if before in events.TERMINAL:
                assert state is before
                assert effect not in {events.Effect.TAKE, events.Effect.RELEASE}
            if effect is events.Effect.TAKE:
                assert state is events.State.OPEN


def test_only_open_events_are_released() -> None:
    released = {events.Effect.RELEASE, events.Effect.LET_GO, events.Effect.DROP}

    for (state, _), (after, effect) in events.TRANSITIONS.items():
        if effect in released:
            assert state is events.State.OPEN
            assert after is not events.State.OPEN
        elif state is events.State.OPEN:
            assert after in {events.State.OPEN, events.State.COMPLETED}


@pytest.mark.spec("OpenADR 2.0b rule 58")
@given(st.none() | st.integers(0, 3), st.integers(0, 3), st.sampled_from(EventStatus))
def test_a_listing_is_read_by_its_number_first(
    known: int | None, listed: int, status: EventStatus
) -> None:
    found = events.compare(known, listed, status)

    assert (found is events.Input.OUTDATED) == (known is not None and listed < known)
    if found is events.Input.WITHDRAWN:
        assert status is EventStatus.CANCELLED
    if found is events.Input.REPEATED:
        assert listed == known


@pytest.mark.spec("OpenADR 2.0b rules 13, 30, 31, 47")
@given(
    st.integers(-120, 400),
    st.sampled_from([0, 30, 180]),
    st.sampled_from([None, -20, 0, 45]),
    st.integers(0, 10),
)
def test_the_clock_moves_an_event_from_far_to_completed(
    minute: int, length: int, ramp: int | None, offset: int
) -> None:
    start = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
    period = EiActivePeriod(
        dtstart=start,
        duration=length * MINUTE,
        x_ei_ramp_up=None if ramp is None else ramp * MINUTE,
    )

    found = events.status_at(period, start + minute * MINUTE, offset * MINUTE)

    if minute >= offset:
        over = bool(length) and minute >= offset + length
        assert found is (EventStatus.COMPLETED if over else EventStatus.ACTIVE)
    else:
        near = ramp is not None and ramp > 0 and minute >= offset - ramp
        assert found is (EventStatus.NEAR if near else EventStatus.FAR)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.3")
@given(st.lists(st.sampled_from(reports.Input), max_size=20))
def test_an_ended_request_stays_ended(inputs: list[reports.Input]) -> None:
    state = reports.State.REQUESTED
    for event in inputs:
        ended = state in reports.TERMINAL
        try:
            state = reports.step(state, event)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
        else:
            assert not ended


schedules = st.builds(
    lambda start, step, factor, reports_wanted, second: reports.Schedule(
        start=start + timedelta(seconds=second),
        end=None
        if reports_wanted is None
        else start + timedelta(seconds=second) + step * factor * reports_wanted,
        step=step,
        every=step * factor,
        unit=MINUTE,
    ),
    st.sampled_from(
        [datetime(2026, 3, 8, 9, 50, tzinfo=UTC), datetime(2026, 11, 1, 8, 0, tzinfo=UTC)]
    ),
    st.sampled_from([MINUTE, 7 * MINUTE, 15 * MINUTE, 90 * MINUTE]),
    st.integers(1, 5),
    st.none() | st.integers(1, 6),
    st.integers(0, 59),
)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2")
@given(schedules)
def test_reports_are_contiguous_on_the_grid_and_never_drift(schedule: reports.Schedule) -> None:
    count = schedule.count or 200
    spans = [schedule.covers(number) for number in range(count)]

    for one, next_one in pairwise(spans):
        assert one.end == next_one.start
    for number, span in enumerate(spans):
        assert span.start.second == 0
        assert span.duration == schedule.every
        assert span.end <= schedule.due_at(number)
        assert schedule.due_at(number) - span.end < MINUTE
    assert schedule.due_at(100) - schedule.due_at(0) <= schedule.every * 100


@given(schedules, st.integers(-500, 5000))
def test_a_report_has_fallen_due_exactly_when_its_time_has_come(
    schedule: reports.Schedule, minute: int
) -> None:
    now = schedule.start + minute * MINUTE

    found = schedule.fallen_due(0, now)

    if schedule.count is not None:
        assert found <= schedule.count
    assert all(schedule.due_at(number) <= now for number in range(found))
    if schedule.count is None or found < schedule.count:
        assert schedule.due_at(found) > now


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2")
def test_the_last_report_holds_the_rest_of_a_period_that_does_not_divide() -> None:
    start = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
    schedule = reports.Schedule(
        start=start, end=start + 5 * MINUTE, step=MINUTE, every=2 * MINUTE, unit=MINUTE
    )

    assert schedule.count == 3
    assert [schedule.covers(n).duration for n in range(3)] == [2 * MINUTE, 2 * MINUTE, MINUTE]
    assert schedule.due_at(2) == start + 5 * MINUTE
    assert schedule.fallen_due(0, start + 5 * MINUTE) == 3


@pytest.mark.spec("OpenADR 2.0b section 8.5")
@given(st.lists(st.sampled_from(opts.Input), max_size=20))
def test_an_opt_never_leaves_its_table(inputs: list[opts.Input]) -> None:
    state = opts.State.WANTED
    for event in inputs:
        known = opts.allowed(state, event)
        try:
            state = opts.step(state, event)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
            assert not known
        else:
            assert known


def test_every_state_of_an_opt_can_be_reached_and_every_one_but_the_last_survives_a_loss() -> None:
    reached = {opts.State.WANTED, *opts.TRANSITIONS.values()}

    assert reached == set(opts.State)
    for state in set(opts.State) - opts.TERMINAL:
        lost = opts.step(state, opts.Input.LOST)
        assert lost in {opts.State.WANTED, opts.State.GONE}
        withdrawn = state in {opts.State.UNWANTED, opts.State.WITHDRAWING}
        assert (lost is opts.State.GONE) is withdrawn


@pytest.mark.spec("OpenADR 2.0b section 8.3.2")
@given(st.lists(st.sampled_from(asks.Input), max_size=20))
def test_a_request_of_ours_never_leaves_its_table(inputs: list[asks.Input]) -> None:
    state = asks.State.ASKING
    for event in inputs:
        known = asks.allowed(state, event)
        try:
            state = asks.step(state, event)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
            assert not known
        else:
            assert known


def test_every_state_of_a_request_of_ours_can_be_reached() -> None:
    assert {asks.State.ASKING, *asks.TRANSITIONS.values()} == set(asks.State)
    assert not any(state is asks.State.REFUSED for state, _ in asks.TRANSITIONS)
