"""Checks of a VEN that serves two VTNs: what is right is accepted, what is mixed up is found."""

from dataclasses import replace
from datetime import timedelta

import pytest

from conformance.kit.checks.several import answers_only, keeps_apart, ven_ids
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.ven_build import EventResponse, created_event
from conformance.kit.transcript import Side, Transcript
from conformance.kit.xml import Element
from tests.transcripts2b import Story

CITED = "REQ-OADR20B-T0295-1"


def at(story: Story, host: str, element: Element, answer: Element) -> None:
    """Have the device say something to a VTN, and that one answer."""
    asked = story.ask(element, side=Side.DEVICE)
    placed = replace(asked, headers=(("Host", host),))
    story.transcript.messages[-1] = placed
    story.reply(placed, answer)


def served(*said: tuple[str, Element]) -> Transcript:
    """Register with two VTNs, and say more."""
    story = Story(role="VEN")
    for host, ven_id in (("a:1", "ven-a"), ("b:2", "ven-b")):
        query = party.query_registration("q")
        given = party.created_registration(
            "q", "v", registration_id="r", ven_id=ven_id, poll=timedelta(seconds=10)
        )
        at(story, host, query, given)
    story.mark("asked", ven_id="ven-a")
    for host, element in said:
        at(story, host, element, build.oadr_response(""))
    return story.transcript


def answer(ven_id: str) -> Element:
    row = EventResponse(event_id="e1", version=0, request_id="q", opt="optIn", code="200")
    return created_event(ven_id, [row])


def test_a_venid_is_known_by_the_host_of_its_vtn() -> None:
    assert ven_ids(served()) == {"a:1": "ven-a", "b:2": "ven-b"}


@pytest.mark.parametrize(
    ("host", "ven_id", "right"),
    [("a:1", "ven-a", True), ("b:2", "ven-b", True), ("b:2", "ven-a", False)],
)
def test_each_vtn_hears_its_own_venid(host: str, ven_id: str, *, right: bool) -> None:
    found = keeps_apart(requirement=CITED)(served((host, party.poll(ven_id))))

    assert (found == []) is right


@pytest.mark.parametrize(("host", "right"), [("a:1", True), ("b:2", False)])
def test_an_event_is_answered_to_its_vtn_alone(host: str, *, right: bool) -> None:
    check = answers_only("e1", "asked", requirement=CITED)

    assert (check(served((host, answer("ven-a")))) == []) is right
