"""EiReport, a VEN under test: one-shots, periods, delays, several requests at once (2.0b section 8.3.2)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.flow import answers, never, sends
from conformance.kit.checks.reports import (
    OF_REQUEST,
    UPDATE,
    delivered_each,
    goes_on_without_gaps,
    has_intervals,
    has_numbers,
    has_points,
    lists_pending,
    states_lengths,
    states_status,
)
from conformance.kit.finding import Check
from conformance.kit.oadr20b.conditions import received
from conformance.kit.oadr20b.offers import STATUS, USAGE, offered
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VenStage

PATIENCE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
_CREATE, _CREATED = "oadrCreateReport", "oadrCreatedReport"
_ANSWERED = "REQ-OADR20B-8.3.2-1"
_PENDING = "REQ-OADR20B-8.3.2-2"
_PERIOD = "REQ-OADR20B-8.3.2.2-1"
_EARLY = "REQ-OADR20B-8.3.2.2-2"
_GAPS = "REQ-OADR20B-8.3.2.2-3"
_POINTS = "REQ-OADR20B-8.3.2.2-4"
_SIDE = "REQ-OADR20B-8.3.2.2-5"
_ONCE = "REQ-OADR20B-R324-1"
_ONE = "REQ-OADR20B-R324-2"


def delivers(request_id: str, times: int, requirement: str, *, most: int | None = None) -> Check:
    """Demand so many deliveries for a request."""
    return sends(
        UPDATE,
        times,
        requirement=requirement,
        where=(OF_REQUEST, request_id),
        most=most,
        until="watched",
    )


async def _ask(stage: VenStage, *requests: ReportRequest) -> None:
    stage.mark("asked")
    stage.utility.request_report(*requests)
    here = stage.transcript.all_marks("asked")[-1].number
    await stage.until(received(_CREATED, after=here), PATIENCE, "answer the request for a report")


@case(
    id="OADR20B-VEN-RPT-010",
    title="A state is delivered once",
    purpose="Exposes a VEN that delivers a one-shot twice, or states neither line nor override.",
    public=("R1_3010", "R0_8010"),
    requirements=(_ANSWERED, _ONCE, _ONE, "REQ-OADR20B-R510-3"),
    checks=(
        answers(_CREATE, _CREATED, requirement=_ANSWERED),
        delivers("once-1", 1, _ONCE),
        has_intervals("once-1", 1, requirement=_ONE),
        states_status("once-1", requirement="REQ-OADR20B-R510-3"),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("one-shots-again", "no-answer-to-report-request", "state-as-number"),
)
async def state_once(stage: VenStage) -> None:
    """Ask for one status and watch a minute and a half."""
    offer = await offered(stage, STATUS)
    await _ask(stage, offer.request("once-1"))
    await stage.maybe(received(UPDATE), PATIENCE, "deliver the report")
    await stage.sleep(timedelta(seconds=90))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-150",
    title="Usage is delivered once, with numbers and lengths",
    purpose="Exposes a VEN whose metered values are no numbers, or say not how long they were counted.",
    public=("R1_3150", "R0_8150"),
    requirements=(_ONCE, _ONE, _POINTS, "REQ-OADR20B-R337-1", "REQ-OADR20B-T3150-1"),
    checks=(
        delivers("usage-1", 1, _ONCE),
        has_intervals("usage-1", 1, requirement=_ONE),
        has_points("usage-1", requirement=_POINTS),
        has_numbers("usage-1", requirement="REQ-OADR20B-T3150-1"),
        states_lengths("usage-1", requirement="REQ-OADR20B-R337-1"),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=MINUTE),
    mutants=("usage-without-length", "usage-not-a-number", "first-point-only"),
)
async def usage_once(stage: VenStage) -> None:
    """Ask for all points of usage once."""
    offer = await offered(stage, USAGE)
    await _ask(stage, ReportRequest(id="usage-1", specifier=offer.specifier, points=offer.points))
    await stage.maybe(received(UPDATE), PATIENCE, "deliver the report")
    await stage.sleep(timedelta(seconds=30))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-011",
    title="The granularity of a one-shot is ignored",
    purpose="Exposes a VEN that gathers values, or waits, because a one-shot names a granularity.",
    requirements=(_ONCE, _ONE),
    checks=(delivers("grain-1", 1, _ONCE), has_intervals("grain-1", 1, requirement=_ONE)),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("one-shot-by-granularity",),
)
async def grain_once(stage: VenStage) -> None:
    """Ask for one report at a granularity of two minutes and watch them."""
    offer = await offered(stage, USAGE)
    grain = max(offer.least, 2 * MINUTE)
    await _ask(stage, offer.request("grain-1", every=grain, back=timedelta(0)))
    await stage.maybe(received(UPDATE), PATIENCE, "deliver the report")
    await stage.sleep(grain + timedelta(seconds=30))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-020",
    title="A report each minute for two minutes is two deliveries",
    purpose="Exposes a VEN that delivers once too often or too rarely, or at a period of its own.",
    public=("R1_3020", "R0_8020", "R1_3027", "R0_8027"),
    requirements=(_PERIOD, _GAPS, _PENDING, "REQ-OADR20B-R317-1"),
    checks=(
        delivers("two-1", 2, _PERIOD),
        delivered_each("two-1", MINUTE, requirement=_PERIOD),
        goes_on_without_gaps("two-1", MINUTE, requirement=_GAPS),
        has_intervals("two-1", 1, requirement="REQ-OADR20B-R317-1", tolerance=1),
        lists_pending(_CREATED, "two-1", requirement=_PENDING, after="asked"),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("ends-a-period-early", "ends-a-period-late", "drifts", "nothing-pending"),
)
async def two(stage: VenStage) -> None:
    """Ask for one-minute values over two minutes, and watch four."""
    offer = await offered(stage, USAGE)
    await _ask(stage, offer.request("two-1", every=MINUTE, start=stage.now, lasts=2 * MINUTE))
    await stage.sleep(4 * MINUTE)
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-025",
    title="A report that begins later is delivered later",
    purpose="Exposes a VEN that begins a delayed report at once.",
    public=("R1_3025", "R0_8025"),
    requirements=(_EARLY, _PERIOD, "REQ-OADR20B-R510-3"),
    checks=(
        never((UPDATE,), requirement=_EARLY, after="asked", until="begins"),
        delivers("later-1", 2, _PERIOD, most=3),
        states_status("later-1", requirement="REQ-OADR20B-R510-3"),
    ),
    observations=(sent(UPDATE, after_mark="begins"), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("reports-too-early",),
)
async def later(stage: VenStage) -> None:
    """Ask for states each minute for two minutes, from three minutes hence: past the longest wait for an answer."""
    offer = await offered(stage, STATUS)
    begins = stage.now + 3 * MINUTE
    await _ask(stage, offer.request("later-1", every=MINUTE, start=begins, lasts=2 * MINUTE))
    await stage.sleep_until(begins - timedelta(seconds=5))
    stage.mark("begins")
    await stage.sleep(3 * MINUTE)
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-026",
    title="The state of load control stands in every value",
    purpose="Exposes a VEN that states its load control in some values only, or not at all.",
    public=("R1_3025", "R0_8025"),
    applies_if="VEN-RPT-CONTROL",
    requirements=("REQ-OADR20B-T3025-1", "REQ-OADR20B-R510-3"),
    checks=(
        states_status("control-1", requirement="REQ-OADR20B-R510-3", control="REQ-OADR20B-T3025-1"),
    ),
    observations=(sent(UPDATE, 2), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("control-at-even-minutes",),
)
async def control(stage: VenStage) -> None:
    """Ask for states each minute for three minutes."""
    offer = await offered(stage, STATUS)
    await _ask(stage, offer.request("control-1", every=MINUTE, start=stage.now, lasts=3 * MINUTE))
    await stage.sleep(timedelta(seconds=190))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-030",
    title="Two periodic reports run side by side",
    purpose="Exposes a VEN in which a second request ends or disturbs the first.",
    public=("R1_3030", "R0_8030"),
    requirements=(_SIDE, _PENDING, _GAPS),
    checks=(
        delivers("side-1", 4, _SIDE),
        delivers("side-2", 2, _SIDE),
        goes_on_without_gaps("side-1", MINUTE, requirement=_GAPS),
        goes_on_without_gaps("side-2", MINUTE, requirement=_GAPS),
        lists_pending(_CREATED, "side-1", "side-2", requirement=_PENDING, after="asked"),
    ),
    observations=(sent(UPDATE, 3), sent(_CREATED, 2), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=6)),
    mutants=("one-report-at-a-time",),
)
async def side(stage: VenStage) -> None:
    """Ask for four minutes of usage, and half a minute later for two minutes of states."""
    usage, status = await offered(stage, USAGE), await offered(stage, STATUS)
    await _ask(stage, usage.request("side-1", every=MINUTE, start=stage.now, lasts=4 * MINUTE))
    await stage.sleep(timedelta(seconds=30))
    await _ask(stage, status.request("side-2", every=MINUTE, start=stage.now, lasts=2 * MINUTE))
    await stage.sleep(5 * MINUTE)
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-160",
    title="Two samples in each delivery",
    purpose="Exposes a VEN that delivers at the granularity, or drops samples between deliveries.",
    public=("R1_3160", "R0_8160"),
    requirements=(_PERIOD, _GAPS, _POINTS, "REQ-OADR20B-R317-1"),
    checks=(
        delivers("pair-1", 2, _PERIOD),
        delivered_each("pair-1", 2 * MINUTE, requirement=_PERIOD),
        has_intervals("pair-1", 2, requirement="REQ-OADR20B-R317-1", tolerance=1),
        goes_on_without_gaps("pair-1", MINUTE, requirement=_GAPS),
        has_points("pair-1", requirement=_POINTS),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=7)),
    mutants=("newest-sample-only", "delivers-by-granularity"),
)
async def pairs(stage: VenStage) -> None:
    """Ask for one-minute values every two minutes, for four minutes."""
    offer = await offered(stage, USAGE)
    request = offer.request(
        "pair-1", every=MINUTE, back=2 * MINUTE, start=stage.now, lasts=4 * MINUTE
    )
    await _ask(stage, request)
    await stage.sleep(6 * MINUTE)
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-161",
    title="Six samples in each delivery",
    purpose="Exposes a VEN whose deliveries lose or repeat samples at their edges.",
    requirements=(_GAPS, "REQ-OADR20B-R317-1"),
    checks=(
        has_intervals("six-1", 6, requirement="REQ-OADR20B-R317-1", tolerance=1),
        goes_on_without_gaps("six-1", timedelta(seconds=30), requirement=_GAPS),
    ),
    observations=(sent(UPDATE, 3), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=10)),
    mutants=("repeats-the-edge", "newest-sample-only"),
)
async def six(stage: VenStage) -> None:
    """Ask for half-minute values every three minutes, for nine minutes."""
    offer = await offered(stage, USAGE)
    every = max(offer.least, timedelta(seconds=30))
    request = offer.request("six-1", every=every, back=6 * every, start=stage.now, lasts=18 * every)
    await _ask(stage, request)
    await stage.sleep(19 * every)
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-180",
    title="Two requests in one message are both served",
    purpose="Exposes a VEN that takes only the first request of a message.",
    public=("R1_3180", "R0_8180"),
    requirements=(_SIDE, _ONCE, _ANSWERED),
    checks=(
        answers(_CREATE, _CREATED, requirement=_ANSWERED),
        delivers("both-1", 1, _SIDE, most=9),
        delivers("both-2", 1, _SIDE, most=9),
        delivers("both-1", 0, _ONCE, most=1),
        delivers("both-2", 0, _ONCE, most=1),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=MINUTE),
    mutants=("first-request-only",),
)
async def both(stage: VenStage) -> None:
    """Ask for usage and state by one message."""
    usage, status = await offered(stage, USAGE), await offered(stage, STATUS)
    await _ask(stage, usage.request("both-1"), status.request("both-2"))
    await stage.sleep(timedelta(seconds=40))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-206",
    title="Values on change are delivered each period",
    purpose="Exposes a VEN that refuses granularity zero, or is silent while nothing changes.",
    public=("CFX2B-RPT-06",),
    requirements=("REQ-OADR20B-R317-3", _ANSWERED),
    checks=(
        answers(_CREATE, _CREATED, requirement=_ANSWERED),
        delivers("change-1", 3, "REQ-OADR20B-R317-3", most=4),
    ),
    observations=(sent(_CREATED), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("no-on-change",),
)
async def on_change(stage: VenStage) -> None:
    """Ask for changes, delivered each minute, for three minutes."""
    offer = await offered(stage, USAGE)
    request = offer.request("change-1", back=MINUTE, start=stage.now, lasts=3 * MINUTE)
    await _ask(stage, request)
    await stage.sleep(timedelta(minutes=4))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-210",
    title="An open-ended report runs on",
    purpose="Exposes a VEN that takes duration zero for no duration, or ends by a limit of its own.",
    requirements=("REQ-OADR20B-R325-1", _GAPS),
    checks=(
        delivers("open-1", 11, "REQ-OADR20B-R325-1", most=14),
        goes_on_without_gaps("open-1", MINUTE, requirement=_GAPS),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=13)),
    mutants=("open-end-after-ten-minutes",),
)
async def open_end(stage: VenStage) -> None:
    """Ask for one-minute values without an end and watch twelve."""
    offer = await offered(stage, USAGE)
    await _ask(stage, offer.request("open-1", every=MINUTE, start=stage.now))
    await stage.sleep(12 * MINUTE + timedelta(seconds=30))
    stage.mark("watched")
