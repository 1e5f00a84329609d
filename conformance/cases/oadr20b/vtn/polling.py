"""What waits for a VEN, and how it comes: queue, polls, pushes and their repetition (2.0b sections 8.6 and 9.1)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.delivery import on_path, tries
from conformance.kit.checks.messages import sends_at_most
from conformance.kit.checks.vtn import counts, order_of, replies, sends_after
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.vtn_acts import PUSHED, alive, periodic, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage, status

_HOUR = timedelta(hours=1)
_END = "oadrCancelPartyRegistration"
_EVENT = "oadrDistributeEvent"
_EMPTY = "REQ-OADR20B-R500-51"
_FIFO = "REQ-OADR20B-8.6-51"
_ONCE = "REQ-OADR20B-8.6-52"
_PUSH = "REQ-OADR20B-9.1.1.2-51"
_AGAIN = "REQ-OADR20B-9.1.7-51"
_NEVER = "REQ-OADR20B-9.1.5-51"
_SECONDS = tuple(timedelta(seconds=n) for n in (1, 2, 4, 8))
_BUSY = status(503, wrong="busy")


@case(
    id="OADR20B-VTN-POL-010",
    title="A poll with nothing waiting gets oadrResponse",
    purpose="Exposes a VTN that answers an empty queue by an empty body, or by events that have not changed.",
    public=("G1_4011",),
    requirements=(_EMPTY,),
    checks=(replies("oadrPoll", "oadrResponse", "200", requirement=_EMPTY),),
    observations=(sent("oadrResponse", 3),),
    modes=("pull",),
    mutants=("vtn-lists-events-when-idle",),
)
async def nothing(stage: VtnStage) -> None:
    """Poll three times, ten seconds apart."""
    for _ in range(3):
        await stage.ven.poll()
        await stage.sleep(timedelta(seconds=10))


@case(
    id="OADR20B-VTN-POL-015",
    title="What waits comes in the order in which it came",
    purpose="Exposes a VTN that overtakes itself.",
    public=("G1_4015",),
    requirements=(_FIFO,),
    checks=(
        order_of(
            (_EVENT, "oadrCreateReport", _END),
            requirement=_FIFO,
            mark="ask",
        ),
    ),
    observations=(sent(_EVENT), sent("oadrCreateReport"), sent("oadrResponse", after_mark="empty")),
    needs=("create_event", "request_report", "cancel_registration"),
    modes=("pull",),
    mutants=("vtn-newest-first",),
)
async def order(stage: VtnStage) -> None:
    """Let an event, a request for a report and the end of the registration wait; poll four times."""
    stage.mark("ask")
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await stage.request_report(periodic(stage))
    await stage.cancel_registration()
    for _ in range(3):
        await stage.ven.poll()
    stage.mark("empty")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-POL-017",
    title="Pushes keep their order over a failure",
    purpose="Exposes a VTN that lets what comes later overtake a push that failed.",
    public=("CFX2B-NET-05",),
    requirements=(_FIFO,),
    checks=(order_of((_EVENT, "oadrCreateReport", _END), requirement=_FIFO, mark="up"),),
    observations=(sent(_EVENT, after_mark="up"), mark_set("done")),
    needs=("create_event", "request_report", "cancel_registration"),
    modes=("push",),
    mutants=("vtn-newest-first",),
)
async def order_of_pushes(stage: VtnStage) -> None:
    """Close the VEN's port, let three messages wait, open it again."""
    await stage.ven.down()
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await stage.request_report(periodic(stage))
    await stage.cancel_registration()
    await stage.sleep(timedelta(seconds=20))
    stage.mark("up")
    await stage.ven.up()
    await stage.sleep(timedelta(minutes=2))
    await alive(stage)
    stage.mark("done")


@case(
    id="OADR20B-VTN-POL-020",
    title="What was delivered and answered does not come again",
    purpose="Exposes a VTN that sends the same message twice.",
    requirements=(_ONCE,),
    checks=(
        counts("oadrCreateReport", 1, requirement=_ONCE, mark="ask"),
        sends_at_most(_EVENT, 1, requirement=_ONCE, after_mark="ask"),
    ),
    observations=(sent("oadrCreateReport"), sent(_EVENT), mark_set("done")),
    needs=("create_event", "request_report"),
    mutants=("vtn-announces-twice",),
)
async def once(stage: VtnStage) -> None:
    """Let an event and a request come, answer both, and look again for half a minute."""
    stage.mark("ask")
    await stage.request_report(periodic(stage))
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    for _ in range(3):
        await settle(stage)
        await stage.sleep(timedelta(seconds=10))
    stage.mark("done")


@case(
    id="OADR20B-VTN-POL-030",
    title="An event is pushed at once, to EiEvent",
    purpose="Exposes a VTN that waits to be asked, or pushes to another service.",
    public=("E0_6020",),
    requirements=(_PUSH,),
    checks=(
        sends_after("ask", _EVENT, requirement=_PUSH),
        on_path(_EVENT, "EiEvent", requirement=_PUSH),
        replies("oadrCreatedEvent", "oadrResponse", "200", requirement=_PUSH),
    ),
    observations=(sent(_EVENT), sent("oadrResponse")),
    needs=("create_event",),
    modes=("push",),
    mutants=("vtn-pushes-to-register",),
)
async def pushed(stage: VtnStage) -> None:
    """Announce an event."""
    stage.mark("ask")
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await settle(stage)
    await alive(stage)


@case(
    id="OADR20B-VTN-POL-035",
    title="A push that met 503 comes again, unchanged, after 1, 2, 4 and 8 s",
    purpose="Exposes a VTN that gives up, hammers, or sends something else.",
    public=("CFX2B-NET-09", "CFX2B-NET-12"),
    requirements=(_AGAIN,),
    checks=(tries("oadrCreateReport", _SECONDS, requirement=_AGAIN),),
    observations=(sent("oadrCreateReport"), mark_set("done")),
    needs=("request_report",),
    modes=("push",),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("vtn-gives-up", "vtn-hammers"),
)
async def busy(stage: VtnStage) -> None:
    """Answer a push by 503 four times, then well."""
    stage.ven.answer_next(*[_BUSY] * len(_SECONDS))
    await stage.request_report(periodic(stage))
    await stage.sleep(timedelta(seconds=40))
    stage.mark("done")


@case(
    id="OADR20B-VTN-POL-036",
    title="A push that met 406 does not come again, and the next one comes",
    purpose="Exposes a VTN that repeats what was refused for good, or is held up by it.",
    public=("CFX2B-NET-09",),
    requirements=(_NEVER,),
    checks=(
        counts("oadrCreateReport", 1, requirement=_NEVER, mark="ask"),
        sends_after("next", _EVENT, requirement=_NEVER),
    ),
    observations=(sent("oadrCreateReport"), sent(_EVENT), mark_set("done")),
    needs=("create_event", "request_report"),
    modes=("push",),
    mutants=("vtn-repeats-what-was-refused",),
)
async def refused(stage: VtnStage) -> None:
    """Refuse a push by 406; announce an event; wait a minute."""
    stage.ven.answer_next(status(406, wrong="refuses what was right"))
    stage.mark("ask")
    await stage.request_report(periodic(stage))
    await stage.sleep(PUSHED)
    stage.mark("next")
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await stage.sleep(timedelta(minutes=1))
    await alive(stage)
    stage.mark("done")


@case(
    id="OADR20B-VTN-POL-038",
    title="A push VEN that was away gets what it missed",
    purpose="Exposes a VTN that drops what it could not deliver.",
    public=("CFX2B-NET-05",),
    requirements=(_AGAIN,),
    checks=(sends_after("up", _EVENT, requirement=_AGAIN),),
    observations=(sent(_EVENT, after_mark="up"), mark_set("done")),
    needs=("create_event",),
    modes=("push",),
    timing=Timing(lasts=timedelta(minutes=6)),
    mutants=("vtn-gives-up",),
)
async def away(stage: VtnStage) -> None:
    """Close the VEN's port for four minutes, announce an event meanwhile."""
    await stage.ven.down()
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await stage.sleep(timedelta(minutes=4))
    stage.mark("up")
    await stage.ven.up()
    await stage.sleep(timedelta(minutes=2))
    await alive(stage)
    stage.mark("done")
