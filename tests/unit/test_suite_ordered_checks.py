"""Checks of what a VTN distributes against what was ordered: each part accepted, and found when it differs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks.ordered import ORDERED, PARTS, carries, event_shows, records
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import (
    CONTEXT,
    DOLLAR_PER_KWH,
    KILOWATT,
    Baseline,
    Event,
    Signal,
    Step,
    Target,
)
from conformance.kit.oadr20b.ven_build import event_json
from tests.transcripts2b import NOW, Story

HOUR = timedelta(hours=1)
CITED = "REQ-OADR20B-R1-61"
STATUS = "ei:eiEvent/ei:eventDescriptor/ei:eventStatus"
STEPS = (Step(lasts=HOUR, value=Decimal("0.5")), Step(lasts=HOUR, value=Decimal(2)))
FULL = Event(
    id="e1",
    start=NOW + HOUR,
    lasts=2 * HOUR,
    signals=(
        Signal(name="LOAD_DISPATCH", type="setpoint", steps=STEPS, unit=KILOWATT),
        Signal(name="ELECTRICITY_PRICE", type="price", id="s1", unit=DOLLAR_PER_KWH, steps=STEPS),
    ),
    context=CONTEXT,
    priority=1,
    target=Target(group_ids=("g",), resource_ids=("r", "s"), party_ids=("p",)),
    notification=HOUR,
    ramp_up=-HOUR / 6,
    recovery=HOUR / 4,
    start_after=timedelta(minutes=2),
    test="true",
    comment="c & d",
    baseline=Baseline(start=NOW, lasts=2 * HOUR, steps=STEPS),
)
WATT = replace(KILOWATT, scale="none")


def story_of(ordered: Event, *listed: Event, states: dict[str, str] | None = None) -> Story:
    story = Story()
    story.mark(ORDERED, event=ordered.id, order=event_json(ordered))
    asked = story.ask(party.request_event("q", "ven-1"))
    rows = [build.ei_event(e, story.now, CONTEXT) for e in listed]
    said = build.distribute_event(rows, vtn_id="vtn", request_id="d", replying_to="q")
    story.reply(asked, said)
    story.mark("driver.done", method="state", **(states or {}))
    return story


def cites(check: Check, story: Story) -> set[str]:
    return {finding.requirement for finding in check.judge(story.transcript)}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_an_event_as_ordered_is_accepted(part: str) -> None:
    assert cites(carries("e1", part, requirement=CITED), story_of(FULL, FULL)) == set()


def first(change: Callable[[Signal], Signal]) -> Event:
    return replace(FULL, signals=(change(FULL.signals[0]), FULL.signals[1]))


WRONG: list[tuple[str, Event]] = [
    ("period", replace(FULL, start=NOW + 2 * HOUR)),
    ("period", replace(FULL, lasts=HOUR)),
    ("startafter", replace(FULL, start_after=None)),
    ("notification", replace(FULL, notification=timedelta(0))),
    ("ramp-up", replace(FULL, ramp_up=HOUR / 6)),
    ("recovery", replace(FULL, recovery=None)),
    ("signals", replace(FULL, signals=FULL.signals[:1])),
    ("signals", first(lambda s: replace(s, type="delta"))),
    ("signals", first(lambda s: replace(s, unit=None))),
    ("signals", first(lambda s: replace(s, unit=WATT))),
    ("signals", first(lambda s: replace(s, steps=s.steps[:1]))),
    (
        "signals",
        first(lambda s: replace(s, steps=(replace(s.steps[0], lasts=HOUR / 2), s.steps[1]))),
    ),
    ("baseline", replace(FULL, baseline=None)),
    ("baseline", replace(FULL, baseline=Baseline(start=NOW, lasts=2 * HOUR, steps=STEPS[::-1]))),
    (
        "target",
        replace(FULL, target=Target(group_ids=("g",), resource_ids=("r",), party_ids=("p",))),
    ),
    ("context", replace(FULL, context="http://gridgate.example/other")),
    ("priority", replace(FULL, priority=None)),
    ("test", replace(FULL, test=None)),
    ("comment", replace(FULL, comment="c")),
    ("required", replace(FULL, required=False)),
]


@pytest.mark.parametrize(("part", "listed"), WRONG)
def test_an_event_that_differs_is_found(part: str, listed: Event) -> None:
    assert cites(carries("e1", part, requirement=CITED), story_of(FULL, listed)) == {CITED}


def test_kilowatts_may_be_written_as_watts() -> None:
    steps = tuple(replace(step, value=step.value * 1000) for step in STEPS)
    listed = first(lambda s: replace(s, unit=WATT, steps=steps))

    assert cites(carries("e1", "signals", requirement=CITED), story_of(FULL, listed)) == set()


def test_an_order_that_is_never_distributed_is_found() -> None:
    other = replace(FULL, id="e2")

    found = list(carries("e1", "period", requirement=CITED).judge(story_of(FULL, other).transcript))

    assert [(f.requirement, f.observed, f.late) for f in found] == [(CITED, "none", True)]


@pytest.mark.parametrize(("value", "right"), [("far", True), ("active", False)])
def test_a_field_after_a_mark_is_compared(value: str, right: bool) -> None:
    check = event_shows(ORDERED, "e1", STATUS, value, requirement=CITED)

    assert cites(check, story_of(FULL, FULL)) == (set() if right else {CITED})


@pytest.mark.parametrize(
    ("opt", "shown", "right"),
    [
        ("optIn", "optIn", True),
        ("optIn", "optOut", False),
        ("optIn", "", False),
        ("", "optIn", False),
    ],
)
def test_what_the_vtn_has_on_record_is_compared(opt: str, shown: str, right: bool) -> None:
    story = story_of(FULL, FULL, states={"opt.e1": shown} if shown else {})

    assert cites(records("e1", opt, requirement=CITED), story) == (set() if right else {CITED})
