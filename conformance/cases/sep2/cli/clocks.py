"""The server's clock: events go by it, whatever the client's own shows (SunSpec CORE-005, CORE-006)."""

from datetime import timedelta

from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, mark_times, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds, timely
from conformance.kit.sep2.checks.walk import reads_all
from conformance.kit.sep2.conditions import read, responded
from conformance.kit.sep2.observations import control_seen, read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Control, limit

ONE_DEVICE = ("der", "csipaus")
HOUR = timedelta(hours=1)
_SERVER = "REQ-SEP2-9.2-1"
_STEP = "REQ-SEP2-9.2-2"
_READ = "REQ-SEP2-9.2-3"


@case(
    id="CSIP-CLI-TIM-005",
    title="A server whose clock is an hour ahead: events begin by its clock",
    purpose="Exposes a client that times events by a clock of its own.",
    public=("CORE-005",),
    requirements=(_SERVER, _READ),
    checks=(
        reads_all("Time", requirement=_READ),
        responds("one", 1, 2, 3, requirement=_SERVER),
        timely("one", 2, "one.starts", requirement=_SERVER),
        timely("one", 3, "one.ends", requirement=_SERVER),
    ),
    observations=(read_seen("Time"), control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    facts=(("time_s", "3600"),),
    mutants=("goes-by-its-own-clock",),
)
async def ahead(stage: ClientStage) -> None:
    """The clock is ahead from the beginning; so are the times of the control."""
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="CSIP-CLI-TIM-006",
    title="The server's clock is set forward: what is known begins by the new time",
    purpose="Exposes a client that reads the clock once.",
    public=("CORE-006",),
    requirements=(_STEP,),
    checks=(
        responds("one", 1, 2, 3, requirement=_STEP),
        timely("one", 2, "sooner.starts", requirement=_STEP),
    ),
    observations=(read_seen("Time", 2), control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    lasts=30 * MINUTE,
    facts=(("walk_s", "120"),),
    mutants=("reads-time-once",),
)
async def stepped(stage: ClientStage) -> None:
    """Set the clock ten minutes ahead while a control waits for twenty; its time on that clock stays."""
    start = stage.now.replace(microsecond=0) + 20 * MINUTE
    control = Control(id="one", start=start, lasts=MINUTE, base=limit(60))
    stage.utility.publish(PROGRAM, control)
    await stage.until(responded("one", 1), 2 * MINUTE, "receive the control")
    step = 10 * MINUTE
    stage.utility.set_time(offset=step)
    moved = Control(id="one", start=start - step, lasts=MINUTE, base=limit(60), created=stage.now)
    stage.utility.publish(PROGRAM, moved)
    mark_times(stage, "sooner", start - step, start - step + MINUTE)
    await run_through(stage, moved)


@case(
    id="CSIP-CLI-TIM-007",
    title="The client's own clock is set: events begin by the server's all the same",
    purpose="Exposes a client whose difference to the server is kept when its own clock jumps.",
    requirements=(_SERVER,),
    checks=(
        responds("one", 1, 2, 3, requirement=_SERVER),
        timely("one", 2, "one.starts", requirement=_SERVER),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    applies_if="CLI-CLOCK",
    needs=("set_clock",),
    lasts=12 * MINUTE,
    facts=(("walk_s", "60"),),
    mutants=("reads-time-once",),
)
async def own_clock(stage: ClientStage) -> None:
    """Set the client's clock an hour ahead."""
    await stage.driver.call("set_clock", fast="3600")
    mark = stage.transcript.marks[-1].number
    await stage.maybe(read("Time", after=mark), 3 * MINUTE, "read the server's clock")
    await run_through(stage, announce(stage, "one", limit(60), ahead=3 * MINUTE))
