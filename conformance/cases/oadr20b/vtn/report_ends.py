"""EiReport, a VTN under test that ends reports of VENs (2.0b section 8.3.2.3)."""

from conformance.kit.case import case
from conformance.kit.checks.vtn import names_request, replies, sends_after, shows
from conformance.kit.oadr20b.vtn_acts import ask_report, deliver, periodic, settle
from conformance.kit.observations import sent
from conformance.kit.stage import VtnStage

_UPDATE, _UPDATED = "oadrUpdateReport", "oadrUpdatedReport"
_UNKNOWN = "REQ-OADR20B-T3190-51"
_CANCELS = "REQ-OADR20B-8.3.2.3-51"
_FOLLOWS = "REQ-OADR20B-8.3.2.3-52"
_INSIDE = "REQ-OADR20B-R328-51"
_NAMES = "ei:reportRequestID"


@case(
    id="OADR20B-VTN-RPT-140",
    title="A report is cancelled",
    purpose="Exposes a VTN that cannot end a report, or ends another one.",
    public=("R1_3040", "R0_8040"),
    requirements=(_CANCELS,),
    checks=(
        sends_after("end", "oadrCancelReport", requirement=_CANCELS),
        names_request("end", _NAMES, 0, requirement=_CANCELS, name="oadrCancelReport"),
        shows(
            "end",
            "pyld:reportToFollow",
            "false",
            requirement=_CANCELS,
            name="oadrCancelReport",
        ),
    ),
    observations=(sent("oadrCreateReport"), sent("oadrCancelReport")),
    needs=("request_report", "cancel_report"),
    mutants=("vtn-ends-other-report", "vtn-always-wants-last-report"),
)
async def cancels(stage: VtnStage) -> None:
    """Have the operator ask for two reports and cancel the first."""
    await ask_report(stage, periodic(stage, "r1"))
    await ask_report(stage, periodic(stage, "r2"))
    stage.mark("end")
    await stage.cancel_report("r1")
    await settle(stage)


@case(
    id="OADR20B-VTN-RPT-142",
    title="A report is not taken after its cancellation was confirmed",
    purpose="Exposes a VTN that goes on taking what it has cancelled.",
    requirements=(_UNKNOWN,),
    checks=(replies(_UPDATE, _UPDATED, "200", "452", requirement=_UNKNOWN),),
    observations=(sent("oadrCancelReport"), sent(_UPDATED, 2)),
    needs=("request_report", "cancel_report"),
    mutants=("vtn-never-forgets-reports",),
)
async def after_cancellation(stage: VtnStage) -> None:
    """Deliver, let the operator cancel, confirm, deliver again."""
    request = await ask_report(stage, periodic(stage))
    await deliver(stage, request)
    await stage.cancel_report("r1")
    await settle(stage)
    await deliver(stage, request, wrong="a report that was cancelled")


@case(
    id="OADR20B-VTN-RPT-145",
    title="A last report is asked for with the cancellation, and taken",
    purpose="Exposes a VTN that refuses the report that it wanted to follow.",
    public=("R1_3045", "R0_8045"),
    requirements=(_FOLLOWS,),
    checks=(
        shows("end", "pyld:reportToFollow", "true", requirement=_FOLLOWS, name="oadrCancelReport"),
        replies(_UPDATE, _UPDATED, "200", requirement=_FOLLOWS),
    ),
    observations=(sent("oadrCancelReport"), sent(_UPDATED)),
    needs=("request_report", "cancel_report"),
    mutants=("vtn-never-wants-last-report", "vtn-refuses-last-report"),
)
async def last_report(stage: VtnStage) -> None:
    """Have the operator cancel with a report to follow; confirm, then deliver it."""
    request = await ask_report(stage, periodic(stage))
    stage.mark("end")
    await stage.cancel_report("r1", to_follow=True)
    await settle(stage)
    await deliver(stage, request)


@case(
    id="OADR20B-VTN-RPT-150",
    title="A report is cancelled inside oadrUpdatedReport",
    purpose="Exposes a VTN that names another report there, or none.",
    public=("R1_3050", "R0_8050"),
    requirements=(_INSIDE,),
    checks=(
        names_request(
            "end", f"oadr:oadrCancelReport/{_NAMES}", 0, requirement=_INSIDE, name=_UPDATED
        ),
    ),
    observations=(sent(_UPDATED),),
    applies_if="VTN-RPT-PIGGYBACK",
    needs=("request_report", "cancel_in_update"),
    mutants=("vtn-cancels-nothing-inside", "vtn-cancels-other-inside"),
)
async def cancels_inside(stage: VtnStage) -> None:
    """Have the operator end a report with the answer to its next delivery."""
    request = await ask_report(stage, periodic(stage))
    stage.mark("end")
    await stage.driver.call("cancel_in_update", request_id="r1", ven_id=stage.ven.ven_id)
    await deliver(stage, request)
