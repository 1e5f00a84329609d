"""Checks of events: each accepts a history that is right and rejects one that is wrong, citing what it was told to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks import events as answers
from conformance.kit.checks import execution, refusals
from conformance.kit.checks.messages import never_sends, sends, sends_at_most
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import CONTEXT, Event, simple
from conformance.kit.oadr20b.ven_build import EventResponse, created_event
from conformance.kit.transcript import Connection, Side
from tests.transcripts2b import NOW, Story

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
CITED = "REQ-OADR20B-R1-1"
E1 = simple("e1", NOW + HOUR, HOUR)
Said = tuple[str, int, str, str]
"""eventID, modificationNumber, optType, responseCode."""
JOINED: Said = ("e1", 0, "optIn", "200")


def distributed(story: Story, *events: Event, request_id: str = "d1", wrong: str = "") -> None:
    """Add a poll of the device and the list that answers it."""
    rows = [build.ei_event(e, story.now, CONTEXT) for e in events]
    listing = build.distribute_event(rows, vtn_id="vtn", request_id=request_id, replying_to="")
    story.reply(story.ask(party.poll("ven-1"), side=Side.DEVICE), listing, wrong=wrong)


def said(story: Story, *rows: Said, request_id: str = "d1", code: str = "200") -> None:
    """Add an oadrCreatedEvent of the device and its answer."""
    responses = [
        EventResponse(event_id=name, version=version, request_id=request_id, opt=opt, code=one)
        for name, version, opt, one in rows
    ]
    asked = story.ask(created_event("ven-1", responses, code=code), side=Side.DEVICE)
    story.reply(asked, build.oadr_response(""))


def a_story(*rows: Said, events: Sequence[Event] = (E1,), request_id: str = "d1") -> Story:
    """Return a history: a list, what the device says of it, five minutes, and one more poll."""
    story = Story(role="VEN")
    distributed(story, *events)
    if rows:
        said(story, *rows, request_id=request_id)
    story.skip(5 * MINUTE)
    story.reply(story.ask(party.poll("ven-1"), side=Side.DEVICE), build.oadr_response(""))
    story.mark("end")
    return story


def cites(check: Check, story: Story) -> set[str]:
    return {finding.requirement for finding in check.judge(story.transcript)}


NEVER = replace(E1, required=False)
NEWER = E1.modified()
ACCEPTED = [
    (answers.answers_event("e1"), a_story(JOINED)),
    (answers.answers_event("e1", opt="", codes=("4",)), a_story(("e1", 0, "optOut", "462"))),
    (answers.answers_event("e1", version=1), a_story(("e1", 1, "optIn", "200"), events=(NEWER,))),
    (answers.answers_each(["e1"], CITED), a_story(JOINED)),
    (answers.answers_every_delivery("e1"), a_story(JOINED)),
    (answers.never_answers("e1"), a_story(events=(NEVER,))),
    (answers.repeats_request_id(), a_story(JOINED)),
    (refusals.refuses_event("e1", CITED), a_story(("e1", 0, "optOut", "462"))),
    (refusals.takes_signal("e1", CITED), a_story(JOINED)),
    (refusals.ignores_distribution("odd", CITED), a_story(JOINED)),
    (never_sends("oadrCreatedEvent", requirement=CITED), a_story()),
    (sends_at_most("oadrCreatedEvent", 1, requirement=CITED), a_story(JOINED)),
]
REJECTED = [
    (answers.answers_event("e1"), a_story(), answers.ANSWERED),
    (answers.answers_event("e1", missing=CITED), a_story(), CITED),
    (answers.answers_event("e1"), a_story(("e1", 0, "optOut", "200")), answers.RIGHT_ANSWER),
    (answers.answers_event("e1"), a_story(("e1", 0, "optIn", "450")), answers.RIGHT_ANSWER),
    (answers.answers_event("e1", version=1), a_story(JOINED, events=(NEWER,)), answers.ANSWERED),
    (answers.taken("e1", CITED)[0], a_story(("e1", 0, "optOut", "460")), CITED),
    (answers.answers_each(["e1", "e2"], CITED), a_story(JOINED), CITED),
    (answers.answers_every_delivery("e1"), a_story(JOINED, JOINED), answers.ANSWERED),
    (answers.answers_every_delivery("e1", requirement=CITED), a_story(), CITED),
    (answers.never_answers("e1"), a_story(JOINED, events=(NEVER,)), answers.NEVER),
    (answers.repeats_request_id(), a_story(JOINED, request_id="d9"), answers.REPEATED_ID),
    (refusals.refuses_event("e1", CITED), a_story(JOINED), CITED),
    (refusals.refuses_event("e1", CITED), a_story(("e1", 0, "optIn", "462")), CITED),
    (
        refusals.refuses_event("e1", CITED, codes=("460",)),
        a_story(("e1", 0, "optOut", "462")),
        CITED,
    ),
    (refusals.refuses_event("e1", CITED), a_story(), answers.ANSWERED),
    (refusals.takes_signal("e1", CITED), a_story(("e1", 0, "optOut", "460")), CITED),
    (
        refusals.takes_signal("e1", CITED),
        a_story(("e1", 0, "optOut", "462")),
        answers.RIGHT_ANSWER,
    ),
    (never_sends("oadrCreatedEvent", requirement=CITED), a_story(JOINED), CITED),
    (sends_at_most("oadrPoll", 1, requirement=CITED), a_story(JOINED), CITED),
]


@pytest.mark.parametrize(("check", "story"), ACCEPTED, ids=[c.name for c, _ in ACCEPTED])
def test_what_is_right_is_accepted(check: Check, story: Story) -> None:
    assert cites(check, story) == set()


@pytest.mark.parametrize(
    ("check", "story", "requirement"), REJECTED, ids=[c.name for c, _, _ in REJECTED]
)
def test_what_is_wrong_is_rejected_for_its_reason(
    check: Check, story: Story, requirement: str
) -> None:
    assert cites(check, story) == {requirement}


@pytest.mark.parametrize(("minutes", "healthy"), [(1, False), (5, True)])
def test_a_device_is_not_blamed_before_its_time_is_over(minutes: int, healthy: bool) -> None:
    story = Story(role="VEN")
    distributed(story, E1)
    polled(story)
    story.skip(minutes * MINUTE)
    story.mark("end")

    found = list(answers.answers_event("e1").judge(story.transcript))

    assert [(f.late, f.healthy) for f in found] == [(True, healthy)]


def polled(story: Story) -> None:
    """Add a poll of the device and an empty answer."""
    story.reply(story.ask(party.poll("ven-1"), side=Side.DEVICE), build.oadr_response(""))


def test_a_line_that_dies_right_after_a_delivery_is_not_the_devices_silence() -> None:
    story = Story(role="VEN")
    polled(story)
    distributed(story, E1)
    story.skip(5 * MINUTE)
    story.mark("end")

    found = list(answers.answers_event("e1").judge(story.transcript))

    assert [(f.late, f.healthy) for f in found] == [(True, False)]


@pytest.mark.parametrize(
    ("trouble", "healthy"),
    [("", True), ("suite.unreachable", False), ("suite.unanswered", False), ("handshake", False)],
)
def test_a_pushed_event_counts_by_its_own_answer_unless_the_line_failed_later(
    trouble: str, healthy: bool
) -> None:
    story = Story(mode="push", role="VEN")
    rows = [build.ei_event(E1, story.now, CONTEXT)]
    listing = build.distribute_event(rows, vtn_id="vtn", request_id="d1", replying_to="")
    story.reply(story.ask(listing), None)
    if trouble.startswith("suite."):
        story.mark(trouble)
    elif trouble:
        tls = {"error": "ConnectionResetError: "}
        story.transcript.add(Connection(number=2, at=story.now, opened_by=Side.DEVICE, tls=tls))
    story.skip(5 * MINUTE)
    story.mark("end")

    found = list(answers.answers_event("e1").judge(story.transcript))

    assert [(f.late, f.healthy) for f in found] == [(True, healthy)]


@pytest.mark.parametrize(
    ("code", "row", "right"),
    [("452", None, True), ("200", JOINED, False), ("452", JOINED, False)],
)
def test_a_wrong_list_must_be_refused_whole(code: str, row: Said | None, right: bool) -> None:
    story = Story(role="VEN")
    distributed(story, E1, wrong="odd")
    said(story, *((row,) if row else ()), code=code)

    found = cites(refusals.refuses_distribution("odd", CITED, codes=("452",)), story)

    assert found == (set() if right else {CITED})


def test_an_answer_to_a_list_that_reports_an_error_is_found() -> None:
    story = Story(role="VEN")
    distributed(story, E1, wrong="odd")
    said(story, JOINED)

    assert cites(refusals.ignores_distribution("odd", CITED), story) == {CITED}


@pytest.mark.parametrize(
    ("row", "right"),
    [(("e1", 0, "optOut", "200"), True), (JOINED, False), (None, False)],
)
def test_a_change_of_mind_must_be_told_after_the_mark(row: Said | None, right: bool) -> None:
    story = a_story(JOINED)
    story.mark("asked")
    if row:
        said(story, row)
    story.mark("end")

    found = cites(answers.says_later("e1", "optOut", CITED, after_mark="asked"), story)

    assert found == (set() if right else {CITED})


def test_what_is_said_of_a_missing_event_after_the_mark_is_found() -> None:
    story = a_story(JOINED)
    story.mark("gone")
    check = answers.silent_about("e1", CITED, after_mark="gone")

    assert cites(check, story) == set()
    said(story, JOINED)
    assert cites(check, story) == {CITED}


@pytest.mark.parametrize(
    ("event", "version", "opt", "right"),
    [("e1", 1, "optOut", True), ("e2", 1, "optOut", False), ("e1", 0, "optOut", False)],
)
def test_an_opt_must_name_its_event(event: str, version: int, opt: str, right: bool) -> None:
    story = a_story()
    made = ven_build.create_opt(
        "o", opt, ven_id="v", request_id="q", now=story.now, event=(event, version)
    )
    story.reply(story.ask(made, side=Side.DEVICE), None)

    found = cites(answers.qualifies_event("e1", 1, "optOut", requirement=CITED), story)

    assert found == (set() if right else {CITED})


def test_a_message_after_a_mark_is_found_and_one_that_is_missing_too() -> None:
    story = a_story()
    story.mark("here")
    nothing = refusals.sends_nothing("oadrCreatedEvent", CITED, after_mark="here")
    one = sends("oadrCreatedEvent", requirement=CITED, within=MINUTE, after_mark="here")

    assert cites(nothing, story) == set()
    assert cites(one, story) == {CITED}
    said(story, JOINED)
    assert cites(nothing, story) == {CITED}
    assert cites(one, story) == set()


# --- what the device does


def looked(story: Story, acts: str = "", event_id: str = "e1") -> None:
    """Add a look at the device's state; ``acts``: value in force, empty: it does not act."""
    values = {f"event.{event_id}": acts} if acts else {}
    story.mark("driver.done", method="state", **values)


def expected(story: Story, acts: str, value: str = "") -> None:
    story.mark(execution.EXPECTED, event="e1", acts=acts, cites=CITED, value=value)


@pytest.mark.parametrize(
    ("wish", "value", "seen", "right"),
    [
        ("yes", "", "1", True),
        ("yes", "1.0", "1", True),
        ("no", "", "", True),
        ("yes", "", "", False),
        ("no", "", "1", False),
        ("yes", "2", "1", False),
    ],
)
def test_a_look_is_compared_with_what_was_expected(
    wish: str, value: str, seen: str, right: bool
) -> None:
    story = a_story(JOINED)
    expected(story, wish, value)
    looked(story, seen)

    found = cites(execution.acts_as_expected("e1"), story)

    assert found == (set() if right else {CITED})


def run(*offsets_and_lengths: tuple[int, int], startafter: int = 120) -> Story:
    """Return a history of events of 300 s, each seen to begin and end after so many seconds."""
    story = Story(role="VEN")
    gap = timedelta(seconds=1000)
    events = [
        simple(
            f"e{n + 1}",
            NOW + (n + 1) * gap,
            timedelta(seconds=300),
            start_after=timedelta(seconds=startafter),
        )
        for n in range(len(offsets_and_lengths))
    ]
    distributed(story, *events)
    for event, (offset, lasts) in zip(events, offsets_and_lengths, strict=True):
        begin = event.start + timedelta(seconds=offset)
        end = begin + timedelta(seconds=lasts)
        for at, value in ((begin, ""), (begin, "1"), (end, "1"), (end, "")):
            story.skip(max(at - story.now, timedelta(0)))
            looked(story, value, event.id)
    return story


@pytest.mark.parametrize(
    ("offsets", "right"),
    [((20, 100), True), ((20, 20), False), ((20, 200), False), ((-10, 100), False)],
)
def test_random_starts_lie_within_startafter_and_differ(
    offsets: tuple[int, int], right: bool
) -> None:
    story = run(*((offset, 300) for offset in offsets))

    found = cites(execution.starts_at_random("e1", "e2", cites=CITED), story)

    assert found == (set() if right else {CITED})


@pytest.mark.parametrize(("lasts", "right"), [(300, True), (250, False), (350, False)])
def test_a_randomised_event_keeps_its_length(lasts: int, right: bool) -> None:
    story = run((50, lasts))

    assert cites(execution.keeps_length("e1", cites=CITED), story) == (set() if right else {CITED})


def test_a_run_that_does_not_end_has_not_kept_its_length() -> None:
    story = Story(role="VEN")
    distributed(story, simple("e1", NOW + MINUTE, MINUTE, start_after=MINUTE))
    looked(story)
    story.skip(2 * MINUTE)
    looked(story, "1")

    assert cites(execution.keeps_length("e1", cites=CITED), story) == {CITED}


@pytest.mark.parametrize(("later", "right"), [("", True), ("1", False)])
def test_an_event_that_had_not_begun_at_the_mark_never_begins(later: str, right: bool) -> None:
    story = a_story(JOINED)
    looked(story)
    story.mark("cancelled")
    looked(story, later)
    check = execution.begins_never_after("e1", cites=CITED, after_mark="cancelled")

    assert cites(check, story) == (set() if right else {CITED})


@pytest.mark.parametrize(("after", "right"), [(1, True), (3, False)])
def test_a_cancelled_event_ends_in_time(after: int, right: bool) -> None:
    story = a_story(JOINED)
    story.mark("cancelled")
    story.skip(after * MINUTE)
    looked(story, "1")
    check = execution.ends_within("e1", 2 * MINUTE, cites=CITED, after_mark="cancelled")

    assert cites(check, story) == (set() if right else {CITED})


@pytest.mark.parametrize(("still", "right"), [("1", True), ("", False)])
def test_randomised_events_do_not_all_end_at_once(still: str, right: bool) -> None:
    story = a_story(JOINED)
    story.mark("cancelled")
    looked(story, still)
    check = execution.ends_at_random("e1", "e2", cites=CITED, after_mark="cancelled")

    assert cites(check, story) == (set() if right else {CITED})


def test_values_are_compared_as_numbers() -> None:
    story = a_story(JOINED)
    expected(story, "yes", str(Decimal("80.00")))
    looked(story, "80")

    assert cites(execution.acts_as_expected("e1"), story) == set()
