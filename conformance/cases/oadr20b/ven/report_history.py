"""EiReport, a VEN under test: history, and reports that the VEN asks its VTN for (2.0b section 8.3)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from conformance.kit.case import Timing, case
from conformance.kit.checks.flow import answers, field, sends
from conformance.kit.checks.reports import OF_REQUEST, UPDATE, deliveries, within_window
from conformance.kit.oadr20b.build import create_report, register_report
from conformance.kit.oadr20b.conditions import delivered, received
from conformance.kit.oadr20b.offers import HISTORY, offered
from conformance.kit.oadr20b.ven_build import update_report, usage_metadata
from conformance.kit.observations import mark_set, reached, sent
from conformance.kit.stage import VenStage
from conformance.kit.transcript import Transcript

PATIENCE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
_CREATE, _CREATED = "oadrCreateReport", "oadrCreatedReport"
_REGISTER, _REGISTERED = "oadrRegisterReport", "oadrRegisteredReport"
_UPDATED = "oadrUpdatedReport"
_WINDOW = "REQ-OADR20B-T3130-1"
_RECEIPT = "REQ-OADR20B-T3070-1"
_ENDS = "REQ-OADR20B-T3100-1"
_UNKNOWN = "REQ-OADR20B-T3190-1"
_ASKS = "VEN-RPT-PRODUCER"


def _recorded(request_id: str, least: int) -> Callable[[Transcript], list[datetime] | None]:
    """Wait for a delivery of so many recorded values at the least."""

    def look(transcript: Transcript) -> list[datetime] | None:
        found = deliveries(transcript, request_id)
        starts = [x for x in found[0].starts if x is not None] if found else []
        return starts if len(starts) >= least else None

    return look


async def _window(stage: VenStage, request_id: str, first: int, past: int) -> None:
    """Learn what is recorded, then ask for the values from one place up to another, counted from the newest."""
    offer = await offered(stage, HISTORY)
    whole = offer.request("whole-1", start=stage.now - timedelta(hours=2))
    stage.utility.request_report(whole)
    starts = await stage.until(
        _recorded("whole-1", -first), PATIENCE, f"deliver {-first} recorded values"
    )
    wanted = starts[first:past]
    stage.mark("window", starts=" ".join(x.isoformat() for x in wanted))
    lasts = starts[past] - wanted[0]
    stage.utility.request_report(offer.request(request_id, start=wanted[0], lasts=lasts))
    await stage.maybe(
        received(UPDATE, path=OF_REQUEST, value=request_id), PATIENCE, "deliver the window"
    )
    await stage.sleep(timedelta(seconds=30))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-130",
    title="The history of a window is whole",
    purpose="Exposes a VEN that delivers more or fewer recorded values than the window holds, or twice.",
    public=("R1_3130", "R0_8130"),
    applies_if="VEN-RPT-HISTORY",
    requirements=(_WINDOW,),
    checks=(
        within_window("five-1", "window", requirement=_WINDOW),
        sends(UPDATE, 1, requirement=_WINDOW, where=(OF_REQUEST, "five-1"), until="watched"),
    ),
    observations=(sent(UPDATE, 2), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("history-without-end", "history-from-the-beginning", "history-loses-the-first"),
)
async def five(stage: VenStage) -> None:
    """Ask for five recorded values."""
    await _window(stage, "five-1", -7, -2)


@case(
    id="OADR20B-VEN-RPT-140",
    title="The history of a part of a window is that part",
    purpose="Exposes a VEN that rounds the window of a request for history.",
    public=("R1_3140", "R0_8140"),
    applies_if="VEN-RPT-HISTORY",
    requirements=(_WINDOW,),
    checks=(
        within_window("part-1", "window", requirement=_WINDOW),
        sends(UPDATE, 1, requirement=_WINDOW, where=(OF_REQUEST, "part-1"), until="watched"),
    ),
    observations=(sent(UPDATE, 2), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("history-without-end", "history-in-fives"),
)
async def part(stage: VenStage) -> None:
    """Ask for two recorded values in the midst of others."""
    await _window(stage, "part-1", -6, -4)


@case(
    id="OADR20B-VEN-RPT-142",
    title="History at a granularity of one's own is refused",
    purpose="Exposes a VEN that takes a granularity for history, which is delivered as it was recorded.",
    applies_if="VEN-RPT-HISTORY",
    requirements=("REQ-OADR20B-R324-3",),
    checks=(
        answers(_CREATE, _CREATED, codes=("4",), wrong_ones=True, requirement="REQ-OADR20B-R324-3"),
        sends(UPDATE, 0, requirement="REQ-OADR20B-R324-3", where=(OF_REQUEST, "grained-1")),
    ),
    observations=(reached(_CREATE), sent(_CREATED), mark_set("watched")),
    timing=Timing(lasts=MINUTE),
    mutants=("history-at-any-granularity",),
)
async def grained(stage: VenStage) -> None:
    """Ask for history each minute at one minute."""
    offer = await offered(stage, HISTORY)
    start = stage.now - timedelta(minutes=10)
    request = offer.request("grained-1", every=MINUTE, start=start, lasts=5 * MINUTE)
    asking = create_report("grained", (request,), stage.utility.ven_id)
    here = stage.transcript.messages[-1].number
    stage.utility.send(asking, wrong="a granularity for history")
    await stage.until(received(_CREATED, after=here), PATIENCE, "answer the request")
    await stage.sleep(timedelta(seconds=30))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-070",
    title="A VEN asks for the VTN's metadata and acknowledges it",
    purpose="Exposes a VEN that asks wrongly for metadata, or does not acknowledge what comes.",
    public=("R1_3070", "R0_8070"),
    applies_if=_ASKS,
    requirements=(_RECEIPT,),
    checks=(
        sends(_CREATE, 1, requirement=_RECEIPT, where=(OF_REQUEST, "vtn-meta-1")),
        field(_CREATE, ".//ei:reportSpecifierID", "METADATA", requirement=_RECEIPT),
        field(_CREATE, ".//ei:specifierPayload/ei:rID", "0", requirement=_RECEIPT),
        answers(_REGISTER, _REGISTERED, requirement=_RECEIPT, after="asked"),
    ),
    observations=(sent(_CREATE), reached(_REGISTER), mark_set("watched")),
    needs=("ask_metadata",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("asks-for-metadata-by-name", "asks-for-readings"),
)
async def asks_metadata(stage: VenStage) -> None:
    """Have the device ask, and register reports for it."""
    stage.mark("asked")
    here = stage.transcript.marks[-1].number
    await stage.driver.call("ask_metadata", request_id="vtn-meta-1")
    await stage.until(delivered(_REGISTER, after=here), PATIENCE, "take the VTN's metadata")
    await stage.sleep(timedelta(seconds=70))
    stage.mark("watched")


async def _asks(stage: VenStage, *names: str) -> None:
    """Offer a report, have the device ask for it under these ids, and deliver twice for each."""
    utility = stage.utility
    metadata = usage_metadata("vtn-meter", stage.now, specifier="vtn-usage")
    here = stage.transcript.messages[-1].number
    utility.send(register_report("vtn-offer", (metadata,), utility.ven_id))
    await stage.until(delivered(_REGISTER, after=here), PATIENCE, "take the VTN's metadata")
    await stage.sleep(timedelta(seconds=5))
    start = stage.now
    for name in names:
        await stage.driver.call(
            "ask_report",
            request_id=name,
            specifier="vtn-usage",
            point="power",
            seconds="60",
            start=start.isoformat(),
            minutes="2",
        )
        await stage.until(
            received(_CREATE, path=OF_REQUEST, value=name), PATIENCE, "ask for a report"
        )
    for number in (1, 2):
        await stage.sleep(MINUTE)
        for name in names:
            _deliver(stage, name, f"{name}.{number}", start + number * MINUTE)
    await stage.sleep(timedelta(seconds=80))
    stage.mark("watched")


def _deliver(stage: VenStage, name: str, request_id: str, until: datetime, wrong: str = "") -> None:
    update = update_report(
        request_id,
        stage.utility.ven_id,
        report_request=name,
        specifier="vtn-usage",
        name="TELEMETRY_USAGE",
        start=until - MINUTE,
        step=MINUTE,
        values=(("power", Decimal("12.5")),),
        now=stage.now,
    )
    stage.utility.send(update, wrong=wrong)


@case(
    id="OADR20B-VEN-RPT-080",
    title="A VEN asks the VTN for values and acknowledges each delivery",
    purpose="Exposes a VEN that asks wrongly for values, or does not acknowledge them.",
    public=("R1_3080", "R0_8080"),
    applies_if=_ASKS,
    requirements=(_RECEIPT,),
    checks=(
        sends(_CREATE, 1, requirement=_RECEIPT, where=(OF_REQUEST, "mine-1")),
        answers(UPDATE, _UPDATED, requirement=_RECEIPT),
    ),
    observations=(sent(_CREATE), reached(UPDATE, 2), mark_set("watched")),
    needs=("ask_report",),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("ignores-vtn-deliveries", "asks-for-readings"),
)
async def asks_values(stage: VenStage) -> None:
    """Have the device ask for one report."""
    await _asks(stage, "mine-1")


@case(
    id="OADR20B-VEN-RPT-090",
    title="A VEN takes the deliveries of two requests",
    purpose="Exposes a VEN that forgets its first request over the second.",
    public=("R1_3090", "R0_8090"),
    applies_if=_ASKS,
    requirements=(_RECEIPT,),
    checks=(
        sends(_CREATE, 2, requirement=_RECEIPT, after="case.prepared"),
        answers(UPDATE, _UPDATED, requirement=_RECEIPT),
    ),
    observations=(sent(_CREATE, 2), reached(UPDATE, 4), mark_set("watched")),
    needs=("ask_report",),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("knows-its-last-request", "ignores-vtn-deliveries"),
)
async def asks_twice(stage: VenStage) -> None:
    """Have the device ask for one report twice, under two ids."""
    await _asks(stage, "mine-2", "mine-3")


@case(
    id="OADR20B-VEN-RPT-100",
    title="A VEN cancels what it asked for by its id",
    purpose="Exposes a VEN that cancels under another id, or again and again.",
    public=("R1_3100", "R0_8100"),
    applies_if=_ASKS,
    requirements=(_ENDS,),
    checks=(
        sends("oadrCancelReport", 1, requirement=_ENDS),
        field("oadrCancelReport", "ei:reportRequestID", "mine-4", requirement=_ENDS),
        field("oadrCancelReport", "pyld:reportToFollow", "false", requirement=_ENDS),
    ),
    observations=(sent(_CREATE), mark_set("cancelled")),
    needs=("ask_report", "end_report"),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("ends-by-message-id", "ends-in-silence"),
)
async def ends(stage: VenStage) -> None:
    """Have the device ask for a report and end it."""
    await _asks(stage, "mine-4")
    await stage.driver.call("end_report", request_id="mine-4")
    await stage.maybe(received("oadrCancelReport"), PATIENCE, "cancel its report")
    await stage.sleep(timedelta(seconds=20))
    stage.mark("cancelled")


@case(
    id="OADR20B-VEN-RPT-192",
    title="Values that nobody asked for are refused",
    purpose="Exposes a VEN that acknowledges a delivery under an unknown reportRequestID.",
    public=("R1_3190", "R0_8190"),
    requirements=(_UNKNOWN,),
    checks=(answers(UPDATE, _UPDATED, codes=("452",), wrong_ones=True, requirement=_UNKNOWN),),
    observations=(reached(UPDATE), sent(_UPDATED)),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("takes-any-delivery",),
)
async def unasked(stage: VenStage) -> None:
    """Deliver something to the device."""
    _deliver(stage, "no-such-request", "unasked", stage.now, "an unknown reportRequestID")
    await stage.until(received(_UPDATED), PATIENCE, "answer the delivery")
