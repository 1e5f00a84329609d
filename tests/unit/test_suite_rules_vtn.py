"""General rules about a VTN's messages: each accepts what is right and finds what is wrong."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks.rules2b import vtn_events, vtn_identity, vtn_listings
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import (
    CONTEXT,
    Baseline,
    Event,
    Signal,
    Step,
    Target,
    dispatch,
    price,
    simple,
)
from conformance.kit.transcript import Side
from tests.transcripts2b import NOW, Story

HOUR = timedelta(hours=1)
CHECKS = {c.name: c for c in (*vtn_identity.RULES, *vtn_events.RULES, *vtn_listings.RULES)}
PLAIN = simple("e1", NOW + HOUR, HOUR, 1, 2)
BASE = Baseline(
    start=NOW + HOUR, lasts=HOUR, steps=(Step(lasts=HOUR, value=Decimal(5)),), id="b", name="n"
)


def check(number: str) -> Check:
    return CHECKS[f"RULE-2B-{number}"]


def registered(story: Story, ven_id: str = "ven-1") -> None:
    asked = story.ask(party.create_registration("q", name="v", pull=True))
    given = party.created_registration(
        "q", "vtn", registration_id="r", ven_id=ven_id, poll=timedelta(seconds=10)
    )
    story.reply(asked, given)


def listed(story: Story, *events: Event, limit: int | None = None) -> None:
    """Add a VTN's answer to oadrRequestEvent."""
    asked = story.ask(party.request_event("q", "ven-1", limit))
    rows = [build.ei_event(e, story.now, CONTEXT) for e in events]
    said = build.distribute_event(rows, vtn_id="vtn", request_id="d", replying_to="q")
    story.reply(asked, said)


def shown(*events: Event) -> Story:
    story = Story()
    registered(story)
    listed(story, *events)
    return story


def with_steps(event: Event, *steps: Step) -> Event:
    return replace(event, signals=(replace(event.signals[0], steps=steps),))


RIGHT = [
    PLAIN,
    price("e1", NOW + HOUR, HOUR, "0.1", "0.2"),
    dispatch("e1", NOW + HOUR, HOUR, "100"),
    replace(PLAIN, baseline=BASE, target=Target(ven_ids=("ven-1",))),
    simple("e1", NOW - HOUR / 2, HOUR, 1, 2),
    simple("e1", NOW - HOUR, timedelta(0), 2),
]


@pytest.mark.parametrize("event", RIGHT)
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_right_distribution_breaks_no_rule(name: str, event: Event) -> None:
    story = shown(event)
    listed(story, event)

    assert CHECKS[name](story.transcript) == []


HALF = HOUR / 2
WRONG = {
    "008": replace(PLAIN, created=NOW - timedelta(minutes=6)),
    "009": with_steps(
        PLAIN,
        Step(lasts=HALF, value=Decimal(1), uid="1"),
        Step(lasts=HALF, value=Decimal(1), uid="2"),
    ),
    "010": with_steps(PLAIN, Step(lasts=HOUR, value=Decimal(1), dtstart=NOW + HOUR)),
    "011": with_steps(PLAIN, Step(lasts=HALF, value=Decimal(1))),
    "012": with_steps(PLAIN, Step(lasts=HOUR, value=Decimal(4))),
    "013": replace(PLAIN, signals=(replace(PLAIN.signals[0], current=Decimal(1)),)),
    "014": replace(PLAIN, signals=PLAIN.signals * 2),
    "018": replace(PLAIN, target=Target(ven_ids=("ven-1", "ven-2"))),
    "019": replace(PLAIN, target=Target(ven_ids=("ven-9",))),
    "020": replace(PLAIN, notification=None),
    "021": replace(price("e1", NOW + HOUR, HOUR, "1"), signals=()),
    "022": replace(PLAIN, baseline=replace(BASE, lasts=HALF)),
}
WRONG["021"] = replace(
    PLAIN,
    signals=(
        Signal(
            name="ELECTRICITY_PRICE",
            type="price",
            steps=(Step(lasts=HOUR, value=Decimal(1)),),
        ),
    ),
)


@pytest.mark.parametrize("number", sorted(WRONG))
def test_a_wrong_event_breaks_its_rule(number: str) -> None:
    found = check(number)(shown(WRONG[number]).transcript)

    assert [f.requirement for f in found] == [f"RULE-2B-{number}"]


def test_currentvalue_of_an_active_event_is_that_of_the_running_interval() -> None:
    active = simple("e1", NOW - HOUR / 4, HOUR, 1, 2)
    stuck = replace(active, signals=(replace(active.signals[0], current=Decimal(2)),))

    assert check("013")(shown(active).transcript) == []
    assert [f.expected for f in check("013")(shown(stuck).transcript)] == ["1"]


def test_a_type_that_does_not_belong_to_a_signal_is_found() -> None:
    level = Signal(
        name="ELECTRICITY_PRICE", type="level", steps=(Step(lasts=HOUR, value=Decimal(1)),)
    )

    found = check("021")(shown(replace(PLAIN, signals=(level,))).transcript)

    assert [f.observed for f in found] == ["level"]


def test_two_created_times_in_one_payload_are_found() -> None:
    other = replace(simple("e2", NOW + 2 * HOUR, HOUR), created=NOW - timedelta(minutes=1))

    assert len(check("008")(shown(PLAIN, other).transcript)) == 1


def test_an_event_that_vanishes_is_found_unless_the_reply_was_limited_or_it_is_over() -> None:
    second = simple("e2", NOW + 2 * HOUR, HOUR)
    gone = shown(PLAIN, second)
    listed(gone, PLAIN)
    limited = shown(PLAIN, second)
    listed(limited, PLAIN, limit=1)
    short = simple("e3", NOW, timedelta(seconds=4))
    over = shown(short)
    listed(over)
    cancelled = shown(PLAIN.cancelled())
    listed(cancelled)

    assert [f.expected for f in check("015")(gone.transcript)] == ["e2"]
    assert check("015")(limited.transcript) == []
    assert check("015")(over.transcript) == []
    assert check("015")(cancelled.transcript) == []


def test_events_out_of_order_are_found() -> None:
    active = simple("a", NOW - HOUR / 2, HOUR)
    first = replace(active, id="b", priority=1)
    pending = simple("c", NOW + HOUR, HOUR)

    assert check("016")(shown(first, active, pending).transcript) == []
    for wrong in ((active, first), (pending, active), (simple("d", NOW + 2 * HOUR, HOUR), pending)):
        assert len(check("016")(shown(*wrong).transcript)) == 1


def test_another_vtn_id_or_an_unknown_ven_id_is_found() -> None:
    story = shown(PLAIN)
    asked = story.ask(party.request_event("q", "ven-1"))
    story.reply(asked, build.distribute_event((), vtn_id="VTN", request_id="d", replying_to="q"))
    poll = story.ask(party.poll("ven-1"))
    story.reply(poll, build.oadr_response("", ven_id="VEN-1"))

    assert [f.observed for f in check("005")(story.transcript)] == ["VTN", "VEN-1"]


def test_a_push_without_a_registration_is_found() -> None:
    story = Story("push")
    pushed = build.distribute_event((), vtn_id="vtn", request_id="d", replying_to=None)
    early = story.ask(pushed, side=Side.DEVICE)
    story.reply(early, None)

    assert [f.message for f in check("006")(story.transcript)] == [early.number]

    fine = Story("push")
    registered(fine)
    fine.ask(pushed, side=Side.DEVICE)
    assert check("006")(fine.transcript) == []

    end = fine.ask(party.cancel_registration("q", "r", "ven-1"))
    fine.reply(end, party.canceled_registration("q", "200", "r", "ven-1"))
    fine.ask(pushed, side=Side.DEVICE)  # was on its way
    for _ in range(6):
        fine.mark("time")
    late = fine.ask(pushed, side=Side.DEVICE)
    assert [f.message for f in check("006")(fine.transcript)] == [late.number]


def test_a_refusal_of_what_was_right_is_found() -> None:
    story = Story()
    fine = story.ask(party.poll("ven-1"))
    story.reply(fine, build.oadr_response("", "463"))
    odd = story.ask(party.poll("ven-1"))
    story.reply(odd, None, status=500)
    declared = story.ask(party.poll("nobody"), wrong="an unknown venID")
    story.reply(declared, build.oadr_response("", "452"))

    assert [f.observed for f in check("007")(story.transcript)] == ["463", "500"]
