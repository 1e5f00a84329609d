"""What VENs ask this VTN for: its metadata, once or again and again, and the reports it offers itself.

A VEN's request becomes a ``SupplyRecord``; each delivery that falls due takes its place in the VEN's queue, with the
span it covers, so that a VEN that stays away finds them all, in order, once it is back.

Spec: OpenADR 2.0b section 8.3, rules 306, 312-346; cases R1_3070-R1_3120.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrRegisteredReport,
    OadrReport,
    OadrReportRequest,
    OadrResponse,
    OadrUpdatedReport,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_queue import answered, enqueue
from gateway.protocols.oadr2b.vtn_records import (
    OwnReportRecord,
    OwnValueRecord,
    QueueRecord,
    SupplyRecord,
    VenRecord,
    Waiting,
)
from gateway.protocols.oadr2b.vtn_reports import METADATA

MOST_AT_ONCE: Final = 100
"""Deliveries that may wait for one request; what is older is left out (rule 312)."""
MOST_REQUESTS: Final = 100
"""Of one VEN at a time."""
MOST_VALUES: Final = 1000
"""Values kept of one data point, the newest."""
_ABOUT: Final = frozenset({Waiting.REGISTER_REPORT, Waiting.UPDATE_REPORT})
_NOTHING: Final = timedelta(0)


def offer(page: Page, *reports: OadrReport) -> None:
    """Put reports of our own in place of all offered before, and register them with every VEN.

    Every data report that a VEN asked for ends thereby, a request for metadata does not (rule 306).
    """
    for old in page.all(OwnReportRecord):
        page.drop(old)
    for report in reports:
        page.put(OwnReportRecord(report=report))
    for ven in page.vens():
        for record in page.all(SupplyRecord, ven.ven_id):
            if not _tells_state(record.request):
                _end(page, record)
        enqueue(page, ven.ven_id, Waiting.REGISTER_REPORT)


def record_value(
    page: Page, report_specifier_id: str, r_id: str, at: datetime, value: Decimal
) -> None:
    """Note a value of a report of ours; the oldest goes when there are ``MOST_VALUES``.

    Raises:
        MisuseError: ``UNKNOWN_OFFER``.
    """
    own = page.find(OwnReportRecord, "", (report_specifier_id,))
    if own is None or r_id not in _points(own.report):
        detail = f"this utility offers no data point {r_id!r} in a report {report_specifier_id!r}"
        raise MisuseError("UNKNOWN_OFFER", detail)
    known = [one for one in page.all(OwnValueRecord, report_specifier_id) if one.r_id == r_id]
    for old in known[: max(0, len(known) - MOST_VALUES + 1)]:
        page.drop(old)
    page.put(OwnValueRecord(report_specifier_id=report_specifier_id, r_id=r_id, at=at, value=value))


def _points(report: OadrReport) -> frozenset[str]:
    return frozenset(description.r_id for description in report.oadr_report_descriptions)


def create_report(page: Page, ven: VenRecord, message: OadrCreateReport) -> OadrCreatedReport:
    """Take a VEN's requests for reports of ours, all of them or none.

    Raises:
        RefusalError: 452 for an unknown specifier, rID or a reportRequestID that cannot be, 454 for a granularity, 459
            for a period that is missing.
    """
    return supply(page, ven, message.oadr_report_requests, message.request_id)


def supply(
    page: Page, ven: VenRecord, requests: Iterable[OadrReportRequest], echo: str
) -> OadrCreatedReport:
    """Take requests, also those that ride in an oadrRegisteredReport; raises as ``create_report``."""
    for request in requests:
        known = page.find(SupplyRecord, ven.ven_id, (request.report_request_id,))
        if known is not None and known.request == request:
            continue
        _check(page, ven.ven_id, request, known)
        page.put(_begun(ven.ven_id, request, page.now))
    produce(page, ven.ven_id)
    return OadrCreatedReport(
        ei_response=EiResponse(request_id=echo),
        oadr_pending_reports=pending(page, ven.ven_id),
        ven_id=ven.ven_id,
    )


def pending(page: Page, ven_id: str) -> tuple[str, ...]:
    """Return the reportRequestIDs of everything that a VEN has yet to get from us."""
    return tuple(record.key[0] for record in page.all(SupplyRecord, ven_id))


def _check(page: Page, ven_id: str, request: OadrReportRequest, known: SupplyRecord | None) -> None:
    if len(page.all(SupplyRecord, ven_id)) >= MOST_REQUESTS:
        raise RefusalError("REPORT_NOT_SUPPORTED", f"at most {MOST_REQUESTS} reports at a time")
    if request.report_request_id in {"", "0"} or known is not None:
        named = request.report_request_id[:60]
        raise RefusalError("INVALID_ID", f"reportRequestID {named!r} is taken, or cannot be one")
    asked = request.report_specifier
    if asked.report_back_duration < _NOTHING or asked.granularity < _NOTHING:
        raise RefusalError("INVALID_DATA", "a duration cannot be negative")
    if _tells_state(request):
        if asked.report_back_duration and asked.report_back_duration < timedelta(seconds=1):
            raise RefusalError("INVALID_DATA", "metadata comes once a second at most")
        return
    own = page.find(OwnReportRecord, "", (asked.report_specifier_id,))
    if own is None:
        named = asked.report_specifier_id[:60]
        raise RefusalError("INVALID_ID", f"this VTN offers no report {named!r}")
    for payload in asked.specifier_payloads:
        if payload.r_id not in _points(own.report):
            raise RefusalError("INVALID_ID", f"this VTN offers no rID {payload.r_id[:60]!r}")
    if asked.report_back_duration:
        _check_periodic(own.report, request)


def _check_periodic(report: OadrReport, request: OadrReportRequest) -> None:
    asked = request.report_specifier
    if asked.report_interval is None:
        raise RefusalError("COMPLIANCE", "a periodic report needs its reportInterval (rule 324)")
    fastest = min(
        (one.oadr_sampling_rate.oadr_min_period for one in report.oadr_report_descriptions
         if one.oadr_sampling_rate is not None),
        default=_NOTHING,
    )  # fmt: skip
    if asked.granularity and not fastest <= asked.granularity <= asked.report_back_duration:
        raise RefusalError(
            "INVALID_DATA",
            "the granularity must lie between oadrMinPeriod and the reportBackDuration (rule 317)",
        )
    if asked.report_back_duration < max(fastest, timedelta(seconds=1)):
        raise RefusalError("INVALID_DATA", "the reportBackDuration is below the oadrMinPeriod")


def _begun(ven_id: str, request: OadrReportRequest, now: datetime) -> SupplyRecord:
    asked = request.report_specifier
    interval, back = asked.report_interval, asked.report_back_duration
    starts_at = now
    if interval is not None and back:
        starts_at = interval.dtstart if interval.duration else max(interval.dtstart, now)
    # Metadata says how things are and goes at once; values of a period when it is over.
    return SupplyRecord(
        ven_id=ven_id,
        request=request,
        covered_until=starts_at,
        next_at=starts_at if _tells_state(request) else starts_at + back,
    )


def _tells_state(request: OadrReportRequest) -> bool:
    return request.report_specifier.report_specifier_id == METADATA


def produce(page: Page, ven_id: str) -> None:
    """Put every delivery that is due into a VEN's queue."""
    for record in page.all(SupplyRecord, ven_id):
        _produce(page, record)


def _produce(page: Page, record: SupplyRecord) -> None:
    back = record.request.report_specifier.report_back_duration
    tells_state = _tells_state(record.request)
    waiting = Waiting.REGISTER_REPORT if tells_state else Waiting.UPDATE_REPORT
    ends_at = _ends_at(record)
    record = _caught_up(record, page.now, back)
    while record.next_at is not None and record.next_at <= page.now:
        due_at = record.next_at
        span = (record.covered_until, due_at if back else page.now)
        enqueue(page, record.ven_id, waiting, record.key[0], span=span)
        following = due_at + back
        over = not back or (
            ends_at is not None and (following >= ends_at if tells_state else following > ends_at)
        )
        record = replace(record, covered_until=due_at, next_at=None if over else following)
        page.put(record)


def _caught_up(record: SupplyRecord, now: datetime, back: timedelta) -> SupplyRecord:
    """Leave out what fell due so long ago that it would be more than ``MOST_AT_ONCE`` deliveries."""
    if record.next_at is None or not back:
        return record
    behind = (now - record.next_at) // back - MOST_AT_ONCE
    if behind <= 0:
        return record
    next_at = record.next_at + behind * back
    return replace(record, covered_until=next_at - back, next_at=next_at)


def _ends_at(record: SupplyRecord) -> datetime | None:
    interval = record.request.report_specifier.report_interval
    if interval is None or not interval.duration:
        return None
    return interval.dtstart + interval.duration


def delivered(page: Page, ven_id: str, waiting: Waiting, echo: str) -> None:
    """Note that a VEN has acknowledged a delivery; a request without any to come has ended."""
    for item in answered(page, ven_id, waiting, echo):
        record = page.find(SupplyRecord, ven_id, (item.subject,))
        if record is not None and record.next_at is None and not _waits(page, record):
            page.drop(record)


def _waits(page: Page, record: SupplyRecord) -> bool:
    return any(
        item.waiting in _ABOUT and item.subject == record.key[0]
        for item in page.all(QueueRecord, record.ven_id)
    )


def updated_report(page: Page, ven: VenRecord, message: OadrUpdatedReport) -> OadrResponse:
    """Take a VEN's acknowledgement of a report of ours, and the cancellation that may ride in it (rule 328)."""
    echo = message.ei_response.request_id
    delivered(page, ven.ven_id, Waiting.UPDATE_REPORT, echo)
    if message.oadr_cancel_report is not None:
        # There is no place to answer it in: what is unknown is past in any case (rule 335).
        _cancel(page, ven.ven_id, message.oadr_cancel_report)
    return OadrResponse(ei_response=EiResponse(request_id=echo), ven_id=ven.ven_id)


def cancel_report(page: Page, ven: VenRecord, message: OadrCancelReport) -> OadrCanceledReport:
    """End what a VEN asked for, after one last report if it wants one; 452 when any of it is unknown (rule 336)."""
    unknown = _cancel(page, ven.ven_id, message)
    answer = EiResponse(request_id=message.request_id)
    if unknown:
        fault = RefusalError("INVALID_ID", f"no report is pending under {unknown[0][:60]!r}")
        page.refuse(ven.ven_id, message, fault)
        answer = replace(answer, response_code=fault.code, response_description=fault.detail)
    return OadrCanceledReport(
        ei_response=answer, oadr_pending_reports=pending(page, ven.ven_id), ven_id=ven.ven_id
    )


def _cancel(page: Page, ven_id: str, message: OadrCancelReport) -> list[str]:
    """Cancel what is known; return what is not."""
    unknown = []
    for report_request_id in message.report_request_ids:
        record = page.find(SupplyRecord, ven_id, (report_request_id,))
        if record is None:
            unknown.append(report_request_id)
            continue
        _end(page, record)
        if message.report_to_follow and not _tells_state(record.request):
            page.put(replace(record, next_at=None))
            span = (min(record.covered_until, page.now), page.now)
            enqueue(page, ven_id, Waiting.UPDATE_REPORT, report_request_id, span=span)
    return unknown


def _end(page: Page, record: SupplyRecord) -> None:
    page.drop(record)
    for item in page.all(QueueRecord, record.ven_id):
        if item.waiting in _ABOUT and item.subject == record.key[0]:
            page.drop(item)


def registered_report(
    page: Page, ven: VenRecord, message: OadrRegisteredReport
) -> OadrResponse | OadrCreatedReport:
    """Take a VEN's acknowledgement of our metadata, and the requests that it may hold (rule 344).

    Raises:
        RefusalError: as ``create_report``.
    """
    echo = message.ei_response.request_id
    delivered(page, ven.ven_id, Waiting.REGISTER_REPORT, echo)
    if message.oadr_report_requests:
        return supply(page, ven, message.oadr_report_requests, echo)
    return OadrResponse(ei_response=EiResponse(request_id=echo), ven_id=ven.ven_id)
