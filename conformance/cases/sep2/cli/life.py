"""The life of a DERControl: without a default, in a row, cancelled at any time (SunSpec CORE-022)."""

from datetime import timedelta

from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import (
    never_responds,
    reads_before_start,
    responds,
    timely,
)
from conformance.kit.sep2.conditions import responded, seen
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Program, limit

SECOND = timedelta(seconds=1)
ONE_DEVICE = ("der", "csipaus")
_RSP = "REQ-SEP2-8.8-1"
_START = "REQ-SEP2-10.2.3-1"
_END = "REQ-SEP2-10.2.3-2"
_CANCEL = "REQ-SEP2-10.2.3-3"
_LOOK = "REQ-CSIP-BASIC-1"


@case(
    id="CSIP-CLI-EVT-017",
    title="A control without a default behind it",
    purpose="Exposes a client that needs a DefaultDERControl.",
    public=("BASIC-017",),
    requirements=(_RSP, _START, _END),
    checks=(
        responds("one", 1, 2, 3, requirement=_RSP),
        timely("one", 2, "one.starts", requirement=_START),
        timely("one", 3, "one.ends", requirement=_END),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("wants-a-default",),
)
async def no_default(stage: ClientStage) -> None:
    """Take the default away, then publish a control."""
    stage.utility.put_program(Program(id=PROGRAM, primacy=10, default=None))
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="CSIP-CLI-EVT-019",
    title="Two controls, one after the other",
    purpose="Exposes a client that takes one control at a time, or forgets the second.",
    public=("BASIC-019",),
    requirements=(_RSP, _START, _END),
    checks=(
        responds("one", 1, 2, 3, requirement=_RSP),
        responds("two", 1, 2, 3, requirement=_RSP),
        timely("two", 1, "published", requirement=_RSP, late=90 * SECOND),
        timely("two", 2, "two.starts", requirement=_START),
        timely("one", 3, "one.ends", requirement=_END),
    ),
    observations=(response_seen("one", 3), response_seen("two", 3)),
    modes=ONE_DEVICE,
    mutants=("takes-first-control-alone",),
)
async def two_controls(stage: ClientStage) -> None:
    """Publish both at once."""
    stage.mark("published", at=stage.now)
    announce(stage, "one", limit(60))
    two = announce(stage, "two", limit(40), ahead=4 * MINUTE)
    await run_through(stage, two)


@case(
    id="CSIP-CLI-EVT-119",
    title="Two controls back to back overlap nowhere",
    purpose="Exposes a client that takes the end of one for an overlap with the start of the next.",
    public=("EVENT.021", "ALL-21"),
    requirements=(_RSP,),
    checks=(
        responds("one", 1, 2, 3, requirement=_RSP),
        responds("two", 1, 2, 3, requirement=_RSP),
    ),
    observations=(response_seen("one", 3), response_seen("two", 3)),
    modes=ONE_DEVICE,
    mutants=("takes-touching-for-overlap",),
)
async def back_to_back(stage: ClientStage) -> None:
    """Publish both at once; the second begins when the first ends."""
    announce(stage, "one", limit(60))
    two = announce(stage, "two", limit(40), ahead=3 * MINUTE)
    await run_through(stage, two)


@case(
    id="CSIP-CLI-EVT-121",
    title="Twelve controls of a minute each, without a gap",
    purpose="Exposes a client that loses track of a series.",
    public=("ALL-21",),
    requirements=(_RSP,),
    checks=tuple(responds(f"c{n}", 1, 2, 3, requirement=_RSP) for n in range(12)),
    observations=tuple(response_seen(f"c{n}", 3) for n in range(12)),
    modes=ONE_DEVICE,
    lasts=16 * MINUTE,
    mutants=("takes-touching-for-overlap", "holds-ten-controls"),
)
async def series(stage: ClientStage) -> None:
    """Publish all of them at once."""
    rows = [announce(stage, f"c{n}", limit(10 + 5 * n), ahead=(2 + n) * MINUTE) for n in range(12)]
    await run_through(stage, rows[-1])


@case(
    id="CSIP-CLI-EVT-022",
    title="Cancelled while it runs: stopped at once",
    purpose="Exposes a client that goes on to the end, or does not say that it stopped.",
    public=("CORE-022", "ALL-18"),
    requirements=(_CANCEL,),
    checks=(
        responds("one", 1, 2, 6, requirement=_CANCEL),
        timely("one", 6, "cancelled", requirement=_CANCEL, late=90 * SECOND),
    ),
    observations=(control_seen("one"), response_seen("one", 2), response_seen("one", at_least=3)),
    modes=ONE_DEVICE,
    mutants=("goes-on-when-cancelled", "calls-cancelled-completed"),
)
async def cancelled_while_running(stage: ClientStage) -> None:
    """Cancel a control of ten minutes after one."""
    announce(stage, "one", limit(60), lasts=10 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    await stage.sleep(MINUTE)
    stage.utility.cancel("one")
    stage.mark("cancelled", at=stage.now)
    await stage.until(seen("one", 2), 2 * MINUTE, "read that it is cancelled")
    await stage.sleep(10 * MINUTE)


@case(
    id="CSIP-CLI-EVT-122",
    title="Cancelled before it starts: never started",
    purpose="Exposes a client that starts a cancelled control.",
    public=("ALL-18",),
    requirements=(_CANCEL,),
    checks=(responds("one", 1, 6, requirement=_CANCEL),),
    observations=(control_seen("one"), response_seen("one", 1), response_seen("one", at_least=2)),
    modes=ONE_DEVICE,
    mutants=("starts-what-is-cancelled",),
)
async def cancelled_before(stage: ClientStage) -> None:
    """Cancel a control two minutes before its start."""
    announce(stage, "one", limit(60), ahead=5 * MINUTE)
    await stage.until(responded("one", 1), 2 * MINUTE, "receive the control")
    stage.utility.cancel("one")
    await stage.until(seen("one", 2), 2 * MINUTE, "read that it is cancelled")
    await stage.sleep(6 * MINUTE)


@case(
    id="CSIP-CLI-EVT-123",
    title="Cancelled in the last seconds before it starts",
    purpose="Exposes a client that does not read a control once more before it starts it.",
    public=("BASIC-018",),
    requirements=(_CANCEL, _LOOK),
    checks=(
        reads_before_start("one", "one.starts", requirement=_LOOK, within=20 * SECOND),
        never_responds("one", 3, requirement=_CANCEL),
    ),
    observations=(control_seen("one"), response_seen("one", at_least=2)),
    modes=ONE_DEVICE,
    mutants=("looks-once",),
)
async def cancelled_late(stage: ClientStage) -> None:
    """Have it start half a minute after a poll, so that nothing but a look of its own comes in between."""
    await stage.sleep_until(stage.now.replace(second=30, microsecond=0) + MINUTE)
    announce(stage, "one", limit(60), lasts=5 * MINUTE, ahead=3 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    stage.utility.cancel("one")
    await stage.until(responded("one", 6), 2 * MINUTE, "stop the control")


@case(
    id="CSIP-CLI-EVT-124",
    title="Cancelled with randomisation: released within the window",
    purpose="Exposes a client that does not know currentStatus 3, or takes longer than its window.",
    public=("ALL-18",),
    requirements=(_CANCEL,),
    checks=(
        responds("one", 1, 2, 6, requirement=_CANCEL),
        timely("one", 6, "cancelled", requirement=_CANCEL, late=4 * MINUTE),
    ),
    observations=(control_seen("one"), response_seen("one", 2), response_seen("one", at_least=3)),
    modes=ONE_DEVICE,
    mutants=("knows-no-random-cancel",),
)
async def cancelled_randomly(stage: ClientStage) -> None:
    """Cancel a running control whose window is two minutes."""
    announce(stage, "one", limit(60), lasts=20 * MINUTE, random_lasts=120)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    await stage.sleep(MINUTE)
    stage.utility.cancel("one", randomly=True)
    stage.mark("cancelled", at=stage.now)
    await stage.until(seen("one", 3), 2 * MINUTE, "read that it is cancelled")
    await stage.sleep(20 * MINUTE)


@case(
    id="CSIP-CLI-EVT-125",
    title="Cancelled when it is first read: never started",
    purpose="Exposes a client that looks at a control's status only once it knows it.",
    requirements=(_CANCEL,),
    checks=(never_responds("one", 2, 3, requirement=_CANCEL),),
    observations=(control_seen("one"), response_seen("one", 6)),
    modes=ONE_DEVICE,
    mutants=("minds-status-of-known-alone",),
)
async def cancelled_from_the_beginning(stage: ClientStage) -> None:
    """Publish a control that is cancelled already."""
    announce(stage, "one", limit(60), ahead=-MINUTE, lasts=9 * MINUTE, status=2)
    await stage.until(responded("one", 6), 3 * MINUTE, "say that it is cancelled")
    await stage.sleep(3 * MINUTE)
