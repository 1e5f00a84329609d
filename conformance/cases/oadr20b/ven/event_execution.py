"""What a VEN under test does with an event: from when to when it acts, after changes, cancellations and opts."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, answers_event, says_later
from conformance.kit.checks.execution import acts_as_expected, look, looked, see
from conformance.kit.checks.refusals import refuses_event
from conformance.kit.oadr20b.announce import PATIENCE, announce, cancel, change, newest
from conformance.kit.oadr20b.conditions import answered
from conformance.kit.oadr20b.event import Event, Signal, Step, dispatch, simple
from conformance.kit.observations import event_answered, event_reached
from conformance.kit.stage import VenStage

_MINUTE: Final = timedelta(minutes=1)
_HALF: Final = timedelta(seconds=30)
_HOUR: Final = timedelta(hours=1)
_STATE: Final = "VEN-EVT-STATE"
_EVENT: Final = "run-1"
RUNS: Final = "REQ-OADR20B-8.1-1"
VALUES: Final = "REQ-OADR20B-8.1-2"
NEVER_BEGINS: Final = "REQ-OADR20B-8.1-3"
ALL: Final = "REQ-OADR20B-8.1-4"
OPEN: Final = "REQ-OADR20B-R47-1"
ENDS: Final = "REQ-OADR20B-T0240-1"
TOLD: Final = "REQ-OADR20B-8.2.2-1"
LEFT: Final = "REQ-OADR20B-8.2.2-2"
JOINED: Final = "REQ-OADR20B-8.2.2-3"
SAME: Final = "REQ-OADR20B-R57-3"


def _level(lasts: timedelta, *levels: int) -> tuple[Signal, ...]:
    """Return one SIMPLE signal of equal steps."""
    steps = tuple(Step(lasts=lasts / len(levels), value=Decimal(one)) for one in levels)
    return (Signal(name="SIMPLE", type="level", steps=steps),)


@case(
    id="OADR20B-VEN-EXE-210",
    title="An event is acted upon from its start to its end",
    purpose="Exposes a VEN that begins at once, too late or never, or does not end.",
    public=("A_E1_0210", "A_E0_0210"),
    requirements=(RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT), looked(_EVENT, 4)),
    timing=Timing(lasts=6 * _MINUTE),
    mutants=("begins-at-once", "never-ends"),
)
async def start_and_stop(stage: VenStage) -> None:
    """Announce three minutes that begin in two, and look before, twice within, and after."""
    event = simple(_EVENT, stage.now + 2 * _MINUTE, 3 * _MINUTE)
    await announce(stage, event)
    await see(stage, _EVENT, event.start - _HALF, acts=False, cites=RUNS)
    await see(stage, _EVENT, event.start + _HALF, acts=True, cites=RUNS)
    await see(stage, _EVENT, event.end - _HALF, acts=True, cites=RUNS)
    await see(stage, _EVENT, event.end + _HALF, acts=False, cites=RUNS)


@case(
    id="OADR20B-VEN-EXE-211",
    title="The value in force is that of the running interval",
    purpose="Exposes a VEN that stays at the first value of a signal.",
    requirements=(VALUES, RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT), looked(_EVENT, 3)),
    timing=Timing(lasts=8 * _MINUTE),
    mutants=("stays-at-the-first-value",),
)
async def values(stage: VenStage) -> None:
    """Announce levels 1, 3 and 2 and look in the middle of each."""
    event = simple(_EVENT, stage.now + _MINUTE, 6 * _MINUTE, 1, 3, 2)
    await announce(stage, event)
    for place, value in enumerate(("1", "3", "2")):
        middle = event.start + (2 * place + 1) * _MINUTE
        await see(stage, _EVENT, middle, acts=True, cites=VALUES, value=value)


@case(
    id="OADR20B-VEN-EXE-220",
    title="A pending event that is moved begins at its new start",
    purpose="Exposes a VEN that keeps the start which it was told first.",
    public=("A_E1_0220", "A_E0_0220"),
    requirements=("REQ-OADR20B-R57-1", RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 2)),
    timing=Timing(lasts=8 * _MINUTE),
    mutants=("keeps-the-first-start",),
)
async def moved(stage: VenStage) -> None:
    """Announce an event, move it by four minutes, and look after the old start and after the new one."""
    event = simple(_EVENT, stage.now + 2 * _MINUTE, 2 * _MINUTE)
    await announce(stage, event)
    later = event.modified(start=event.start + 4 * _MINUTE)
    await change(stage, later)
    cites = "REQ-OADR20B-R57-1"
    await see(stage, _EVENT, event.start + _HALF, acts=False, cites=cites)
    await see(stage, _EVENT, later.start + _HALF, acts=True, cites=cites)


@case(
    id="OADR20B-VEN-EXE-230",
    title="A running event that is lengthened and raised goes on so",
    purpose="Exposes a VEN that does not change an event which runs.",
    public=("A_E1_0230", "A_E0_0230"),
    requirements=("REQ-OADR20B-R57-2", RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 3)),
    timing=Timing(lasts=8 * _MINUTE),
    mutants=("keeps-what-runs",),
)
async def lengthened(stage: VenStage) -> None:
    """Announce a running event, double it on level 2, and look after the old end and after the new one."""
    event = simple(_EVENT, stage.now - _MINUTE, 4 * _MINUTE)
    await announce(stage, event)
    await look(stage, _EVENT, acts=True, cites=RUNS)
    longer = event.modified(lasts=8 * _MINUTE, signals=_level(8 * _MINUTE, 2))
    await change(stage, longer)
    cites = "REQ-OADR20B-R57-2"
    await see(stage, _EVENT, event.end + _HALF, acts=True, cites=cites, value="2")
    await see(stage, _EVENT, longer.end + _HALF, acts=False, cites=cites)


@case(
    id="OADR20B-VEN-EXE-240",
    title="A running event that is cancelled ends within a minute",
    purpose="Exposes a VEN that acknowledges a cancellation and goes on.",
    public=("A_E1_0240", "A_E0_0240"),
    requirements=(ENDS, RUNS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1, opt=""), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 2)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("goes-on-after-cancellation",),
)
async def cancelled(stage: VenStage) -> None:
    """Announce a running event, cancel it, and look a minute later."""
    event = simple(_EVENT, stage.now - _MINUTE, _HOUR)
    await announce(stage, event)
    await look(stage, _EVENT, acts=True, cites=RUNS)
    await cancel(stage, event)
    await stage.sleep(_MINUTE)
    await look(stage, _EVENT, acts=False, cites=ENDS)


@case(
    id="OADR20B-VEN-EXE-241",
    title="A pending event that is cancelled never begins",
    purpose="Exposes a VEN that acknowledges a cancellation and begins all the same.",
    requirements=(NEVER_BEGINS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1, opt=""), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 2)),
    timing=Timing(lasts=5 * _MINUTE),
    mutants=("begins-what-was-cancelled",),
)
async def cancelled_before(stage: VenStage) -> None:
    """Announce an event, cancel it before its start, and look twice after that."""
    event = simple(_EVENT, stage.now + 2 * _MINUTE, 4 * _MINUTE)
    await announce(stage, event)
    await cancel(stage, event)
    await see(stage, _EVENT, event.start + _HALF, acts=False, cites=NEVER_BEGINS)
    await see(stage, _EVENT, event.start + 2 * _MINUTE, acts=False, cites=NEVER_BEGINS)


@case(
    id="OADR20B-VEN-EXE-250",
    title="A dispatch without an end goes on until it is cancelled",
    purpose="Exposes a VEN that takes duration zero for no time at all.",
    public=("A_E1_0250", "A_E0_0250"),
    requirements=(OPEN, ENDS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(
        answers_event(_EVENT, version=0),
        answers_event(_EVENT, version=1, opt=""),
        acts_as_expected(_EVENT),
    ),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 3)),
    timing=Timing(lasts=12 * _MINUTE),
    mutants=("takes-open-ends-for-nothing", "goes-on-after-cancellation"),
)
async def open_ended(stage: VenStage) -> None:
    """Ask for 80 kW from now on, look after ten minutes, cancel, and look a minute later."""
    event = dispatch(_EVENT, stage.now, timedelta(0), "80")
    await announce(stage, event)
    await see(stage, _EVENT, event.start + _MINUTE, acts=True, cites=OPEN, value="80")
    await see(stage, _EVENT, event.start + 10 * _MINUTE, acts=True, cites=OPEN, value="80")
    await cancel(stage, event)
    await stage.sleep(_MINUTE)
    await look(stage, _EVENT, acts=False, cites=ENDS)


@case(
    id="OADR20B-VEN-EXE-903",
    title="An event without an end that is cancelled before its start never begins",
    purpose="Exposes a VEN that stumbles over duration zero when it cancels.",
    public=("CFX2B-EVT-03",),
    requirements=(NEVER_BEGINS, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(answers_event(_EVENT, version=1, opt=""), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("begins-what-was-cancelled",),
)
async def open_ended_cancelled(stage: VenStage) -> None:
    """Announce a dispatch without end, cancel it, and look after its start."""
    event = dispatch(_EVENT, stage.now + 2 * _MINUTE, timedelta(0), "80")
    await announce(stage, event)
    await cancel(stage, event)
    await see(stage, _EVENT, event.start + _HALF, acts=False, cites=NEVER_BEGINS)


def _other_context(stage: VenStage, event: Event) -> Event:
    return replace(event, context=stage.value("second_market_context"))


@case(
    id="OADR20B-VEN-EXE-270",
    title="Two events are both acted upon, one after the other",
    purpose="Exposes a VEN that drops an event when another one comes.",
    public=("A_E1_0270", "A_E0_0270"),
    requirements=(ALL, RIGHT_ANSWER, ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    checks=(
        answers_event(_EVENT),
        answers_event("run-2"),
        acts_as_expected(_EVENT),
        acts_as_expected("run-2"),
    ),
    observations=(event_answered(_EVENT), event_answered("run-2"), looked(_EVENT), looked("run-2")),
    timing=Timing(lasts=8 * _MINUTE),
    mutants=("a-new-event-takes-the-place-of-another",),
)
async def two_in_turn(stage: VenStage) -> None:
    """Announce an event, then another a minute after it, and look within both."""
    first = simple(_EVENT, stage.now + 3 * _MINUTE, 2 * _MINUTE)
    second = simple("run-2", first.end + _MINUTE, 2 * _MINUTE)
    await announce(stage, first)
    await announce(stage, second)
    await see(stage, _EVENT, first.start + _MINUTE, acts=True, cites=ALL)
    await see(stage, "run-2", second.start + _MINUTE, acts=True, cites=ALL)


@case(
    id="OADR20B-VEN-EXE-271",
    title="Events of two market contexts run at the same time",
    purpose="Exposes a VEN that acts on one event at a time.",
    requirements=(ALL, RIGHT_ANSWER, ANSWERED),
    applies_if=f"{_STATE} and VEN-EVT-CONTEXTS",
    needs=("state",),
    checks=(acts_as_expected(_EVENT), acts_as_expected("run-2")),
    observations=(event_answered(_EVENT), event_answered("run-2"), looked(_EVENT), looked("run-2")),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("acts-on-one-event-at-a-time",),
)
async def two_at_once(stage: VenStage) -> None:
    """Announce events of both programmes over the same hour."""
    first = simple(_EVENT, stage.now - _MINUTE, _HOUR)
    second = _other_context(stage, simple("run-2", stage.now - _MINUTE, _HOUR, 2))
    await announce(stage, first, second)
    await look(stage, _EVENT, acts=True, cites=ALL)
    await look(stage, "run-2", acts=True, cites=ALL)


_ASKED: Final = "left.asked"
_BACK: Final = "left.back"


async def _left(stage: VenStage) -> None:
    await announce(stage, simple(_EVENT, stage.now - _MINUTE, _HOUR))
    await look(stage, _EVENT, acts=True, cites=RUNS)
    stage.mark(_ASKED)
    await stage.driver.opt_out(_EVENT)
    await stage.until(answered(_EVENT, opt="optOut"), PATIENCE, "tell that it leaves the event")


@case(
    id="OADR20B-VEN-EXE-280",
    title="A VEN that leaves a running event says so and ends",
    purpose="Exposes a VEN that leaves without a word, or tells and goes on.",
    public=("A_E1_0280", "A_E0_0280"),
    requirements=(TOLD, LEFT, RUNS),
    applies_if=f"{_STATE} and VEN-EVT-OPT-LATER",
    needs=("state", "opt_out"),
    checks=(says_later(_EVENT, "optOut", TOLD, after_mark=_ASKED), acts_as_expected(_EVENT)),
    observations=(event_reached(_EVENT), event_answered(_EVENT), looked(_EVENT)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("leaves-without-a-word", "acts-on-what-it-has-left"),
)
async def leaves(stage: VenStage) -> None:
    """Have the operator leave a running event and look a minute later."""
    await _left(stage)
    await stage.sleep(_MINUTE)
    await look(stage, _EVENT, acts=False, cites=LEFT)


@case(
    id="OADR20B-VEN-EXE-281",
    title="A VEN that joins again says so and acts",
    purpose="Exposes a VEN whose optOut is for ever.",
    requirements=(TOLD, JOINED, RUNS),
    applies_if=f"{_STATE} and VEN-EVT-OPT-LATER",
    needs=("state", "opt_out", "opt_in"),
    checks=(says_later(_EVENT, "optIn", TOLD, after_mark=_BACK), acts_as_expected(_EVENT)),
    observations=(event_answered(_EVENT, 2), looked(_EVENT, 2)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("stays-out",),
)
async def joins_again(stage: VenStage) -> None:
    """Have the operator leave a running event and join it again."""
    await _left(stage)
    stage.mark(_BACK)
    here = newest(stage)
    await stage.driver.opt_in(_EVENT)
    await stage.until(answered(_EVENT, after=here), PATIENCE, "tell that it joins the event")
    await stage.sleep(_HALF)
    await look(stage, _EVENT, acts=True, cites=JOINED)


@case(
    id="OADR20B-VEN-EXE-282",
    title="An event that was left is answered with optOut when it comes again",
    purpose="Exposes a VEN that decides anew at every distribution.",
    requirements=(SAME, RUNS),
    applies_if=f"{_STATE} and VEN-EVT-OPT-LATER",
    needs=("state", "opt_out"),
    checks=(says_later(_EVENT, "optOut", SAME, after_mark=_BACK),),
    observations=(event_reached(_EVENT, 2), event_answered(_EVENT, 2)),
    timing=Timing(lasts=3 * _MINUTE),
    mutants=("decides-anew-each-time",),
)
async def left_and_repeated(stage: VenStage) -> None:
    """Have the operator leave a running event and distribute it unchanged."""
    await _left(stage)
    stage.mark(_BACK)
    here = newest(stage)
    stage.utility.distribute()
    await stage.until(answered(_EVENT, after=here), PATIENCE, "answer the event again")


@case(
    id="OADR20B-VEN-EXE-283",
    title="A refused event is not acted upon",
    purpose="Exposes a VEN that refuses an event by word alone.",
    requirements=(LEFT, "REQ-OADR20B-R48-3", ANSWERED),
    applies_if=_STATE,
    needs=("state",),
    suspends=("RULE-2B-007",),
    checks=(refuses_event(_EVENT, "REQ-OADR20B-R48-3"), acts_as_expected(_EVENT)),
    observations=(event_reached(_EVENT), event_answered(_EVENT), looked(_EVENT)),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("acts-on-what-it-has-left",),
)
async def refused(stage: VenStage) -> None:
    """Announce a running event of a programme in which the device takes no part."""
    other = "http://gridgate.example/no-such-program"
    await announce(stage, replace(simple(_EVENT, stage.now - _MINUTE, _HOUR), context=other))
    await stage.sleep(_HALF)
    await look(stage, _EVENT, acts=False, cites=LEFT)
