"""EiOpt, a VEN under test: schedules of availability, and opts that outlive what comes later (2.0b section 8.5)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.flow import field, never, sends
from conformance.kit.checks.network import repeats
from conformance.kit.checks.opts import CREATE_OPT, has_window, in_order, names_own_resource
from conformance.kit.checks.state import acts_on, state_seen
from conformance.kit.oadr20b.build import answer, make
from conformance.kit.oadr20b.conditions import answered, delivered, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.observations import event_reached, exchanges, mark_set, reached, sent
from conformance.kit.stage import VenStage, says, struck

PATIENCE = timedelta(minutes=2)
HOUR = timedelta(hours=1)
_CANCEL_OPT = "oadrCancelOpt"
_WINDOW = "REQ-OADR20B-8.5-1"
_ORDER = "REQ-OADR20B-8.5-2"
_OPEN = "REQ-OADR20B-R210-1"
_BY_ID = "REQ-OADR20B-R204-1"
_RESOURCES = "REQ-OADR20B-R203-1"
_INDEPENDENT = "REQ-OADR20B-R202-1"
_UNASKED = "REQ-OADR20B-R206-3"
_LASTING = "REQ-OADR20B-R206-4"
_NO_REPEAT = "REQ-OADR20B-9.1.7-2"


async def _schedule(stage: VenStage, opt: str, opt_id: str, minutes: int = 60) -> None:
    """Have the operator announce one window from the next hour on, and wait until the VTN has it."""
    stage.mark("resource", resource=stage.value("resource_id"))
    start = (stage.now + HOUR).replace(minute=0, second=0, microsecond=0)
    stage.mark(f"ordered.{opt_id}", start=start.isoformat(), seconds=60 * minutes)
    here = stage.transcript.all_marks(f"ordered.{opt_id}")[-1].number
    await stage.driver.call(
        "create_opt", opt=opt, opt_id=opt_id, start=start.isoformat(), minutes=str(minutes)
    )
    await stage.until(received(CREATE_OPT, after=here), PATIENCE, f"announce opt {opt_id}")


@case(
    id="OADR20B-VEN-OPT-010",
    title="A schedule says when the VEN is not available",
    purpose="Exposes a VEN that announces another window, another opt or another id than its operator ordered.",
    public=("P1_2010", "P0_7010"),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_WINDOW, _ORDER, _RESOURCES),
    checks=(
        sends(CREATE_OPT, 1, requirement=_ORDER),
        field(CREATE_OPT, "ei:optID", "away-1", requirement=_WINDOW),
        field(CREATE_OPT, "ei:optType", "optOut", requirement=_WINDOW),
        has_window("away-1", "ordered.away-1", requirement=_WINDOW),
        names_own_resource("resource", requirement=_RESOURCES),
    ),
    observations=(sent(CREATE_OPT), reached("oadrCreatedOpt")),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(seconds=40)),
    mutants=("opts-the-other-way", "window-an-hour-late", "opt-for-another-resource"),
)
async def schedule(stage: VenStage) -> None:
    """Have the operator announce an hour of absence."""
    await _schedule(stage, "optOut", "away-1")
    await stage.sleep(timedelta(seconds=30))


@case(
    id="OADR20B-VEN-OPT-015",
    title="An open-ended schedule has the duration zero",
    purpose="Exposes a VEN that gives an open-ended window an end.",
    public=("P1_2015", "P0_7015"),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_OPEN,),
    checks=(has_window("open-1", "ordered.open-1", requirement=_OPEN),),
    observations=(sent(CREATE_OPT), reached("oadrCreatedOpt")),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(seconds=20)),
    mutants=("open-end-is-a-day",),
)
async def open_ended(stage: VenStage) -> None:
    """Have the operator announce an absence without an end."""
    await _schedule(stage, "optOut", "open-1", minutes=0)
    await stage.sleep(timedelta(seconds=10))


@case(
    id="OADR20B-VEN-OPT-020",
    title="A schedule is taken back by its id",
    purpose="Exposes a VEN that cancels another schedule, or none.",
    public=("P1_2020", "P0_7020"),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_BY_ID,),
    checks=(
        sends(_CANCEL_OPT, 1, requirement=_BY_ID),
        field(_CANCEL_OPT, "ei:optID", "back-1", requirement=_BY_ID),
    ),
    observations=(sent(CREATE_OPT), mark_set("watched")),
    needs=("create_opt", "cancel_opt"),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("cancels-opt-by-another-id", "does-not-cancel-opts"),
)
async def taken_back(stage: VenStage) -> None:
    """Have the operator announce an absence and take it back."""
    await _schedule(stage, "optOut", "back-1")
    await stage.driver.call("cancel_opt", opt_id="back-1")
    await stage.maybe(received(_CANCEL_OPT), PATIENCE, "take opt back-1 back")
    await stage.sleep(timedelta(seconds=15))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-OPT-030",
    title="Presence and absence are announced one after the other, for a resource",
    purpose="Exposes a VEN that mixes up its schedules, or does not say for what they hold.",
    public=("P1_2030", "P0_7030"),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_ORDER, _RESOURCES),
    checks=(
        in_order("optIn", "optOut", requirement=_ORDER, after="case.prepared"),
        sends(CREATE_OPT, 2, requirement=_ORDER),
        names_own_resource("resource", requirement=_RESOURCES),
    ),
    observations=(sent(CREATE_OPT, 2), reached("oadrCreatedOpt", 2)),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("opts-the-other-way", "opt-for-another-resource"),
)
async def both_ways(stage: VenStage) -> None:
    """Have the operator announce a presence, then an absence."""
    await _schedule(stage, "optIn", "here-1")
    await _schedule(stage, "optOut", "gone-1", minutes=30)
    await stage.sleep(timedelta(seconds=15))


@case(
    id="OADR20B-VEN-OPT-040",
    title="A second schedule under the same id is announced and cancelled with the first",
    purpose="Exposes a VEN that swallows a second schedule under one id, or cancels twice.",
    public=("P1_2040", "P0_7040"),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_ORDER, _WINDOW, _BY_ID),
    checks=(
        sends(CREATE_OPT, 2, requirement=_ORDER, where=("ei:optID", "same-1"), until="watched"),
        field(CREATE_OPT, "ei:optType", "optIn", requirement=_WINDOW, last=True),
        sends(_CANCEL_OPT, 1, requirement=_BY_ID, where=("ei:optID", "same-1"), until="watched"),
    ),
    observations=(sent(CREATE_OPT), mark_set("watched")),
    needs=("create_opt", "cancel_opt"),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("one-opt-for-an-id", "does-not-cancel-opts"),
)
async def same_id(stage: VenStage) -> None:
    """Have the operator announce two schedules under one id and take them back."""
    await _schedule(stage, "optOut", "same-1")
    start = (stage.now + 3 * HOUR).isoformat()
    await stage.driver.call("create_opt", opt="optIn", opt_id="same-1", start=start, minutes="30")
    await stage.maybe(received(CREATE_OPT, times=2), PATIENCE, "announce the second schedule")
    await stage.driver.call("cancel_opt", opt_id="same-1")
    await stage.maybe(received(_CANCEL_OPT), PATIENCE, "take the schedules back")
    await stage.sleep(timedelta(seconds=15))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-OPT-050",
    title="A refused opt is not sent again",
    purpose="Exposes a VEN that repeats for ever what its VTN has refused.",
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_NO_REPEAT,),
    checks=(
        sends(CREATE_OPT, 0, requirement=_NO_REPEAT, most=1),
        never((CREATE_OPT,), requirement=_NO_REPEAT, after="refused"),
    ),
    observations=(sent(CREATE_OPT), exchanges(1, after_mark="refused")),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("insists-on-its-opt",),
)
async def refused(stage: VenStage) -> None:
    """Answer an opt by 469, then distribute, to see the device at work."""
    said = answer("oadr:oadrCreatedOpt", "", "469", make("ei:optID", "no-1"))
    stage.utility.answer_next(CREATE_OPT, says(said, wrong="refuses a right opt"))
    await _schedule(stage, "optOut", "no-1")
    await stage.sleep(timedelta(seconds=1))
    stage.mark("refused")
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=60))


@case(
    id="OADR20B-VEN-OPT-051",
    title="An opt whose receipt is lost is sent again",
    purpose="Exposes a VEN whose opt is lost with one broken connection.",
    applies_if="VEN-OPT-SCHEDULE",
    requirements=("REQ-OADR20B-9.1.4-2",),
    checks=(repeats(CREATE_OPT),),
    observations=(sent(CREATE_OPT, 1), mark_set("watched")),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("loses-opts",),
)
async def lost(stage: VenStage) -> None:
    """Break the connection after an oadrCreateOpt was read."""
    stage.utility.answer_next(CREATE_OPT, struck("reset_before"))
    await _schedule(stage, "optOut", "lost-1")
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=60))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-OPT-063",
    title="No opt for an event that is not known",
    purpose="Exposes a VEN that opts for events which it does not have.",
    applies_if="VEN-OPT-EVENT",
    requirements=(_UNASKED,),
    checks=(never((CREATE_OPT,), requirement=_UNASKED, after="case.prepared"),),
    observations=(event_reached("known-1"), exchanges(1, after_mark="ordered")),
    needs=("create_opt",),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("opts-for-the-unknown",),
)
async def unknown_event(stage: VenStage) -> None:
    """Have the operator leave an event that was never announced."""
    stage.utility.publish(simple("known-1", stage.now + HOUR, HOUR))
    await stage.until(answered("known-1"), PATIENCE, "answer event known-1")
    stage.mark("ordered")
    await stage.driver.call("create_opt", opt="optOut", opt_id="stray-1", event_id="unknown-1")
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=30))


@case(
    id="OADR20B-VEN-OPT-064",
    title="An opt outranks the event that comes once more",
    purpose="Exposes a VEN that acts again on an event it has left, because the event was distributed again.",
    public=("CFX2B-EVT-14", "CFX2B-OPT-02"),
    applies_if="VEN-OPT-EVENT and VEN-EVT-STATE",
    requirements=(_LASTING,),
    checks=(acts_on("left-1", "", after="left", requirement=_LASTING),),
    observations=(event_reached("left-1", 2), sent(CREATE_OPT), state_seen("left", 3)),
    needs=("create_opt", "state"),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("event-outranks-opt", "opt-changes-nothing"),
)
async def outranks(stage: VenStage) -> None:
    """Leave a running event by oadrCreateOpt, distribute it again, and look."""
    await _left(stage, "left-1")
    stage.utility.distribute()
    await stage.until(
        delivered("oadrDistributeEvent", after=stage.transcript.marks[-1].number),
        PATIENCE,
        "take the list",
    )
    await _look(stage)


async def _left(stage: VenStage, event_id: str) -> None:
    """Let an event begin and have the operator leave it."""
    begins = stage.now + timedelta(seconds=30)
    stage.utility.publish(simple(event_id, begins, HOUR))
    await stage.until(answered(event_id), PATIENCE, f"answer event {event_id}")
    await stage.sleep_until(begins + timedelta(seconds=20))
    await stage.driver.call("create_opt", opt="optOut", opt_id="leave-1", event_id=event_id)
    await stage.until(received(CREATE_OPT), PATIENCE, f"leave event {event_id}")
    await stage.sleep(timedelta(seconds=60))
    stage.mark("left")


async def _look(stage: VenStage) -> None:
    for _ in range(3):
        await stage.sleep(timedelta(seconds=10))
        await stage.driver.state()


@case(
    id="OADR20B-VEN-OPT-070",
    title="An opt outlives a restart",
    purpose="Exposes a VEN that acts again, after a restart, on an event it has left.",
    public=("CFX2B-OPT-03",),
    applies_if="VEN-OPT-EVENT and VEN-EVT-STATE and VEN-RESTART",
    requirements=(_LASTING,),
    checks=(acts_on("left-2", "", after="left", requirement=_LASTING),),
    observations=(event_reached("left-2", 2), sent(CREATE_OPT), state_seen("left", 3)),
    needs=("create_opt", "state", "kill", "start"),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("forgets-opts-at-restart", "opt-changes-nothing"),
)
async def outlives(stage: VenStage) -> None:
    """Leave a running event by oadrCreateOpt, restart the device, and look."""
    await _left(stage, "left-2")
    await stage.driver.kill()
    await stage.sleep(timedelta(seconds=5))
    await stage.driver.start()
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=30))
    await _look(stage)


@case(
    id="OADR20B-VEN-OPT-080",
    title="Schedules that overlap are announced and cancelled each for itself",
    purpose="Exposes a VEN that takes a schedule back because another one overlaps it, or cancels the wrong one.",
    public=("CFX2B-OPT-01",),
    applies_if="VEN-OPT-SCHEDULE",
    requirements=(_INDEPENDENT, _ORDER, _BY_ID),
    checks=(
        in_order("optOut", "optIn", requirement=_ORDER, after="case.prepared"),
        never((_CANCEL_OPT,), requirement=_INDEPENDENT, after="case.prepared", until="taking"),
        field(_CANCEL_OPT, "ei:optID", "over-1", requirement=_INDEPENDENT),
        sends(_CANCEL_OPT, 1, requirement=_BY_ID, until="watched"),
    ),
    observations=(sent(CREATE_OPT, 2), sent(_CANCEL_OPT), mark_set("watched")),
    needs=("create_opt", "cancel_opt"),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("one-schedule-at-a-time", "cancels-the-newest-opt"),
)
async def overlap(stage: VenStage) -> None:
    """Have the operator announce two hours' absence, presence within them, and take the absence back."""
    await _schedule(stage, "optOut", "over-1", minutes=120)
    await _schedule(stage, "optIn", "over-2", minutes=60)
    await stage.sleep(timedelta(seconds=15))
    stage.mark("taking")
    await stage.driver.call("cancel_opt", opt_id="over-1")
    await stage.maybe(received(_CANCEL_OPT), PATIENCE, "take opt over-1 back")
    await stage.sleep(timedelta(seconds=15))
    stage.mark("watched")
