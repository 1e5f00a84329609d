"""Notifications in the suite: checks that no wrong client of virtual time can fail, and what the server takes."""

from datetime import UTC, datetime, timedelta

import pytest

from conformance.kit.finding import Check
from conformance.kit.sep2.build import make, written
from conformance.kit.sep2.checks.notifications import answers, answers_at_once, refuses
from conformance.kit.sep2.checks.subscriptions import well_formed
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.transcript import Mark, Part, Side, Transcript
from conformance.kit.xml import Element
from conformance.peers.scriptsep2.notifying import lasting
from conformance.peers.scriptsep2.subscribing import Subscriptions
from conformance.peers.scriptsep2.tree import MridNames, Rates, Tree

START = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
RULE = "REQ-SEP2-8.9-3"
OWN = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
NOTIFICATION = (
    b'<Notification xmlns="urn:ieee:std:2030.5:ns"><subscribedResource>/a</subscribedResource><status>0</status>'
    b"<subscriptionURI>/s</subscriptionURI></Notification>"
)


def _message(number: int, part: Part, after_s: float, start: str, body: bytes) -> Sep2Message:
    return Sep2Message(
        number=number,
        sender=Side.SUITE if part is Part.REQUEST else Side.DEVICE,
        part=part,
        connection=1,
        exchange=1,
        at=START + timedelta(seconds=after_s),
        elapsed_s=after_s,
        start=start,
        headers=(),
        body=body,
    )


def _told(status: str, after_s: float = 0.1, body: bytes = b"") -> Transcript:
    """Return a history of one notification and its answer."""
    found = Transcript(case="X", mode="der")
    found.add(_message(1, Part.REQUEST, 0, "POST /ntfy HTTP/1.1", NOTIFICATION))
    if status:
        found.add(_message(2, Part.RESPONSE, after_s, f"HTTP/1.1 {status}", body))
    return found


def _faults(check: Check, transcript: Transcript) -> list[str]:
    return [found.observed for found in check(transcript)]


@pytest.mark.parametrize(
    ("after_s", "body", "faults"),
    [(0.1, b"", []), (9.9, b"", []), (12, b"", ["12 s"]), (1, b"<x/>", ["4 bytes"])],
)
def test_a_notification_is_answered_soon_and_without_a_body(
    after_s: float, body: bytes, faults: list[str]
) -> None:
    assert _faults(answers_at_once(requirement=RULE), _told("201 Created", after_s, body)) == faults


@pytest.mark.parametrize(
    ("status", "faults"),
    [("201 Created", []), ("204 No Content", ["204"]), ("500 x", ["500"]), ("", ["none"])],
)
def test_an_answer_is_the_one_that_is_wanted(status: str, faults: list[str]) -> None:
    assert _faults(answers(201, requirement=RULE), _told(status)) == faults


def test_a_notice_that_never_reached_anybody_is_unanswered_and_yet_refused() -> None:
    history = Transcript(case="X", mode="der")
    values = {"notice": "n", "of": "DERControlList", "request": "0", "status": "0"}
    history.add(Mark(number=1, name="suite.notice", at=START, elapsed_s=0, values=values))

    assert _faults(answers(requirement=RULE, notice="n"), history) == ["none"]
    assert _faults(refuses("n", requirement=RULE), history) == []


def _subscription(**fields: object) -> Element:
    content = {
        "subscribedResource": "/list",
        "encoding": 0,
        "level": "+S1",
        "limit": 10,
        "notificationURI": "https://device.example:8443/ntfy",
        **fields,
    }
    return make("Subscription", content)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, []),
        ({"level": "-S2"}, []),
        ({"level": "S1"}, ["S1"]),
        ({"encoding": 1}, ["1"]),
        ({"notificationURI": "/ntfy"}, ["/ntfy"]),
        ({"notificationURI": "http://device.example/ntfy"}, ["http://device.example/ntfy"]),
    ],
)
def test_a_subscription_is_well_formed_or_not(fields: dict[str, object], faults: list[str]) -> None:
    history = Transcript(case="X", mode="der")
    body = written(_subscription(**fields))
    one = _message(1, Part.REQUEST, 0, "POST /sub HTTP/1.1", body)
    history.add(Sep2Message(**{**one.__dict__, "sender": Side.DEVICE}))

    assert _faults(well_formed(requirement=RULE), history) == faults


def _desk() -> tuple[Subscriptions, Tree]:
    tree = Tree(names=MridNames(1, "X"), rates=Rates(poll=60))
    tree.own, tree.subscribable = OWN, frozenset({"DERControlList"})
    return Subscriptions(tree, secure=True), tree


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 201),
        ({"encoding": 1}, 400),
        ({"notificationURI": "http://device.example/ntfy"}, 400),
        ({"notificationURI": "ntfy"}, 400),
        ({"subscribedResource": "/nowhere"}, 400),
        ({"Condition": {"attributeIdentifier": 0, "lowerThreshold": 1, "upperThreshold": 2}}, 400),
    ],
)
def test_the_server_takes_what_it_can_serve(fields: dict[str, object], status: int) -> None:
    desk, tree = _desk()
    told = {"subscribedResource": tree.href("DERControlList", "p"), **fields}

    assert desk.create(_subscription(**told))[0] == status
    assert len(desk.all()) == (status == 201)


def test_what_may_not_be_subscribed_to_is_refused_and_the_same_once_more_is_one_subscription() -> (
    None
):
    desk, tree = _desk()
    there = {"subscribedResource": tree.href("DERControlList", "p")}

    assert desk.create(_subscription(subscribedResource=tree.href("Time")))[0] == 400
    first, again = desk.create(_subscription(**there)), desk.create(_subscription(**there, limit=3))

    assert (first[0], again[0], first[1]) == (201, 204, again[1])
    assert desk.limit(desk.all()[0]) == 3
    desk.drop(desk.all()[0])
    assert desk.all() == []
    assert desk.create(_subscription(**there))[1] != first[1]


def test_what_the_clock_does_and_how_long_other_lists_are_is_no_change() -> None:
    def program(count: int, status: int, primacy: int = 1) -> bytes:
        text = (
            f'<DERProgramList xmlns="urn:ieee:std:2030.5:ns"><DERProgram><primacy>{primacy}</primacy>'
            f'<DERControlListLink href="/c" all="{count}"/><EventStatus><currentStatus>{status}</currentStatus>'
            "</EventStatus></DERProgram></DERProgramList>"
        )
        found = Sep2Message(**_message(1, Part.REQUEST, 0, "", text.encode()).__dict__).root
        assert found is not None
        return lasting(found)

    assert program(1, 0) == program(2, 1)
    assert program(1, 0) != program(1, 2)
    assert program(1, 0) != program(1, 0, primacy=2)
