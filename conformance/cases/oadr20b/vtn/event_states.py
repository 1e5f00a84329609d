"""Status, version and current value of events as time passes, a VTN under test (rules 4, 5, 10, 13, 14, 29, 50)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.case import Timing, case
from conformance.kit.checks.ordered import carries, event_shows, order, reorder
from conformance.kit.checks.vtn import lists, shows
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.vtn_acts import look, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_MOMENT: Final = timedelta(seconds=10)
_EVENT: Final = "e1"
_HEAD: Final = "ei:eiEvent/ei:eventDescriptor"
STATUS: Final = f"{_HEAD}/ei:eventStatus"
VERSION: Final = f"{_HEAD}/ei:modificationNumber"
_CURRENT: Final = (
    "ei:eiEvent/ei:eiEventSignals/ei:eiEventSignal/ei:currentValue/ei:payloadFloat/ei:value"
)
_STATUS: Final = "REQ-OADR20B-R13-61"
_NEAR: Final = "REQ-OADR20B-R13-62"
_FIRST: Final = "REQ-OADR20B-R4-61"
_COUNTS: Final = "REQ-OADR20B-R5-61"
_NOT_BY_STATUS: Final = "REQ-OADR20B-R5-62"
_CANCEL: Final = "REQ-OADR20B-R10-61"
_RANDOM: Final = "REQ-OADR20B-R50-62"
_CURRENT_VALUE: Final = "REQ-OADR20B-R29-61"
_IDLE_VALUE: Final = "REQ-OADR20B-R14-61"
_REPLY: Final = "REQ-OADR20B-R40-61"
_PUSH: Final = "REQ-OADR20B-R40-62"
_SEEN: Final = sent("oadrDistributeEvent", 2)


async def _look_at(stage: VtnStage, at: datetime, mark: str) -> None:
    await stage.sleep_until(at)
    await look(stage, mark)


@case(
    id="OADR20B-VTN-STS-420",
    title="An event is far before its start and active from then on",
    purpose="Exposes a VTN whose status does not follow its clock.",
    public=("A_E3_0420",),
    requirements=(_STATUS,),
    needs=("create_event",),
    checks=(
        event_shows("before", _EVENT, STATUS, "far", requirement=_STATUS),
        event_shows("within", _EVENT, STATUS, "active", requirement=_STATUS),
    ),
    observations=(mark_set("before"), mark_set("within"), _SEEN),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("vtn-stays-far",),
)
async def active(stage: VtnStage) -> None:
    """Have an event ordered, and ask before and after its start."""
    event = simple(_EVENT, stage.now + _MINUTE, 10 * _MINUTE)
    await order(stage, event)
    await settle(stage)
    await look(stage, "before")
    await _look_at(stage, event.start + _MOMENT, "within")


@case(
    id="OADR20B-VTN-STS-527",
    title="An event is near from the beginning of its ramp-up",
    purpose="Exposes a VTN that does not know the status near.",
    public=("A_E3_0527", "A_E2_0527"),
    requirements=(_NEAR, _STATUS),
    needs=("create_event",),
    checks=(
        event_shows("far", _EVENT, STATUS, "far", requirement=_NEAR),
        event_shows("near", _EVENT, STATUS, "near", requirement=_NEAR),
        event_shows("active", _EVENT, STATUS, "active", requirement=_STATUS),
    ),
    observations=(mark_set("near"), mark_set("active"), _SEEN),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("vtn-knows-no-near",),
)
async def near(stage: VtnStage) -> None:
    """Have an event with a ramp-up of a minute ordered, and ask before it, in it, and after the start."""
    event = replace(simple(_EVENT, stage.now + 3 * _MINUTE, 10 * _MINUTE), ramp_up=_MINUTE)
    await order(stage, event)
    await settle(stage)
    await look(stage, "far")
    await _look_at(stage, event.start - 3 * _MOMENT, "near")
    await _look_at(stage, event.start + _MOMENT, "active")


@case(
    id="OADR20B-VTN-STS-528",
    title="Without a ramp-up, or with a negative one, no event is ever near",
    purpose="Exposes a VTN that uses near as it pleases.",
    requirements=(_NEAR,),
    needs=("create_event",),
    checks=(
        event_shows("late", _EVENT, STATUS, "far", requirement=_NEAR),
        event_shows("late", "e2", STATUS, "far", requirement=_NEAR),
    ),
    observations=(mark_set("late"), _SEEN),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("vtn-takes-the-sign-off-a-ramp",),
)
async def never_near(stage: VtnStage) -> None:
    """Have two such events ordered, and ask ten seconds before they start."""
    plain = simple(_EVENT, stage.now + _MINUTE, _HOUR)
    await order(stage, plain)
    await order(stage, replace(simple("e2", plain.start, _HOUR), ramp_up=-5 * _MINUTE))
    await settle(stage)
    await _look_at(stage, plain.start - _MOMENT, "late")


@case(
    id="OADR20B-VTN-STS-685",
    title="A randomised event is listed until the last VEN may have ended it",
    purpose="Exposes a VTN that drops an event at its end although VENs still act on it.",
    public=("A_E3_0685", "A_E2_0685"),
    requirements=(_RANDOM, _STATUS),
    needs=("create_event",),
    checks=(
        lists("over", _EVENT, requirement=_RANDOM),
        event_shows("over", _EVENT, STATUS, "completed", requirement=_STATUS),
    ),
    observations=(mark_set("over"), _SEEN),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("vtn-drops-randomised-events-early",),
)
async def completed(stage: VtnStage) -> None:
    """Have an event of a minute and a startafter of two ordered, and ask a minute after its end."""
    event = simple(_EVENT, stage.now + _MINUTE, _MINUTE, start_after=2 * _MINUTE)
    await order(stage, event)
    await settle(stage)
    await _look_at(stage, event.end + _MINUTE, "over")


@case(
    id="OADR20B-VTN-STS-029",
    title="currentValue of SIMPLE is 0 before the event, then that of the running interval",
    purpose="Exposes a VTN that shows the value of another interval, or one that does not hold yet.",
    requirements=(_CURRENT_VALUE, _IDLE_VALUE),
    needs=("create_event",),
    checks=(
        event_shows("before", _EVENT, _CURRENT, "0", requirement=_IDLE_VALUE),
        event_shows("first", _EVENT, _CURRENT, "1", requirement=_CURRENT_VALUE),
        event_shows("second", _EVENT, _CURRENT, "3", requirement=_CURRENT_VALUE),
    ),
    observations=(mark_set("second"), sent("oadrDistributeEvent", 3)),
    timing=Timing(lasts=4 * _MINUTE),
    mutants=("vtn-shows-values-early", "vtn-stays-at-the-first-value"),
)
async def current_value(stage: VtnStage) -> None:
    """Have levels 1 and 3 ordered, and ask before the start and within both."""
    event = simple(_EVENT, stage.now + _MINUTE, 2 * _MINUTE, 1, 3)
    await order(stage, event)
    await settle(stage)
    await look(stage, "before")
    await _look_at(stage, event.start + 3 * _MOMENT, "first")
    await _look_at(stage, event.start + _MINUTE + 3 * _MOMENT, "second")


@case(
    id="OADR20B-VTN-STS-030",
    title="Versions count from 0 in steps of 1, and carry what was changed",
    purpose="Exposes a VTN that does not count its modifications, or distributes what was before.",
    public=("E1_1030", "E0_6030"),
    requirements=(_FIRST, _COUNTS),
    needs=("create_event", "modify_event"),
    checks=(
        event_shows("new", _EVENT, VERSION, "0", requirement=_FIRST),
        event_shows("changed", _EVENT, VERSION, "1", requirement=_COUNTS),
        event_shows("again", _EVENT, VERSION, "2", requirement=_COUNTS),
        carries(_EVENT, "period", "signals", requirement=_COUNTS),
    ),
    observations=(mark_set("again"), sent("oadrDistributeEvent", 6)),
    mutants=("vtn-does-not-count", "vtn-counts-from-one"),
)
async def versions(stage: VtnStage) -> None:
    """Have an event ordered and changed twice, and ask after each."""
    event = simple(_EVENT, stage.now.replace(microsecond=0) + 2 * _HOUR, _HOUR)
    await order(stage, event)
    await settle(stage)
    await look(stage, "new")
    for mark, hours in (("changed", 2), ("again", 3)):
        longer = simple(_EVENT, event.start, hours * _HOUR, 2)
        await reorder(stage, longer)
        await settle(stage)
        await look(stage, mark)


@case(
    id="OADR20B-VTN-STS-031",
    title="A change of status alone is no new version",
    purpose="Exposes a VTN that counts a version whenever the status changes.",
    requirements=(_NOT_BY_STATUS,),
    needs=("create_event",),
    checks=(event_shows("within", _EVENT, VERSION, "0", requirement=_NOT_BY_STATUS),),
    observations=(mark_set("within"), _SEEN),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("vtn-counts-status",),
)
async def status_is_no_version(stage: VtnStage) -> None:
    """Have an event ordered, and ask after its start."""
    event = simple(_EVENT, stage.now + _MINUTE, 10 * _MINUTE)
    await order(stage, event)
    await settle(stage)
    await _look_at(stage, event.start + _MOMENT, "within")


@case(
    id="OADR20B-VTN-STS-032",
    title="A cancellation is a new version with status cancelled",
    purpose="Exposes a VTN that cancels without counting, or by leaving the event out.",
    requirements=(_CANCEL,),
    needs=("create_event", "cancel_event"),
    checks=(
        event_shows("gone", _EVENT, STATUS, "cancelled", requirement=_CANCEL),
        event_shows("gone", _EVENT, VERSION, "1", requirement=_CANCEL),
    ),
    observations=(mark_set("gone"), _SEEN),
    mutants=("vtn-cancels-without-counting", "vtn-cancels-by-leaving-out"),
)
async def cancelled(stage: VtnStage) -> None:
    """Have an event ordered and cancelled."""
    await order(stage, simple(_EVENT, stage.now + 2 * _HOUR, _HOUR))
    await settle(stage)
    stage.mark("gone")
    await stage.cancel(_EVENT)
    await settle(stage)


@case(
    id="OADR20B-VTN-STS-401",
    title="A distribution in answer to a poll has an eiResponse",
    purpose="Exposes a VTN that leaves eiResponse out of the answer to a poll.",
    requirements=(_REPLY,),
    modes=("pull",),
    needs=("create_event",),
    checks=(shows("ordered", "ei:eiResponse/ei:responseCode", "200", requirement=_REPLY),),
    observations=(sent("oadrDistributeEvent", path=".//ei:eventID", value=_EVENT),),
    mutants=("vtn-answers-polls-without-eiresponse",),
)
async def answered(stage: VtnStage) -> None:
    """Have an event ordered and poll."""
    stage.mark("ordered")
    await order(stage, simple(_EVENT, stage.now + 2 * _HOUR, _HOUR))
    await settle(stage)


@case(
    id="OADR20B-VTN-STS-402",
    title="A pushed distribution has no eiResponse",
    purpose="Exposes a VTN that pushes an answer to nothing.",
    requirements=(_PUSH,),
    modes=("push",),
    needs=("create_event",),
    checks=(shows("ordered", "ei:eiResponse", requirement=_PUSH),),
    observations=(sent("oadrDistributeEvent", path=".//ei:eventID", value=_EVENT),),
    mutants=("vtn-pushes-eiresponse",),
)
async def pushed(stage: VtnStage) -> None:
    """Have an event ordered and wait for the push."""
    stage.mark("ordered")
    await order(stage, simple(_EVENT, stage.now + 2 * _HOUR, _HOUR))
    await settle(stage)
