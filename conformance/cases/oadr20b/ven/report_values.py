"""Reports, a VEN under test: what values are worth, a day of them, thousands at once, acts inside acknowledgements."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Maturity, Timing, case
from conformance.kit.checks.flow import accepts, answers, field, sends
from conformance.kit.checks.reports import (
    OF_REQUEST,
    UPDATE,
    goes_on_without_gaps,
    keeps_to_grid,
    states_quality,
)
from conformance.kit.oadr20b.build import register_report
from conformance.kit.oadr20b.conditions import delivered, received
from conformance.kit.oadr20b.offers import STATUS, USAGE, offered
from conformance.kit.oadr20b.ven_build import update_report, usage_metadata
from conformance.kit.observations import mark_set, reached, sent, shown
from conformance.kit.stage import VenStage
from conformance.kit.transcript import Message, Transcript

PATIENCE: Final = timedelta(minutes=2)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
_REGISTER, _REGISTERED = "oadrRegisterReport", "oadrRegisteredReport"
_CREATE, _UPDATED = "oadrCreateReport", "oadrUpdatedReport"
_GAPS: Final = "REQ-OADR20B-8.3.2.2-3"
_WORTH: Final = "REQ-OADR20B-R318-1"
_OVERRIDE: Final = "REQ-OADR20B-R510-4"
_GRID: Final = "REQ-OADR20B-8.3.2.2-1"
_ASKS: Final = "REQ-OADR20B-T3120-1"
_RIGHTLY: Final = "REQ-OADR20B-T3070-1"
_ENDS: Final = "REQ-OADR20B-T3110-1"
_MANY: Final = 6000


@case(
    id="OADR20B-VEN-RPT-207",
    title="Values that were not measured are of bad quality, and there all the same",
    purpose="Exposes a VEN that leaves holes where its meter failed, or hides that it did.",
    public=("CFX2B-RPT-03",),
    applies_if="VEN-RPT-QUALITY",
    requirements=(_WORTH, _GAPS),
    checks=(
        states_quality("worth-1", failed="failed", mended="mended", requirement=_WORTH),
        goes_on_without_gaps("worth-1", MINUTE, requirement=_GAPS),
    ),
    observations=(sent(UPDATE, 5), mark_set("watched")),
    needs=("meter",),
    timing=Timing(lasts=timedelta(minutes=8)),
    mutants=("hides-a-broken-meter", "bad-values-for-ever", "leaves-holes"),
)
async def worth(stage: VenStage) -> None:
    """Ask for two minutes' values again and again, and have the meter fail for three and a half minutes."""
    offer = await offered(stage, USAGE)
    request = offer.request("worth-1", every=MINUTE, back=2 * MINUTE, start=stage.now)
    stage.utility.request_report(request)
    await stage.until(received(UPDATE), 2 * PATIENCE, "deliver a report")
    await stage.driver.call("meter", works="no")
    stage.mark("failed")
    await stage.sleep(timedelta(seconds=210))
    await stage.driver.call("meter", works="yes")
    stage.mark("mended")
    await stage.sleep(timedelta(seconds=330))
    stage.mark("watched")


def _overridden(_: Transcript, message: Message) -> str:
    return "true" if "during-1" in message.all(OF_REQUEST) else "false"


@case(
    id="OADR20B-VEN-RPT-208",
    title="A status tells of an override",
    purpose="Exposes a VEN whose oadrManualOverride is a constant.",
    public=("CFX2B-RPT-07",),
    applies_if="VEN-RPT-OVERRIDE",
    requirements=(_OVERRIDE,),
    checks=(field(UPDATE, ".//oadr:oadrManualOverride", _overridden, requirement=_OVERRIDE),),
    observations=(sent(UPDATE, 3), mark_set("watched")),
    needs=("override",),
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("never-overridden", "overridden-for-ever"),
)
async def override(stage: VenStage) -> None:
    """Ask for the status before, during and after an override."""
    offer = await offered(stage, STATUS)
    for name, on in (("before-1", ""), ("during-1", "yes"), ("after-1", "no")):
        if on:
            await stage.driver.call("override", on=on)
        stage.utility.request_report(offer.request(name))
        await stage.until(
            received(UPDATE, path=OF_REQUEST, value=name), PATIENCE, "deliver its status"
        )
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-209",
    title="A report keeps to its grid for a day",
    purpose="Exposes a VEN whose deliveries or values come a little later each time.",
    public=("CFX2B-RPT-09",),
    requirements=(_GRID, _GAPS),
    checks=(
        keeps_to_grid("day-1", "grid", HOUR, requirement=_GRID),
        goes_on_without_gaps("day-1", HOUR, requirement=_GAPS),
    ),
    observations=(sent(UPDATE, 23), mark_set("watched")),
    timing=Timing(poll=HOUR, lasts=timedelta(hours=27)),
    mutants=("drifts-slowly",),
)
async def day(stage: VenStage) -> None:
    """Ask for hourly values of a whole day, and watch it."""
    offer = await offered(stage, USAGE)
    begins = (stage.now + 2 * HOUR).replace(microsecond=0)
    stage.mark("grid", start=begins.isoformat())
    stage.utility.request_report(offer.request("day-1", every=HOUR, start=begins, lasts=24 * HOUR))
    await stage.sleep_until(begins + 24 * HOUR + MINUTE)
    stage.mark("watched")


async def _has_asked(stage: VenStage, name: str) -> None:
    """Offer a report, and have the device ask for it."""
    metadata = usage_metadata("vtn-meter", stage.now, specifier="vtn-usage")
    here = stage.transcript.messages[-1].number
    stage.utility.send(register_report("vtn-offer", (metadata,), stage.utility.ven_id))
    await stage.until(delivered(_REGISTER, after=here), PATIENCE, "take the VTN's metadata")
    await stage.sleep(timedelta(seconds=5))
    told = {"specifier": "vtn-usage", "point": "power", "seconds": "60", "minutes": "5"}
    await stage.driver.call("ask_report", request_id=name, start=stage.now.isoformat(), **told)
    await stage.until(received(_CREATE, path=OF_REQUEST, value=name), PATIENCE, "ask for a report")


def _deliver(stage: VenStage, name: str, request_id: str, count: int = 1, wrong: str = "") -> None:
    update = update_report(
        request_id,
        stage.utility.ven_id,
        report_request=name,
        specifier="vtn-usage",
        name=USAGE,
        start=stage.now - count * MINUTE,
        step=MINUTE,
        values=[("power", Decimal(number)) for number in range(count)],
        now=stage.now,
    )
    stage.utility.send(update, wrong=wrong)


@case(
    id="OADR20B-VEN-RPT-202",
    title="Six thousand values in one delivery are taken",
    purpose="Exposes a VEN that cannot read a large delivery of the VTN's.",
    public=("CFX2B-RPT-05",),
    applies_if="VEN-RPT-PRODUCER",
    requirements=(_RIGHTLY,),
    checks=(accepts(UPDATE, requirement=_RIGHTLY), answers(UPDATE, _UPDATED, requirement=_RIGHTLY)),
    observations=(shown(UPDATE), mark_set("watched")),
    needs=("ask_report",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("reads-a-megabyte",),
)
async def large(stage: VenStage) -> None:
    """Have the device ask for a report, and deliver all at once."""
    await _has_asked(stage, "large-1")
    _deliver(stage, "large-1", "large", _MANY)
    await stage.maybe(delivered(UPDATE), PATIENCE, "take the delivery")
    await stage.sleep(timedelta(seconds=70))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-120",
    title="A VEN asks for metadata inside oadrRegisteredReport",
    purpose="Exposes a VEN that asks wrongly inside its acknowledgement, again and again, or takes no answer.",
    public=("R1_3120", "R0_8120"),
    applies_if="VEN-RPT-PRODUCER and VEN-RPT-INSIDE",
    requirements=(_ASKS, _RIGHTLY),
    checks=(
        sends(_REGISTERED, 1, requirement=_ASKS, where=(OF_REQUEST, "inside-1")),
        field(
            f"{_REGISTERED}",
            "oadr:oadrReportRequest//ei:reportSpecifierID",
            lambda _, message: "METADATA" if message.has("oadr:oadrReportRequest") else "",
            requirement=_RIGHTLY,
        ),
        answers(_REGISTER, _REGISTERED, requirement=_RIGHTLY, after="asked"),
    ),
    observations=(
        sent(_REGISTERED, 2, after_mark="asked"),
        reached(_REGISTER, path="ei:reportRequestID", value="inside-1"),
        mark_set("watched"),
    ),
    needs=("ask_metadata_inside",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("asks-inside-again", "asks-inside-for-readings"),
)
async def asks_inside(stage: VenStage) -> None:
    """Offer reports, have the device ask for more in its answer, and register them for it."""
    stage.mark("asked")
    await stage.driver.call("ask_metadata_inside", request_id="inside-1")
    stage.utility.send(register_report("vtn-offer", (), stage.utility.ven_id))
    answer = delivered(_REGISTER, path="ei:reportRequestID", value="inside-1")
    await stage.until(answer, PATIENCE, "take the metadata that it asked for")
    await stage.sleep(timedelta(seconds=70))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-110",
    title="A VEN cancels a report inside oadrUpdatedReport",
    purpose="Exposes a VEN that cancels another report, or takes values of one that it has cancelled.",
    public=("R1_3110", "R0_8110"),
    applies_if="VEN-RPT-PRODUCER and VEN-RPT-INSIDE",
    maturity=Maturity.WATCHLIST,
    requirements=(_ENDS,),
    checks=(
        sends(
            _UPDATED,
            1,
            requirement=_ENDS,
            where=("oadr:oadrCancelReport/ei:reportRequestID", "ended-1"),
        ),
        answers(UPDATE, _UPDATED, requirement=_ENDS, wrong_ones=False),
        answers(UPDATE, _UPDATED, codes=("452",), requirement=_ENDS, wrong_ones=True),
    ),
    observations=(sent(_UPDATED, 2), mark_set("watched")),
    needs=("ask_report", "end_report_inside"),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("ends-inside-in-words-alone",),
)
async def ends_inside(stage: VenStage) -> None:
    """Deliver once, have the device cancel in its answer, and deliver all the same."""
    await _has_asked(stage, "ended-1")
    await stage.driver.call("end_report_inside", request_id="ended-1")
    _deliver(stage, "ended-1", "first")
    await stage.until(received(_UPDATED), PATIENCE, "answer the delivery")
    _deliver(stage, "ended-1", "second", wrong="values of a report that was cancelled")
    await stage.maybe(received(_UPDATED, times=2), PATIENCE, "answer the second delivery")
    await stage.sleep(timedelta(seconds=70))
    stage.mark("watched")
