"""Checks of what a VTN answers and delivers: each accepts what is right and finds what is wrong."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks import delivery, vtn
from conformance.kit.coding import LARGEST, undone
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.build import make
from conformance.kit.oadr20b.event import CONTEXT, simple
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.transcript import Connection, Message, Side
from conformance.kit.xml import Element
from tests.transcripts2b import NOW, Story

MINUTE = timedelta(minutes=1)
REQ = "REQ-X"
_ASKED = "ei:reportRequestID"
Tell = Callable[[Story], None]


def polled(story: Story, *codes: str) -> None:
    for code in codes:
        asked = story.ask(party.poll("v"))
        story.reply(asked, build.oadr_response("", code))


def refused(story: Story, status: int) -> None:
    story.reply(story.ask(party.poll("v"), wrong="odd"), None, status=status)


def cancelled(story: Story, registration_id: str) -> None:
    asked = story.ask(party.cancel_registration("q", "r1", "v"))
    story.reply(asked, party.canceled_registration("q", "200", registration_id, "v"))


def queried(story: Story, ven_id: str) -> None:
    asked = story.ask(party.query_registration("q"))
    said = party.created_registration(
        "q", "vtn", registration_id="r", ven_id=ven_id, poll=timedelta(seconds=10)
    )
    story.reply(asked, said)


def events(*ids: str, replying_to: str | None = "q") -> Element:
    rows = [build.ei_event(simple(name, NOW + MINUTE, MINUTE), NOW, CONTEXT) for name in ids]
    return build.distribute_event(rows, vtn_id="vtn", request_id="d", replying_to=replying_to)


def distributed(story: Story, *ids: str) -> None:
    story.reply(story.ask(party.request_event("q", "v")), events(*ids))


def pushed(story: Story, element: Element, status: int = 200) -> Message:
    asked = story.ask(element, side=Side.DEVICE)
    story.reply(asked, None, status=status)
    return asked


def delivered(story: Story, request: str, start_min: int, count: int = 1) -> None:
    update = ven_build.update_report(
        "u",
        "v",
        report_request=request,
        specifier="grid",
        name="TELEMETRY_USAGE",
        start=NOW + start_min * MINUTE,
        step=MINUTE,
        values=[("p", Decimal(1))] * count,
        now=NOW,
    )
    pushed(story, update)


def wanted(name: str = "r1") -> Element:
    return build.create_report("c", [ReportRequest(id=name, specifier="s")], "v")


def twice(first: Element, second: Element, *, spaces: int) -> Tell:
    """Tell of a push that met 503 and came again so many seconds later."""

    def tell(story: Story) -> None:
        pushed(story, first, 503)
        for _ in range(spaces - 1):
            story.mark("time")
        pushed(story, second)

    return tell


def ended(*ids: str) -> Tell:
    """Ask for r1 and r2, then end what is named."""

    def tell(story: Story) -> None:
        told(story, wanted("r1"))
        told(story, wanted("r2"))
        story.mark("m")
        told(story, build.cancel_report("q", ids, "ven"))

    return tell


def then(mark: str, act: Tell) -> Tell:
    def tell(story: Story) -> None:
        story.mark(mark)
        act(story)

    return tell


def before_and_after(first: str, second: str) -> Tell:
    def tell(story: Story) -> None:
        queried(story, first)
        story.mark("m")
        queried(story, second)

    return tell


def said(value: str) -> Tell:
    return lambda story: story.mark("m", opt=value)


def connected(**tls: str) -> Tell:
    def tell(story: Story) -> None:
        story.transcript.add(Connection(number=9, at=NOW, opened_by=Side.SUITE, tls=tls))

    return tell


def coded(coding: str) -> Tell:
    headers = (("Content-Encoding", coding),) if coding else ()

    def tell(story: Story) -> None:
        story.reply(story.ask(party.poll("v")), None, headers=headers)

    return then("m", tell)


def all_of(*acts: Tell) -> Tell:
    def tell(story: Story) -> None:
        for act in acts:
            act(story)

    return tell


def requested(story: Story) -> None:
    story.ask(wanted("p1"))


def told(story: Story, element: Element) -> None:
    pushed(story, element)


def distributed_to_poll(story: Story) -> None:
    story.reply(story.ask(party.poll("v")), events())


def retitled(story: Story) -> None:
    said = build.distribute_event((), vtn_id="other", request_id="d", replying_to="q")
    story.reply(story.ask(party.request_event("q", "v")), said)


def misdirected(story: Story) -> None:
    story.ask(events(replying_to=None), side=Side.DEVICE, path="/x/EiReport")


REPLIES = vtn.replies("oadrPoll", "oadrResponse", "452", "2", requirement=REQ)
ROWS: dict[str, tuple[Check, Tell, Tell]] = {
    "replies: the codes in their order": (
        REPLIES,
        lambda s: polled(s, "452", "200"),
        lambda s: polled(s, "452", "463"),
    ),
    "replies: the kind of the answer": (
        REPLIES,
        lambda s: polled(s, "452"),
        distributed_to_poll,
    ),
    "refuses_body": (
        vtn.refuses_body(406, requirement=REQ),
        lambda s: refused(s, 406),
        lambda s: refused(s, 200),
    ),
    "echoes": (
        vtn.echoes(
            "oadrCancelPartyRegistration",
            "oadrCanceledPartyRegistration",
            "ei:registrationID",
            requirement=REQ,
        ),
        lambda s: cancelled(s, "r1"),
        lambda s: cancelled(s, "r2"),
    ),
    "keeps": (
        vtn.keeps("m", "oadrCreatedPartyRegistration", "ei:venID", requirement=REQ),
        before_and_after("v", "v"),
        before_and_after("v", "w"),
    ),
    "sends_after": (
        vtn.sends_after("m", "oadrDistributeEvent", requirement=REQ),
        then("m", distributed),
        then("m", lambda s: polled(s, "200")),
    ),
    "shows": (
        vtn.shows("m", "ei:vtnID", "vtn", requirement=REQ),
        then("m", distributed),
        then("m", retitled),
    ),
    "lists": (
        vtn.lists("m", "e1", "e2", requirement=REQ),
        then("m", lambda s: distributed(s, "e1", "e2")),
        then("m", lambda s: distributed(s, "e2", "e1")),
    ),
    "says": (vtn.says("m", "opt", "optOut", requirement=REQ), said("optOut"), said("optIn")),
    "counts: too many": (
        vtn.counts("oadrDistributeEvent", 1, requirement=REQ, mark="m"),
        then("m", distributed),
        then("m", all_of(distributed, distributed)),
    ),
    "counts: too few": (
        vtn.counts("oadrDistributeEvent", 1, requirement=REQ, mark="m"),
        then("m", distributed),
        then("m", lambda s: polled(s, "200")),
    ),
    "names_request": (
        vtn.names_request("m", _ASKED, 1, requirement=REQ, name="oadrCancelReport"),
        ended("r2"),
        ended("r1"),
    ),
    "names_request: no other": (
        vtn.names_request("m", _ASKED, 1, requirement=REQ, name="oadrCancelReport"),
        ended("r2"),
        ended("r2", "r1"),
    ),
    "never_lists": (
        vtn.never_lists("e2", "e3", requirement=REQ),
        lambda s: distributed(s, "e1", "e4"),
        lambda s: distributed(s, "e1", "e3"),
    ),
    "order_of": (
        vtn.order_of(("oadrDistributeEvent", "oadrCreateReport"), requirement=REQ, mark="m"),
        then("m", all_of(distributed, lambda s: told(s, wanted()))),
        then("m", all_of(lambda s: told(s, wanted()), distributed)),
    ),
    "has_header": (
        vtn.has_header("m", "Content-Encoding", "gzip", requirement=REQ),
        coded("gzip"),
        coded(""),
    ),
    "uses_suite": (
        vtn.uses_suite("AES128-SHA256", requirement=REQ),
        connected(version="TLSv1.2", cipher="AES128-SHA256"),
        connected(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256"),
    ),
    "tries: after the pause": (
        delivery.tries("oadrCreateReport", (timedelta(seconds=2),), requirement=REQ),
        twice(wanted(), wanted(), spaces=2),
        twice(wanted(), wanted(), spaces=4),
    ),
    "tries: the same bytes": (
        delivery.tries("oadrCreateReport", (timedelta(seconds=2),), requirement=REQ),
        twice(wanted(), wanted(), spaces=2),
        twice(wanted(), wanted("r2"), spaces=2),
    ),
    "tries: at all": (
        delivery.tries("oadrCreateReport", (timedelta(seconds=2),), requirement=REQ),
        twice(wanted(), wanted(), spaces=2),
        lambda s: told(s, wanted()),
    ),
    "on_path": (
        delivery.on_path("oadrDistributeEvent", "EiEvent", requirement=REQ),
        lambda s: told(s, events(replying_to=None)),
        misdirected,
    ),
    "delivers: as often": (
        delivery.delivers("p1", 2, requirement=REQ),
        all_of(requested, lambda s: delivered(s, "p1", 0), lambda s: delivered(s, "p1", 1)),
        all_of(requested, lambda s: delivered(s, "p1", 0)),
    ),
    "delivers: no more often": (
        delivery.delivers("p1", 1, requirement=REQ),
        all_of(requested, lambda s: delivered(s, "p1", 0), lambda s: delivered(s, "p2", 0)),
        all_of(requested, lambda s: delivered(s, "p1", 0), lambda s: delivered(s, "p1", 1)),
    ),
    "delivers: so many intervals": (
        delivery.delivers("p1", 1, requirement=REQ, rows=2),
        all_of(requested, lambda s: delivered(s, "p1", 0, 2)),
        all_of(requested, lambda s: delivered(s, "p1", 0, 1)),
    ),
    "contiguous: no gap": (
        delivery.contiguous("p1", MINUTE, requirement=REQ),
        all_of(lambda s: delivered(s, "p1", 0), lambda s: delivered(s, "p1", 1)),
        all_of(lambda s: delivered(s, "p1", 0), lambda s: delivered(s, "p1", 2)),
    ),
    "contiguous: all of the time": (
        delivery.contiguous("p1", 2 * MINUTE, requirement=REQ),
        lambda s: delivered(s, "p1", 0, 2),
        lambda s: delivered(s, "p1", 0, 1),
    ),
}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_check_accepts_what_is_right(name: str) -> None:
    check, right, _ = ROWS[name]
    story = Story()
    right(story)

    assert check(story.transcript) == []


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_check_finds_what_is_wrong(name: str) -> None:
    check, _, wrong = ROWS[name]
    story = Story()
    wrong(story)

    found = check(story.transcript)

    assert [f.requirement for f in found] == [REQ]
    assert not found[0].late or found[0].healthy


def test_what_never_came_is_no_failure_where_the_line_was_dead() -> None:
    story = Story()
    story.mark("m")
    story.ask(party.poll("v"))

    found = vtn.sends_after("m", "oadrDistributeEvent", requirement=REQ)(story.transcript)

    assert [(f.late, f.healthy) for f in found] == [(True, False)]


def test_a_report_that_was_never_asked_for_is_not_missed() -> None:
    story = Story()
    polled(story, "200")

    assert delivery.delivers("p1", 1, requirement=REQ)(story.transcript) == []


def test_codings_are_undone_up_to_a_size() -> None:
    body = build.payload(make("pyld:requestID", "q"))

    assert undone(gzip.compress(body), "gzip") == body
    assert undone(body, "") == body
    assert undone(b"no gzip", "gzip") == b"no gzip"
    bomb = gzip.compress(bytes(LARGEST + 1))
    assert undone(bomb, "GZIP") == bomb
