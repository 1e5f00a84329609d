"""EiReport, a VTN under test that offers reports and delivers them to VENs (2.0b section 8.3)."""

from dataclasses import replace
from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.delivery import contiguous, delivers
from conformance.kit.checks.vtn import counts, replies, sends_after, shows
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.vtn_acts import MINUTE, let_run, restart, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import UnobservedError, VtnStage

_CREATE, _CREATED = "oadrCreateReport", "oadrCreatedReport"
_CANCEL, _CANCELED = "oadrCancelReport", "oadrCanceledReport"
_REGISTER, _UPDATE = "oadrRegisterReport", "oadrUpdateReport"
_ACCEPTS = "REQ-OADR20B-8.3.2-54"
_OUTLIVES = "REQ-OADR20B-8.3.2-55"
_METADATA = "REQ-OADR20B-8.3.2.1-52"
_RHYTHM = "REQ-OADR20B-8.3.2.2-51"
_ENDS = "REQ-OADR20B-8.3.2.3-53"
_TOO_FINE = "REQ-OADR20B-R317-51"
_ONCE = "REQ-OADR20B-R324-51"
_ENDS_INSIDE = "REQ-OADR20B-R328-52"
_NOT_ASKED = "REQ-OADR20B-R336-51"
_INSIDE = "REQ-OADR20B-R344-51"
_UNKNOWN = "REQ-OADR20B-T3190-52"
_PENDING = "oadr:oadrPendingReports/ei:reportRequestID"
_IF = "VTN-RPT-PRODUCER"
_LONG = Timing(lasts=timedelta(minutes=6))


def _offer(stage: VtnStage) -> tuple[str, str]:
    """Return specifier and rID of the first report that the VTN has on offer.

    Raises:
        UnobservedError: it has offered none; another case judges that.
    """
    report = "oadr:oadrReport"
    offers = [m for m in stage.transcript.from_device(_REGISTER) if m.has(report)]
    if not offers:
        raise UnobservedError("offer a report")
    point = f"{report}/oadr:oadrReportDescription/ei:rID"
    return offers[-1].text(f"{report}/ei:reportSpecifierID"), offers[-1].text(point)


def _periodic(stage: VtnStage, name: str, minutes: int = 2, back: int = 1) -> ReportRequest:
    specifier, point = _offer(stage)
    return ReportRequest(
        id=name,
        specifier=specifier,
        points=(point,),
        granularity=MINUTE,
        back=back * MINUTE,
        start=stage.now,
        lasts=minutes * MINUTE,
    )


def _metadata(name: str) -> ReportRequest:
    return ReportRequest(id=name, specifier="METADATA")


async def _ask(stage: VtnStage, *requests: ReportRequest, wrong: str = "") -> None:
    ven = stage.ven
    await ven.send(build.create_report(ven.request_id(), requests, ven.ven_id), wrong=wrong)


async def _end(stage: VtnStage, name: str, *, follow: bool = False, wrong: str = "") -> None:
    ven = stage.ven
    element = build.cancel_report(ven.request_id(), (name,), ven.ven_id, to_follow=follow)
    await ven.send(element, wrong=wrong)


@case(
    id="OADR20B-VTN-RPT-210",
    title="A VEN asks for metadata",
    purpose="Exposes a VTN that does not register its reports again, or not under the request's id.",
    public=("R1_3070", "R0_8070"),
    requirements=(_ACCEPTS, _METADATA),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_ACCEPTS),
        sends_after("ask", _REGISTER, requirement=_METADATA),
        shows("ask", "ei:reportRequestID", "m1", requirement=_METADATA, name=_REGISTER),
    ),
    observations=(sent(_CREATED), mark_set("done")),
    applies_if=_IF,
    mutants=("vtn-metadata-without-request", "vtn-never-sends-metadata"),
)
async def metadata(stage: VtnStage) -> None:
    """Ask for METADATA once and acknowledge what comes."""
    stage.mark("ask")
    await _ask(stage, _metadata("m1"))
    await settle(stage)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-215",
    title="A report wanted once is delivered once",
    purpose="Exposes a VTN that delivers again, or more than one interval.",
    public=("R1_3010",),
    requirements=(_ACCEPTS, _ONCE),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_ACCEPTS),
        delivers("p1", 1, requirement=_ONCE, rows=1),
    ),
    observations=(sent(_CREATED), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-one-shot-of-two",),
)
async def once(stage: VtnStage) -> None:
    """Ask once, with a granularity that does not count, and wait three minutes."""
    wanted = replace(_periodic(stage, "p1"), back=timedelta(0), start=None)
    await _ask(stage, wanted)
    await let_run(stage, 3 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-220",
    title="A periodic report is delivered in its rhythm",
    purpose="Exposes a VTN that delivers too few or too many, leaves gaps, or does not stop.",
    public=("R1_3080", "R0_8080"),
    requirements=(_ACCEPTS, _RHYTHM),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement=_ACCEPTS),
        delivers("p1", 2, requirement=_RHYTHM),
        contiguous("p1", MINUTE, requirement=_RHYTHM),
    ),
    observations=(sent(_CREATED), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-reports-without-end", "vtn-one-report-too-few", "vtn-reports-by-its-clock"),
)
async def periodic(stage: VtnStage) -> None:
    """Ask for two minutes, minute by minute, and wait five."""
    await _ask(stage, _periodic(stage, "p1"))
    await let_run(stage, 5 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-225",
    title="Several intervals come in one delivery",
    purpose="Exposes a VTN that delivers at every granularity, or loses intervals in between.",
    public=("R1_3160", "R0_8160"),
    requirements=(_RHYTHM,),
    checks=(
        delivers("p1", 2, requirement=_RHYTHM, rows=2),
        contiguous("p1", 2 * MINUTE, requirement=_RHYTHM),
    ),
    observations=(sent(_CREATED), sent(_UPDATE)),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-forgets-earlier-intervals",),
)
async def buffered(stage: VtnStage) -> None:
    """Ask for four minutes, two of one minute in each delivery, and wait five."""
    await _ask(stage, _periodic(stage, "p1", minutes=4, back=2))
    await let_run(stage, 5 * MINUTE)


@case(
    id="OADR20B-VTN-RPT-230",
    title="Two reports run side by side",
    purpose="Exposes a VTN in which a second request ends the first, or is not listed beside it.",
    public=("R1_3090", "R0_8090"),
    requirements=(_ACCEPTS, _RHYTHM),
    checks=(
        shows("second", _PENDING, "p1", "p2", requirement=_ACCEPTS, name=_CREATED),
        delivers("p1", 2, requirement=_RHYTHM),
        delivers("p2", 2, requirement=_RHYTHM),
    ),
    observations=(sent(_CREATED, 2), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-one-report-per-ven", "vtn-lists-newest-alone"),
)
async def overlapping(stage: VtnStage) -> None:
    """Ask for one report, then for another, two minutes each, and wait five."""
    await _ask(stage, _periodic(stage, "p1"))
    stage.mark("second")
    await _ask(stage, _periodic(stage, "p2"))
    await let_run(stage, 5 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-235",
    title="Metadata is asked for while a report runs",
    purpose="Exposes a VTN that ends a running report when it registers its reports again.",
    public=("R1_3170", "R0_8170"),
    requirements=(_METADATA,),
    checks=(
        shows("ask", "ei:reportRequestID", "m1", requirement=_METADATA, name=_REGISTER),
        delivers("p1", 3, requirement=_METADATA),
    ),
    observations=(sent(_CREATED, 2), sent(_UPDATE), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-metadata-ends-reports",),
)
async def metadata_meanwhile(stage: VtnStage) -> None:
    """Ask for three minutes of a report, after one of them for METADATA, and wait."""
    await _ask(stage, _periodic(stage, "p1", minutes=3))
    await let_run(stage, MINUTE + MINUTE / 2)
    stage.mark("ask")
    await _ask(stage, _metadata("m1"))
    await stage.sleep(4 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-240",
    title="A VEN cancels a report",
    purpose="Exposes a VTN that goes on delivering, or does not know the request.",
    public=("R1_3100", "R0_8100"),
    requirements=(_ENDS,),
    checks=(
        replies(_CANCEL, _CANCELED, "200", requirement=_ENDS),
        shows("end", _PENDING, requirement=_ENDS, name=_CANCELED),
        counts(_UPDATE, 0, requirement=_ENDS, mark="ended"),
    ),
    observations=(sent(_UPDATE), sent(_CANCELED), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-delivers-after-the-end",),
)
async def ends(stage: VtnStage) -> None:
    """Ask for ten minutes, cancel after the first delivery, and wait three minutes."""
    await _ask(stage, _periodic(stage, "p1", minutes=10))
    await let_run(stage, 1.5 * MINUTE)
    stage.mark("end")
    await _end(stage, "p1")
    stage.mark("ended")
    await stage.sleep(3 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-245",
    title="A VEN cancels a report and gets a last one",
    purpose="Exposes a VTN that ignores reportToFollow.",
    requirements=(_ENDS,),
    checks=(
        replies(_CANCEL, _CANCELED, "200", requirement=_ENDS),
        shows("end", _PENDING, "p1", requirement=_ENDS, name=_CANCELED),
        counts(_UPDATE, 1, requirement=_ENDS, mark="ended"),
    ),
    observations=(sent(_UPDATE), sent(_CANCELED), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-no-last-report", "vtn-last-report-again-and-again"),
)
async def ends_with_a_last(stage: VtnStage) -> None:
    """Ask for ten minutes, cancel with a report to follow, and wait three minutes."""
    await _ask(stage, _periodic(stage, "p1", minutes=10))
    await let_run(stage, 1.5 * MINUTE)
    stage.mark("end")
    await _end(stage, "p1", follow=True)
    stage.mark("ended")
    await stage.sleep(3 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-250",
    title="The cancellation of an unknown report is refused",
    purpose="Exposes a VTN that confirms whatever it is told to end.",
    requirements=(_NOT_ASKED,),
    checks=(replies(_CANCEL, _CANCELED, "4", "200", requirement=_NOT_ASKED),),
    observations=(sent(_CANCELED, 2),),
    applies_if=_IF,
    mutants=("vtn-ends-unknown-reports",),
)
async def ends_unknown(stage: VtnStage) -> None:
    """Cancel what was never asked for, then what was."""
    await _ask(stage, _periodic(stage, "p1", minutes=10))
    await _end(stage, "no-such-report", wrong="an unknown reportRequestID")
    await _end(stage, "p1")


@case(
    id="OADR20B-VTN-RPT-255",
    title="A VEN cancels a report inside oadrUpdatedReport",
    purpose="Exposes a VTN that does not read the cancellation in an acknowledgement.",
    public=("R1_3110", "R0_8110"),
    requirements=(_ENDS_INSIDE,),
    checks=(delivers("p1", 1, requirement=_ENDS_INSIDE),),
    observations=(sent(_UPDATE), mark_set("done")),
    applies_if=_IF,
    timing=_LONG,
    mutants=("vtn-ignores-cancel-inside",),
)
async def ends_inside(stage: VtnStage) -> None:
    """Ask for ten minutes, cancel with the acknowledgement of the first delivery, and wait three minutes."""
    stage.ven.cancel_in_update("p1")
    await _ask(stage, _periodic(stage, "p1", minutes=10))
    await let_run(stage, 3 * MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-260",
    title="A VEN asks inside oadrRegisteredReport",
    purpose="Exposes a VTN that does not read requests in an acknowledgement.",
    public=("R1_3120", "R0_8120"),
    requirements=(_INSIDE,),
    checks=(
        counts(_CREATED, 1, requirement=_INSIDE, mark="ask", path=f"self::*[{_PENDING}='m2']"),
        counts(
            _REGISTER, 1, requirement=_INSIDE, mark="ask", path="self::*[ei:reportRequestID='m2']"
        ),
    ),
    observations=(sent(_REGISTER), mark_set("done")),
    applies_if=_IF,
    mutants=("vtn-ignores-request-inside",),
)
async def asks_inside(stage: VtnStage) -> None:
    """Ask for METADATA; in the acknowledgement of what comes, ask for it again."""
    stage.ven.request_with_registered(_metadata("m2"))
    stage.mark("ask")
    await _ask(stage, _metadata("m1"))
    await let_run(stage, MINUTE)
    stage.mark("done")


@case(
    id="OADR20B-VTN-RPT-270",
    title="Requests of what is not on offer are refused",
    purpose="Exposes a VTN that accepts an unknown specifier or data point.",
    public=("R1_3190", "R0_8190"),
    requirements=(_UNKNOWN,),
    checks=(
        replies(_CREATE, _CREATED, "452", "452", "200", requirement=_UNKNOWN),
        shows("right", _PENDING, "p3", requirement=_UNKNOWN, name=_CREATED),
    ),
    observations=(sent(_CREATED, 3),),
    applies_if=_IF,
    mutants=("vtn-takes-any-specifier", "vtn-takes-any-point"),
)
async def not_on_offer(stage: VtnStage) -> None:
    """Ask with an unknown specifier, with an unknown rID, then rightly."""
    right = _periodic(stage, "p3", minutes=10)
    await _ask(stage, replace(right, id="p1", specifier="none"), wrong="an unknown specifier")
    await _ask(stage, replace(right, id="p2", points=("none",)), wrong="an unknown rID")
    stage.mark("right")
    await _ask(stage, right)


@case(
    id="OADR20B-VTN-RPT-275",
    title="A granularity finer than the offer is refused",
    purpose="Exposes a VTN that promises more than it has.",
    requirements=(_TOO_FINE,),
    checks=(replies(_CREATE, _CREATED, "4", "200", requirement=_TOO_FINE),),
    observations=(sent(_CREATED, 2),),
    applies_if=_IF,
    mutants=("vtn-promises-any-granularity",),
)
async def too_fine(stage: VtnStage) -> None:
    """Ask for every second, then for every minute."""
    right = _periodic(stage, "p1", minutes=10)
    fine = replace(right, id="p0", granularity=timedelta(seconds=1))
    await _ask(stage, fine, wrong="a granularity below the shortest period")
    await _ask(stage, right)


@case(
    id="OADR20B-VTN-RPT-280",
    title="Reports go on after a restart of the VTN",
    purpose="Exposes a VTN that keeps requests in memory alone, or begins them anew.",
    public=("CFX2B-RPT-08",),
    requirements=(_OUTLIVES,),
    checks=(
        delivers("p1", 4, requirement=_OUTLIVES),
        contiguous("p1", MINUTE, requirement=_OUTLIVES),
    ),
    observations=(sent(_CREATED), sent(_UPDATE), mark_set("done")),
    applies_if=f"{_IF} and VTN-RESTART",
    needs=("kill", "start"),
    timing=_LONG,
    mutants=("vtn-forgets-all",),
)
async def outlives_restart(stage: VtnStage) -> None:
    """Ask for four minutes, restart the VTN after one and a half, and wait."""
    await _ask(stage, _periodic(stage, "p1", minutes=4))
    await let_run(stage, MINUTE + MINUTE / 2)
    await restart(stage)
    await stage.sleep(5 * MINUTE)
    stage.mark("done")
