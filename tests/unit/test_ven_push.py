"""A VEN in push mode: it never polls, answers what is sent to it, stays in step, and takes every message once."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.actions import Emit, Message, Reply, Send
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from tests.oadr2b_world import (
    CODEC,
    HOUR,
    MINUTE,
    NOW,
    ScriptedVtn,
    World,
    cancelled,
    event,
    listing,
    ok,
)

URL = "https://gateway.example:8444/aps"
EVERY = timedelta(minutes=4)
SECOND = timedelta(seconds=1)


def options(**keys: object) -> VenOptions:
    given = {"mode": "push", "push_url": URL, "query_first": False, **keys}
    return VenOptions.model_validate(given)


def pushed(
    *events: wire.OadrEvent, request_id: str = "p1", later: timedelta | None = None
) -> wire.OadrDistributeEvent:
    """Return a listing as a VTN pushes it: without eiResponse (rule 40), dated when it is written (rule 115)."""
    message = replace(listing(*events, request_id=request_id), ei_response=None)
    return dated(message, later) if later is not None else message


def dated(message: wire.OadrDistributeEvent, later: timedelta) -> wire.OadrDistributeEvent:
    events = []
    for each in message.oadr_events:
        descriptor = replace(each.ei_event.event_descriptor, created_date_time=NOW + later)
        events.append(replace(each, ei_event=replace(each.ei_event, event_descriptor=descriptor)))
    return replace(message, oadr_events=tuple(events))


def ready(**keys: object) -> World:
    given: dict[str, object] = {"options": options(), **keys}
    world = World(**given)  # type: ignore[arg-type] # names of fields
    world.settle()
    return world


def read(reply: Reply) -> wire.Message:
    assert reply.status == 200
    return CODEC.decode(reply.body)


def code(reply: Reply) -> str:
    message = read(reply)
    assert isinstance(message, wire.OadrResponse)
    return message.ei_response.response_code


# --- registering


@pytest.mark.spec("OpenADR 2.0b case N0_5020")
def test_a_push_ven_says_where_it_is_found_and_asks_for_the_events_once() -> None:
    world = ready()

    (registration,) = world.of(wire.OadrCreatePartyRegistration)

    assert registration.oadr_http_pull_model is False
    assert registration.oadr_transport_address == URL
    assert [type(sent.message).__name__ for sent in world.sent] == [
        "OadrCreatePartyRegistration",
        "OadrRegisterReport",
        "OadrRequestEvent",
    ]


@pytest.mark.parametrize(
    ("given", "form", "announced", "prefix"),
    [
        (URL, "root", URL, "/aps"),
        (URL + "/", "root", URL, "/aps"),
        (URL, "service", URL + "/OpenADR2/Simple/2.0b", "/aps"),
        (URL + "/OpenADR2/Simple/2.0b", "service", URL + "/OpenADR2/Simple/2.0b", "/aps"),
        (URL + "/OpenADR2/Simple/2.0b/", "root", URL, "/aps"),
        ("https://gateway.example", "root", "https://gateway.example", ""),
    ],
)
def test_the_services_path_is_announced_as_wished_and_never_twice(
    given: str, form: str, announced: str, prefix: str
) -> None:
    found = options(push_url=given, push_address=form)

    assert (found.address, found.push_prefix) == (announced, prefix)


@pytest.mark.parametrize("url", ["ftp://x", "https://u:p@x", "https://x/?q", "https://x/a b", "x"])
def test_an_address_that_no_vtn_can_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        options(push_url=url)


@pytest.mark.spec("OpenADR 2.0b rule 500")
def test_a_push_ven_never_polls_and_asks_for_the_events_now_and_then() -> None:
    world = ready()

    world.run(HOUR)

    assert world.of(wire.OadrPoll) == []
    asked = world.times_of(wire.OadrRequestEvent)
    assert len(asked) in {15, 16}
    assert {after - before for before, after in pairwise(asked[1:])} == {EVERY}


def test_after_a_restart_the_events_are_asked_for_at_once() -> None:
    world = ready()
    world.run(MINUTE)
    before = len(world.of(wire.OadrRequestEvent))

    world.restart()
    world.settle()

    assert len(world.of(wire.OadrRequestEvent)) == before + 1
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (VenOptions(query_first=False), options()),
        (options(), VenOptions(query_first=False)),
        (options(), options(push_url="https://elsewhere.example")),
    ],
)
def test_another_address_renews_the_registration_with_our_ids(
    before: VenOptions, after: VenOptions
) -> None:
    world = World(options=before)
    world.settle()
    world.options = after

    world.restart()
    world.settle()

    first, second = world.of(wire.OadrCreatePartyRegistration)
    assert second.registration_id == "reg-1"
    assert second.oadr_transport_address == (after.address or None)
    assert second.oadr_http_pull_model is (after.mode == "pull")
    world.restart()
    world.settle()
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2
    assert first.registration_id is None


def test_a_registration_that_was_on_its_way_is_said_with_the_new_address() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrCreatePartyRegistration, "CONNECT")
    world = World(options=VenOptions(query_first=False), vtn=vtn)
    world.settle()
    world.options = options()

    world.restart()
    world.settle()

    assert world.of(wire.OadrCreatePartyRegistration)[-1].oadr_transport_address == URL


def test_a_vtn_that_has_forgotten_us_is_noticed_by_the_question_for_events() -> None:
    world = ready()
    world.vtn.script(wire.OadrRequestEvent, wire.OadrResponse(ei_response=ok(code="452")))

    world.run(2 * EVERY)

    assert "registration_lost" in world.words()
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2


# --- events


@pytest.mark.spec("OpenADR 2.0b section 9.1.1.2")
def test_a_pushed_event_is_acknowledged_empty_and_answered_by_a_message_of_its_own() -> None:
    world = ready()

    reply = world.push("EiEvent", pushed(event()))
    world.settle()

    assert (reply.status, reply.body) == (200, b"")
    assert [found.event_id for found in world.emitted] == ["e1"]
    assert world.responses() == [("e1", 0, "200", "optIn", "p1")]


def test_an_oadr_response_is_given_where_the_vtn_wants_one() -> None:
    world = ready(options=options(push_reply="oadr_response"))

    reply = read(world.push("EiEvent", pushed(event())))

    assert isinstance(reply, wire.OadrResponse)
    assert (reply.ei_response.response_code, reply.ei_response.request_id) == ("200", "p1")


def test_the_reply_comes_first_and_the_event_before_anything_is_sent() -> None:
    world = ready(decide=lambda _: None)
    body = CODEC.encode(pushed(cancelled(event())))

    actions = world.session.on_message(
        Message(request_id="", service="EiEvent", body=body), world.now
    )

    kinds = [type(action) for action in actions]
    assert kinds[0] is Reply
    assert Send in kinds
    assert Emit not in kinds  # nothing was known, so nothing ends


@pytest.mark.spec("OpenADR 2.0b rule 12")
def test_a_push_that_is_repeated_is_one_event_and_answered_each_time() -> None:
    world = ready()
    for _ in range(3):
        world.push("EiEvent", pushed(event()))
        world.settle()

    assert len(world.emitted) == 1
    assert world.responses() == [("e1", 0, "200", "optIn", "p1")] * 3


def test_a_push_that_is_repeated_before_the_site_has_decided_is_one_question() -> None:
    world = ready(decide=lambda _: None)
    for number in range(3):
        world.push("EiEvent", pushed(event(), request_id=f"p{number}"))
    world.answer("e1", Opt.IN)

    assert len(world.emitted) == 1
    assert [found[-1] for found in world.responses()] == ["p0", "p1", "p2"]


@pytest.mark.spec("OpenADR 2.0b case A_E0_0370")
def test_an_event_that_a_push_lacks_is_cancelled() -> None:
    world = ready()
    world.push("EiEvent", pushed(event(), later=MINUTE))
    world.run(2 * MINUTE)

    world.push("EiEvent", pushed())
    world.settle()

    assert world.emitted[-1].cancelled_at is not None
    assert "event_vanished" in world.words()


@pytest.mark.spec("OpenADR 2.0b rule 61")
def test_a_push_written_before_the_answer_that_overtook_it_cancels_nothing() -> None:
    world = ready()
    world.vtn.events = list(dated(listing(event("e1"), event("e2")), 3 * MINUTE).oadr_events)
    world.run(2 * EVERY)
    assert len(world.emitted) == 2

    world.push("EiEvent", pushed(event("e1"), later=2 * MINUTE))
    world.settle()

    assert [found for found in world.emitted if found.cancelled_at] == []
    assert "listings_crossed" in world.words()


def test_an_empty_push_right_after_an_answer_with_events_is_asked_about() -> None:
    world = ready()
    world.vtn.events = [event()]
    world.run(2 * EVERY)
    world.restart()
    world.settle()
    asked = len(world.of(wire.OadrRequestEvent))

    world.push("EiEvent", pushed())
    world.settle()

    assert [found for found in world.emitted if found.cancelled_at] == []
    assert len(world.of(wire.OadrRequestEvent)) == asked + 1

    world.vtn.events = []
    world.run(2 * EVERY)
    assert world.emitted[-1].cancelled_at is not None


def test_an_answer_that_a_push_has_crossed_is_asked_for_anew() -> None:
    world = ready()
    body = CODEC.encode(listing())  # written before e1 was published
    world.now += 2 * EVERY
    actions = world.session.on_time(world.now)
    (asked,) = [action for action in actions if isinstance(action, Send)]
    assert asked.service == "EiEvent"

    world.push("EiEvent", pushed(event(), later=2 * EVERY))
    world.vtn.events = [event()]
    late = Message(request_id=asked.request_id, service="EiEvent", body=body)
    world._perform(world.session.on_message(late, world.now))
    world.settle()

    assert [found.cancelled_at for found in world.emitted] == [None]
    assert len(world.of(wire.OadrRequestEvent)) == 2  # at the start, and anew


@pytest.mark.spec("OpenADR 2.0b case A_E0_0390")
def test_a_listing_of_another_vtn_is_refused() -> None:
    world = ready()

    world.push("EiEvent", replace(pushed(event()), vtn_id="VTN-1"))
    world.settle()

    (created,) = world.of(wire.OadrCreatedEvent)
    assert created.ei_response.response_code == "452"
    assert world.emitted == []


# --- reports and registration


def wish(request_id: str = "r1", specifier: str = "") -> wire.OadrCreateReport:
    """Ask for one report now."""
    name = specifier or "TELEMETRY_USAGE"
    return wire.OadrCreateReport(
        request_id="c1",
        ven_id="ven-1",
        oadr_report_requests=(
            wire.OadrReportRequest(
                report_request_id=request_id,
                report_specifier=wire.ReportSpecifier(
                    report_specifier_id=name,
                    granularity=timedelta(0),
                    report_back_duration=timedelta(0),
                    specifier_payloads=(
                        wire.SpecifierPayload(
                            r_id="phx-1.it_load.power", reading_type="x-notApplicable"
                        ),
                    ),
                ),
            ),
        ),
    )


def offered(world: World) -> tuple[str, str]:
    """Return specifier and data point of the usage report that the VEN offers."""
    reports = world.of(wire.OadrRegisterReport)[0].oadr_reports
    usage = next(r for r in reports if r.report_name == "METADATA_TELEMETRY_USAGE")
    return usage.report_specifier_id, usage.oadr_report_descriptions[0].r_id


def asked(world: World, request_id: str = "r1") -> wire.OadrCreateReport:
    specifier, r_id = offered(world)
    message = wish(request_id, specifier)
    (request,) = message.oadr_report_requests
    payload = replace(request.report_specifier.specifier_payloads[0], r_id=r_id)
    inner = replace(request.report_specifier, specifier_payloads=(payload,))
    return replace(message, oadr_report_requests=(replace(request, report_specifier=inner),))


@pytest.mark.spec("OpenADR 2.0b case R0_8010")
def test_a_pushed_report_request_is_answered_in_the_exchange_and_once_delivered() -> None:
    world = ready()
    message = asked(world)

    first, again = (read(world.push("EiReport", message)) for _ in range(2))
    world.run(2 * MINUTE)

    assert isinstance(first, wire.OadrCreatedReport)
    assert first == again
    assert first.oadr_pending_reports == ("r1",)
    assert world.of(wire.OadrCreatedReport) == []
    assert len(world.of(wire.OadrUpdateReport)) == 1


@pytest.mark.spec("OpenADR 2.0b cases R0_8040 and N0_5050")
def test_every_pushed_request_has_the_reply_of_its_kind() -> None:
    world = ready()
    cancel = wire.OadrCancelReport(
        request_id="x1", report_request_ids=("nobody",), report_to_follow=False, ven_id="ven-1"
    )
    offer = wire.OadrRegisterReport(request_id="o1", ven_id="ven-1")
    update = wire.OadrUpdateReport(request_id="u1", ven_id="ven-1")
    again = wire.OadrRequestReregistration(ven_id="ven-1")

    replies = [
        read(world.push("EiReport", cancel)),
        read(world.push("EiReport", offer)),
        read(world.push("EiReport", update)),
        read(world.push("EiRegisterParty", again)),
    ]
    world.settle()

    assert [type(reply).__name__ for reply in replies] == [
        "OadrCanceledReport",
        "OadrRegisteredReport",
        "OadrUpdatedReport",
        "OadrResponse",
    ]
    assert world.of(wire.OadrResponse) == []
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2


@pytest.mark.spec("OpenADR 2.0b cases N0_5040 and N0_5070")
def test_a_registration_that_the_vtn_ends_is_ended_once_however_often_it_asks() -> None:
    world = ready(options=options(register_again=None))
    world.push("EiEvent", pushed(event()))
    world.settle()
    cancel = wire.OadrCancelPartyRegistration(
        request_id="x1", registration_id="reg-1", ven_id="ven-1"
    )

    wrong = read(world.push("EiRegisterParty", replace(cancel, registration_id="reg-2")))
    right = read(world.push("EiRegisterParty", cancel))
    again = read(world.push("EiRegisterParty", cancel))

    assert isinstance(wrong, wire.OadrCanceledPartyRegistration)
    assert wrong.ei_response.response_code == "452"
    assert isinstance(right, wire.OadrCanceledPartyRegistration)
    assert right.ei_response.response_code == "200"
    assert right.registration_id == "reg-1"
    assert right == again
    assert len([found for found in world.emitted if found.cancelled_at]) == 1


# --- what is not taken


@pytest.mark.spec("OpenADR 2.0b rule 405 and case N0_5080")
def test_nothing_is_taken_while_there_is_no_registration() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrCreatePartyRegistration, *["CONNECT"] * 9)
    world = ready(vtn=vtn)
    saved = world.saved

    reply = world.push("EiEvent", pushed(event()))

    assert isinstance(read(reply), wire.OadrResponse)
    assert code(reply) == "463"
    assert world.emitted == []
    assert world.saved == saved


@pytest.mark.spec("OpenADR 2.0b rule 33")
@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("EiReport", pushed(event())),
        ("EiEvent", wire.OadrRequestReregistration(ven_id="ven-1")),
        ("EiRegisterParty", wire.OadrPoll(ven_id="ven-1")),
        ("EiEvent", wire.OadrPoll(ven_id="ven-1")),
        ("EiOpt", wire.OadrPoll(ven_id="ven-1")),
    ],
)
def test_a_message_at_the_wrong_service_changes_nothing(
    service: str, message: wire.Message
) -> None:
    world = ready()
    saved = world.saved

    reply = world.push(service, message)

    assert code(reply) == "459"
    assert (world.saved, world.emitted) == (saved, [])


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 406),
        (b"<a/>", 406),
        (b"{}", 406),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 406),
        (CODEC.encode(pushed(event())).replace(b">e1<", b"><b/>e1<"), 406),
        (CODEC.encode(pushed(event())).replace(b'"2.0b"', b'"2.0a"'), 200),
    ],
)
def test_bytes_that_are_no_message_change_nothing(body: bytes, status: int) -> None:
    world = ready()
    saved = world.saved

    reply = world.push("EiEvent", body)

    assert reply.status == status
    assert status == 406 or code(reply) in {"454", "459"}
    assert (world.saved, world.emitted) == (saved, [])


def test_a_pull_session_has_no_door_for_requests() -> None:
    world = World()
    world.settle()

    actions = world.session.on_message(
        Message(request_id="", service="EiEvent", body=CODEC.encode(pushed(event()))), world.now
    )

    assert not [action for action in actions if isinstance(action, Reply)]
    assert "unexpected_message" in [getattr(action, "word", "") for action in actions]


# --- crashes


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_the_reply_leaves_one_event_and_an_answer(when: str) -> None:
    fate = iter([when])
    world = ready()
    world.crash = lambda: next(fate, "")
    world.vtn.events = [event()]

    world.push("EiEvent", pushed(event()))
    world.settle()
    world.push("EiEvent", pushed(event()))  # the VTN heard nothing and sends it again
    world.run(MINUTE)

    assert world.crashes == 1
    assert [found.version for found in world.emitted] == [0]
    assert {found[:4] for found in world.responses()} == {("e1", 0, "200", "optIn")}
