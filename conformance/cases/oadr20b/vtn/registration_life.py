"""How long a registration at a VTN lasts, and what is left of it afterwards (2.0b section 8.4, rules 406 and 407)."""

from datetime import timedelta

from conformance.kit.case import case
from conformance.kit.checks.vtn import counts, replies
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.vtn_acts import (
    MINUTE,
    alive,
    ask_report,
    deliver,
    periodic,
    restart,
    settle,
)
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage

_CREATED = "oadrCreatedPartyRegistration"
_CREATE = "oadrCreatePartyRegistration"
_AGAIN = "REQ-OADR20B-R401-51"
_AFRESH = "REQ-OADR20B-R406-51"
_ERASES = "REQ-OADR20B-R406-52"
_SILENT = "REQ-OADR20B-R407-51"
_LASTS = "REQ-OADR20B-8.4.1-53"


async def _leave(stage: VtnStage) -> None:
    ven = stage.ven
    await ven.send(party.cancel_registration(ven.request_id(), ven.registration_id, ven.ven_id))
    ven.ven_id = ven.registration_id = ""


@case(
    id="OADR20B-VTN-REG-034",
    title="Nothing is pushed to a VEN that has left",
    purpose="Exposes a VTN that goes on pushing after a cancellation.",
    public=("N0_5030",),
    requirements=(_SILENT,),
    checks=(counts("oadrDistributeEvent", 0, requirement=_SILENT, mark="left"),),
    observations=(sent("oadrCanceledPartyRegistration"), sent(_CREATED), mark_set("done")),
    needs=("create_event",),
    modes=("push",),
    mutants=("vtn-pushes-to-those-who-left",),
)
async def silent_afterwards(stage: VtnStage) -> None:
    """Cancel, announce an event to all, and listen for a minute."""
    await _leave(stage)
    stage.mark("left")
    await stage.publish(simple("e1", stage.now + 60 * MINUTE, MINUTE))
    await stage.sleep(MINUTE)
    await alive(stage)
    stage.mark("done")


@case(
    id="OADR20B-VTN-REG-036",
    title="A VEN that has left may register again",
    purpose="Exposes a VTN that shuts a VEN out for good.",
    requirements=(_AGAIN,),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_AGAIN, after="left"),
        replies("oadrPoll", "oadrResponse", "200", requirement=_AGAIN, after="again"),
    ),
    observations=(sent(_CREATED, after_mark="left"), sent("oadrResponse", after_mark="again")),
    mutants=("vtn-shuts-out",),
)
async def registers_again(stage: VtnStage) -> None:
    """Cancel, register, poll."""
    await _leave(stage)
    stage.mark("left")
    await stage.ven.register()
    await settle(stage)
    stage.mark("again")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-REG-062",
    title="A new registration erases the requests of the old one",
    purpose="Exposes a VTN that takes deliveries for requests of a registration that is no more.",
    public=("N1_0060", "N0_5060"),
    requirements=(_AFRESH, _ERASES),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_AFRESH),
        replies("oadrUpdateReport", "oadrUpdatedReport", "200", "4", requirement=_ERASES),
        replies("oadrPoll", "oadrResponse", "200", requirement=_ERASES, after="again"),
    ),
    observations=(sent("oadrUpdatedReport", 2), sent("oadrResponse", after_mark="again")),
    needs=("request_report",),
    mutants=("vtn-erases-nothing",),
)
async def erases(stage: VtnStage) -> None:
    """Deliver what was asked for, register without ids, deliver it again."""
    request = await ask_report(stage, periodic(stage))
    await deliver(stage, request)
    stage.ven.registration_id = stage.ven.ven_id = ""
    await stage.ven.register()
    await settle(stage)
    await deliver(stage, request, wrong="a request of the old registration")
    stage.mark("again")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-REG-080",
    title="A registration outlives a restart of the VTN",
    purpose="Exposes a VTN that keeps registrations in memory alone.",
    public=("CFX2B-NET-02",),
    requirements=(_LASTS,),
    checks=(replies("oadrPoll", "oadrResponse", "200", requirement=_LASTS, after="back"),),
    observations=(sent("oadrResponse", after_mark="back"),),
    applies_if="VTN-RESTART",
    needs=("kill", "start"),
    mutants=("vtn-forgets-all",),
)
async def outlives_restart(stage: VtnStage) -> None:
    """Restart the VTN after a minute, poll."""
    await stage.sleep(timedelta(minutes=1))
    await restart(stage)
    stage.mark("back")
    await stage.ven.poll()
