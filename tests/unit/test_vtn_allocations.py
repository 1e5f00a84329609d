"""venIDs given out beforehand, VENs removed, and what strangers are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    Message,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrDistributeEvent,
    OadrPoll,
    OadrRequestEvent,
    OadrRequestReregistration,
    OadrResponse,
)
from gateway.protocols.oadr2b.vtn_book import Strangers, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Registered, Unregistered
from gateway.protocols.oadr2b.vtn_records import AllocationRecord
from tests.vtn_story import CONTEXT, HOUR, ONE, T0, TWO, Story, Ven, event, only

THREE = "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"


def allocate(story: Story, ven_id: str = "site-1", *fingerprints: str) -> None:
    story.do(
        story.vtn.allocate(AllocationRecord(ven_id=ven_id, fingerprints=fingerprints), story.now)
    )


def create(story: Story, peer: str, ven_id: str | None = None) -> OadrCreatedPartyRegistration:
    message = OadrCreatePartyRegistration(request_id="r", ven_id=ven_id, oadr_http_pull_model=True)
    return only(OadrCreatedPartyRegistration, story.say("EiRegisterParty", message, peer))


def told(reply: Message | None) -> str:
    return only(OadrResponse, reply).ei_response.response_code


@pytest.mark.spec("OpenADR 2.0b section 8.4.1, N1_0025")
def test_an_allocated_venid_goes_to_its_certificate_and_to_no_other() -> None:
    story = Story()
    allocate(story, "site-1", ONE)

    assert create(story, ONE).ven_id == "site-1"
    assert create(story, TWO, "site-1").ei_response.response_code == "463"
    assert create(story, TWO).ven_id not in {None, "site-1"}


@pytest.mark.spec("OpenADR 2.0b section 8.4.1, N1_0025")
def test_an_allocation_without_certificate_is_for_who_asks_for_it() -> None:
    story = Story(VtnOptions(vtn_id="utility", closed=True))
    allocate(story)

    assert create(story, ONE, "site-1").ven_id == "site-1"
    assert create(story, TWO, "site-1").ei_response.response_code == "463"


@pytest.mark.spec("OpenADR 2.0b rule 517")
def test_a_closed_utility_takes_only_those_it_allocated() -> None:
    story = Story(VtnOptions(vtn_id="utility", closed=True))
    allocate(story, "site-1", ONE)

    assert create(story, TWO).ei_response.response_code == "463"
    assert create(story, ONE).ei_response.response_code == "200"


@pytest.mark.spec("OpenADR 2.0b section 9.2.1.1")
def test_a_certificate_is_rolled_over_and_the_old_one_ends() -> None:
    story = Story()
    allocate(story, "site-1", ONE)
    ven = Ven(story).register()

    allocate(story, "site-1", ONE, TWO)
    both = [told(story.say("OadrPoll", OadrPoll(ven_id=ven.ven_id), peer)) for peer in (ONE, TWO)]
    allocate(story, "site-1", TWO)
    after = [told(story.say("OadrPoll", OadrPoll(ven_id=ven.ven_id), peer)) for peer in (ONE, TWO)]

    assert both == ["200", "200"]
    assert after == ["463", "200"]


def test_a_certificate_has_one_allocation() -> None:
    story = Story()
    allocate(story, "site-1", ONE)

    with pytest.raises(MisuseError, match="FINGERPRINT_TAKEN"):
        allocate(story, "site-2", ONE)
    allocate(story, "site-1", THREE)
    allocate(story, "site-2", ONE)
    assert create(story, ONE).ven_id == "site-2"


def test_a_removed_ven_is_a_stranger_and_its_allocation_is_gone() -> None:
    story = Story(VtnOptions(vtn_id="utility", closed=True))
    allocate(story, "site-1", ONE)
    ven = Ven(story).register()
    story.publish(event(vens=(ven.ven_id,)))

    story.do(story.vtn.remove("site-1", story.now))

    assert told(ven.poll()) == "463"
    assert create(story, ONE).ei_response.response_code == "463"
    assert story.told(Unregistered) == [Unregistered(ven_id="site-1", by="vtn")]
    with pytest.raises(MisuseError, match="UNKNOWN_VEN"):
        story.vtn.remove("site-1", story.now)


@pytest.mark.spec("OpenADR 2.0b rule 517, N1_0080")
@pytest.mark.parametrize(
    ("strangers", "kind"),
    [
        (Strangers.REFUSE, OadrDistributeEvent),
        (Strangers.PLAIN, OadrResponse),
        (Strangers.REREGISTER, OadrRequestReregistration),
    ],
)
def test_a_stranger_is_told_what_the_options_say(strangers: Strangers, kind: type[Message]) -> None:
    story = Story(VtnOptions(vtn_id="utility", strangers=strangers))

    reply = story.say("EiEvent", OadrRequestEvent(request_id="r", ven_id="nobody"))

    assert isinstance(reply, kind)
    assert not story.told(Registered)


@pytest.mark.spec("OpenADR 2.0b rule 18, A_E2_0530")
def test_overlap_within_a_market_context_is_refused_where_the_utility_wants_that() -> None:
    story = Story(VtnOptions(vtn_id="utility", refuse_overlap=True))
    delay = timedelta(minutes=5)
    story.publish(event("e1", randomise=delay))

    with pytest.raises(MisuseError, match="EVENTS_OVERLAP"):
        story.publish(event("e2", start=T0 + HOUR + HOUR))
    story.publish(event("e3", start=T0 + 2 * HOUR + delay))
    story.publish(event("e4", market_context="http://utility.example/other"))
    story.publish(event("e5", vens=("a",), start=T0 + 9 * HOUR))
    story.publish(event("e6", vens=("b",), start=T0 + 9 * HOUR))
    with pytest.raises(MisuseError, match="EVENTS_OVERLAP"):
        story.publish(event("e7", market_context=CONTEXT.upper().replace("/FAST-DR", "/fast-dr")))
    story.cancel("e1")
    story.publish(event("e8"))


@pytest.mark.spec("OpenADR 2.0b section 7.2.2")
def test_a_report_only_ven_finds_no_events() -> None:
    story = Story()
    message = OadrCreatePartyRegistration(
        request_id="r", oadr_http_pull_model=True, oadr_report_only=True
    )
    created = only(OadrCreatedPartyRegistration, story.say("EiRegisterParty", message, ONE))
    ven = replace(Ven(story), ven_id=created.ven_id or "")
    ven.poll()

    story.publish(event())

    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 9.2")
def test_the_old_certificate_counts_until_the_overlap_is_over_and_the_session_goes_on() -> None:
    story = Story()
    allocate(story, "site-1", ONE)
    made = create(story, ONE)
    both = AllocationRecord(
        ven_id="site-1", fingerprints=(TWO, ONE), overlap_until=story.now + HOUR
    )
    story.do(story.vtn.allocate(both, story.now))
    poll = OadrPoll(ven_id="site-1")

    during = [type(story.say("OadrPoll", poll, peer)).__name__ for peer in (ONE, TWO)]
    renewed = OadrCreatePartyRegistration(
        request_id="r",
        ven_id="site-1",
        registration_id=made.registration_id,
        oadr_http_pull_model=True,
    )
    kept = only(OadrCreatedPartyRegistration, story.say("EiRegisterParty", renewed, TWO))
    story.later(HOUR)

    assert "OadrResponse" not in during[0]
    assert kept.registration_id == made.registration_id
    assert told(story.say("OadrPoll", poll, ONE)) == "463"
    assert create(story, ONE, "site-1").ei_response.response_code == "463"
    assert create(story, ONE).ei_response.response_code == "463"
    again = only(OadrCreatedPartyRegistration, story.say("EiRegisterParty", renewed, TWO))
    assert again.registration_id == made.registration_id
