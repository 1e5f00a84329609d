"""Who is answered how often, a VEN under test: oadrResponseRequired by state and version, mixed lists, errors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.events import (
    ANSWERED,
    NEVER,
    RIGHT_ANSWER,
    answers_each,
    answers_event,
    answers_every_delivery,
    never_answers,
    repeats_request_id,
    taken,
)
from conformance.kit.checks.refusals import refuses_event, sends_nothing
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.announce import (
    CONTROL,
    announce,
    cancel,
    change,
    go_on,
    still_answers,
    take,
)
from conformance.kit.oadr20b.conditions import answered
from conformance.kit.oadr20b.event import Event, Signal, Step, price, simple
from conformance.kit.observations import event_answered, event_reached, exchanges, mark_set
from conformance.kit.stage import VenStage, says

_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_REST: Final = timedelta(seconds=65)
_PATIENCE: Final = timedelta(minutes=2)
_DONE: Final = "family.done"
_OTHERS: Final = "REQ-OADR20B-R19-1"
_ERROR: Final = "REQ-OADR20B-T0310-1"
_CANCELLED: Final = "REQ-OADR20B-R60-1"
_MANY: Final = "REQ-OADR20B-R50-1"
_DAY: Final = "REQ-OADR20B-R8-1"
_SAME_ID: Final = "REQ-OADR20B-R41-1"


def longer(event: Event) -> Event:
    """Return the next version of an event, twice as long and on level 2."""
    step = Step(lasts=2 * event.lasts, value=Decimal(2))
    signal = Signal(name="SIMPLE", type="level", steps=(step,))
    return event.modified(lasts=2 * event.lasts, signals=(signal,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the family: state, version, whether an answer is asked for."""

    number: int
    code: str
    what: str
    modes: tuple[str, ...] = ("pull", "push")

    @property
    def active(self) -> bool:
        """Say whether the event runs when it is announced."""
        return "A" in self.code[:2]

    @property
    def cancelled(self) -> bool:
        """Say whether version 1 is the cancellation."""
        return self.code.startswith("C")

    @property
    def version(self) -> int:
        """Return the last modificationNumber."""
        return int("1" in self.code)

    @property
    def required(self) -> bool:
        """Say whether an answer is asked for."""
        return self.code.endswith("AN")


FAMILY: Final = (
    Member(number=82, code="P0AN", what="A pending event is answered once"),
    Member(number=90, code="P1AN", what="A modified pending event is answered once"),
    Member(number=94, code="A0AN", what="An active event is answered once"),
    Member(number=98, code="A1AN", what="A modified active event is answered once"),
    Member(number=100, code="CP1AN", what="A cancelled pending event is answered once"),
    Member(number=102, code="CA1AN", what="A cancelled active event is answered once"),
    Member(number=92, code="P1NN", what="A modified pending event that wants no answer gets none"),
    Member(number=96, code="A0NN", what="An active event that wants no answer gets none"),
    Member(number=104, code="CP1NN", what="A cancelled event that wants no answer gets none"),
)
"""Sequence codes: P pending, A active, C cancelled of either; modificationNumber; A always, N never."""


def _played(member: Member) -> Callable[[VenStage], Awaitable[None]]:
    async def play(stage: VenStage) -> None:
        start = stage.now - timedelta(minutes=5) if member.active else stage.now + _SOON
        event = simple("family-1", start, _HOUR, required=member.required)
        await announce(stage, event)
        if member.cancelled:
            await cancel(stage, event)
        elif member.version:
            await change(stage, longer(event))
        stage.mark(_DONE)
        await go_on(stage, _REST)
        if not member.required:
            await still_answers(stage)

    return play


def _member(member: Member) -> Case:
    asked, count = member.required, member.version + 1
    good = answers_event(
        "family-1", version=member.version, opt="" if member.cancelled else "optIn"
    )
    answer = event_answered("family-1", count)
    return case(
        id=f"OADR20B-VEN-EVT-{member.number:03}",
        title=member.what,
        purpose=f"Exposes a VEN that answers {member.code} events too often, or not as was asked.",
        public=(f"A_E1_{member.number:04}", f"A_E0_{member.number:04}"),
        requirements=(ANSWERED, RIGHT_ANSWER) if asked else (NEVER,),
        modes=member.modes,
        checks=(good, answers_every_delivery("family-1"))
        if asked
        else (never_answers("family-1"),),
        observations=(
            event_reached("family-1", count),
            answer if asked else event_answered(CONTROL),
        ),
        timing=Timing(lasts=timedelta(seconds=90)),
        mutants=(f"wrong-on-{member.code.lower()}",),
    )(_played(member))


MEMBERS: Final = tuple(_member(member) for member in FAMILY)


@case(
    id="OADR20B-VEN-EVT-040",
    title="Two events of different signals are both answered",
    purpose="Exposes a VEN that reads the first event of a list only.",
    public=("E1_1040", "E0_6040"),
    requirements=(ANSWERED, RIGHT_ANSWER, "REQ-OADR20B-R42-1"),
    checks=(answers_event("two-1"), answers_event("two-2"), repeats_request_id()),
    observations=(event_answered("two-1"), event_answered("two-2")),
    mutants=("answers-first-event-only",),
)
async def two_events(stage: VenStage) -> None:
    """Announce a level and prices together."""
    level = simple("two-1", stage.now + _SOON, _HOUR)
    prices = price("two-2", stage.now + 2 * _SOON, _HOUR, "0.1", "0.3")
    await announce(stage, level, prices)
    await go_on(stage, _REST)


@case(
    id="OADR20B-VEN-EVT-180",
    title="New, modified and cancelled events in one list are all answered",
    purpose="Exposes a VEN that stops reading a list at a cancelled event.",
    public=("A_E1_0180", "A_E0_0180"),
    requirements=(ANSWERED, RIGHT_ANSWER),
    checks=(
        answers_event("new-1"),
        answers_event("modified-1", version=1),
        answers_event("cancelled-1", version=1, opt=""),
        answers_every_delivery("new-1"),
        answers_every_delivery("modified-1"),
    ),
    observations=(event_answered("modified-1", 2), event_reached("new-1")),
    mutants=("stops-reading-at-cancelled",),
)
async def mixed_list(stage: VenStage) -> None:
    """Announce two events, then change one, cancel the other and add a third, all at once."""
    cancelled = simple("cancelled-1", stage.now + _SOON, _HOUR)
    modified = simple("modified-1", stage.now + 2 * _SOON, _HOUR)
    await announce(stage, cancelled, modified)
    new = simple("new-1", stage.now + 3 * _SOON, _HOUR)
    await change(stage, cancelled.cancelled(), longer(modified), new)
    await go_on(stage, _REST)


async def _after_error(stage: VenStage, code: str) -> None:
    why = f"an application error {code}"
    refusal = build.oadr_response("", code, stage.utility.ven_id)
    stage.utility.answer_next("oadrCreatedEvent", says(refusal, wrong=why))
    await announce(stage, simple("before-1", stage.now + _SOON, _HOUR))
    stage.mark("error.said")
    await stage.sleep(_REST)
    stage.utility.publish(simple("after-1", stage.now + 2 * _SOON, _HOUR))
    await stage.until(answered("after-1"), _PATIENCE, "answer event after-1")


@case(
    id="OADR20B-VEN-EVT-310",
    title="An application error in answer to oadrCreatedEvent stops nothing",
    purpose="Exposes a VEN that gives up, or starts again from nothing, when the VTN reports an error.",
    public=("A_E1_0310", "A_E0_0310"),
    requirements=(_ERROR, RIGHT_ANSWER),
    checks=(
        answers_event("after-1", missing=_ERROR),
        sends_nothing("oadrCreatePartyRegistration", _ERROR, after_mark="case.prepared"),
    ),
    observations=(mark_set("error.said"), event_reached("after-1")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("gives-up-on-459",),
)
async def error_459(stage: VenStage) -> None:
    """Refuse the first answer by 459 and announce another event."""
    await _after_error(stage, "459")


@case(
    id="OADR20B-VEN-EVT-185",
    title="An answer that the VTN does not recognise stops nothing",
    purpose="Exposes a push VEN that does not read the answer to its oadrCreatedEvent, or gives up on it.",
    public=("A_E0_0185",),
    requirements=(_ERROR, RIGHT_ANSWER),
    modes=("push",),
    checks=(
        answers_event("after-1", missing=_ERROR),
        sends_nothing("oadrCreatePartyRegistration", _ERROR, after_mark="case.prepared"),
    ),
    observations=(mark_set("error.said"), event_reached("after-1")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("gives-up-on-452",),
)
async def error_452(stage: VenStage) -> None:
    """Refuse the first answer by 452 and announce another event."""
    await _after_error(stage, "452")


@case(
    id="OADR20B-VEN-EVT-190",
    title="One requestID used twice is no repetition",
    purpose="Exposes a VEN that takes the requestID of a distribution for its identity.",
    public=("A_E1_0190", "A_E0_0190"),
    requirements=(_SAME_ID, RIGHT_ANSWER, "REQ-OADR20B-R42-1"),
    checks=(
        answers_event("same-1", missing=_SAME_ID),
        answers_event("same-2", missing=_SAME_ID),
        repeats_request_id(),
    ),
    observations=(event_reached("same-1"), event_reached("same-2"), event_answered("same-1")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("takes-request-id-for-identity",),
)
async def same_request_id(stage: VenStage) -> None:
    """Announce one event, then it and another, under one requestID."""
    first = simple("same-1", stage.now + _SOON, _HOUR)
    second = simple("same-2", stage.now + 2 * _SOON, _HOUR)
    for events in ((first,), (first, second)):
        rows = [build.ei_event(e, stage.now, stage.value("market_context")) for e in events]
        replying = "" if stage.mode == "pull" else None
        listing = build.distribute_event(
            rows, vtn_id=stage.utility.vtn_id, request_id="for-ever", replying_to=replying
        )
        stage.utility.send(listing)
        await stage.until(answered(events[-1].id), _PATIENCE, f"answer event {events[-1].id}")


@case(
    id="OADR20B-VEN-EVT-345",
    title="A cancelled event that nobody knows is acknowledged",
    purpose="Exposes a VEN that answers the cancellation of an unknown event by an error.",
    public=("A_E1_0345", "A_E0_0345"),
    requirements=(_CANCELLED, ANSWERED),
    checks=(answers_event("ghost-1", opt="", version=1, requirement=_CANCELLED),),
    observations=(event_reached("ghost-1"), event_answered("ghost-1")),
    mutants=("does-not-know-cancelled",),
)
async def unknown_cancelled(stage: VenStage) -> None:
    """Distribute the cancellation of an event that was never announced."""
    await announce(stage, simple("ghost-1", stage.now + _SOON, _HOUR).cancelled())


@case(
    id="OADR20B-VEN-EVT-360",
    title="A bad event does not harm a good one beside it",
    purpose="Exposes a VEN that refuses a whole list for one event.",
    public=("A_E1_0360", "A_E0_0360"),
    requirements=(_OTHERS, "REQ-OADR20B-R48-3", ANSWERED, RIGHT_ANSWER),
    suspends=("RULE-2B-007",),
    checks=(
        answers_event("good-1", missing=_OTHERS),
        refuses_event("bad-1", "REQ-OADR20B-R48-3"),
    ),
    observations=(event_reached("good-1"), event_reached("bad-1")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("one-bad-event-refuses-all",),
)
async def good_and_bad(stage: VenStage) -> None:
    """Announce an event of this device's programme and one of another's."""
    other = "http://gridgate.example/no-such-program"
    bad = simple("bad-1", stage.now + _SOON, _HOUR)
    events = (
        simple("good-1", stage.now + 2 * _SOON, _HOUR),
        Event(id="bad-1", start=bad.start, lasts=_HOUR, signals=bad.signals, context=other),
    )
    await take(stage, *events)
    await stage.sleep(2 * _REST)


@case(
    id="OADR20B-VEN-EVT-911",
    title="An unchanged event is answered again in every distribution",
    purpose="Exposes a VEN that answers each version of an event only once.",
    public=("CFX2B-EVT-11",),
    requirements=(ANSWERED, RIGHT_ANSWER),
    checks=(answers_event("again-1"), answers_every_delivery("again-1")),
    observations=(event_reached("again-1", 3), event_answered("again-1", 1)),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("silent-on-repetition",),
)
async def repeated(stage: VenStage) -> None:
    """Distribute one event three times."""
    event = simple("again-1", stage.now + _SOON, _HOUR)
    await announce(stage, event)
    for _ in range(2):
        await take(stage, event)
        await stage.sleep(_REST)


@case(
    id="OADR20B-VEN-LIM-904",
    title="A hundred events of 24 intervals are all taken",
    purpose="Exposes a VEN with a limit on events or intervals that the standard does not know.",
    public=("CFX2B-EVT-04",),
    requirements=(_MANY, _DAY, RIGHT_ANSWER),
    checks=(
        answers_each([f"many-{n:03}" for n in range(100)], _MANY),
        *taken("many-000", _DAY),
    ),
    observations=(event_reached("many-099"), event_answered("many-000")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("takes-64-events",),
)
async def hundred_events(stage: VenStage) -> None:
    """Announce one event for each of the next hundred days."""
    day = timedelta(days=1)
    levels = (1, 2) * 12
    events = [
        simple(f"many-{n:03}", stage.now + n * day + _SOON, day / 2, *levels) for n in range(100)
    ]
    await take(stage, *events)
    await stage.sleep(_REST)


@case(
    id="OADR20B-VEN-EVT-520",
    title="A change of mind about an event that wants no answer is not told",
    purpose="Exposes a VEN that sends oadrCreatedEvent or oadrCreateOpt for an event with never.",
    requirements=(NEVER,),
    applies_if="VEN-EVT-OPT-LATER",
    needs=("opt_out",),
    checks=(
        never_answers("quiet-2"),
        sends_nothing("oadrCreateOpt", NEVER, after_mark="case.prepared"),
    ),
    observations=(event_reached("quiet-2"), exchanges(1, after_mark=_DONE)),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("tells-a-change-of-mind-unasked",),
)
async def quiet_change(stage: VenStage) -> None:
    """Announce an event with never and have the operator leave it."""
    await announce(stage, simple("quiet-2", stage.now + _SOON, _HOUR, required=False))
    await stage.driver.opt_out("quiet-2")
    stage.mark(_DONE)
    await go_on(stage, _REST)


@case(
    id="OADR20B-VEN-EVT-521",
    title="A list that asks for some answers gets those alone",
    purpose="Exposes a VEN that answers all events of a list when one of them asks for it.",
    requirements=(NEVER, ANSWERED, RIGHT_ANSWER),
    checks=(answers_event("asked-1"), never_answers("unasked-1")),
    observations=(event_answered("asked-1"), event_reached("unasked-1")),
    mutants=("answers-all-or-nothing",),
)
async def some_asked(stage: VenStage) -> None:
    """Announce one event with always and one with never."""
    unasked = simple("unasked-1", stage.now + 2 * _SOON, _HOUR, required=False)
    await announce(stage, simple("asked-1", stage.now + _SOON, _HOUR), unasked)
