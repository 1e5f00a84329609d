"""What is missing, stale, over or for a test, a VEN under test: implied cancellation, replyLimit, opts that stand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.events import (
    ANSWERED,
    RIGHT_ANSWER,
    answers_event,
    answers_every_delivery,
    silent_about,
    taken,
)
from conformance.kit.checks.execution import acts_as_expected, look, looked, see
from conformance.kit.checks.refusals import ignores_distribution
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.announce import (
    CONTROL,
    PATIENCE,
    announce,
    cancel,
    change,
    go_on,
    newest,
    still_answers,
    take,
    withdraw,
)
from conformance.kit.oadr20b.conditions import answered, delivered, received
from conformance.kit.oadr20b.event import KILOWATT, Event, Signal, Step, simple
from conformance.kit.observations import (
    event_answered,
    event_reached,
    mark_set,
    reached,
    sent,
)
from conformance.kit.stage import VenStage
from conformance.kit.xml import Element

_MINUTE: Final = timedelta(minutes=1)
_HALF: Final = timedelta(seconds=30)
_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_STATE: Final = "VEN-EVT-STATE"
_EVENT: Final = "gone-1"
_GONE: Final = "event.gone"
_RUNS: Final = "REQ-OADR20B-8.1-1"
_MISSING: Final = "REQ-OADR20B-R61-1"
_SILENT: Final = "REQ-OADR20B-R61-2"
_LIMITED: Final = "REQ-OADR20B-R61-3"
_EMPTY: Final = "REQ-OADR20B-R61-4"
_EXPIRED: Final = "REQ-OADR20B-T0340-1"
_ERROR: Final = "an eiResponse that reports an error"


@case(
    id="OADR20B-VEN-EXE-370",
    title="A pending event that is left out never begins, and nothing is said of it",
    purpose="Exposes a VEN that keeps events which the VTN does not list any more, or answers what is not there.",
    public=("A_E1_0370", "A_E0_0370"),
    requirements=(_MISSING, _SILENT, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(
        answers_event("kept-1"),
        silent_about(_EVENT, _SILENT, after_mark=_GONE),
        acts_as_expected(_EVENT),
    ),
    observations=(event_answered(_EVENT), event_reached("kept-1", 2), looked(_EVENT, 2)),
    timing=Timing(lasts=5 * _MINUTE),
    mutants=("keeps-what-is-left-out", "answers-what-is-left-out"),
)
async def left_out(stage: VenStage) -> None:
    """Announce two events, list one of them alone, and look after the start of the other."""
    event = simple(_EVENT, stage.now + 2 * _MINUTE, 4 * _MINUTE)
    await announce(stage, event, simple("kept-1", stage.now + _SOON, _HOUR))
    stage.mark(_GONE)
    await withdraw(stage, _EVENT)
    await see(stage, _EVENT, event.start + _HALF, acts=False, cites=_MISSING)
    await see(stage, _EVENT, event.start + 2 * _MINUTE, acts=False, cites=_MISSING)


@case(
    id="OADR20B-VEN-EXE-371",
    title="A list without any event cancels all of them",
    purpose="Exposes a VEN that takes an empty distribution for no news.",
    requirements=(_EMPTY, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT), reached("oadrDistributeEvent", 2), looked(_EVENT)),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("takes-an-empty-list-for-no-news",),
)
async def nothing_left(stage: VenStage) -> None:
    """Announce an event, distribute nothing, and look after its start."""
    event = simple(_EVENT, stage.now + 2 * _MINUTE, 4 * _MINUTE)
    await announce(stage, event)
    await withdraw(stage, _EVENT)
    await see(stage, _EVENT, event.start + _HALF, acts=False, cites=_EMPTY)


@case(
    id="OADR20B-VEN-EXE-906",
    title="A reply cut by replyLimit cancels nothing",
    purpose="Exposes a VEN that takes for cancelled what its own replyLimit has left out.",
    public=("CFX2B-EVT-06",),
    requirements=(_LIMITED, RIGHT_ANSWER, ANSWERED),
    applies_if=f"{_STATE} and VEN-EVT-LIMIT",
    needs=("state", "request_events"),
    checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
    observations=(
        event_answered(_EVENT),
        sent("oadrRequestEvent", path="pyld:eiRequestEvent/pyld:replyLimit", value="1"),
        looked(_EVENT),
    ),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("takes-cut-replies-for-whole",),
)
async def cut_short(stage: VenStage) -> None:
    """Announce two events, have the device ask for one, and look after the start of the other."""
    first = simple("first-1", stage.now + 2 * _MINUTE, _MINUTE)
    event = simple(_EVENT, stage.now + 4 * _MINUTE, 4 * _MINUTE)
    await announce(stage, first, event)
    here = newest(stage)
    await stage.driver.call("request_events", limit="1")
    listing = delivered("oadrDistributeEvent", after=here)
    await stage.until(listing, PATIENCE, "ask for one event")
    await see(stage, _EVENT, event.start + _HALF, acts=True, cites=_LIMITED)


@case(
    id="OADR20B-VEN-EXE-340",
    title="An event that is over does no harm to a running one",
    purpose="Exposes a VEN that trips over an expired event, or acts on it.",
    public=("A_E1_0340", "A_E0_0340"),
    requirements=(_EXPIRED, _RUNS, RIGHT_ANSWER),
    applies_if=_STATE,
    needs=("state",),
    checks=(
        answers_event("now-1", missing=_EXPIRED),
        acts_as_expected("now-1"),
        acts_as_expected("over-1"),
    ),
    observations=(event_reached("over-1"), event_reached("now-1"), looked("over-1")),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("stops-reading-at-completed", "never-ends"),
)
async def expired(stage: VenStage) -> None:
    """Announce a running event and one that ended a minute ago, which may be listed for its startafter."""
    over = simple(
        "over-1", stage.now - 5 * _MINUTE, 4 * _MINUTE, required=False, start_after=timedelta(0)
    )
    over = replace(over, status="completed")
    await take(stage, over, simple("now-1", stage.now - _MINUTE, _HOUR))
    await stage.sleep(_HALF)
    await look(stage, "now-1", acts=True, cites=_EXPIRED)
    await look(stage, "over-1", acts=False, cites=_RUNS)


@case(
    id="OADR20B-VEN-EXE-905",
    title="Of several signals the one that says most exactly what to do is followed",
    purpose="Exposes a VEN that follows whichever signal stands first.",
    public=("CFX2B-EVT-05",),
    requirements=("REQ-OADR20B-R106-2", RIGHT_ANSWER, ANSWERED),
    applies_if=f"{_STATE} and VEN-EVT-PRECEDENCE",
    needs=("state",),
    checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT), looked(_EVENT)),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("follows-the-first-signal",),
)
async def several_signals(stage: VenStage) -> None:
    """Announce SIMPLE level 1 and a dispatch of 80 kW in one running event."""
    step = Step(lasts=_HOUR, value=Decimal(80))
    load = Signal(name="LOAD_DISPATCH", type="setpoint", id="s1", steps=(step,), unit=KILOWATT)
    event = simple(_EVENT, stage.now - _MINUTE, _HOUR)
    await announce(stage, replace(event, signals=(*event.signals, load)))
    await look(stage, _EVENT, acts=True, cites="REQ-OADR20B-R106-2", value="80")


@case(
    id="OADR20B-VEN-EXE-907",
    title="A modification that arrives during the ramp-up counts",
    purpose="Exposes a VEN that does not change an event once it is near.",
    public=("CFX2B-EVT-07",),
    requirements=("REQ-OADR20B-R57-4", RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT)),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("keeps-what-is-near",),
)
async def changed_near(stage: VenStage) -> None:
    """Announce an event whose ramp-up has begun, raise it to level 3, and look after its start."""
    event = replace(simple(_EVENT, stage.now + 2 * _MINUTE, _HOUR), ramp_up=10 * _MINUTE)
    await announce(stage, event)
    step = Step(lasts=_HOUR, value=Decimal(3))
    special = Signal(name="SIMPLE", type="level", steps=(step,))
    await change(stage, event.modified(signals=(special,)))
    cites = "REQ-OADR20B-R57-4"
    await see(stage, _EVENT, event.start + _HALF, acts=True, cites=cites, value="3")


_TESTS: Final = (("test-1", "true"), ("test-2", "1"), ("test-3", "yes"), ("test-4", "False"))


@case(
    id="OADR20B-VEN-EXE-910",
    title="Whatever testEvent says but false makes a test, and a test is not acted upon",
    purpose="Exposes a VEN that knows no test but the literal true, or acts on tests.",
    public=("CFX2B-EVT-10",),
    requirements=("REQ-OADR20B-R6-2", "REQ-OADR20B-R6-3", _RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(
        *(answers_event(name) for name, _ in _TESTS),
        *(acts_as_expected(name) for name, _ in (*_TESTS, ("real-1", "false"))),
    ),
    observations=(event_answered("test-4"), looked("test-1"), looked("test-4"), looked("real-1")),
    timing=Timing(lasts=10 * _MINUTE),
    mutants=("acts-on-tests", "knows-one-word-for-test"),
)
async def tests(stage: VenStage) -> None:
    """Announce four tests and a real event, each a minute long, one after the other, and look within each."""
    begin = stage.now + _MINUTE
    words = (*_TESTS, ("real-1", "false"))
    events = [
        replace(simple(name, begin + place * _MINUTE, _MINUTE), test=word)
        for place, (name, word) in enumerate(words)
    ]
    await announce(stage, *events)
    for event in events:
        real = event.id == "real-1"
        number = "2" if event.test == "true" else "3"
        cites = _RUNS if real else f"REQ-OADR20B-R6-{number}"
        await see(stage, event.id, event.start + _HALF, acts=real, cites=cites)


@case(
    id="OADR20B-VEN-EXE-914",
    title="What an oadrCreateOpt has decided outlasts a modification",
    purpose="Exposes a VEN that decides anew about an event which it has left by oadrCreateOpt.",
    public=("CFX2B-EVT-14",),
    requirements=("REQ-OADR20B-R206-2",),
    applies_if=f"{_STATE} and VEN-OPT-EVENT",
    needs=("state", "create_opt"),
    checks=(acts_as_expected(_EVENT),),
    observations=(event_reached(_EVENT, 2), sent("oadrCreateOpt"), looked(_EVENT)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("forgets-its-opt-when-modified",),
)
async def opt_stands(stage: VenStage) -> None:
    """Have the operator leave a running event by oadrCreateOpt, modify the event, and look."""
    event = simple(_EVENT, stage.now - _MINUTE, _HOUR)
    await announce(stage, event)
    await stage.driver.call("create_opt", opt="optOut", opt_id="leave-2", event_id=_EVENT)
    await stage.until(received("oadrCreateOpt"), PATIENCE, "send oadrCreateOpt")
    await change(stage, event.modified(priority=1))
    await stage.sleep(_HALF)
    await look(stage, _EVENT, acts=False, cites="REQ-OADR20B-R206-2")


@case(
    id="OADR20B-VEN-EVT-533",
    title="A listing whose eiResponse reports an error brings no events",
    purpose="Exposes a VEN that reads events without looking at the eiResponse beside them.",
    requirements=("REQ-OADR20B-R40-1",),
    modes=("pull",),
    checks=(ignores_distribution(_ERROR, "REQ-OADR20B-R40-1"),),
    observations=(
        event_reached(_EVENT),
        mark_set("error.sent"),
        event_answered(CONTROL),
    ),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("reads-events-beside-an-error",),
)
async def error_beside_events(stage: VenStage) -> None:
    """Answer a poll by a listing that says 459 and has an event all the same."""
    event = build.ei_event(
        simple(_EVENT, stage.now + _SOON, _HOUR), stage.now, stage.value("market_context")
    )
    listing = build.distribute_event(
        [event], vtn_id=stage.utility.vtn_id, request_id="wrong-1", replying_to=""
    )
    code = listing.find(f"{build.tag('ei:eiResponse')}/{build.tag('ei:responseCode')}")
    if code is not None:
        code.text = "459"
    stage.utility.send(listing, wrong=_ERROR)
    come = delivered("oadrDistributeEvent", path=".//ei:eventID", value=_EVENT)
    await stage.until(come, PATIENCE, "take the listing")
    stage.mark("error.sent")
    await stage.sleep(2 * _MINUTE)
    await still_answers(stage)


@case(
    id="OADR20B-VEN-EVT-537",
    title="A cancellation that is distributed again is answered again",
    purpose="Exposes a VEN that forgets an event together with its cancellation.",
    requirements=("REQ-OADR20B-R60-2", ANSWERED, RIGHT_ANSWER),
    checks=(
        answers_event(_EVENT, version=1, opt=""),
        answers_every_delivery(_EVENT, requirement="REQ-OADR20B-R60-2"),
    ),
    observations=(event_answered(_EVENT, 2), event_reached(_EVENT, 4)),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("answers-a-cancellation-once",),
)
async def cancelled_twice(stage: VenStage) -> None:
    """Announce an event, cancel it, and list the cancellation twice more."""
    event = simple(_EVENT, stage.now + _SOON, _HOUR)
    await announce(stage, event)
    await cancel(stage, event)
    for _ in range(2):
        await take(stage, event.cancelled())
        await stage.sleep(_MINUTE)


Edit = Callable[[Element, datetime], None]


def _durations(text: str) -> Edit:
    def edit(listed: Element, _: datetime) -> None:
        whole = ("ei:eiActivePeriod/xcal:properties/xcal:duration", "ei:interval/xcal:duration")
        for path in whole:
            tags = "/".join(build.tag(part) for part in path.split("/"))
            for found in listed.iterfind(f".//{tags}/{build.tag('xcal:duration')}"):
                found.text = text

    return edit


def _fraction(listed: Element, start: datetime) -> None:
    for found in listed.iterfind(f".//{build.tag('xcal:dtstart')}/{build.tag('xcal:date-time')}"):
        found.text = f"{build.instant(start).removesuffix('Z')}.250Z"


SPELLINGS: Final[tuple[tuple[int, str, str, timedelta, Edit, str], ...]] = (
    (541, "hours", "8.1-5", _HOUR, _durations("PT1H"), "knows-no-hours"),
    (542, "days", "8.1-5", timedelta(days=1), _durations("P1D"), "knows-no-days"),
    (543, "minutes", "8.1-5", timedelta(minutes=90), _durations("PT90M"), "knows-no-minutes"),
    (544, "fractions of a second", "1-1", _HOUR, _fraction, "knows-no-fractions"),
)
"""Number, what is written, requirement, length, how it is written, mutant."""


def _spelled(row: tuple[int, str, str, timedelta, Edit, str]) -> Case:
    number, what, clause, lasts, edit, mutant = row
    requirement = f"REQ-OADR20B-{clause}"

    async def play(stage: VenStage) -> None:
        event: Event = simple("spelt-1", (stage.now + _SOON).replace(microsecond=0), lasts)
        listed = build.ei_event(event, stage.now, stage.value("market_context"))
        edit(listed, event.start)
        listing = build.distribute_event(
            [listed],
            vtn_id=stage.utility.vtn_id,
            request_id="spelt",
            replying_to="" if stage.mode == "pull" else None,
        )
        stage.utility.send(listing)
        come = delivered("oadrDistributeEvent", path=".//ei:eventID", value="spelt-1")
        await stage.until(come, PATIENCE, "take the listing")
        # An answer may take its time; in push mode what goes on is an empty list, which would take the event back.
        await stage.maybe(answered("spelt-1"), _MINUTE, "answer the event")
        await go_on(stage, _HALF)

    return case(
        id=f"OADR20B-VEN-EVT-{number}",
        title=f"Times written with {what} are understood",
        purpose="Exposes a VEN that reads one spelling of ISO 8601 only.",
        requirements=(requirement, RIGHT_ANSWER, ANSWERED),
        checks=taken("spelt-1", requirement),
        observations=(event_reached("spelt-1"), event_answered("spelt-1")),
        timing=Timing(lasts=2 * _MINUTE),
        mutants=(mutant,),
    )(play)


CASES: Final = tuple(_spelled(row) for row in SPELLINGS)
