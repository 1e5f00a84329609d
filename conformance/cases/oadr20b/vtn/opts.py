"""EiOpt, a VTN under test: schedules, opts of events, cancellation (2.0b section 8.5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from conformance.kit.case import case
from conformance.kit.checks.vtn import counts, echoes, replies, says
from conformance.kit.oadr20b import ven_build
from conformance.kit.oadr20b.build import make
from conformance.kit.oadr20b.event import Target, simple
from conformance.kit.oadr20b.vtn_acts import restart, settle, version_of
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage
from conformance.kit.xml import Element

_HOUR = timedelta(hours=1)
_CREATE, _CREATED = "oadrCreateOpt", "oadrCreatedOpt"
_CANCEL, _CANCELED = "oadrCancelOpt", "oadrCanceledOpt"
_TAKES = "REQ-OADR20B-8.5-51"
_GIVES_ID = "REQ-OADR20B-8.5-52"
_FORM = "REQ-OADR20B-8.5-53"
_CANCELS = "REQ-OADR20B-R204-51"
_UNKNOWN = "REQ-OADR20B-T2050-51"
_REPLACED = "REQ-OADR20B-R211-51"
_EVENT = "REQ-OADR20B-R206-51"
_OUTSIDE = "REQ-OADR20B-R206-52"
_WRONG_EVENT = "REQ-OADR20B-R48-51"
_OUTRANKS = "REQ-OADR20B-R17-51"
_KEPT = "REQ-OADR20B-R201-51"


def _schedule(
    stage: VtnStage,
    opt_id: str,
    opt: str = "optOut",
    *,
    lasts: Sequence[timedelta] = (_HOUR,),
    to: Target | None = None,
) -> Element:
    """Make a schedule of windows that begin in one hour, in two and so on."""
    return ven_build.create_opt(
        opt_id,
        opt,
        ven_id=stage.ven.ven_id,
        request_id=stage.ven.request_id(),
        now=stage.now,
        windows=[(stage.now + (n + 1) * _HOUR, length) for n, length in enumerate(lasts)],
        to=to,
    )


def _of_event(
    stage: VtnStage,
    event_id: str,
    version: int | None = None,
    opt: str = "optOut",
    to: Target | None = None,
) -> Element:
    """Make an opt of an event, in the version that was distributed last unless another is named."""
    return ven_build.create_opt(
        f"opt-{event_id}",
        opt,
        ven_id=stage.ven.ven_id,
        request_id=stage.ven.request_id(),
        now=stage.now,
        event=(event_id, version_of(stage, event_id) if version is None else version),
        to=to,
    )


async def _cancel(stage: VtnStage, opt_id: str, wrong: str = "") -> None:
    ven = stage.ven
    element = ven_build.cancel_opt(opt_id, ven_id=ven.ven_id, request_id=ven.request_id())
    await ven.send(element, wrong=wrong)


async def _event(stage: VtnStage, event_id: str = "e1", target: Target | None = None) -> None:
    """Have an event announced, of which the VEN takes note without answering it."""
    event = replace(simple(event_id, stage.now + _HOUR, _HOUR), target=target or Target())
    stage.ven.opt = ""
    await stage.publish(event)
    await settle(stage)


@case(
    id="OADR20B-VTN-OPT-010",
    title="An opt schedule is taken",
    purpose="Exposes a VTN that does not give the optID back.",
    public=("P1_2010", "P0_7010"),
    requirements=(_TAKES, _GIVES_ID),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_TAKES),
        echoes(_CREATE, _CREATED, "ei:optID", requirement=_GIVES_ID),
    ),
    observations=(sent(_CREATED),),
    mutants=("vtn-opt-without-its-id", "vtn-opt-answered-otherwise"),
)
async def schedule(stage: VtnStage) -> None:
    """Create a schedule of two windows."""
    await stage.ven.send(_schedule(stage, "opt-1", lasts=(_HOUR, _HOUR / 2)))


@case(
    id="OADR20B-VTN-OPT-015",
    title="A schedule without end is taken",
    purpose="Exposes a VTN that takes a window of no length for an error.",
    public=("P1_2015", "P0_7015"),
    requirements=("REQ-OADR20B-R210-51",),
    checks=(replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-R210-51"),),
    observations=(sent(_CREATED),),
    mutants=("vtn-refuses-open-end",),
)
async def open_ended(stage: VtnStage) -> None:
    """Create a schedule with one window of zero length."""
    await stage.ven.send(_schedule(stage, "opt-1", lasts=(timedelta(0),)))


@case(
    id="OADR20B-VTN-OPT-020",
    title="A schedule is created and cancelled",
    purpose="Exposes a VTN that does not know the optID that it has just acknowledged.",
    public=("P1_2020", "P0_7020"),
    requirements=(_CANCELS,),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_CANCELS),
        replies(_CANCEL, _CANCELED, "200", requirement=_CANCELS),
        echoes(_CANCEL, _CANCELED, "ei:optID", requirement=_CANCELS),
    ),
    observations=(sent(_CREATED), sent(_CANCELED)),
    mutants=("vtn-forgets-schedules", "vtn-cancels-other-opt"),
)
async def created_then_cancelled(stage: VtnStage) -> None:
    """Create, then cancel."""
    await stage.ven.send(_schedule(stage, "opt-1"))
    await _cancel(stage, "opt-1")


@case(
    id="OADR20B-VTN-OPT-030",
    title="optIn and optOut schedules of resources stand side by side",
    purpose="Exposes a VTN in which a schedule of one kind ends one of the other kind.",
    public=("P1_2030", "P0_7030"),
    requirements=("REQ-OADR20B-R203-51",),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-R203-51"),
        replies(_CANCEL, _CANCELED, "200", requirement="REQ-OADR20B-R203-51"),
    ),
    observations=(sent(_CREATED, 2), sent(_CANCELED, 2)),
    mutants=("vtn-one-schedule-only",),
)
async def both_kinds(stage: VtnStage) -> None:
    """Create an optIn and an optOut schedule with a target, then cancel both."""
    to = Target(resource_ids=("resource-1",))
    await stage.ven.send(_schedule(stage, "in-1", "optIn", to=to))
    await stage.ven.send(_schedule(stage, "out-1", "optOut", to=to))
    await _cancel(stage, "in-1")
    await _cancel(stage, "out-1")


@case(
    id="OADR20B-VTN-OPT-040",
    title="A second schedule under the same optID is taken, and one cancellation ends both",
    purpose="Exposes a VTN that demands a new optID, or keeps one of the schedules.",
    public=("P1_2040", "P0_7040"),
    requirements=(_CANCELS,),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_CANCELS),
        replies(_CANCEL, _CANCELED, "200", "452", requirement=_CANCELS),
    ),
    observations=(sent(_CREATED, 2), sent(_CANCELED, 2)),
    mutants=("vtn-refuses-same-opt-id", "vtn-cancels-nothing"),
)
async def same_id(stage: VtnStage) -> None:
    """Create twice under one optID, cancel it, then cancel it again."""
    await stage.ven.send(_schedule(stage, "opt-1"))
    await stage.ven.send(_schedule(stage, "opt-1", lasts=(_HOUR, _HOUR)))
    await _cancel(stage, "opt-1")
    await _cancel(stage, "opt-1", wrong="an optID that was cancelled")


@case(
    id="OADR20B-VTN-OPT-050",
    title="The cancellation of an unknown optID gets 452",
    purpose="Exposes a VTN that confirms what it does not know.",
    public=("P1_2050", "P0_7050"),
    requirements=(_UNKNOWN,),
    checks=(replies(_CANCEL, _CANCELED, "452", "200", requirement=_UNKNOWN),),
    observations=(sent(_CANCELED, 2),),
    mutants=("vtn-confirms-unknown-opt",),
)
async def unknown_id(stage: VtnStage) -> None:
    """Cancel what never was, then something that is."""
    await stage.ven.send(_schedule(stage, "opt-1"))
    await _cancel(stage, "no-such-opt", wrong="an unknown optID")
    await _cancel(stage, "opt-1")


@case(
    id="OADR20B-VTN-OPT-055",
    title="The cancellation of a replaced schedule is no error",
    purpose="Exposes a VTN that forgets the optID of a schedule once another one replaces it.",
    requirements=(_REPLACED,),
    checks=(replies(_CANCEL, _CANCELED, "200", requirement=_REPLACED),),
    observations=(sent(_CREATED, 2), sent(_CANCELED, 2)),
    mutants=("vtn-forgets-replaced-schedules",),
)
async def replaced(stage: VtnStage) -> None:
    """Create two optOut schedules for the whole VEN; the second replaces the first; cancel both."""
    await stage.ven.send(_schedule(stage, "opt-1"))
    await stage.ven.send(_schedule(stage, "opt-2"))
    await _cancel(stage, "opt-1")
    await _cancel(stage, "opt-2")


@case(
    id="OADR20B-VTN-OPT-060",
    title="An opt for an event is taken",
    purpose="Exposes a VTN that takes oadrCreateOpt for schedules alone.",
    public=("E1_1060", "E0_6060"),
    requirements=(_EVENT,),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_EVENT),
        echoes(_CREATE, _CREATED, "ei:optID", requirement=_EVENT),
    ),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED)),
    needs=("create_event",),
    mutants=("vtn-no-opts-of-events",),
)
async def of_an_event(stage: VtnStage) -> None:
    """Accept an event, then leave it by oadrCreateOpt."""
    await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
    await settle(stage)
    await stage.ven.send(_of_event(stage, "e1"))


@case(
    id="OADR20B-VTN-OPT-065",
    title="An opt for an event that was never answered is taken",
    purpose="Exposes a VTN that waits for oadrCreatedEvent, or refuses the opt without it.",
    public=("E1_1065", "E0_6065"),
    requirements=(_EVENT,),
    checks=(replies(_CREATE, _CREATED, "200", requirement=_EVENT),),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED)),
    needs=("create_event",),
    mutants=("vtn-wants-created-event-first",),
)
async def never_answered(stage: VtnStage) -> None:
    """Do not answer an event, then leave it by oadrCreateOpt."""
    await _event(stage)
    await stage.ven.send(_of_event(stage, "e1"))


@case(
    id="OADR20B-VTN-OPT-070",
    title="An opt for an unknown event or another version is refused",
    purpose="Exposes a VTN that does not look at the qualifiedEventID of an opt.",
    requirements=(_WRONG_EVENT,),
    checks=(replies(_CREATE, _CREATED, "452", "450", "200", requirement=_WRONG_EVENT),),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED, 3)),
    needs=("create_event",),
    mutants=("vtn-opt-of-any-event", "vtn-opt-of-any-version"),
)
async def wrong_event(stage: VtnStage) -> None:
    """Opt for an event that is not there, for a version that is not, then rightly."""
    await _event(stage)
    await stage.ven.send(_of_event(stage, "no-such-event"), wrong="an unknown event")
    await stage.ven.send(_of_event(stage, "e1", version=7), wrong="another version")
    await stage.ven.send(_of_event(stage, "e1"))


@case(
    id="OADR20B-VTN-OPT-071",
    title="An opt for the event of another VEN is refused",
    purpose="Exposes a VTN that lets a VEN answer for events that it never got.",
    requirements=(_WRONG_EVENT,),
    checks=(replies(_CREATE, _CREATED, "4", "200", requirement=_WRONG_EVENT),),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED, 2)),
    needs=("create_event",),
    mutants=("vtn-opt-for-others",),
)
async def of_another(stage: VtnStage) -> None:
    """Let a second VEN opt for the first one's event, then the first one."""
    await _event(stage)
    other = await stage.another_ven("second-ven")
    await other.register()
    theirs = ven_build.create_opt(
        "opt-other",
        "optOut",
        ven_id=other.ven_id,
        request_id=other.request_id(),
        now=stage.now,
        event=("e1", version_of(stage, "e1")),
    )
    await other.send(theirs, wrong="the event of another VEN")
    await stage.ven.send(_of_event(stage, "e1"))


@case(
    id="OADR20B-VTN-OPT-072",
    title="An opt for a resource outside the event's target is refused",
    purpose="Exposes a VTN that takes opts for resources that the event does not address.",
    requirements=(_OUTSIDE,),
    checks=(replies(_CREATE, _CREATED, "4", "200", requirement=_OUTSIDE),),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED, 2)),
    needs=("create_event",),
    mutants=("vtn-opt-for-any-resource",),
)
async def outside_target(stage: VtnStage) -> None:
    """Opt for a resource that the event does not name, then for the one that it does."""
    await _event(stage, target=Target(resource_ids=("resource-1",)))
    outside, inside = Target(resource_ids=("resource-9",)), Target(resource_ids=("resource-1",))
    await stage.ven.send(_of_event(stage, "e1", to=outside), wrong="a resource not in the event")
    await stage.ven.send(_of_event(stage, "e1", to=inside))


@case(
    id="OADR20B-VTN-OPT-074",
    title="An opt that is both schedule and event, or has a market context beside its event, is refused",
    purpose="Exposes a VTN that does not look at the form of an opt.",
    requirements=(_FORM,),
    checks=(replies(_CREATE, _CREATED, "4", "4", "200", requirement=_FORM),),
    observations=(sent("oadrDistributeEvent"), sent(_CREATED, 3)),
    needs=("create_event",),
    mutants=("vtn-takes-both-forms", "vtn-takes-context-of-event"),
)
async def both_forms(stage: VtnStage) -> None:
    """Send an opt with windows and an event, one with a context and an event, then a right one."""
    await _event(stage)
    both = ven_build.create_opt(
        "opt-both",
        "optOut",
        ven_id=stage.ven.ven_id,
        request_id=stage.ven.request_id(),
        now=stage.now,
        event=("e1", version_of(stage, "e1")),
        windows=((stage.now + _HOUR, _HOUR),),
    )
    await stage.ven.send(both, wrong="windows and an event")
    context = _of_event(stage, "e1")
    context.insert(3, make("emix:marketContext", stage.value("market_context")))
    await stage.ven.send(context, wrong="a market context beside an event")
    await stage.ven.send(_of_event(stage, "e1"))


@case(
    id="OADR20B-VTN-OPT-076",
    title="An opt outranks a later oadrCreatedEvent",
    purpose="Exposes a VTN that lets an oadrCreatedEvent undo what oadrCreateOpt has stated.",
    public=("CFX2B-EVT-14",),
    requirements=(_OUTRANKS, _EVENT),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_EVENT),
        replies("oadrCreatedEvent", "oadrResponse", "200", requirement=_OUTRANKS),
        says("state", "opt", "optOut", requirement=_OUTRANKS),
    ),
    observations=(sent(_CREATED), sent("oadrResponse"), mark_set("state")),
    needs=("create_event", "state"),
    mutants=("vtn-last-word-counts",),
)
async def outranks(stage: VtnStage) -> None:
    """Leave an event by oadrCreateOpt, then accept it by oadrCreatedEvent, and ask the operator what holds."""
    await _event(stage)
    await stage.ven.send(_of_event(stage, "e1"))
    row = ven_build.EventResponse(
        event_id="e1", version=version_of(stage, "e1"), request_id="later", opt="optIn"
    )
    await stage.ven.send(ven_build.created_event(stage.ven.ven_id, [row]))
    stage.mark("state", opt=(await stage.driver.state()).get("opt.e1", ""))


@case(
    id="OADR20B-VTN-OPT-080",
    title="Schedules outlive a restart of the VTN",
    purpose="Exposes a VTN that keeps opts in memory alone.",
    public=("CFX2B-OPT-03",),
    requirements=(_KEPT,),
    checks=(
        replies(_CANCEL, _CANCELED, "200", requirement=_KEPT),
        counts(_CANCELED, 1, requirement=_KEPT, mark="back"),
    ),
    observations=(sent(_CREATED), sent(_CANCELED, after_mark="back")),
    applies_if="VTN-RESTART",
    needs=("kill", "start"),
    mutants=("vtn-forgets-all", "vtn-forgets-opts"),
)
async def outlives_restart(stage: VtnStage) -> None:
    """Create a schedule, restart the VTN, cancel the schedule."""
    await stage.ven.send(_schedule(stage, "opt-1"))
    await restart(stage)
    stage.mark("back")
    await _cancel(stage, "opt-1")
