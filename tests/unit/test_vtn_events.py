"""Events by the VTN: what is listed, in which order, at which version, and what happens until it is answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EventStatus,
    OadrCreatedEvent,
    OadrDistributeEvent,
    OadrRequestEvent,
    OadrResponse,
    OptType,
)
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, GaveUp, Refused
from gateway.protocols.oadr2b.vtn_records import DeliveryRecord
from gateway.protocols.oadr2b.vtn_standing import status, value_at
from tests.vtn_story import (
    HOUR,
    MINUTE,
    POLL,
    T0,
    TWO,
    Story,
    Ven,
    dispatch,
    event,
    only,
    response,
    simple,
)

START = T0 + HOUR


def ids(message: OadrDistributeEvent) -> list[str]:
    return [found.ei_event.event_descriptor.event_id for found in message.oadr_events]


def versions(message: OadrDistributeEvent) -> list[tuple[str, int, str]]:
    return [
        (
            found.ei_event.event_descriptor.event_id,
            found.ei_event.event_descriptor.modification_number,
            found.ei_event.event_descriptor.event_status.value,
        )
        for found in message.oadr_events
    ]


def created(message: OadrDistributeEvent) -> set[datetime]:
    return {found.ei_event.event_descriptor.created_date_time for found in message.oadr_events}


def registered() -> tuple[Story, Ven]:
    story = Story()
    return story, Ven(story).register()


def requested(ven: Ven, limit: int | None = None) -> OadrDistributeEvent:
    request = OadrRequestEvent(request_id="q1", ven_id=ven.ven_id, reply_limit=limit)
    return only(OadrDistributeEvent, ven.say("EiEvent", request))


@pytest.mark.spec("OpenADR 2.0b case A_E3_0420")
@pytest.mark.spec("OpenADR 2.0b case A_E3_0527")
@pytest.mark.spec("OpenADR 2.0b rules 13 and 31")
@pytest.mark.parametrize(
    ("ramp_up", "minutes", "expected"),
    [
        (None, -1, EventStatus.FAR),
        (None, 0, EventStatus.ACTIVE),
        (None, 59, EventStatus.ACTIVE),
        (None, 60, EventStatus.COMPLETED),
        (15, -16, EventStatus.FAR),
        (15, -15, EventStatus.NEAR),
        (15, 0, EventStatus.ACTIVE),
        (-15, -1, EventStatus.FAR),
        (-15, 0, EventStatus.ACTIVE),
        (0, -1, EventStatus.FAR),
    ],
)
def test_the_clock_alone_decides_the_status(
    ramp_up: int | None, minutes: int, expected: EventStatus
) -> None:
    length = None if ramp_up is None else ramp_up * MINUTE
    found = event(ramp_up=length).message().ei_event

    assert status(found, START + minutes * MINUTE) is expected


@pytest.mark.spec("OpenADR 2.0b rule 47")
def test_an_event_without_length_stays_active_until_cancelled() -> None:
    found = event(signals=(dispatch((timedelta(0), "500")),)).message().ei_event

    assert status(found, START + 1000 * HOUR) is EventStatus.ACTIVE
    assert value_at(found, found.ei_event_signals[0], START + 1000 * HOUR) == 500


def test_the_value_at_a_boundary_is_that_of_the_later_interval() -> None:
    found = event(signals=(dispatch((20 * MINUTE, "3"), (40 * MINUTE, "2")),)).message().ei_event
    signal = found.ei_event_signals[0]

    assert value_at(found, signal, START - MINUTE) is None
    assert value_at(found, signal, START + 19 * MINUTE) == 3
    assert value_at(found, signal, START + 20 * MINUTE) == 2
    assert value_at(found, signal, START + HOUR) is None


@pytest.mark.spec("OpenADR 2.0b rule 113")
@pytest.mark.spec("OpenADR 2.0b rules 14, 29 and 110")
def test_current_value_is_zero_for_simple_while_inactive_and_absent_for_others() -> None:
    story, ven = registered()
    story.publish(event(signals=(simple((HOUR, "2")), dispatch((HOUR, "500")))))

    def values() -> list[Decimal | None]:
        (found,) = requested(ven).oadr_events
        return [signal.current_value for signal in found.ei_event.ei_event_signals]

    assert values() == [0, None]
    story.later(HOUR)
    assert values() == [2, 500]


@pytest.mark.spec("OpenADR 2.0b rule 50")
def test_a_poll_finds_all_events_of_this_ven_and_none_of_another() -> None:
    story, ven = registered()
    other = Ven(story, TWO).register()
    story.publish(event("for-all"))
    story.publish(event("for-one", vens=(ven.ven_id,)))

    mine, theirs = ven.polled_events(), other.polled_events()

    assert ids(mine) == ["for-all", "for-one"]
    assert ids(theirs) == ["for-all"]
    assert mine.ei_response == EiResponse(request_id="")
    assert mine.vtn_id == "utility"
    assert mine.oadr_events[1].ei_event.ei_target.ven_ids == (ven.ven_id,)
    story.publish(event("again-for-one", vens=(ven.ven_id,)))
    assert other.finds_nothing(), "what is not for it does not even wake it"


@pytest.mark.spec("OpenADR 2.0b case A_E3_0680")
@pytest.mark.spec("OpenADR 2.0b rule 50")
def test_a_new_event_brings_the_unchanged_ones_along() -> None:
    story, ven = registered()
    story.publish(event("e1"))
    ven.polled_events()
    ven.answer("e1")

    story.publish(event("e2"))

    assert ids(ven.polled_events()) == ["e1", "e2"]


@pytest.mark.spec("OpenADR 2.0b cases A_E3_0510 and A_E3_0520")
@pytest.mark.spec("OpenADR 2.0b rule 15")
def test_active_events_by_priority_then_pending_ones_by_start() -> None:
    story, ven = registered()
    for name, start, priority in (
        ("pending-late", 3, 1),
        ("pending-soon", 2, 9),
        ("active-none", -1, None),
        ("active-zero", -2, 0),
        ("active-two", -1, 2),
        ("active-one-late", -1, 1),
        ("active-one", -2, 1),
    ):
        spec = event(name, start=T0 + start * HOUR, priority=priority)
        story.publish(replace(spec, signals=(dispatch((9 * HOUR, "1")),)))

    assert ids(requested(ven)) == [
        "active-one",
        "active-one-late",
        "active-two",
        "active-zero",
        "active-none",
        "pending-soon",
        "pending-late",
    ]


@pytest.mark.spec("OpenADR 2.0b case A_E3_0525")
@pytest.mark.spec("OpenADR 2.0b rule 15")
def test_a_cancelled_event_keeps_its_place() -> None:
    story, ven = registered()
    for name in ("a", "b", "c"):
        story.publish(event(name))
    ven.polled_events()

    story.cancel("b")
    story.later(HOUR)

    assert versions(ven.polled_events()) == [
        ("a", 0, "active"),
        ("c", 0, "active"),
        ("b", 1, "cancelled"),
    ]


@pytest.mark.spec("OpenADR 2.0b rule 4")
def test_versions_count_from_zero_and_rise_by_one() -> None:
    story, ven = registered()
    story.publish(event())
    seen = versions(ven.polled_events())

    story.modify(event(priority=1))
    seen += versions(ven.polled_events())
    story.modify(event(priority=2))
    story.cancel("e1")
    seen += versions(ven.polled_events())

    assert seen == [("e1", 0, "far"), ("e1", 1, "far"), ("e1", 3, "cancelled")]


@pytest.mark.spec("OpenADR 2.0b rule 5")
def test_a_modification_without_a_difference_is_none() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()
    ven.answer("e1")

    story.modify(event())

    assert ven.finds_nothing()
    assert versions(requested(ven)) == [("e1", 0, "far")]


@pytest.mark.spec("OpenADR 2.0b rule 20")
def test_the_past_is_not_changed() -> None:
    story, _ = registered()
    story.publish(event())
    story.later(HOUR + 30 * MINUTE)

    with pytest.raises(MisuseError, match="CHANGES_PAST"):
        story.modify(event(start=START + MINUTE))
    with pytest.raises(MisuseError, match="CHANGES_PAST"):
        story.modify(event(signals=(dispatch((10 * MINUTE, "500")),)))
    story.modify(event(signals=(dispatch((45 * MINUTE, "500")),)))


@pytest.mark.spec("OpenADR 2.0b rule 70")
def test_what_is_over_is_not_changed_and_an_id_is_used_once() -> None:
    story, _ = registered()
    story.publish(event("e1"))
    story.publish(event("e2"))
    story.cancel("e2")

    refusals: tuple[tuple[str, Callable[[], None]], ...] = (
        ("EVENT_EXISTS", lambda: story.publish(event("e1"))),
        ("UNKNOWN_EVENT", lambda: story.cancel("e9")),
        ("UNKNOWN_EVENT", lambda: story.modify(event("e9"))),
        ("EVENT_ENDED", lambda: story.cancel("e2")),
        ("EVENT_ENDED", lambda: story.modify(event("e2", priority=1))),
    )
    for reason, act in refusals:
        with pytest.raises(MisuseError, match=reason):
            act()
    story.later(2 * HOUR)
    with pytest.raises(MisuseError, match="EVENT_ENDED"):
        story.cancel("e1")


@pytest.mark.spec("OpenADR 2.0b rule 22")
def test_a_target_names_one_ven_at_most() -> None:
    story, _ = registered()
    message = event(vens=("a",)).message()
    crowded = replace(
        message,
        ei_event=replace(
            message.ei_event, ei_target=replace(message.ei_event.ei_target, ven_ids=("a", "b"))
        ),
    )

    with pytest.raises(MisuseError, match="TOO_MANY_VENS"):
        story.vtn.publish(crowded, (), T0)


@pytest.mark.spec("OpenADR 2.0b rule 115")
def test_created_date_time_is_one_for_all_and_renewed_by_any_change() -> None:
    story, ven = registered()
    story.publish(event("e1"))
    story.publish(event("e2", start=START + 3 * HOUR))
    story.later(7 * MINUTE)

    first = requested(ven)
    assert created(first) == {T0 + 7 * MINUTE}, "at the first delivery it is fresh"
    story.later()
    assert created(requested(ven)) == created(first), "nothing changed"
    story.modify(event("e2", start=START + 3 * HOUR, priority=1))
    story.later()
    assert created(requested(ven)) == {story.now}
    story.later(HOUR)
    assert created(requested(ven)) == {story.now}, "e1 became active: a change like others"
    active = story.now
    story.later(MINUTE)
    assert created(requested(ven)) == {active}
    story.later(HOUR)
    assert created(requested(ven)) == {story.now}, "e1 is gone"


@pytest.mark.spec("OpenADR 2.0b case A_E3_0685")
@pytest.mark.spec("OpenADR 2.0b rule 66")
def test_a_completed_event_is_listed_until_its_random_delay_has_passed() -> None:
    story, ven = registered()
    story.publish(event("plain"))
    story.publish(event("random", randomise=10 * MINUTE))

    story.later(2 * HOUR + 5 * MINUTE)
    assert versions(requested(ven)) == [("random", 0, "completed")]
    story.later(5 * MINUTE)
    assert ids(requested(ven)) == []


@pytest.mark.spec("OpenADR 2.0b rules 10, 52 and A_E3_0657")
@pytest.mark.spec("OpenADR 2.0b rule 50")
def test_a_cancelled_event_is_listed_until_acknowledged() -> None:
    story, ven = registered()
    story.publish(event("e1"))
    story.publish(event("e2"))
    ven.polled_events()
    story.cancel("e1")

    assert versions(ven.polled_events())[0] == ("e1", 1, "cancelled")
    assert ("e1", 1, "cancelled") in versions(requested(ven))
    assert ven.answer("e1", 1) == "200"

    assert ids(requested(ven)) == ["e2"]


def test_a_ven_that_never_knew_an_event_does_not_hear_of_its_end() -> None:
    story, _ = registered()
    story.publish(event())
    story.cancel("e1")

    late = Ven(story, TWO).register()

    assert ids(requested(late)) == []


@pytest.mark.spec("OpenADR 2.0b rule 50")
def test_a_cancelled_event_that_wants_no_answer_is_told_once() -> None:
    story, ven = registered()
    story.publish(event(response_required=False))
    assert versions(ven.polled_events()) == [("e1", 0, "far")]
    assert ven.finds_nothing()
    story.cancel("e1")

    assert versions(ven.polled_events()) == [("e1", 1, "cancelled")]
    assert ids(requested(ven)) == []
    story.later(2 * POLL)
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_an_unanswered_event_comes_again_after_a_period_and_not_before() -> None:
    story, ven = registered()
    story.publish(event())
    first = ven.polled_events()
    assert ven.finds_nothing(), "the rest of the queue must not be blocked"

    story.later()
    again = ven.polled_events()
    assert again == first, "same ids, same instant of creation: nothing changed"
    assert ven.answer("e1") == "200"

    story.later(5 * POLL)
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_an_unanswered_modification_comes_again_though_the_first_version_was_answered() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()
    ven.answer("e1", 0)
    story.modify(event(priority=1))
    ven.polled_events()

    story.later()

    assert versions(ven.polled_events()) == [("e1", 1, "far")]


def test_an_event_that_is_never_answered_is_given_up_and_stays_listed() -> None:
    story = Story(VtnOptions(vtn_id="utility", resends=2))
    ven = Ven(story).register()
    story.publish(event())

    for _ in range(3):
        ven.polled_events()
        story.later()

    assert ven.finds_nothing()
    assert len(story.told(GaveUp)) == 1
    assert ids(requested(ven)) == ["e1"]


@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_a_full_answer_to_a_request_counts_as_delivery() -> None:
    story, ven = registered()
    story.publish(event())

    reply = requested(ven)

    assert reply.ei_response == EiResponse(request_id="q1")
    assert ids(reply) == ["e1"]
    assert ven.finds_nothing()
    story.later()
    assert ids(ven.polled_events()) == ["e1"], "unanswered, so it comes again"


@pytest.mark.spec("OpenADR 2.0b case A_E3_0655")
@pytest.mark.spec("OpenADR 2.0b rule 15")
def test_a_reply_limit_cuts_and_leaves_the_rest_owed() -> None:
    story, ven = registered()
    for name in ("a", "b", "c"):
        story.publish(event(name))

    assert ids(requested(ven, 2)) == ["a", "b"]
    assert ids(requested(ven, 0)) == []
    assert ven.answer("a") == "200"
    assert ven.answer("c") == "452", "c was never sent"
    assert ids(ven.polled_events()) == ["a", "b", "c"]


@pytest.mark.spec("OpenADR 2.0b cases A_E3_0720 and A_E3_0730")
@pytest.mark.spec("OpenADR 2.0b rule 48")
def test_answers_to_unknown_events_and_other_versions_are_refused_and_kept() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()

    codes = [ven.answer("e9"), ven.answer("e1", 1), ven.answer("E1"), ven.answer("e1", 0)]

    assert codes == ["452", "450", "452", "200"]
    assert [(a.event_id, a.version, a.accepted) for a in story.told(Answered)] == [
        ("e9", 0, "452"),
        ("e1", 1, "450"),
        ("E1", 0, "452"),
        ("e1", 0, "200"),
    ]
    assert [fact.code for fact in story.told(Refused)] == ["452", "450", "452"]


@pytest.mark.spec("OpenADR 2.0b rule 19")
def test_a_bad_answer_leaves_its_neighbours_valid() -> None:
    story, ven = registered()
    story.publish(event("e1"))
    story.publish(event("e2"))
    ven.polled_events()

    reply = ven.say(
        "EiEvent",
        OadrCreatedEvent(
            ei_response=EiResponse(request_id="x"),
            event_responses=(
                response("e1", 0, OptType.OPT_OUT),
                response("e9", 0, OptType.OPT_IN),
                response("e2", 0, OptType.OPT_IN),
            ),
            ven_id=ven.ven_id,
        ),
    )

    assert only(OadrResponse, reply).ei_response.response_code == "452"
    assert (opt(story, ven, "e1"), opt(story, ven, "e2")) == (OptType.OPT_OUT, OptType.OPT_IN)
    story.later()
    assert ven.finds_nothing()


def opt(story: Story, ven: Ven, event_id: str) -> OptType | None:
    found = story.vtn.page(story.now).find(DeliveryRecord, ven.ven_id, (event_id,))
    assert found is not None
    return found.opt


def test_an_answer_to_the_version_sent_counts_though_a_newer_one_waits() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()
    story.modify(event(priority=1))

    assert ven.answer("e1", 0) == "200"
    assert versions(ven.polled_events()) == [("e1", 1, "far")]
    assert ven.answer("e1", 0) == "450"
    assert ven.answer("e1", 1) == "200"
    story.later()
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b case A_E3_0750")
@pytest.mark.spec("OpenADR 2.0b case A_E3_0710")
@pytest.mark.spec("OpenADR 2.0b rule 48")
def test_an_error_of_the_ven_is_an_answer() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()

    assert ven.answer("e1", 0, OptType.OPT_OUT, code="460") == "200"

    assert story.told(Answered)[0].code == "460"
    story.later()
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b case A_E3_0500")
def test_a_change_of_mind_counts_and_every_answer_is_kept() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()

    ven.answer("e1")
    ven.answer("e1", 0, OptType.OPT_OUT)

    assert opt(story, ven, "e1") is OptType.OPT_OUT
    assert [a.opt for a in story.told(Answered)] == [OptType.OPT_IN, OptType.OPT_OUT]


@pytest.mark.spec("OpenADR 2.0b rules 16 and 206")
def test_an_opt_message_outranks_a_later_created_event() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()

    ven.opt_for("e1", 0, OptType.OPT_OUT)
    ven.answer("e1")

    assert opt(story, ven, "e1") is OptType.OPT_OUT
    assert [a.by for a in story.told(Answered)] == ["oadrCreateOpt", "oadrCreatedEvent"]
    story.later()
    assert ven.finds_nothing(), "the opt message was answer enough"


@pytest.mark.spec("OpenADR 2.0b case G1_4015")
@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_the_queue_is_first_in_first_out() -> None:
    story, ven = registered()
    story.publish(event())
    story.do(story.vtn.request_reregistration(ven.ven_id, story.now))
    story.publish(event("e2"))

    kinds = [type(ven.poll()).__name__ for _ in range(3)]

    assert kinds == ["OadrDistributeEvent", "OadrRequestReregistration", "OadrResponse"]


def test_a_ven_that_registers_later_finds_what_is_open() -> None:
    story = Story()
    story.publish(event())

    ven = Ven(story).register()

    assert ids(ven.polled_events()) == ["e1"]


def test_an_event_that_ends_unanswered_leaves_the_queue() -> None:
    story, ven = registered()
    story.publish(event())
    ven.polled_events()

    story.later(3 * HOUR)

    assert ven.finds_nothing()
    assert ven.answer("e1") == "200", "late, but about something that was sent"
