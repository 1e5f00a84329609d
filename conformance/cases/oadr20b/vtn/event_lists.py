"""Which events a VTN lists, in which order, to whom, and for how long (rules 15, 50, 52; replyLimit)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.case import Timing, case
from conformance.kit.checks.ordered import event_shows, order, records, reorder
from conformance.kit.checks.vtn import echoes, lists, replies
from conformance.kit.oadr20b.event import Event, Target, simple
from conformance.kit.oadr20b.vtn_acts import ask, look, restart, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_ANSWERS: Final = "REQ-OADR20B-8.2-61"
_ALL: Final = "REQ-OADR20B-R50-61"
_ORDER: Final = "REQ-OADR20B-R15-61"
_KEEPS_PLACE: Final = "REQ-OADR20B-R15-62"
_LIMIT: Final = "REQ-OADR20B-8.2-62"
_REPEATED: Final = "REQ-OADR20B-R52-61"
_DROPPED: Final = "REQ-OADR20B-R52-62"
_ITS_OWN: Final = "REQ-OADR20B-R63-61"
_KEEPS: Final = "REQ-OADR20B-9-61"
_VERSION: Final = "ei:eiEvent/ei:eventDescriptor/ei:modificationNumber"
_STATUS: Final = "ei:eiEvent/ei:eventDescriptor/ei:eventStatus"
_REQUEST: Final = "oadrRequestEvent"
_LISTING: Final = "oadrDistributeEvent"


def _later(stage: VtnStage, event_id: str, hours: int) -> Event:
    return simple(event_id, stage.now + hours * _HOUR, _HOUR)


async def _ordered(stage: VtnStage, *events: Event) -> None:
    for event in events:
        await order(stage, event)
    await settle(stage)


@case(
    id="OADR20B-VTN-LST-010",
    title="Without events oadrRequestEvent is answered by an empty list",
    purpose="Exposes a VTN that answers by something else when there is nothing.",
    public=("E1_1010", "E0_6010"),
    requirements=(_ANSWERS,),
    checks=(
        replies(_REQUEST, _LISTING, "200", requirement=_ANSWERS, after="ask"),
        lists("ask", requirement=_ANSWERS),
    ),
    observations=(mark_set("ask"), sent(_LISTING)),
    mutants=("vtn-has-no-empty-list",),
)
async def nothing(stage: VtnStage) -> None:
    """Ask while there is nothing."""
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-050",
    title="oadrRequestEvent is answered at once by the list, with its requestID",
    purpose="Exposes a VTN that answers another request, or leaves events to the next poll.",
    public=("E1_1050", "E0_6050"),
    requirements=(_ANSWERS, _ALL),
    needs=("create_event",),
    checks=(
        lists("ask", "e1", requirement=_ALL),
        echoes(
            _REQUEST,
            _LISTING,
            "ei:eiResponse/pyld:requestID=pyld:eiRequestEvent/pyld:requestID",
            requirement=_ANSWERS,
        ),
    ),
    observations=(mark_set("ask"), sent(_LISTING)),
    mutants=("vtn-answers-no-request",),
)
async def requested(stage: VtnStage) -> None:
    """Have an event ordered and ask."""
    await order(stage, _later(stage, "e1", 2))
    if stage.mode == "push":
        await settle(stage)
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-040",
    title="Two events are both listed",
    purpose="Exposes a VTN that lists one event at a time.",
    public=("E1_1040", "E0_6040"),
    requirements=(_ALL,),
    needs=("create_event",),
    checks=(lists("ask", "e1", "e2", requirement=_ALL),),
    observations=(mark_set("ask"), sent(_LISTING, 2)),
    mutants=("vtn-lists-one-event",),
)
async def two_events(stage: VtnStage) -> None:
    """Have two events ordered and ask."""
    await _ordered(stage, _later(stage, "e1", 2), _later(stage, "e2", 4))
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-680",
    title="Events that were answered are listed again with each new one",
    purpose="Exposes a VTN that distributes news alone.",
    public=("A_E3_0680", "A_E2_0680"),
    requirements=(_ALL,),
    needs=("create_event",),
    checks=(lists("second", "e1", "e2", requirement=_ALL),),
    observations=(mark_set("second"), sent(_LISTING, 2)),
    mutants=("vtn-lists-news-alone",),
)
async def all_each_time(stage: VtnStage) -> None:
    """Have an event ordered and answered, then another."""
    await _ordered(stage, _later(stage, "e1", 2))
    stage.mark("second")
    await _ordered(stage, _later(stage, "e2", 4))


def _running(stage: VtnStage, event_id: str, ago: int, priority: int) -> Event:
    begun: datetime = stage.now - ago * _MINUTE
    context = f"http://gridgate.example/{event_id}"
    return replace(simple(event_id, begun, 10 * _HOUR), priority=priority, context=context)


@case(
    id="OADR20B-VTN-LST-510",
    title="Running events come by priority, 1 before 2 before none",
    purpose="Exposes a VTN that lists by time alone, or takes 0 for the highest priority.",
    public=("A_E3_0510", "A_E2_0510"),
    requirements=(_ORDER,),
    needs=("create_event",),
    checks=(lists("ask", "high", "low", "none", requirement=_ORDER),),
    observations=(mark_set("ask"), sent(_LISTING, 2)),
    mutants=("vtn-ignores-priority", "vtn-takes-zero-for-the-highest"),
)
async def by_priority(stage: VtnStage) -> None:
    """Have running events of three programmes ordered, the one without priority begun first."""
    await _ordered(
        stage,
        _running(stage, "none", 30, 0),
        _running(stage, "low", 20, 2),
        _running(stage, "high", 10, 1),
    )
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-520",
    title="Running events come before pending ones, those by their start",
    purpose="Exposes a VTN that lets the priority of a pending event count.",
    public=("A_E3_0520", "A_E2_0520"),
    requirements=(_ORDER,),
    needs=("create_event",),
    checks=(lists("ask", "running", "sooner", "later", requirement=_ORDER),),
    observations=(mark_set("ask"), sent(_LISTING, 2)),
    mutants=("vtn-lists-by-priority-alone",),
)
async def by_start(stage: VtnStage) -> None:
    """Have two pending events ordered, the later one of priority 1, then a running one without."""
    later = replace(_later(stage, "later", 30), priority=1)
    await _ordered(stage, later, _later(stage, "sooner", 20), _running(stage, "running", 5, 0))
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-525",
    title="A cancelled event keeps its place in the list",
    purpose="Exposes a VTN that lists cancellations at the end.",
    public=("A_E3_0525", "A_E2_0525"),
    requirements=(_KEEPS_PLACE,),
    needs=("create_event", "cancel_event"),
    checks=(lists("ask", "e1", "e2", "e3", requirement=_KEEPS_PLACE),),
    observations=(mark_set("ask"), sent(_LISTING, 3)),
    mutants=("vtn-lists-cancelled-events-last",),
)
async def cancelled_in_place(stage: VtnStage) -> None:
    """Have three events ordered, the middle one cancelled, and do not answer that."""
    events = [_later(stage, f"e{n}", 2 * n) for n in (1, 2, 3)]
    await _ordered(stage, *events)
    stage.ven.opt = ""
    await stage.cancel("e2")
    await settle(stage)
    await look(stage, "ask")


@case(
    id="OADR20B-VTN-LST-655",
    title="replyLimit cuts the list after its order",
    purpose="Exposes a VTN that ignores replyLimit, or cuts the wrong end.",
    public=("A_E3_0655", "A_E2_0655"),
    requirements=(_LIMIT,),
    needs=("create_event",),
    checks=(
        lists("one", "e1", requirement=_LIMIT),
        lists("two", "e1", "e2", requirement=_LIMIT),
        lists("all", "e1", "e2", "e3", requirement=_LIMIT),
    ),
    observations=(mark_set("all"), sent(_LISTING, 4)),
    mutants=("vtn-ignores-reply-limits", "vtn-cuts-the-wrong-end"),
)
async def limited(stage: VtnStage) -> None:
    """Have three events ordered, the last one first, and ask for one, two and all."""
    await _ordered(stage, *(_later(stage, f"e{n}", 2 * n) for n in (3, 2, 1)))
    await look(stage, "one", 1)
    await look(stage, "two", 2)
    await look(stage, "all")


@case(
    id="OADR20B-VTN-LST-657",
    title="A cancellation is listed until it is answered, and no longer",
    purpose="Exposes a VTN that tells of a cancellation once, or for ever.",
    public=("A_E3_0657", "A_E2_0657"),
    requirements=(_REPEATED, _DROPPED),
    needs=("create_event", "cancel_event"),
    checks=(
        event_shows("unanswered", "e1", _STATUS, "cancelled", requirement=_REPEATED),
        event_shows("still", "e1", _STATUS, "cancelled", requirement=_REPEATED),
        lists("answered", "e2", requirement=_DROPPED),
    ),
    observations=(mark_set("answered"), sent(_LISTING, 4)),
    mutants=("vtn-tells-a-cancellation-once", "vtn-never-drops-cancelled-events"),
)
async def cancelled_until_answered(stage: VtnStage) -> None:
    """Have one of two events cancelled, ask twice without an answer, answer, and ask again."""
    await _ordered(stage, _later(stage, "e1", 2), _later(stage, "e2", 4))
    stage.ven.opt = ""
    await stage.cancel("e1")
    await settle(stage)
    await look(stage, "unanswered")
    listing = await look(stage, "still")
    stage.ven.opt = "optIn"
    await stage.ven.answer(listing)
    await look(stage, "answered")


@case(
    id="OADR20B-VTN-LST-700",
    title="An event for one VEN is not listed to another",
    purpose="Exposes a VTN that shows every event to every VEN.",
    requirements=(_ITS_OWN,),
    needs=("create_event",),
    checks=(
        lists("mine", "e1", requirement=_ITS_OWN),
        lists("other", requirement=_ITS_OWN),
    ),
    observations=(mark_set("other"), sent(_LISTING, 3)),
    mutants=("vtn-shows-events-to-all",),
)
async def of_another_ven(stage: VtnStage) -> None:
    """Register a second VEN, have an event for the first one ordered, and ask as both."""
    other = await stage.another_ven("second-ven")
    await other.register()
    target = Target(ven_ids=(stage.ven.ven_id,))
    await _ordered(stage, replace(_later(stage, "e1", 2), target=target))
    await look(stage, "mine")
    stage.mark("other")
    await ask(other)


@case(
    id="OADR20B-VTN-LST-701",
    title="Events and what was said of them outlive a restart",
    purpose="Exposes a VTN that forgets its events, or their answers, when it is restarted.",
    public=("CFX2B-NET-02",),
    requirements=(_KEEPS,),
    applies_if="VTN-RESTART",
    needs=("create_event", "modify_event", "kill", "start", "state"),
    checks=(
        lists("restarted", "e1", "e2", requirement=_KEEPS),
        event_shows("restarted", "e1", _VERSION, "1", requirement=_KEEPS),
        records("e1", "optOut", requirement=_KEEPS, after="restarted"),
    ),
    observations=(mark_set("restarted"), sent(_LISTING, 3)),
    timing=Timing(lasts=_MINUTE),
    mutants=("vtn-forgets-events", "vtn-forgets-answers"),
)
async def outlive_restart(stage: VtnStage) -> None:
    """Have two events ordered, one of them changed and left by the VEN, and restart the VTN."""
    first = _later(stage, "e1", 2)
    await _ordered(stage, first, _later(stage, "e2", 4))
    stage.ven.opt = "optOut"
    await reorder(stage, replace(first, priority=1))
    await settle(stage)
    await restart(stage)
    await look(stage, "restarted")
    await stage.driver.state()
