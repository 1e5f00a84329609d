"""Registration by the VTN: who gets in, under which ids, and what an end erases."""

from typing import Any

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EiTarget,
    Message,
    OadrCanceledOpt,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelOpt,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedEvent,
    OadrCreatedOpt,
    OadrCreatedPartyRegistration,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrPoll,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrRequestEvent,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
    OptType,
)
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Refused, Registered, Unregistered
from tests.vtn_story import ONE, POLL, T0, TWO, Story, Ven, event, only, usage_metadata, wish


def create(**changes: Any) -> OadrCreatePartyRegistration:
    return OadrCreatePartyRegistration(request_id="r1", **changes)


def registering(story: Story, peer: str = ONE, **changes: Any) -> OadrCreatedPartyRegistration:
    reply = story.say("EiRegisterParty", create(**changes), peer)
    return only(OadrCreatedPartyRegistration, reply)


@pytest.mark.spec("OpenADR 2.0b section 8.4.1, rule 403")
def test_a_query_by_a_stranger_tells_what_is_offered_and_no_ids() -> None:
    story = Story()

    reply = story.say("EiRegisterParty", OadrQueryRegistration(request_id="q1"))

    created = only(OadrCreatedPartyRegistration, reply)
    assert created.ei_response == EiResponse(request_id="q1")
    assert (created.registration_id, created.ven_id) == (None, None)
    assert created.vtn_id == "utility"
    assert created.oadr_requested_oadr_poll_freq == POLL
    assert [profile.oadr_profile_name for profile in created.oadr_profiles] == ["2.0b"]
    assert list(story.vtn.page(T0).vens()) == []


@pytest.mark.spec("OpenADR 2.0b section 8.4.1")
def test_a_query_while_registered_returns_the_ids() -> None:
    story = Story()
    ven = Ven(story).register()

    created = only(
        OadrCreatedPartyRegistration,
        story.say("EiRegisterParty", OadrQueryRegistration(request_id="q1")),
    )

    assert (created.registration_id, created.ven_id) == (ven.registration_id, ven.ven_id)


def test_a_registration_gives_ids_and_tells_so() -> None:
    story = Story()

    created = registering(story, oadr_ven_name="phoenix")

    assert created.ei_response.response_code == "200"
    assert created.ven_id
    assert created.registration_id
    assert created.ven_id != created.registration_id
    assert story.told(Registered) == [
        Registered(ven_id=created.ven_id, ven_name="phoenix", fingerprint=ONE, renewed=False)
    ]


@pytest.mark.spec("OpenADR 2.0b section 8.3, rule 309")
def test_after_registration_the_vtn_registers_its_own_empty_metadata() -> None:
    story = Story()
    ven = Ven(story).register(settle=False)

    waiting = only(OadrRegisterReport, ven.poll())
    assert waiting.oadr_reports == ()
    ven.say(
        "EiReport",
        OadrRegisteredReport(
            ei_response=EiResponse(request_id=waiting.request_id), ven_id=ven.ven_id
        ),
    )

    assert ven.finds_nothing()
    story.later(2 * POLL)
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 8.4.1")
def test_a_pre_allocated_ven_id_is_kept() -> None:
    expected = (ExpectedVen(ven_id="dc-1", fingerprints=(ONE,)),)
    story = Story(VtnOptions(vtn_id="utility", expected=expected))

    assert registering(story).ven_id == "dc-1"
    assert registering(story, ven_id="dc-1").ven_id == "dc-1"
    assert registering(story, ven_id="dc-2").ei_response.response_code == "452"


@pytest.mark.spec("OpenADR 2.0b rule 517")
def test_a_certificate_that_is_not_expected_gets_463() -> None:
    expected = (ExpectedVen(ven_id="dc-1", fingerprints=(ONE,)),)
    story = Story(VtnOptions(vtn_id="utility", expected=expected))

    refused = registering(story, TWO)

    assert refused.ei_response.response_code == "463"
    assert (refused.ven_id, refused.registration_id) == (None, None)


@pytest.mark.spec("OpenADR 2.0b rule 517")
def test_a_ven_id_of_another_certificate_cannot_be_taken() -> None:
    story = Story()
    first = Ven(story).register()

    assert registering(story, TWO, ven_id=first.ven_id).ei_response.response_code == "463"
    assert first.finds_nothing()


def test_the_second_certificate_of_a_roll_over_stands_for_the_first() -> None:
    expected = (ExpectedVen(ven_id="dc-1", fingerprints=(ONE, TWO)),)
    story = Story(VtnOptions(vtn_id="utility", expected=expected))
    ven = Ven(story).register()

    reply = only(OadrResponse, story.say("OadrPoll", OadrPoll(ven_id="dc-1"), TWO))

    assert ven.ven_id == "dc-1"
    assert reply.ei_response.response_code == "200"


@pytest.mark.spec("OpenADR 2.0b section 8.4.1")
def test_a_renewed_registration_keeps_its_ids_and_its_queue() -> None:
    story = Story()
    ven = Ven(story).register()
    story.publish(event())

    again = registering(story, registration_id=ven.registration_id, ven_id=ven.ven_id)

    assert (again.registration_id, again.ven_id) == (ven.registration_id, ven.ven_id)
    assert len(ven.polled_events().oadr_events) == 1
    assert story.told(Registered)[-1].renewed


@pytest.mark.spec("OpenADR 2.0b section 8.4.1")
def test_a_renewal_under_wrong_ids_is_refused_and_changes_nothing() -> None:
    story = Story()
    ven = Ven(story).register()

    for ids in (
        {"registration_id": "wrong", "ven_id": ven.ven_id},
        {"registration_id": ven.registration_id, "ven_id": "wrong"},
    ):
        assert registering(story, **ids).ei_response.response_code == "452"
    assert registering(story, TWO, registration_id="gone").ei_response.response_code == "452"
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b rule 406")
def test_a_fresh_registration_while_registered_erases_what_was() -> None:
    story = Story()
    ven = Ven(story).register()
    ven.offer(usage_metadata())
    story.want(wish())
    old_registration = ven.registration_id

    ven.register(settle=False)

    assert ven.registration_id != old_registration
    only(OadrRegisterReport, ven.poll())
    assert ven.finds_nothing(), "the request of before must be gone with its metadata"
    assert only(OadrUpdatedReport, ven.report("any", "1")).ei_response.response_code == "452"


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        ({"oadr_profile_name": "2.0a"}, "459"),
        ({"oadr_transport_name": "xmpp"}, "459"),
        ({"oadr_http_pull_model": False, "oadr_transport_address": "http://ven"}, "469"),
    ],
)
def test_what_is_not_offered_is_refused_with_what_is(offer: dict[str, Any], code: str) -> None:
    story = Story()

    refused = registering(story, **offer)

    assert refused.ei_response.response_code == code
    assert refused.oadr_profiles[0].oadr_transports == ("simpleHttp",)
    assert not story.told(Registered)


@pytest.mark.spec("OpenADR 2.0b rule 407")
def test_a_ven_cancels_with_wrong_ids_then_with_the_right_ones() -> None:
    story = Story()
    ven = Ven(story).register()

    def cancelling(registration_id: str, ven_id: str) -> OadrCanceledPartyRegistration:
        message = OadrCancelPartyRegistration(
            request_id="c", registration_id=registration_id, ven_id=ven_id
        )
        return only(OadrCanceledPartyRegistration, ven.say("EiRegisterParty", message))

    assert cancelling("wrong", ven.ven_id).ei_response.response_code == "452"
    assert cancelling(ven.registration_id, "wrong").ei_response.response_code == "452"
    assert ven.finds_nothing()
    done = cancelling(ven.registration_id, ven.ven_id)

    assert done == OadrCanceledPartyRegistration(
        ei_response=EiResponse(request_id="c"),
        registration_id=ven.registration_id,
        ven_id=ven.ven_id,
    )
    assert only(OadrResponse, ven.poll()).ei_response.response_code == "463"
    assert story.told(Unregistered) == [Unregistered(ven_id=ven.ven_id, by="ven")]


def test_the_vtn_cancels_through_the_poll_queue() -> None:
    story = Story()
    ven = Ven(story).register()
    story.do(story.vtn.cancel_registration(ven.ven_id, story.now))

    request = only(OadrCancelPartyRegistration, ven.poll())
    assert (request.registration_id, request.ven_id) == (ven.registration_id, ven.ven_id)
    assert ven.finds_nothing(), "it stays registered until it answers"
    ven.say(
        "EiRegisterParty",
        OadrCanceledPartyRegistration(
            ei_response=EiResponse(request_id=request.request_id),
            registration_id=ven.registration_id,
            ven_id=ven.ven_id,
        ),
    )

    assert story.told(Unregistered) == [Unregistered(ven_id=ven.ven_id, by="vtn")]
    assert only(OadrResponse, ven.poll()).ei_response.response_code == "463"


def test_the_vtn_asks_for_a_new_registration_and_gets_an_empty_exchange() -> None:
    story = Story()
    ven = Ven(story).register()
    story.do(story.vtn.request_reregistration(ven.ven_id, story.now))

    assert ven.poll() == OadrRequestReregistration(ven_id=ven.ven_id)
    reply = ven.say(
        "EiRegisterParty",
        OadrResponse(ei_response=EiResponse(request_id=""), ven_id=ven.ven_id),
    )

    assert reply is None
    story.later(2 * POLL)
    assert ven.finds_nothing()


def test_only_a_registered_ven_can_be_told_anything() -> None:
    with pytest.raises(MisuseError, match="UNKNOWN_VEN"):
        Story().vtn.cancel_registration("nobody", T0)


OPT = OadrCreateOpt(
    opt_id="o",
    opt_type=OptType.OPT_IN,
    opt_reason="economic",
    ven_id="x",
    vavailability=(),
    created_date_time=T0,
    request_id="q",
    ei_target=EiTarget(),
)
SENT_BY_A_STRANGER: list[tuple[str, Message, type[Message]]] = [
    ("OadrPoll", OadrPoll(ven_id="x"), OadrResponse),
    ("EiEvent", OadrRequestEvent(request_id="q", ven_id="x"), OadrDistributeEvent),
    (
        "EiEvent",
        OadrCreatedEvent(ei_response=EiResponse(request_id="q"), ven_id="x"),
        OadrResponse,
    ),
    ("EiReport", OadrRegisterReport(request_id="q", ven_id="x"), OadrRegisteredReport),
    ("EiReport", OadrUpdateReport(request_id="q", ven_id="x"), OadrUpdatedReport),
    (
        "EiReport",
        OadrCreateReport(request_id="q", ven_id="x", oadr_report_requests=()),
        OadrCreatedReport,
    ),
    (
        "EiReport",
        OadrCancelReport(
            request_id="q", ven_id="x", report_request_ids=("a",), report_to_follow=False
        ),
        OadrCanceledReport,
    ),
    (
        "EiReport",
        OadrCreatedReport(ei_response=EiResponse(request_id="q"), ven_id="x"),
        OadrResponse,
    ),
    ("EiOpt", OPT, OadrCreatedOpt),
    ("EiOpt", OadrCancelOpt(request_id="q", opt_id="o", ven_id="x"), OadrCanceledOpt),
    (
        "EiRegisterParty",
        OadrCancelPartyRegistration(request_id="q", registration_id="a", ven_id="x"),
        OadrCanceledPartyRegistration,
    ),
]


@pytest.mark.spec("OpenADR 2.0b rule 517")
@pytest.mark.parametrize(("service", "message", "answer"), SENT_BY_A_STRANGER)
def test_a_stranger_gets_463_in_the_type_that_fits(
    service: str, message: Message, answer: type[Message]
) -> None:
    story = Story()

    reply = story.say(service, message)

    assert isinstance(reply, answer)
    response = reply.ei_response  # type: ignore[union-attr]  # every answer type of the table has one
    assert response is not None
    assert response.response_code == "463"
    assert response.request_id == ("" if service == "OadrPoll" else "q")
    assert [fact.code for fact in story.told(Refused)] == ["463"]


@pytest.mark.spec("OpenADR 2.0b rules 500 and 512")
def test_a_wrong_ven_id_gets_452_and_that_of_another_463() -> None:
    story = Story()
    ven = Ven(story).register()
    other = Ven(story, TWO).register()

    def code(ven_id: str) -> str:
        reply = story.say("OadrPoll", OadrPoll(ven_id=ven_id), ONE)
        return only(OadrResponse, reply).ei_response.response_code

    assert code(ven.ven_id) == "200"
    assert code(ven.ven_id.upper() + "x") == "452"
    assert code(other.ven_id) == "463"


def test_over_plain_http_the_ven_id_is_the_identity() -> None:
    story = Story()
    tls = Ven(story).register()
    plain = Ven(story, "").register()
    second = Ven(story, "").register()

    assert plain.ven_id != second.ven_id
    assert plain.finds_nothing()
    stolen = only(OadrResponse, story.say("OadrPoll", OadrPoll(ven_id=tls.ven_id), ""))
    assert stolen.ei_response.response_code == "463"


@pytest.mark.spec("OpenADR 2.0b section 8.7")
def test_a_message_on_the_wrong_service_gets_459() -> None:
    story = Story()
    ven = Ven(story).register()

    for service in ("EiEvent", "EiReport", "EiOpt", "EiRegisterParty"):
        reply = only(OadrResponse, ven.say(service, OadrPoll(ven_id=ven.ven_id)))
        assert reply.ei_response.response_code == "459"
    request = OadrRequestEvent(request_id="q", ven_id=ven.ven_id)
    misplaced = only(OadrDistributeEvent, ven.say("OadrPoll", request))
    assert misplaced.ei_response is not None
    assert misplaced.ei_response.response_code == "459"
    assert registering_at(story, "EiEvent") == "459"


def registering_at(story: Story, service: str) -> str:
    reply = story.say(service, create(), TWO)
    return only(OadrCreatedPartyRegistration, reply).ei_response.response_code


def test_a_door_that_is_not_taken_leaves_no_trace() -> None:
    story = Story()

    story.vtn.on_message("EiRegisterParty", create(), ONE, T0)

    assert list(story.vtn.page(T0).vens()) == []


def test_a_ven_that_misses_three_polls_is_offline() -> None:
    story = Story()
    ven = Ven(story).register()

    assert story.vtn.is_online(ven.ven_id, T0 + 3 * POLL)
    assert not story.vtn.is_online(ven.ven_id, T0 + 4 * POLL)
    assert not story.vtn.is_online("nobody", T0)
