"""Randomised events, a VEN under test: delays, lengths, modifications and cancellations (rules 30, 65, 66)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.kit.case import Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, answers_event
from conformance.kit.checks.execution import (
    acts_as_expected,
    begins_never_after,
    ends_at_random,
    ends_within,
    keeps_length,
    look,
    starts_at_random,
    watch,
    watched,
)
from conformance.kit.oadr20b.announce import PATIENCE, announce, cancel, change, newest
from conformance.kit.oadr20b.conditions import answered, delivered
from conformance.kit.oadr20b.event import Event, simple
from conformance.kit.observations import event_answered, event_reached, mark_set
from conformance.kit.stage import VenStage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_SPREAD: Final = timedelta(minutes=2)
_STEP: Final = timedelta(seconds=5)
_EVENTS: Final = ("rnd-1", "rnd-2", "rnd-3")
_PAIR: Final = ("rnd-1", "rnd-2")
_RUNS: Final = "REQ-OADR20B-8.1-1"
_NEVER_BEGINS: Final = "REQ-OADR20B-8.1-3"
_RANDOM: Final = "REQ-OADR20B-R30-1"
_LENGTH: Final = "REQ-OADR20B-R30-4"
_ANEW: Final = "REQ-OADR20B-R30-3"
_SPREAD_END: Final = "REQ-OADR20B-R65-1"
_END: Final = "REQ-OADR20B-R65-2"
_LEFT_OUT: Final = "REQ-OADR20B-R65-3"
_COMPLETED: Final = "REQ-OADR20B-R66-1"
_APPLIES: Final = "VEN-EVT-RANDOM and VEN-EVT-STATE"
_CANCELLED: Final = "events.cancelled"


def _in_turn(stage: VenStage, lasts: timedelta, spread: timedelta | None) -> list[Event]:
    """Make events that do not touch each other, wherever they begin."""
    period = lasts + _SPREAD + _MINUTE
    begin = stage.now + _MINUTE
    return [
        simple(name, begin + place * period, lasts, start_after=spread)
        for place, name in enumerate(_EVENTS)
    ]


async def _watched(stage: VenStage, events: Sequence[Event]) -> None:
    await watch(stage, events[-1].end + _SPREAD + _MINUTE, _STEP)


@case(
    id="OADR20B-VEN-RND-260",
    title="Randomised events begin at random and keep their length",
    purpose="Exposes a VEN that ignores startafter, or takes the delay off the event.",
    public=("A_E1_0260", "A_E0_0260"),
    requirements=(_RANDOM, _LENGTH, RIGHT_ANSWER, ANSWERED),
    applies_if=_APPLIES,
    needs=("state",),
    checks=(
        *(answers_event(name) for name in _EVENTS),
        starts_at_random(*_EVENTS, cites=_RANDOM),
        *(keeps_length(name, cites=_LENGTH) for name in _EVENTS),
    ),
    observations=(event_answered(_EVENTS[-1]), watched(60)),
    timing=Timing(lasts=18 * _MINUTE),
    mutants=("ignores-startafter", "takes-the-delay-off-the-end"),
)
async def at_random(stage: VenStage) -> None:
    """Announce three randomised events and watch them."""
    events = _in_turn(stage, 2 * _MINUTE, _SPREAD)
    await announce(stage, *events)
    await _watched(stage, events)


@case(
    id="OADR20B-VEN-RND-262",
    title="A modification that brings startafter makes the start random",
    purpose="Exposes a VEN that draws at the first version alone.",
    public=("A_E1_0262", "A_E0_0262"),
    requirements=(_ANEW, RIGHT_ANSWER, ANSWERED),
    applies_if=_APPLIES,
    needs=("state",),
    checks=(
        answers_event(_EVENTS[-1], version=1),
        starts_at_random(*_EVENTS, cites=_ANEW),
    ),
    observations=(event_answered(_EVENTS[-1], 2), watched(60)),
    timing=Timing(lasts=18 * _MINUTE),
    mutants=("draws-once-for-all-versions",),
)
async def random_after_modification(stage: VenStage) -> None:
    """Announce three events with a fixed start, randomise them, and watch them."""
    events = _in_turn(stage, 2 * _MINUTE, None)
    await announce(stage, *events)
    events = [event.modified(start_after=_SPREAD) for event in events]
    await change(stage, *events)
    await _watched(stage, events)


@case(
    id="OADR20B-VEN-RND-912",
    title="A modification of a running event leaves its delay alone",
    purpose="Exposes a VEN that draws again at every version.",
    public=("CFX2B-EVT-12",),
    requirements=(_LENGTH, RIGHT_ANSWER, ANSWERED),
    applies_if=_APPLIES,
    needs=("state",),
    checks=(
        *(answers_event(name, version=1) for name in _EVENTS),
        *(keeps_length(name, cites=_LENGTH) for name in _EVENTS),
    ),
    observations=(event_answered(_EVENTS[-1], 2), watched(60)),
    timing=Timing(lasts=25 * _MINUTE),
    mutants=("draws-at-every-version",),
)
async def modified_while_running(stage: VenStage) -> None:
    """Announce three randomised events and modify each while it runs."""
    events = _in_turn(stage, 4 * _MINUTE, _SPREAD)
    await announce(stage, *events)
    for event in events:
        await watch(stage, event.start + _SPREAD + 4 * _STEP, _STEP)
        stage.utility.modify(event.modified(priority=1))
        await stage.until(answered(event.id, 1), PATIENCE, f"answer version 1 of {event.id}")
    await _watched(stage, events)


@case(
    id="OADR20B-VEN-RND-915",
    title="An event that is listed as completed goes on to the end of its own delay",
    purpose="Exposes a VEN that ends an event because its VTN says completed.",
    public=("CFX2B-EVT-15",),
    requirements=(_COMPLETED, RIGHT_ANSWER, ANSWERED),
    applies_if=_APPLIES,
    needs=("state",),
    checks=(
        answers_event(_EVENTS[0]),
        *(keeps_length(name, cites=_COMPLETED) for name in _EVENTS),
    ),
    observations=(event_answered(_EVENTS[-1]), watched(60)),
    timing=Timing(lasts=18 * _MINUTE),
    mutants=("ends-when-told-completed",),
)
async def listed_past_the_end(stage: VenStage) -> None:
    """Announce three randomised events and list each again when it is over by the VTN's clock."""
    events = _in_turn(stage, 2 * _MINUTE, _SPREAD)
    await announce(stage, *events)
    for event in events:
        await watch(stage, event.end + _STEP, _STEP)
        stage.utility.distribute()
    await _watched(stage, events)


def _two(stage: VenStage) -> tuple[Event, Event]:
    """Make two running events of two programmes, begun so long ago that no delay can hold them."""
    start = stage.now - _SPREAD - _MINUTE
    first, second = (simple(name, start, _HOUR, start_after=_SPREAD) for name in _PAIR)
    return first, replace(second, context=stage.value("second_market_context"))


async def _running(stage: VenStage, events: Sequence[Event]) -> None:
    await announce(stage, *events)
    for event in events:
        await look(stage, event.id, acts=True, cites=_RUNS)


@case(
    id="OADR20B-VEN-RND-267",
    title="Cancelled events with startafter end at random, within startafter",
    purpose="Exposes a VEN that ends all its randomised events at the same instant.",
    public=("A_E1_0267", "A_E0_0267"),
    requirements=(_SPREAD_END, _END, _RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=f"{_APPLIES} and VEN-EVT-CONTEXTS",
    needs=("state",),
    checks=(
        *(answers_event(name, version=1, opt="") for name in _PAIR),
        *(acts_as_expected(name) for name in _PAIR),
        ends_at_random(*_PAIR, cites=_SPREAD_END, after_mark=_CANCELLED),
        *(
            ends_within(name, _SPREAD + _MINUTE, cites=_END, after_mark=_CANCELLED)
            for name in _PAIR
        ),
    ),
    observations=(event_answered(_PAIR[1], 2), mark_set(_CANCELLED), watched(10)),
    timing=Timing(lasts=6 * _MINUTE),
    mutants=("ends-cancelled-events-at-once", "ends-late-after-cancellation"),
)
async def cancelled_at_random(stage: VenStage) -> None:
    """Announce two running randomised events, cancel both at once, and watch them end."""
    events = _two(stage)
    await _running(stage, events)
    await change(stage, *(event.cancelled() for event in events))
    stage.mark(_CANCELLED)
    await watch(stage, stage.now + _SPREAD + 2 * _MINUTE, _STEP)


@case(
    id="OADR20B-VEN-RND-268",
    title="Events with startafter that are left out end at random too",
    purpose="Exposes a VEN that knows a delay for explicit cancellations alone.",
    public=("A_E1_0268", "A_E0_0268"),
    requirements=(_LEFT_OUT, _RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=f"{_APPLIES} and VEN-EVT-CONTEXTS",
    needs=("state",),
    checks=(
        *(acts_as_expected(name) for name in _PAIR),
        ends_at_random(*_PAIR, cites=_LEFT_OUT, after_mark=_CANCELLED),
        *(
            ends_within(name, _SPREAD + _MINUTE, cites=_LEFT_OUT, after_mark=_CANCELLED)
            for name in _PAIR
        ),
    ),
    observations=(
        event_answered(_PAIR[1]),
        event_reached("rnd-9"),
        mark_set(_CANCELLED),
        watched(10),
    ),
    timing=Timing(lasts=6 * _MINUTE),
    mutants=("ends-what-is-left-out-at-once",),
)
async def left_out_at_random(stage: VenStage) -> None:
    """Announce two running randomised events, list another in their place, and watch them end."""
    events = _two(stage)
    await _running(stage, events)
    before = newest(stage)
    for event in events:
        stage.utility.withdraw(event.id)
    stage.utility.publish(simple("rnd-9", stage.now + 6 * _HOUR, _HOUR))
    come = delivered("oadrDistributeEvent", after=before, path=".//ei:eventID", value="rnd-9")
    await stage.until(come, PATIENCE, "take the new list")
    stage.mark(_CANCELLED)
    await watch(stage, stage.now + _SPREAD + 2 * _MINUTE, _STEP)


@case(
    id="OADR20B-VEN-RND-908",
    title="An event that is cancelled while its delay runs never begins",
    purpose="Exposes a VEN that begins when its delay is over, whatever came in between.",
    public=("CFX2B-EVT-08",),
    requirements=(_NEVER_BEGINS, RIGHT_ANSWER, ANSWERED),
    applies_if=_APPLIES,
    needs=("state",),
    checks=(
        answers_event("rnd-1", version=1, opt=""),
        begins_never_after("rnd-1", cites=_NEVER_BEGINS, after_mark=_CANCELLED),
    ),
    observations=(event_answered("rnd-1", 2), mark_set(_CANCELLED), watched(20)),
    timing=Timing(lasts=35 * _MINUTE),
    mutants=("begins-what-was-cancelled",),
)
async def cancelled_in_the_delay(stage: VenStage) -> None:
    """Announce an event whose delay is up to half an hour, cancel it right after its start, and watch."""
    event = simple("rnd-1", stage.now + _MINUTE, _HOUR, start_after=30 * _MINUTE)
    await announce(stage, event)
    await stage.sleep_until(event.start + _STEP)
    await cancel(stage, event)
    await stage.driver.state()
    stage.mark(_CANCELLED)
    await watch(stage, event.start + 31 * _MINUTE, 4 * _STEP)
