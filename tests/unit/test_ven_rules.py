"""Rules about events that no other test pins: clocks against statuses, random windows, ramps that lie inside."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.events import status_at
from gateway.protocols.oadr2b.options import VenOptions
from tests.oadr2b_world import (
    CODEC,
    EVERYBODY,
    HOUR,
    MINUTE,
    NOW,
    World,
    cancelled,
    event,
    listing,
    ok,
    simple,
)

SECOND = timedelta(seconds=1)
S = wire.EventStatus


def ready(**keys: object) -> World:
    world = World(**keys)  # type: ignore[arg-type] # names of fields, checked when it is made
    world.settle()
    return world


def short(world: World) -> list[tuple[str, int, str, str]]:
    return [each[:4] for each in world.responses()]


# --- our clock decides


@pytest.mark.spec("OpenADR 2.0b rules 66, 114")
@pytest.mark.parametrize("status", [S.NONE, S.FAR, S.NEAR, S.ACTIVE, S.COMPLETED])
def test_a_status_that_our_clock_contradicts_changes_nothing(status: wire.EventStatus) -> None:
    world = ready()
    world.poll(listing(event(start=NOW - MINUTE)))
    world.poll(listing(event(start=NOW - MINUTE, status=status), request_id="d2"))

    assert len(world.emitted) == 1
    assert short(world) == [("e1", 0, "200", "optIn")] * 2


@pytest.mark.spec("OpenADR 2.0b rule 66")
def test_an_event_first_seen_as_completed_that_is_not_over_is_taken() -> None:
    world = ready()
    world.poll(listing(event(start=NOW - MINUTE, status=S.COMPLETED)))

    assert [found.event_id for found in world.emitted] == ["e1"]


@pytest.mark.spec("OpenADR 2.0b rules 13, 31", "OpenADR 2.0b case CFX2B-EVT-13")
@pytest.mark.parametrize(
    ("ramp", "minute", "status"),
    [
        (None, -1, S.FAR),
        (10, -11, S.FAR),
        (10, -10, S.NEAR),
        (10, 0, S.ACTIVE),
        (-10, -1, S.FAR),
        (-10, 0, S.ACTIVE),
        (-10, 5, S.ACTIVE),
        (10, 59, S.ACTIVE),
        (10, 60, S.COMPLETED),
    ],
)
def test_near_begins_with_the_ramp_and_a_negative_ramp_knows_no_near(
    ramp: int | None, minute: int, status: wire.EventStatus
) -> None:
    period = wire.EiActivePeriod(
        dtstart=NOW, duration=HOUR, x_ei_ramp_up=None if ramp is None else ramp * MINUTE
    )

    assert status_at(period, NOW + minute * MINUTE) is status


# --- the random window


@pytest.mark.spec("OpenADR 2.0b rules 30, 65", "OpenADR 2.0b case CFX2B-EVT-08")
@pytest.mark.parametrize("implied", [False, True])
def test_a_cancellation_inside_the_random_window_ends_what_has_not_begun_here(
    implied: bool,
) -> None:
    world = ready(draws=[240, 120])
    pending = event(start=NOW + 15 * SECOND, startafter=5 * MINUTE)
    world.poll(listing(pending))
    world.run(MINUTE)  # past dtstart, before our own start
    assert world.now < world.emitted[0].start

    world.poll(listing() if implied else listing(cancelled(pending)))

    ended = world.emitted[1].cancelled_at
    assert ended is not None
    assert ended <= world.now < world.emitted[0].start


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-15")
def test_an_event_listed_past_its_end_while_others_may_still_run_is_answered_as_before() -> None:
    world = ready(draws=[0])
    over = event(start=NOW - HOUR + MINUTE, startafter=10 * MINUTE)
    world.poll(listing(over))
    world.run(2 * MINUTE)
    world.poll(listing(over, request_id="d2"))
    world.poll(listing())

    assert len(world.emitted) == 1
    assert [each[3] for each in short(world)] == ["optIn", "optIn"]


@pytest.mark.spec("OpenADR 2.0b case A_E1_0262")
def test_a_modification_of_the_start_keeps_the_offset() -> None:
    world = ready(draws=[100, 200])
    world.poll(listing(event(startafter=4 * MINUTE)))
    world.poll(listing(event(version=1, start=NOW + 2 * HOUR, startafter=4 * MINUTE)))

    first, second = world.emitted
    assert first.offset == second.offset == 100 * SECOND
    assert second.start == NOW + 2 * HOUR + 100 * SECOND


# --- open-ended, modified while it runs


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-03", "OpenADR 2.0b rule 47")
def test_an_event_of_no_length_runs_until_it_is_cancelled() -> None:
    world = ready()
    running = event(start=NOW, hours=0)
    world.poll(listing(running))
    world.run(HOUR)
    world.poll(listing(cancelled(running)))

    assert world.emitted[0].duration is None
    ended = world.emitted[1].cancelled_at
    assert ended is not None
    assert NOW + HOUR <= ended <= world.now
    assert short(world)[-1] == ("e1", 1, "200", "optIn")


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-07", "OpenADR 2.0b case A_E1_0230")
def test_a_modification_during_the_ramp_and_while_active_is_taken_and_answered() -> None:
    world = ready()
    period = wire.EiActivePeriod(
        dtstart=NOW + 5 * MINUTE,
        duration=HOUR,
        x_ei_notification=HOUR,
        x_ei_ramp_up=10 * MINUTE,
    )
    world.poll(listing(event(period=period)))
    world.poll(listing(event(version=1, period=period)))
    world.run(10 * MINUTE)
    longer = replace(period, duration=2 * HOUR)
    two = event(hours=2).ei_event.ei_event_signals
    world.poll(listing(event(version=2, period=longer, signals=two)))

    assert [found.version for found in world.emitted] == [0, 1, 2]
    assert world.emitted[2].duration == 2 * HOUR
    assert [each[1] for each in short(world)] == [0, 1, 2]


# --- what is told and what is noted


@pytest.mark.spec("OpenADR 2.0b rules 14, 29, 110")
@pytest.mark.parametrize(
    ("status", "start", "value", "noted"),
    [
        (S.FAR, NOW + HOUR, None, False),
        (S.FAR, NOW + HOUR, "0", False),
        (S.FAR, NOW + HOUR, "1", True),
        (S.ACTIVE, NOW - MINUTE, "1", False),
        (S.ACTIVE, NOW - MINUTE, "3", True),
        (S.ACTIVE, NOW - HOUR - MINUTE, "2", False),
    ],
)
def test_a_current_value_that_cannot_be_is_noted_and_never_refused(
    status: wire.EventStatus, start: datetime, value: str | None, noted: bool
) -> None:
    signal = replace(simple("1", "2"), current_value=None if value is None else Decimal(value))
    world = ready()
    world.poll(listing(event(start=start, hours=2, status=status, signals=(signal,))))

    assert ("current_value_off" in world.words()) is noted
    assert short(world) == [("e1", 0, "200", "optIn")]


@pytest.mark.spec("OpenADR 2.0b rules 19, 48", "OpenADR 2.0b case A_E1_0360")
def test_of_many_bad_events_each_gets_its_own_code_and_the_good_ones_are_taken() -> None:
    world = ready()
    stranger = wire.EiTarget(ven_ids=("ven-2",))
    bad_level = (simple("7"),)
    world.poll(
        listing(
            event("good"),
            event("context", context="http://else.example"),
            event("target", target=stranger),
            event("level", signals=bad_level),
            event("also", target=EVERYBODY),
        )
    )

    assert sorted(short(world)) == [
        ("also", 0, "200", "optIn"),
        ("context", 0, "462", "optOut"),
        ("good", 0, "200", "optIn"),
        ("level", 0, "454", "optOut"),
        ("target", 0, "462", "optOut"),
    ]


@pytest.mark.spec("OpenADR 2.0b rules 12, 62", "OpenADR 2.0b case CFX2B-EVT-11")
def test_a_hundred_deliveries_of_an_always_event_are_answered_a_hundred_times() -> None:
    world = ready()
    for number in range(100):
        world.poll(listing(event(start=NOW + 10 * HOUR), request_id=f"d{number}"))

    assert len(world.responses()) == 100
    assert len({each[4] for each in world.responses()}) == 100
    assert len(world.emitted) == 1


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-04")
def test_a_hundred_events_of_a_day_are_taken_from_one_message() -> None:
    world = ready()
    world.poll(listing(*(event(f"e{n}", hours=24) for n in range(100))))

    assert len(world.emitted) == 100
    assert len(world.responses()) == 100


@pytest.mark.spec("OpenADR 2.0b rule 61", "OpenADR 2.0b case CFX2B-EVT-06")
@pytest.mark.parametrize("limit", [None, 1])
def test_only_a_limited_answer_to_a_question_says_nothing_about_what_it_lacks(
    limit: int | None,
) -> None:
    world = ready(options=VenOptions(query_first=False, reply_limit=limit))
    world.poll(listing(event()))
    world.vtn.events = []
    world.restart()
    world.run(SECOND)

    gone = [found for found in world.emitted if found.cancelled_at is not None]
    assert len(gone) == (1 if limit is None else 0)


@pytest.mark.spec("OpenADR 2.0b case A_E1_0280")
def test_an_answer_may_change_while_the_event_runs() -> None:
    world = ready()
    world.poll(listing(event(start=NOW)))
    world.run(MINUTE)
    world.answer("e1", Opt.OUT)

    assert short(world) == [("e1", 0, "200", "optIn"), ("e1", 0, "200", "optOut")]
    assert world.of(wire.OadrCreatedEvent)[-1].ei_response.request_id == ""


# --- what VTNs in the field write all the same


def bare(start: datetime) -> wire.EiActivePeriod:
    return wire.EiActivePeriod(dtstart=start, duration=HOUR)


def dated(start: datetime) -> wire.EiEventSignal:
    only = replace(simple("1").intervals[0], dtstart=start)
    return replace(simple("1"), intervals=(only,))


@pytest.mark.spec("OpenADR 2.0b rules 102, 105")
@pytest.mark.parametrize(
    ("rules", "code", "opt"), [("strict", "459", "optOut"), ("fielded", "200", "optIn")]
)
@pytest.mark.parametrize(
    "odd",
    [
        event(period=bare(NOW + HOUR)),
        event(start=NOW + HOUR, signals=(dated(NOW + HOUR),)),
    ],
)
def test_strict_rules_refuse_what_leaves_no_doubt_all_the_same(
    rules: str, code: str, opt: str, odd: wire.OadrEvent
) -> None:
    options = VenOptions.model_validate({"query_first": False, "event_rules": rules})
    world = ready(options=options)

    world.poll(listing(odd, event("e2")))

    assert short(world) == [("e1", 0, code, opt), ("e2", 0, "200", "optIn")]


# --- of another profile


METADATA = wire.OadrReportRequest(
    report_request_id="m1",
    report_specifier=wire.ReportSpecifier(
        report_specifier_id="METADATA",
        granularity=timedelta(0),
        report_back_duration=timedelta(0),
        specifier_payloads=(
            wire.SpecifierPayload(r_id="METADATA", reading_type="x-notApplicable"),
        ),
    ),
)
REQUESTS = (
    (
        wire.OadrCreateReport(request_id="c1", oadr_report_requests=(METADATA,)),
        wire.OadrCreatedReport,
    ),
    (
        wire.OadrCancelReport(request_id="c1", report_request_ids=("r1",), report_to_follow=False),
        wire.OadrCanceledReport,
    ),
    (wire.OadrRegisterReport(request_id="c1", oadr_reports=()), wire.OadrRegisteredReport),
    (wire.OadrUpdateReport(request_id="c1", oadr_reports=()), wire.OadrUpdatedReport),
    (
        wire.OadrCancelPartyRegistration(request_id="c1", registration_id="reg-1", ven_id="ven-1"),
        wire.OadrCanceledPartyRegistration,
    ),
    (wire.OadrRequestReregistration(ven_id="ven-1"), wire.OadrResponse),
)


def of_2a(message: wire.Message) -> bytes:
    return CODEC.encode(message).replace(b'schemaVersion="2.0b"', b'schemaVersion="2.0a"')


@pytest.mark.spec("OpenADR 2.0b section 8.7")
def test_a_polled_listing_of_another_profile_is_refused_as_a_whole() -> None:
    world = ready()
    world.poll(listing(event("old")))
    world.vtn.script(wire.OadrPoll, of_2a(listing(event("new"), request_id="d2")))

    world.run(world.vtn.poll_every)

    created = world.of(wire.OadrCreatedEvent)[-1]
    assert (created.ei_response.response_code, created.ei_response.request_id) == ("459", "d2")
    assert created.event_responses == ()
    assert [found.event_id for found in world.emitted] == ["old"]  # nor is it taken for cancelled


@pytest.mark.spec("OpenADR 2.0b section 8.7")
@pytest.mark.parametrize(("request_", "reply"), REQUESTS, ids=lambda each: type(each).__name__)
def test_a_polled_request_of_another_profile_is_refused_by_its_kind_of_answer(
    request_: wire.Message, reply: type[wire.Message]
) -> None:
    world = ready()
    before = (len(world.of(reply)), len(world.of(wire.OadrCreatePartyRegistration)))
    world.vtn.script(wire.OadrPoll, of_2a(request_))

    world.run(2 * world.vtn.poll_every)

    answers = world.of(reply)[before[0] :]
    assert [getattr(each, "ei_response").response_code for each in answers] == ["459"]  # noqa: B009 - of any kind
    assert len(world.of(wire.OadrCreatePartyRegistration)) == before[1]
    assert not world.closed
    assert len(world.of(wire.OadrPoll)) >= 3  # it goes on


@pytest.mark.spec("OpenADR 2.0b section 8.7")
def test_an_answer_of_another_profile_is_no_answer() -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, *[of_2a(wire.OadrResponse(ei_response=ok()))] * 2)
    before = len(world.of(wire.OadrResponse))

    world.run(2 * world.vtn.poll_every)

    assert len(world.of(wire.OadrResponse)) == before
    assert "unreadable_answer" in world.words()


@pytest.mark.spec("OpenADR 2.0b section 8.7")
def test_told_events_of_another_profile_are_refused_and_asked_for_again() -> None:
    world = World()
    world.vtn.script(wire.OadrRequestEvent, of_2a(listing(event("e1"), request_id="d1")))
    world.vtn.events = [event("e2")]

    world.run(HOUR)

    first = world.of(wire.OadrCreatedEvent)[0]
    assert (first.ei_response.response_code, first.event_responses) == ("459", ())
    assert [found.event_id for found in world.emitted] == ["e2"]
