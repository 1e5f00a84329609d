"""EiReport, a VTN under test that asks VENs for reports: requests, deliveries, cancellation (2.0b section 8.3)."""

from collections.abc import Sequence
from datetime import timedelta

from conformance.kit.case import case
from conformance.kit.checks.vtn import echoes, replies, sends_after, shows
from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.vtn_acts import PUSHED, ask_report, deliver, minutes_of, periodic
from conformance.kit.observations import sent
from conformance.kit.stage import VtnStage
from conformance.kit.xml import Element

_MINUTE = timedelta(minutes=1)
_UPDATE, _UPDATED = "oadrUpdateReport", "oadrUpdatedReport"
_REGISTER, _REGISTERED = "oadrRegisterReport", "oadrRegisteredReport"
_ASKS = "REQ-OADR20B-8.3.2-52"
_TAKES = "REQ-OADR20B-8.3.2-53"
_OFFER = "REQ-OADR20B-8.3.2.1-51"
_UNKNOWN = "REQ-OADR20B-T3190-51"
_AGAIN = "REQ-OADR20B-9.1.4-51"
_ASKS_INSIDE = "REQ-OADR20B-R344-51"
_TOLERATES = "REQ-OADR20B-8.7-51"
_WANTED = "oadr:oadrReportRequest/ei:reportSpecifier"


@case(
    id="OADR20B-VTN-RPT-110",
    title="A report is asked for",
    purpose="Exposes a VTN that asks for other points than those on offer, or forms its request wrongly.",
    public=("R1_3020", "R0_8020"),
    requirements=(_ASKS,),
    checks=(
        sends_after("ask", "oadrCreateReport", requirement=_ASKS),
        shows(
            "ask",
            f"{_WANTED}/ei:reportSpecifierID",
            "usage",
            requirement=_ASKS,
            name="oadrCreateReport",
        ),
        shows(
            "ask",
            f"{_WANTED}/ei:specifierPayload/ei:rID",
            "power",
            requirement=_ASKS,
            name="oadrCreateReport",
        ),
    ),
    observations=(sent("oadrCreateReport"),),
    needs=("request_report",),
    mutants=(
        "vtn-asks-for-other-points",
        "vtn-asks-with-reading-type",
        "vtn-asks-without-interval",
        "vtn-asks-too-finely",
        "vtn-asks-as-zero",
    ),
)
async def asks(stage: VtnStage) -> None:
    """Have the operator ask for a periodic report."""
    stage.mark("ask")
    await ask_report(stage, periodic(stage))


@case(
    id="OADR20B-VTN-RPT-115",
    title="A report is asked for once",
    purpose="Exposes a VTN that cannot ask for a report without a period.",
    public=("R1_3010", "R0_8010"),
    requirements=(_ASKS, _TAKES),
    checks=(
        sends_after("ask", "oadrCreateReport", requirement=_ASKS),
        shows(
            "ask",
            f"{_WANTED}/ei:reportInterval",
            requirement=_ASKS,
            name="oadrCreateReport",
        ),
        replies(_UPDATE, _UPDATED, "200", requirement=_TAKES),
    ),
    observations=(sent("oadrCreateReport"), sent(_UPDATED)),
    needs=("request_report",),
    mutants=("vtn-one-shot-with-interval",),
)
async def asks_once(stage: VtnStage) -> None:
    """Have the operator ask for a report once, and deliver it."""
    stage.mark("ask")
    wanted = ReportRequest(id="once", specifier="usage", points=("power",))
    await deliver(stage, await ask_report(stage, wanted))


@case(
    id="OADR20B-VTN-RPT-120",
    title="Deliveries of a report are acknowledged",
    purpose="Exposes a VTN that refuses what it has asked for.",
    public=("R1_3020", "R0_8020"),
    requirements=(_TAKES,),
    checks=(replies(_UPDATE, _UPDATED, "200", requirement=_TAKES),),
    observations=(sent(_UPDATED, 2),),
    needs=("request_report",),
    mutants=("vtn-acknowledges-otherwise", "vtn-takes-one-delivery"),
)
async def delivers(stage: VtnStage) -> None:
    """Deliver twice, a minute apart."""
    request = await ask_report(stage, periodic(stage))
    for _ in range(2):
        await stage.sleep(_MINUTE)
        await deliver(stage, request)


@case(
    id="OADR20B-VTN-RPT-122",
    title="Two reports in one delivery are acknowledged",
    purpose="Exposes a VTN that looks at one report of a delivery alone.",
    public=("R1_3180", "R0_8180"),
    requirements=(_TAKES, _UNKNOWN),
    checks=(replies(_UPDATE, _UPDATED, "200", "452", requirement=_TAKES),),
    observations=(sent(_UPDATED, 2),),
    needs=("request_report",),
    mutants=("vtn-looks-at-first-report",),
)
async def two_in_one(stage: VtnStage) -> None:
    """Deliver two wanted reports together, then a wanted and an unknown one."""
    first = await ask_report(stage, periodic(stage, "r1"))
    second = await ask_report(stage, periodic(stage, "r2"))
    await stage.sleep(_MINUTE)
    await stage.ven.send(_joined(stage, (first, second)))
    unknown = _joined(stage, (first, "no-such-request"))
    await stage.ven.send(unknown, wrong="an unknown reportRequestID")


def _joined(stage: VtnStage, requests: Sequence[str]) -> Element:
    """Make one message of the deliveries of several reports."""
    whole = minutes_of(stage, requests[0])
    for place, request in enumerate(requests[1:], 2):
        whole.insert(place, minutes_of(stage, request)[1])
    return whole


@case(
    id="OADR20B-VTN-RPT-125",
    title="A delivery that nobody asked for gets 452",
    purpose="Exposes a VTN that takes values under any reportRequestID.",
    public=("R1_3190", "R0_8190"),
    requirements=(_UNKNOWN,),
    checks=(replies(_UPDATE, _UPDATED, "452", "200", requirement=_UNKNOWN),),
    observations=(sent(_UPDATED, 2),),
    needs=("request_report",),
    mutants=("vtn-takes-any-delivery",),
)
async def unknown_request(stage: VtnStage) -> None:
    """Deliver under an invented reportRequestID, then under the right one."""
    request = await ask_report(stage, periodic(stage))
    await deliver(stage, "no-such-request", wrong="an unknown reportRequestID")
    await deliver(stage, request)


@case(
    id="OADR20B-VTN-RPT-127",
    title="A delivery that comes again is acknowledged again",
    purpose="Exposes a VTN that takes a repeated message for an error.",
    public=("CFX2B-NET-06",),
    requirements=(_AGAIN,),
    checks=(replies(_UPDATE, _UPDATED, "200", requirement=_AGAIN),),
    observations=(sent(_UPDATED, 2),),
    needs=("request_report",),
    mutants=("vtn-takes-one-delivery",),
)
async def again(stage: VtnStage) -> None:
    """Send one message twice, byte by byte the same."""
    body = build.payload(minutes_of(stage, await ask_report(stage, periodic(stage))))
    for _ in range(2):
        await stage.ven.send_raw(body, service="EiReport", wrong="")


@case(
    id="OADR20B-VTN-RPT-130",
    title="A delivery of six thousand values is taken",
    purpose="Exposes a VTN that cannot take a long report.",
    public=("CFX2B-RPT-05",),
    requirements=(_TAKES,),
    checks=(replies(_UPDATE, _UPDATED, "200", requirement=_TAKES),),
    observations=(sent(_UPDATED),),
    needs=("request_report",),
    mutants=("vtn-takes-short-messages",),
)
async def long_report(stage: VtnStage) -> None:
    """Deliver 6,000 minutes at once."""
    request = await ask_report(stage, periodic(stage))
    await stage.ven.send(minutes_of(stage, request, 6000))


@case(
    id="OADR20B-VTN-RPT-160",
    title="A report is asked for inside oadrRegisteredReport",
    purpose="Exposes a VTN that drops the request, or does not know the report afterwards.",
    public=("R1_3060", "R0_8060"),
    requirements=(_ASKS_INSIDE, _TAKES),
    checks=(
        shows(
            "offer",
            f"{_WANTED}/ei:reportSpecifierID",
            "usage",
            requirement=_ASKS_INSIDE,
            name=_REGISTERED,
        ),
        replies("oadrCreatedReport", "oadrResponse", "200", requirement=_ASKS_INSIDE),
        replies(_UPDATE, _UPDATED, "200", requirement=_TAKES),
    ),
    observations=(sent(_REGISTERED), sent("oadrResponse"), sent(_UPDATED)),
    applies_if="VTN-RPT-PIGGYBACK",
    needs=("request_with_registration",),
    mutants=("vtn-asks-nothing-inside", "vtn-forgets-what-it-asked-inside"),
)
async def asks_inside(stage: VtnStage) -> None:
    """Have the operator ask with the next registration of reports; register them; accept; deliver."""
    await stage.request_with_registration(periodic(stage))
    stage.mark("offer")
    ven = stage.ven
    offers = (ven_build.usage_metadata("resource-1", stage.now),)
    found = await ven.send(build.register_report(ven.request_id(), offers, ven.ven_id))
    asked = found.text("oadr:oadrReportRequest/ei:reportRequestID")
    ids = [asked] if asked else []
    accepted = ven_build.pending_answer(
        "oadr:oadrCreatedReport", ven.request_id(), "200", ids, ven.ven_id
    )
    await ven.send(accepted)
    await deliver(stage, asked or "r1")


@case(
    id="OADR20B-VTN-RPT-170",
    title="Offers of a VEN are acknowledged, none too",
    purpose="Exposes a VTN that takes an oadrRegisterReport without reports for an error.",
    requirements=(_OFFER,),
    checks=(
        replies(_REGISTER, _REGISTERED, "200", requirement=_OFFER),
        echoes(
            _REGISTER,
            _REGISTERED,
            "ei:eiResponse/pyld:requestID=pyld:requestID",
            requirement=_OFFER,
        ),
    ),
    observations=(sent(_REGISTERED, 2),),
    mutants=("vtn-wants-offers",),
)
async def offers_nothing(stage: VtnStage) -> None:
    """Offer nothing, then two reports."""
    ven = stage.ven
    await ven.send(build.register_report(ven.request_id(), (), ven.ven_id))
    offers = (
        ven_build.usage_metadata("resource-1", stage.now),
        ven_build.status_metadata("resource-1", stage.now),
    )
    await ven.send(build.register_report(ven.request_id(), offers, ven.ven_id))


@case(
    id="OADR20B-VTN-RPT-175",
    title="A VEN that cannot deliver is tolerated",
    purpose="Exposes a VTN that takes a VEN's refusal for an error of its own, or ends the conversation.",
    requirements=(_TOLERATES,),
    checks=(
        replies("oadrCreatedReport", "oadrResponse", "200", requirement=_TOLERATES),
        replies("oadrPoll", "oadrResponse", "200", requirement=_TOLERATES, after="refused"),
    ),
    observations=(
        sent("oadrCreateReport"),
        sent("oadrResponse", after_mark="refused"),
    ),
    needs=("request_report",),
    modes=("pull",),
    mutants=("vtn-answers-refusal-by-error",),
)
async def refused(stage: VtnStage) -> None:
    """Refuse a request by 461 and poll on."""
    await stage.request_report(periodic(stage))
    asked = await stage.ven.poll()
    request_id = asked.text("pyld:requestID")
    said = ven_build.pending_answer(
        "oadr:oadrCreatedReport", request_id, "461", (), stage.ven.ven_id
    )
    await stage.ven.send(said)
    stage.mark("refused")
    await stage.sleep(PUSHED)
    await stage.ven.poll()
