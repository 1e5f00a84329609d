"""Checks of a VEN that registers, polls and meets a bad line: each accepts what is right, finds what is wrong."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from conformance.kit.checks import flow, network, polling, registration, state
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.transcript import Connection, Side
from conformance.kit.xml import Element
from tests.transcripts2b import NOW, Story

PERIOD = timedelta(seconds=10)
CITED = "REQ-OADR20B-8.4-1"
Told = Callable[[Story], None]


def story_of(*parts: Told) -> Story:
    story = Story(role="VEN")
    for part in parts:
        part(story)
    return story


def says(
    element: Element, answer: Element | None = None, *, status: int = 200, wait: int = 0
) -> Told:
    """Have the device send something and the suite answer it."""

    def part(story: Story) -> None:
        story.wait(wait)
        asked = story.ask(element, side=Side.DEVICE)
        story.reply(asked, answer if answer is not None or status != 200 else ok(), status=status)

    return part


def told(element: Element, answer: Element, *, wrong: str = "") -> Told:
    """Have the suite push something and the device answer it."""

    def part(story: Story) -> None:
        story.reply(story.ask(element, wrong=wrong), answer)

    return part


def mark(name: str, **values: str) -> Told:
    return lambda story: story.mark(name, **values)


def ok() -> Element:
    return build.oadr_response("", ven_id="ven-1")


def poll(wait: int = 0, answer: Element | None = None, status: int = 200) -> Told:
    return says(party.poll("ven-1"), answer, status=status, wait=wait)


def events() -> Element:
    return build.distribute_event([], vtn_id="vtn", request_id="d", replying_to="")


def given(code: str = "200") -> Element:
    return party.created_registration(
        "q", "vtn", registration_id="r", ven_id="ven-1", poll=PERIOD, code=code
    )


def creates(registration_id: str = "", ven_id: str = "") -> Element:
    element = party.create_registration("q", name="v", pull=True)
    for place, (name, text) in enumerate((("registrationID", registration_id), ("venID", ven_id))):
        if text:
            element.insert(1 + place, build.make(f"ei:{name}", text))
    return element


registers = says(creates(), given())
offers = says(build.register_report("q1", (), "ven-1"))
asks = says(party.request_event("q2", "ven-1"), events())
cancel = party.cancel_registration("c1", "r", "ven-1")
again = mark("again")
watched = mark("watched")
CHECKS: dict[str, tuple[Check, Story, Story]] = {
    "answers": (
        flow.answers(
            "oadrCancelPartyRegistration", "oadrCanceledPartyRegistration", requirement=CITED
        ),
        story_of(told(cancel, party.canceled_registration("c1", "200", "r", "ven-1"))),
        story_of(told(cancel, party.canceled_registration("c1", "452", "r", "ven-1"))),
    ),
    "sends too often": (
        flow.sends("oadrRequestEvent", 1, requirement=CITED),
        story_of(asks),
        story_of(asks, says(party.request_event("q3", "ven-1"), events())),
    ),
    "sends too rarely": (
        flow.sends("oadrRequestEvent", 2, requirement=CITED, most=9),
        story_of(asks, says(party.request_event("q3", "ven-1"), events())),
        story_of(asks, asks),
    ),
    "never": (
        flow.never(("oadrPoll",), requirement=CITED, after="again", until="watched"),
        story_of(poll(), again, asks, watched, poll()),
        story_of(again, poll(), watched),
    ),
    "field": (
        flow.field("oadrCreatePartyRegistration", "ei:venID", "ven-1", requirement=CITED),
        story_of(says(creates(ven_id="ven-1"), given())),
        story_of(registers),
    ),
    "path": (
        flow.on_right_path(),
        story_of(asks),
        story_of(poll()),
    ),
    "period kept": (
        polling.polls_on_time(PERIOD, after=""),
        story_of(poll(), poll(8), poll(8)),
        story_of(poll(), poll(8), poll(3)),
    ),
    "period missed": (
        polling.polls_on_time(PERIOD, after=""),
        story_of(poll(), poll(8), poll(8)),
        story_of(poll(), poll(18), poll(18)),
    ),
    "drained": (
        polling.drains(),
        story_of(poll(answer=events()), poll()),
        story_of(poll(answer=events()), poll(8)),
    ),
    "before the next poll": (
        polling.answers_before_next_poll(
            "oadrDistributeEvent", "oadrRequestEvent", requirement=CITED
        ),
        story_of(poll(answer=events()), asks, poll()),
        story_of(poll(answer=events()), poll(), asks),
    ),
    "bootstrap in order": (
        registration.bootstraps(),
        story_of(registers, asks, offers, poll()),
        story_of(registers, asks, poll(), offers),
    ),
    "bootstrap whole": (
        registration.bootstraps(),
        story_of(registers, asks, offers),
        story_of(registers, offers),
    ),
    "unregistered": (
        registration.silent_unregistered(),
        story_of(registers, poll()),
        story_of(poll(), registers),
    ),
    "refused": (
        registration.silent_unregistered(),
        story_of(says(creates(), given("463"))),
        story_of(says(creates(), given("463")), poll()),
    ),
    "without ids": (
        registration.registers_without_ids(),
        story_of(registers),
        story_of(says(creates("invented"), given())),
    ),
    "agreed id": (
        registration.registers_without_ids(ven_id="ven-1"),
        story_of(says(creates(ven_id="ven-1"), given())),
        story_of(registers),
    ),
    "keeps ids": (
        registration.keeps_ids(),
        story_of(registers, poll()),
        story_of(registers, says(party.poll("ven-9"))),
    ),
    "goes on": (
        network.goes_on(),
        story_of(poll(), again, poll(), watched),
        story_of(poll(), again, watched),
    ),
    "repeats": (
        network.repeats("oadrRequestEvent"),
        story_of(
            says(party.request_event("q", "ven-1"), status=503),
            says(party.request_event("q", "ven-1")),
            watched,
        ),
        story_of(
            says(party.request_event("q", "ven-1"), status=503),
            says(party.request_event("x", "ven-1")),
            watched,
        ),
    ),
    "never repeats": (
        network.never_repeats("oadrRequestEvent"),
        story_of(
            says(party.request_event("q", "ven-1"), status=406),
            says(party.request_event("x", "ven-1")),
        ),
        story_of(
            says(party.request_event("q", "ven-1"), status=406),
            says(party.request_event("q", "ven-1")),
        ),
    ),
    "backs off": (
        network.backs_off("oadrPoll"),
        story_of(poll(status=503), poll(status=503), poll(1, status=503), poll(3, status=503)),
        story_of(poll(status=503), poll(status=503), poll(status=503), poll(status=503)),
    ),
    "sends once": (
        network.sends_once("oadrRequestEvent", requirement=CITED),
        story_of(asks, says(party.request_event("q3", "ven-1"))),
        story_of(asks, asks),
    ),
    "acts": (
        state.acts_on("e1", "2", after="again", requirement=CITED),
        story_of(again, mark("driver.done", **{"method": "state", "event.e1": "2.0"})),
        story_of(again, mark("driver.done", method="state")),
    ),
    "acts not": (
        state.acts_on("e1", "", after="again", requirement=CITED),
        story_of(again, mark("driver.done", method="state")),
        story_of(again, mark("driver.done", **{"method": "state", "event.e1": "2.0"})),
    ),
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_is_right_is_accepted(name: str) -> None:
    check, right, _ = CHECKS[name]

    assert check(right.transcript) == []


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_is_wrong_is_found(name: str) -> None:
    check, _, wrong = CHECKS[name]

    assert check(wrong.transcript)


def test_the_status_of_a_refusal_is_judged_and_its_absence_is_no_observation() -> None:
    check, seen = network.refuses("odd", 406), network.refusal_seen("odd")
    story = Story(mode="push", role="VEN")
    story.ask(events(), wrong="odd")
    assert (check(story.transcript), seen.count(story.transcript)) == ([], 0)

    story.reply(story.ask(events(), wrong="odd"), None, status=406)
    assert (check(story.transcript), seen.count(story.transcript)) == ([], 1)

    story.reply(story.ask(events(), wrong="odd"), None, status=200)
    assert [f.observed for f in check(story.transcript)] == ["200"]


def test_nothing_may_be_said_where_a_stranger_stood() -> None:
    check, met = network.says_nothing_to_strangers(), network.strangers_met()
    story = story_of(mark("suite.fault", fault="tls_expired", connection="2"), poll())
    assert (check(story.transcript), met.count(story.transcript)) == ([], 1)

    story = story_of(mark("suite.fault", fault="tls_expired", connection="1"), poll())
    assert [f.observed for f in check(story.transcript)] == ["oadrPoll"]


@pytest.mark.parametrize(
    ("tls", "right"),
    [
        ({"version": "TLSv1.2", "cipher": "A", "peer_sha256": "x"}, True),
        ({"version": "TLSv1.2", "cipher": "A"}, False),
        ({"version": "TLSv1.2", "cipher": "B", "peer_sha256": "x"}, False),
        ({"version": "TLSv1.3", "cipher": "A", "peer_sha256": "x"}, False),
        ({"error": "no shared cipher"}, False),
    ],
)
def test_tls_is_of_the_profile_or_a_finding(tls: dict[str, str], *, right: bool) -> None:
    story = Story(role="VEN")
    story.transcript.add(Connection(number=1, at=NOW, opened_by=Side.DEVICE, tls=tls))

    assert (network.uses_tls("A")(story.transcript) == []) is right
