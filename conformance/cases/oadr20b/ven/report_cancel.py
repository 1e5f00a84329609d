"""EiReport, a VEN under test: cancellation, metadata on request, requests that are refused (2.0b section 8.3)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.flow import answers, never, sends
from conformance.kit.checks.reports import (
    OF_REQUEST,
    UPDATE,
    goes_on_without_gaps,
    lists_pending,
    registers_under,
)
from conformance.kit.oadr20b.build import cancel_report, create_report
from conformance.kit.oadr20b.conditions import delivered, received
from conformance.kit.oadr20b.offers import STATUS, USAGE, Offer, offered
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.observations import mark_set, reached, sent
from conformance.kit.stage import VenStage

PATIENCE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
_CREATE, _CREATED = "oadrCreateReport", "oadrCreatedReport"
_CANCEL, _CANCELED = "oadrCancelReport", "oadrCanceledReport"
_REGISTER = "oadrRegisterReport"
_ENDED = "REQ-OADR20B-8.3.2.4-1"
_FOLLOWS = "REQ-OADR20B-8.3.2.4-2"
_UNKNOWN = "REQ-OADR20B-R336-1"
_INSIDE = "REQ-OADR20B-R335-1"
_PIGGY = "REQ-OADR20B-R344-1"
_REFUSED = "REQ-OADR20B-T3190-1"
_METADATA = "REQ-OADR20B-T3170-1"


async def _running(stage: VenStage, *names: str) -> Offer:
    """Ask for open-ended one-minute reports and wait for the first delivery of each."""
    offer = await offered(stage, USAGE)
    for name in names:
        stage.utility.request_report(offer.request(name, every=MINUTE, start=stage.now))
    for name in names:
        await stage.until(
            received(UPDATE, path=OF_REQUEST, value=name), PATIENCE, f"deliver report {name}"
        )
    return offer


@case(
    id="OADR20B-VEN-RPT-040",
    title="A cancelled report ends",
    purpose="Exposes a VEN that confirms a cancellation and delivers on, or does not confirm it.",
    public=("R1_3040", "R0_8040"),
    requirements=(_ENDED,),
    checks=(
        answers(_CANCEL, _CANCELED, requirement=_ENDED),
        never((UPDATE,), requirement=_ENDED, after="ended"),
        lists_pending(_CANCELED, requirement=_ENDED, absent=("gone-1",)),
    ),
    observations=(sent(UPDATE), reached(_CANCEL), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("cancelled-report-goes-on", "no-answer-to-report-cancel", "cancelled-still-pending"),
)
async def cancelled(stage: VenStage) -> None:
    """Let a report run, cancel it, watch two periods."""
    await _running(stage, "gone-1")
    stage.utility.cancel_report("gone-1")
    await stage.maybe(received(_CANCELED), PATIENCE, "confirm the cancellation")
    stage.mark("ended")
    await stage.sleep(timedelta(seconds=130))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-041",
    title="Cancelling one report leaves the other",
    purpose="Exposes a VEN that ends every report when one is cancelled.",
    requirements=(_ENDED,),
    checks=(
        sends(UPDATE, 2, requirement=_ENDED, after="ended", where=(OF_REQUEST, "stays-1"), most=4),
        sends(UPDATE, 0, requirement=_ENDED, after="ended", where=(OF_REQUEST, "goes-1")),
        lists_pending(_CANCELED, "stays-1", requirement=_ENDED, absent=("goes-1",)),
    ),
    observations=(sent(UPDATE, 2), sent(_CANCELED), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("cancels-everything",),
)
async def one_of_two(stage: VenStage) -> None:
    """Let two reports run and cancel one."""
    await _running(stage, "stays-1", "goes-1")
    stage.utility.cancel_report("goes-1")
    await stage.until(received(_CANCELED), PATIENCE, "confirm the cancellation")
    stage.mark("ended")
    await stage.sleep(timedelta(seconds=150))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-045",
    title="A cancellation with a report to follow is followed by one",
    purpose="Exposes a VEN that sends nothing more, or does not list what is to follow.",
    public=("R1_3045", "R0_8045"),
    requirements=(_ENDED, _FOLLOWS),
    checks=(
        answers(_CANCEL, _CANCELED, requirement=_ENDED),
        lists_pending(_CANCELED, "last-1", requirement=_FOLLOWS),
        sends(UPDATE, 1, requirement=_FOLLOWS, after="cancelling"),
    ),
    observations=(sent(UPDATE), sent(_CANCELED), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("nothing-follows", "follows-unannounced"),
)
async def to_follow(stage: VenStage) -> None:
    """Let a report run and cancel it half a period after a delivery, with a report to follow."""
    await _running(stage, "last-1")
    await stage.sleep(timedelta(seconds=20))
    stage.mark("cancelling")
    stage.utility.cancel_report("last-1", to_follow=True)
    await stage.until(received(_CANCELED), PATIENCE, "confirm the cancellation")
    await stage.sleep(timedelta(minutes=2))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-050",
    title="A cancellation inside oadrUpdatedReport ends the report",
    purpose="Exposes a VEN that passes over what comes with a receipt, or confirms it.",
    public=("R1_3050", "R0_8050"),
    requirements=(_INSIDE,),
    checks=(
        sends(UPDATE, 1, requirement=_INSIDE, after="case.prepared", where=(OF_REQUEST, "piggy-1")),
        never((_CANCELED,), requirement=_INSIDE, after="case.prepared"),
    ),
    observations=(sent(UPDATE), reached("oadrUpdatedReport"), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("ignores-cancel-in-update", "confirms-cancel-in-update"),
)
async def inside_update(stage: VenStage) -> None:
    """Cancel an open-ended report by the receipt of its first delivery, and watch two periods."""
    offer = await offered(stage, USAGE)
    stage.utility.cancel_in_update("piggy-1")
    stage.utility.request_report(offer.request("piggy-1", every=MINUTE, start=stage.now))
    await stage.until(received(UPDATE), PATIENCE, "deliver the report")
    await stage.sleep(timedelta(seconds=130))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-060",
    title="Requests inside oadrRegisteredReport are served",
    purpose="Exposes a VEN that passes over requests that come with the receipt of its metadata.",
    public=("R1_3060", "R0_8060"),
    requirements=(_PIGGY,),
    checks=(
        sends(_CREATED, 2, requirement=_PIGGY, after="asked", until="watched"),
        *(
            sends(UPDATE, 1, requirement=_PIGGY, where=(OF_REQUEST, name), until="watched")
            for name in ("inside-1", "inside-2")
        ),
    ),
    observations=(sent(_REGISTER), reached("oadrRegisteredReport"), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("ignores-requests-in-registered", "takes-requests-in-registered-silently"),
)
async def inside_registered(stage: VenStage) -> None:
    """Ask for the metadata, and for a usage and a state by its receipt."""
    usage, status = await offered(stage, USAGE), await offered(stage, STATUS)
    stage.utility.request_with_metadata(usage.request("inside-1"), status.request("inside-2"))
    seen = len(stage.transcript.from_device(_REGISTER))
    stage.mark("asked")
    stage.utility.request_report(ReportRequest(id="renew-1", specifier="METADATA"))
    await stage.until(received(_CREATED), PATIENCE, "answer the request for metadata")
    await stage.until(received(_REGISTER, times=seen + 1), PATIENCE, "register its reports")
    await stage.sleep(timedelta(seconds=40))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-170",
    title="Metadata on request disturbs no running report",
    purpose="Exposes a VEN that sends no metadata, sends it under another id, or ends its reports by it.",
    public=("R1_3170", "R0_8170"),
    requirements=(_METADATA, "REQ-OADR20B-8.3.2.2-3"),
    checks=(
        registers_under("meta-1", requirement=_METADATA, within=MINUTE),
        sends(UPDATE, 2, requirement=_METADATA, after="asked", most=4),
        goes_on_without_gaps("run-1", MINUTE, requirement="REQ-OADR20B-8.3.2.2-3"),
    ),
    observations=(sent(UPDATE), sent(_CREATED, 2), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("metadata-under-zero", "no-metadata-on-request", "metadata-ends-reports"),
)
async def metadata(stage: VenStage) -> None:
    """Let a report run and ask for the metadata."""
    await _running(stage, "run-1")
    stage.mark("asked")
    stage.utility.request_report(ReportRequest(id="meta-1", specifier="METADATA"))
    await stage.sleep(timedelta(seconds=150))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-190",
    title="An unknown report is refused",
    purpose="Exposes a VEN that accepts a reportSpecifierID it never registered.",
    public=("R1_3190", "R0_8190"),
    requirements=(_REFUSED,),
    checks=(
        answers(_CREATE, _CREATED, codes=("452",), wrong_ones=True, requirement=_REFUSED),
        never((UPDATE,), requirement=_REFUSED, after="asked"),
        lists_pending(_CREATED, requirement=_REFUSED, absent=("strange-1",)),
    ),
    observations=(reached(_CREATE), sent(_CREATED), mark_set("watched")),
    timing=Timing(lasts=MINUTE),
    mutants=("refuses-by-459",),
)
async def strange_specifier(stage: VenStage) -> None:
    """Ask for a report that nobody registered."""
    request = ReportRequest(id="strange-1", specifier="no-such-report")
    await _wrong_request(stage, request, "an unknown reportSpecifierID")


async def _wrong_request(stage: VenStage, request: ReportRequest, wrong: str) -> None:
    stage.mark("asked")
    here = stage.transcript.all_marks("asked")[-1].number
    stage.utility.send(create_report("strange", (request,), stage.utility.ven_id), wrong=wrong)
    await stage.until(received(_CREATED, after=here), PATIENCE, "answer the request")
    await stage.sleep(timedelta(seconds=40))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-191",
    title="An unknown data point is refused",
    purpose="Exposes a VEN that accepts an rID which its report does not have.",
    public=("R1_3190", "R0_8190"),
    requirements=(_REFUSED,),
    checks=(
        answers(_CREATE, _CREATED, codes=("452",), wrong_ones=True, requirement=_REFUSED),
        never((UPDATE,), requirement=_REFUSED, after="asked"),
    ),
    observations=(reached(_CREATE), sent(_CREATED), mark_set("watched")),
    timing=Timing(lasts=MINUTE),
    mutants=("takes-any-point",),
)
async def strange_point(stage: VenStage) -> None:
    """Ask for a known report's unknown point."""
    offer = await offered(stage, USAGE)
    request = ReportRequest(
        id="strange-2", specifier=offer.specifier, points=(offer.points[0], "no-such-point")
    )
    await _wrong_request(stage, request, "an unknown rID")


@case(
    id="OADR20B-VEN-RPT-193",
    title="A granularity above the delivery period is refused",
    purpose="Exposes a VEN that accepts a granularity which no delivery can hold.",
    requirements=("REQ-OADR20B-R317-2",),
    checks=(
        answers(_CREATE, _CREATED, codes=("4",), wrong_ones=True, requirement="REQ-OADR20B-R317-2"),
        never((UPDATE,), requirement="REQ-OADR20B-R317-2", after="asked"),
    ),
    observations=(reached(_CREATE), sent(_CREATED), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("takes-any-granularity",),
)
async def coarse(stage: VenStage) -> None:
    """Ask for two-minute values each minute."""
    offer = await offered(stage, USAGE)
    back = max(offer.least, MINUTE)
    request = offer.request("coarse-1", every=2 * back, back=back, start=stage.now)
    await _wrong_request(stage, request, "a granularity above reportBackDuration")


@case(
    id="OADR20B-VEN-RPT-195",
    title="The cancellation of an unknown report is refused",
    purpose="Exposes a VEN that confirms what it cannot do, or ends other reports by it.",
    requirements=(_UNKNOWN,),
    checks=(
        answers(_CANCEL, _CANCELED, codes=("4",), wrong_ones=True, requirement=_UNKNOWN),
        sends(UPDATE, 1, requirement=_UNKNOWN, after="ended", most=3),
    ),
    observations=(sent(UPDATE), reached(_CANCEL), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("confirms-any-cancel",),
)
async def unknown_cancel(stage: VenStage) -> None:
    """Let a report run and cancel another one that does not exist."""
    await _running(stage, "there-1")
    element = cancel_report("x-1", ("no-such-request",), stage.utility.ven_id)
    stage.utility.send(element, wrong="an unknown reportRequestID")
    await stage.until(delivered(_CANCEL), PATIENCE, "take the cancellation")
    stage.mark("ended")
    await stage.sleep(timedelta(seconds=100))
    stage.mark("watched")
