"""The table of an intent's life."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MisuseError
from gateway.domain.intent import State
from gateway.intents.lifecycle import TERMINAL, TRANSITIONS, Input, next_phase_at, phase_at, step
from tests.intent_samples import START
from tests.unit.test_plan import intent

RAMP_IN, END = START - timedelta(minutes=15), START + timedelta(hours=3)


@given(st.lists(st.sampled_from(Input), max_size=20))
def test_an_intent_stays_in_the_table_and_ends_only_once(inputs: list[Input]) -> None:
    state = State.RECEIVED
    for event in inputs:
        before = state
        try:
            state = step(state, event)
        except MisuseError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
            assert (before, event) not in TRANSITIONS
        if before in TERMINAL and state is not before:
            assert event in {Input.SETTLE, Input.REVISE}


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {State.RECEIVED}
    while more := {to for (at, _), to in TRANSITIONS.items() if at in reached} - reached:
        reached |= more

    assert reached == set(State)


def test_every_live_state_can_be_cancelled() -> None:
    for state in set(State) - TERMINAL - {State.COMPLETED}:
        assert step(state, Input.CANCEL) is State.CANCELLED


def test_the_clock_alone_leads_an_intent_from_waiting_to_completed() -> None:
    made = intent()
    at, seen = made.received_at, []
    while True:
        seen.append(phase_at(made, at))
        following = next_phase_at(made, at)
        if following is None:
            break
        at = following

    assert seen == [Input.WAIT, Input.RAMP_IN, Input.HOLD, Input.RECOVER, Input.COMPLETE]
    assert phase_at(made, RAMP_IN) is Input.RAMP_IN
    assert phase_at(made, START) is Input.HOLD
    assert phase_at(made, END) is Input.RECOVER
