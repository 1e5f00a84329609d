"""What holds for the VTN whatever operator, clock and VEN do."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.peers.event_spec import EventSpec
from gateway.domain.errors import MisuseError, SessionError
from gateway.protocols.oadr2b.messages import EventStatus, OadrDistributeEvent, OptType
from gateway.protocols.oadr2b.vtn_records import EventRecord
from gateway.protocols.oadr2b.vtn_requests import (
    OVER,
    TRANSITIONS,
    RequestInput,
    RequestState,
    step,
)
from gateway.protocols.oadr2b.vtn_standing import is_over
from tests.vtn_story import HOUR, Story, Ven, event

EVENTS = ("a", "b", "c")
actions = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(EVENTS), st.booleans()),
    st.tuples(st.just("modify"), st.sampled_from(EVENTS), st.integers(0, 3)),
    st.tuples(st.just("cancel"), st.sampled_from(EVENTS)),
    st.tuples(st.just("later"), st.integers(1, 4000)),
    st.tuples(st.just("poll"), st.booleans()),
)


class Run:
    """One VEN, one operator, and what must hold after every step."""

    def __init__(self) -> None:
        self.story = Story()
        self.ven = Ven(self.story).register()
        self.versions: dict[str, int] = {}
        self.created_at = self.story.now

    def act(self, action: tuple[object, ...]) -> None:
        match action:
            case ("publish", str(name), bool(required)):
                self.operate(lambda: self.story.publish(self.spec(name, required=required)))
            case ("modify", str(name), int(priority)):
                self.operate(lambda: self.story.modify(self.spec(name, priority=priority)))
            case ("cancel", str(name)):
                self.operate(lambda: self.story.cancel(name))
            case ("later", int(seconds)):
                self.story.later(timedelta(seconds=seconds))
            case ("poll", bool(answering)):
                self.drain(answering=answering)
            case _:
                raise AssertionError(action)

    def operate(self, act: Callable[[], None]) -> None:
        try:
            act()
        except MisuseError as error:
            assert error.reason in {"EVENT_EXISTS", "UNKNOWN_EVENT", "EVENT_ENDED", "CHANGES_PAST"}

    def spec(self, name: str, *, required: bool = True, priority: int | None = None) -> EventSpec:
        start = event().start + EVENTS.index(name) * HOUR
        known = self.story.vtn.page(self.story.now).find(EventRecord, "", (name,))
        if known is not None:
            required = known.event.oadr_response_required.value == "always"
        return event(name, start=start, response_required=required, priority=priority)

    def drain(self, *, answering: bool) -> None:
        for _ in range(5):
            reply = self.ven.poll()
            if not isinstance(reply, OadrDistributeEvent):
                return
            self.check(reply)
            if answering:
                self.answer(reply)
        raise AssertionError("the queue never runs dry at one instant")

    def check(self, reply: OadrDistributeEvent) -> None:
        now = self.story.now
        listed = {}
        for found in reply.oadr_events:
            descriptor = found.ei_event.event_descriptor
            listed[descriptor.event_id] = descriptor.event_status
            assert descriptor.modification_number >= self.versions.get(descriptor.event_id, 0)
            self.versions[descriptor.event_id] = descriptor.modification_number
            assert self.created_at <= descriptor.created_date_time <= now
        created = {e.ei_event.event_descriptor.created_date_time for e in reply.oadr_events}
        assert len(created) <= 1
        self.created_at = max(created, default=self.created_at)
        for record in self.story.vtn.page(now).all(EventRecord):
            is_open = record.cancelled_at is None and not is_over(record.event.ei_event, now)
            assert (record.event_id in listed) or not is_open
            if record.cancelled_at is not None:
                assert listed.get(record.event_id) in {None, EventStatus.CANCELLED}

    def answer(self, reply: OadrDistributeEvent) -> None:
        for found in reply.oadr_events:
            descriptor = found.ei_event.event_descriptor
            code = self.ven.answer(
                descriptor.event_id, descriptor.modification_number, OptType.OPT_IN
            )
            assert code == "200"


@given(st.lists(actions, max_size=30))
@settings(max_examples=150, deadline=None)
def test_every_open_event_is_listed_and_every_queue_runs_dry(
    script: list[tuple[object, ...]],
) -> None:
    run = Run()
    for action in script:
        run.act(action)

    run.story.later(timedelta(seconds=10))
    run.drain(answering=True)
    run.story.later(timedelta(seconds=10))
    assert run.ven.finds_nothing(), "everything was answered"


@given(st.lists(st.sampled_from(RequestInput), max_size=12))
def test_a_request_that_is_over_stays_over(inputs: list[RequestInput]) -> None:
    state = RequestState.QUEUED
    for found in inputs:
        over = state in OVER
        try:
            following = step(state, found)
        except SessionError as error:
            assert error.reason == "OUT_OF_SEQUENCE"
        else:
            # A late confirmation may still close what has ended; nothing opens it again.
            assert not over or following in {state, RequestState.CANCELLED}
            state = following


def test_every_state_of_a_request_can_be_reached() -> None:
    assert set(TRANSITIONS.values()) | {RequestState.QUEUED} == set(RequestState)
