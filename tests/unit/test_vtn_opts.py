"""Opt schedules and opts for events, by the VTN."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.protocols.oadr2b.messages import (
    EiTarget,
    OadrCanceledOpt,
    OadrCancelOpt,
    OadrCreatedOpt,
    OadrCreateOpt,
    OptType,
    QualifiedEventId,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, OptTaken
from gateway.protocols.oadr2b.vtn_opts import takes_part
from gateway.protocols.oadr2b.vtn_records import DeliveryRecord, OptRecord, OptState
from tests.vtn_story import (
    CONTEXT,
    HOUR,
    MINUTE,
    ONE,
    POLL,
    T0,
    TWO,
    Story,
    Ven,
    event,
    only,
    usage_metadata,
)


def offering() -> tuple[Story, Ven]:
    story = Story()
    ven = Ven(story).register()
    ven.offer(usage_metadata())
    return story, ven


def schedule(ven: Ven, opt_id: str = "o1", **changes: object) -> OadrCreateOpt:
    fields: dict[str, object] = {
        "opt_id": opt_id,
        "opt_type": OptType.OPT_OUT,
        "opt_reason": "economic",
        "market_context": CONTEXT,
        "ven_id": ven.ven_id,
        "vavailability": (WsCalendarInterval(dtstart=T0, duration=HOUR),),
        "created_date_time": T0,
        "request_id": "c1",
        "ei_target": EiTarget(ven_ids=(ven.ven_id,)),
    }
    return OadrCreateOpt(**(fields | changes))  # type: ignore[arg-type]  # keywords of one test each


def creating(ven: Ven, message: OadrCreateOpt) -> str:
    reply = only(OadrCreatedOpt, ven.say("EiOpt", message))
    assert reply.opt_id == message.opt_id
    return reply.ei_response.response_code


def cancelling(ven: Ven, opt_id: str) -> str:
    message = OadrCancelOpt(request_id="x", opt_id=opt_id, ven_id=ven.ven_id)
    return only(OadrCanceledOpt, ven.say("EiOpt", message)).ei_response.response_code


def standing(story: Story, ven: Ven) -> list[tuple[str, OptState]]:
    records = story.vtn.page(story.now).all(OptRecord, ven.ven_id)
    return [(record.opt.opt_id, record.state) for record in records]


@pytest.mark.spec("OpenADR 2.0b rules 202-204")
def test_a_new_schedule_replaces_that_of_its_type_and_target() -> None:
    story, ven = offering()

    assert creating(ven, schedule(ven, "a")) == "200"
    assert creating(ven, schedule(ven, "b", opt_type=OptType.OPT_IN)) == "200"
    assert creating(ven, schedule(ven, "c", ei_target=EiTarget(resource_ids=("r",)))) == "200"
    assert creating(ven, schedule(ven, "d")) == "200"

    assert standing(story, ven) == [
        ("a", OptState.REPLACED),
        ("b", OptState.STANDING),
        ("c", OptState.REPLACED),
        ("d", OptState.STANDING),
    ]


@pytest.mark.spec("OpenADR 2.0b rules 204 and 211")
def test_a_schedule_is_cancelled_by_its_opt_id() -> None:
    story, ven = offering()
    creating(ven, schedule(ven, "a"))
    creating(ven, schedule(ven, "b"))

    assert cancelling(ven, "never") == "452"
    assert cancelling(ven, "a") == "200", "replaced, which is no error"
    assert cancelling(ven, "b") == "200"

    assert standing(story, ven) == [("a", OptState.CANCELLED), ("b", OptState.CANCELLED)]
    assert [fact.opt for fact in story.told(OptTaken)] == [
        OptType.OPT_OUT,
        OptType.OPT_OUT,
        None,
        None,
    ]


@pytest.mark.spec("OpenADR 2.0b rule 204")
@pytest.mark.spec("OpenADR 2.0b case P1_2050")
def test_a_cancellation_counts_once_and_is_confirmed_again_when_it_comes_again() -> None:
    _, ven = offering()
    creating(ven, schedule(ven, "a"))
    first = OadrCancelOpt(request_id="c1", opt_id="a", ven_id=ven.ven_id)
    later = replace(first, request_id="c2")

    codes = [
        only(OadrCanceledOpt, ven.say("EiOpt", message)).ei_response.response_code
        for message in (first, first, later)
    ]
    creating(ven, schedule(ven, "a"))

    assert codes == ["200", "200", "452"]
    assert cancelling(ven, "a") == "200", "an optID may be used again"


@pytest.mark.spec("OpenADR 2.0b section 8.5")
def test_an_opt_is_for_an_event_or_a_schedule() -> None:
    story, ven = offering()
    story.publish(event())
    ven.poll()
    known = QualifiedEventId(event_id="e1", modification_number=0)
    unknown = QualifiedEventId(event_id="e9", modification_number=0)
    newer = QualifiedEventId(event_id="e1", modification_number=1)
    for_event: dict[str, Any] = {"vavailability": None, "market_context": None}

    assert creating(ven, schedule(ven, qualified_event_id=known)) == "459"
    assert creating(ven, schedule(ven, vavailability=None)) == "459"
    assert creating(ven, schedule(ven, vavailability=None, qualified_event_id=known)) == "459"
    assert creating(ven, schedule(ven, **for_event, qualified_event_id=unknown)) == "452"
    assert creating(ven, schedule(ven, **for_event, qualified_event_id=newer)) == "450"
    assert creating(ven, schedule(ven, **for_event, qualified_event_id=known)) == "200"
    assert cancelling(ven, "o1") == "452", "an opt for an event is never cancelled"
    story.later(POLL)


def resources(*names: str) -> EiTarget:
    return EiTarget(resource_ids=names)


def part(
    story: Story, ven: Ven, at: timedelta = timedelta(0), resource: str = "", context: str = CONTEXT
) -> bool:
    named = f"resource_ids:{resource}" if resource else ""
    page = story.vtn.page(story.now)
    return takes_part(page, ven.ven_id, T0 + at, resource=named, market_context=context)


@pytest.mark.spec("OpenADR 2.0b rule 201")
def test_windows_are_half_open_and_outside_them_the_program_decides() -> None:
    story, ven = offering()
    creating(ven, schedule(ven))

    assert not part(story, ven)
    assert not part(story, ven, HOUR - MINUTE)
    assert part(story, ven, HOUR)
    assert part(story, ven, -MINUTE)
    otherwise = Story(VtnOptions(vtn_id="u", opt_default=False))
    other = Ven(otherwise).register()
    assert not part(otherwise, other)
    creating(other, schedule(other, opt_type=OptType.OPT_IN))
    assert part(otherwise, other)


@pytest.mark.spec("OpenADR 2.0b rule 210, P1_2015")
def test_a_window_of_no_length_is_open_ended() -> None:
    story, ven = offering()
    open_ended = (WsCalendarInterval(dtstart=T0, duration=timedelta(0)),)

    assert creating(ven, schedule(ven, vavailability=open_ended)) == "200"

    assert part(story, ven, -MINUTE)
    assert not part(story, ven, 400 * 24 * HOUR)


@pytest.mark.spec("OpenADR 2.0b rule 201, P1_2030")
@pytest.mark.parametrize("out_wins", [True, False])
def test_where_both_kinds_overlap_the_program_decides(out_wins: bool) -> None:
    story = Story(VtnOptions(vtn_id="u", opt_out_wins=out_wins))
    ven = Ven(story).register()
    creating(ven, schedule(ven, "in", opt_type=OptType.OPT_IN))
    creating(ven, schedule(ven, "out"))

    assert part(story, ven) is not out_wins
    assert [state for _, state in standing(story, ven)] == [OptState.STANDING] * 2


@pytest.mark.spec("OpenADR 2.0b rules 202 and 203")
def test_a_schedule_for_some_resources_leaves_the_others_theirs() -> None:
    story, ven = offering()
    later = (WsCalendarInterval(dtstart=T0 + 5 * HOUR, duration=HOUR),)
    creating(ven, schedule(ven, "ab", ei_target=resources("a", "b")))
    creating(ven, schedule(ven, "a", ei_target=resources("a"), vavailability=later))

    assert standing(story, ven)[0] == ("ab", OptState.STANDING)
    assert part(story, ven, resource="a")
    assert not part(story, ven, resource="b")
    assert not part(story, ven, 5 * HOUR, resource="a")

    creating(ven, schedule(ven, "b", ei_target=resources("b"), vavailability=later))
    assert standing(story, ven)[0] == ("ab", OptState.REPLACED)


@pytest.mark.spec("OpenADR 2.0b rules 202 and 203")
def test_a_schedule_for_the_whole_ven_yields_for_one_resource() -> None:
    story, ven = offering()
    creating(ven, schedule(ven, "all", ei_target=EiTarget()))
    later = (WsCalendarInterval(dtstart=T0 + 5 * HOUR, duration=HOUR),)
    target = EiTarget(ven_ids=(ven.ven_id,), resource_ids=("a",))
    creating(ven, schedule(ven, "a", ei_target=target, vavailability=later))

    assert part(story, ven, resource="a")
    assert not part(story, ven, resource="b")


@pytest.mark.spec("OpenADR 2.0b rule 205")
def test_a_schedule_holds_in_its_program_only_and_replaces_none_of_another() -> None:
    story, ven = offering()
    creating(ven, schedule(ven, "here"))
    creating(ven, schedule(ven, "there", market_context="http://utility.example/other"))
    creating(ven, schedule(ven, "all", market_context=None, opt_type=OptType.OPT_IN))

    assert [state for _, state in standing(story, ven)] == [OptState.STANDING] * 3
    assert not part(story, ven)
    assert part(story, ven, context="http://utility.example/third")
    creating(ven, schedule(ven, "again", market_context=CONTEXT.replace("utility", "UTILITY")))
    assert standing(story, ven)[0] == ("here", OptState.REPLACED)


@pytest.mark.spec("OpenADR 2.0b rule 204, P1_2040")
def test_an_opt_id_may_be_used_again_and_a_cancel_ends_all_that_used_it() -> None:
    story, ven = offering()
    assert creating(ven, schedule(ven, "a", ei_target=resources("a"))) == "200"
    assert creating(ven, schedule(ven, "a", ei_target=resources("b"))) == "200"

    assert cancelling(ven, "a") == "200"

    assert [state for _, state in standing(story, ven)] == [OptState.CANCELLED] * 2
    assert cancelling(ven, "a") == "200", "still known"


@pytest.mark.spec("OpenADR 2.0b section 8.5, rule 043 of the catalogue")
@pytest.mark.parametrize(
    "excluded",
    [
        {"startafter": MINUTE},
        {"x_ei_notification": MINUTE},
        {"x_ei_ramp_up": MINUTE},
        {"x_ei_recovery": MINUTE},
    ],
)
def test_a_window_has_no_tolerance_and_no_ramp(excluded: dict[str, timedelta]) -> None:
    story, ven = offering()
    window = replace(WsCalendarInterval(dtstart=T0, duration=HOUR), **excluded)  # type: ignore[arg-type]  # one key each

    assert creating(ven, schedule(ven, vavailability=(window,))) == "459"
    assert standing(story, ven) == []


@pytest.mark.spec("OpenADR 2.0b section 8.5")
def test_an_opt_for_another_ven_or_with_a_wrong_device_class_is_refused() -> None:
    story, ven = offering()
    other = Ven(story, TWO).register()

    assert creating(ven, schedule(ven, ei_target=EiTarget(ven_ids=(other.ven_id,)))) == "462"
    assert creating(ven, schedule(ven, oadr_device_class=resources("r"))) == "459"
    device = EiTarget(end_device_assets=("Thermostat",))
    assert creating(ven, schedule(ven, oadr_device_class=device)) == "200"


def for_event(ven: Ven, target: EiTarget, opt: OptType = OptType.OPT_OUT) -> str:
    known = QualifiedEventId(event_id="e1", modification_number=0)
    message = schedule(
        ven,
        vavailability=None,
        market_context=None,
        qualified_event_id=known,
        ei_target=target,
        opt_type=opt,
    )
    return creating(ven, message)


def delivery(story: Story, ven: Ven) -> DeliveryRecord:
    found = story.vtn.page(story.now).find(DeliveryRecord, ven.ven_id, ("e1",))
    assert found is not None
    return found


@pytest.mark.spec("OpenADR 2.0b rules 16 and 206")
def test_an_opt_names_only_what_its_event_concerns() -> None:
    story, ven = offering()
    story.publish(event(resources=("a", "b")))
    ven.poll()

    assert for_event(ven, resources("c")) == "462"
    assert for_event(ven, resources("a", "c")) == "462"
    assert for_event(ven, resources("a")) == "200"
    assert for_event(ven, EiTarget()) == "200"
    assert [fact.event_id for fact in story.told(Answered)] == ["e1", "e1"]


@pytest.mark.spec("OpenADR 2.0b rules 16, 17 and 206, CFX2B-EVT-14")
def test_an_opt_of_one_resource_outlasts_later_answers_for_the_whole() -> None:
    story, ven = offering()
    story.publish(event())
    ven.poll()
    ven.answer("e1")

    for_event(ven, resources("a"))
    ven.answer("e1", 0, OptType.OPT_IN)

    assert delivery(story, ven).opt is OptType.OPT_IN
    assert delivery(story, ven).resource_opts == (("resource_ids:a", OptType.OPT_OUT),)
    for_event(ven, resources("a"), OptType.OPT_IN)
    assert delivery(story, ven).resource_opts == (("resource_ids:a", OptType.OPT_IN),)
    for_event(ven, EiTarget(), OptType.OPT_OUT)
    assert delivery(story, ven).resource_opts == ()
    assert delivery(story, ven).opt is OptType.OPT_OUT


@pytest.mark.spec("OpenADR 2.0b section 8.5, E1_1065")
def test_an_opt_for_the_whole_ven_answers_an_event_that_was_never_answered() -> None:
    story, ven = offering()
    story.publish(event())
    ven.poll()

    assert for_event(ven, EiTarget(ven_ids=(ven.ven_id,))) == "200"
    story.later(POLL)

    assert ven.finds_nothing()
    assert ven.answer("e1") == "200"
    assert delivery(story, ven).opt is OptType.OPT_OUT, "only another opt changes it"


@pytest.mark.spec("OpenADR 2.0b rule 206")
def test_an_event_that_wants_no_answer_takes_no_opt() -> None:
    story, ven = offering()
    story.publish(event(response_required=False))
    ven.poll()

    assert for_event(ven, EiTarget()) == "451"


def test_opts_of_one_ven_are_no_other_vens() -> None:
    story, ven = offering()
    other = Ven(story, TWO).register()
    creating(ven, schedule(ven, ei_target=EiTarget()))

    assert cancelling(other, "o1") == "452"
    assert part(story, other)
    assert ven.peer == ONE
