"""Report data as a VTN takes it: each value placed in time, under the request that it answers.

Spec: OpenADR 2.0b section 8.3.2, rules 316-318, 337, 342, 346.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrReport,
    OadrReportPayload,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportInterval,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_facts import Reported
from gateway.protocols.oadr2b.vtn_queue import forget_reports
from gateway.protocols.oadr2b.vtn_records import RequestRecord, VenRecord
from gateway.protocols.oadr2b.vtn_reports import advance
from gateway.protocols.oadr2b.vtn_requests import RequestInput, RequestState


def update_report(page: Page, ven: VenRecord, message: OadrUpdateReport) -> OadrUpdatedReport:
    """Take report data; what answers no request of ours is refused, its neighbours are kept."""
    fault = None
    for report in message.oadr_reports:
        try:
            _take(page, ven, report)
        except RefusalError as refusal:
            fault = fault or refusal
    if fault is not None:
        page.refuse(ven.ven_id, message, fault)
    answer = EiResponse(
        response_code=fault.code if fault else "200",
        response_description=fault.detail if fault else None,
        request_id=message.request_id,
    )
    return OadrUpdatedReport(ei_response=answer, ven_id=ven.ven_id)


def _take(page: Page, ven: VenRecord, report: OadrReport) -> None:
    request = page.find(RequestRecord, ven.ven_id, (report.report_request_id,))
    if request is None or request.state is RequestState.REFUSED:
        detail = f"no report is pending under {report.report_request_id[:60]!r}"
        raise RefusalError("INVALID_ID", detail)
    values = list(_values(request, report))
    for value in values:
        page.tell(value)
    if request.state is RequestState.QUEUED:
        # Data is answer enough: the request need not be sent again.
        forget_reports(page, ven.ven_id, frozenset(request.key))
    last = _is_complete(request, values)
    advance(page, request, RequestInput.LAST_DATA if last else RequestInput.DATA)


def _values(request: RequestRecord, report: OadrReport) -> Iterator[Reported]:
    asked = {payload.r_id for payload in request.request.report_specifier.specifier_payloads}
    for starts_at, lasts, interval in _placed(report):
        for payload in interval.oadr_report_payloads:
            if payload.r_id not in asked:
                raise RefusalError("INVALID_ID", f"rID {payload.r_id[:60]!r} was not asked for")
            yield _reported(request, payload, starts_at, lasts)


def _placed(report: OadrReport) -> Iterator[tuple[datetime, timedelta | None, ReportInterval]]:
    """Yield each interval with its start and length; without a dtstart it begins where the one before ended."""
    at = report.dtstart
    whole = report.duration if len(report.intervals) == 1 else None
    for interval in report.intervals:
        starts_at = interval.dtstart or at
        if starts_at is None:
            raise RefusalError(
                "INVALID_DATA", "neither the report nor its intervals have a dtstart"
            )
        lasts = interval.duration if interval.duration is not None else whole
        yield starts_at, lasts, interval
        at = starts_at + (lasts or timedelta(0))


def _reported(
    request: RequestRecord,
    payload: OadrReportPayload,
    starts_at: datetime,
    lasts: timedelta | None,
) -> Reported:
    status = payload.oadr_payload_resource_status
    return Reported(
        ven_id=request.ven_id,
        want_id=request.want_id,
        report_request_id=request.key[0],
        report_name=request.report_name,
        r_id=payload.r_id,
        starts_at=starts_at,
        lasts=lasts,
        value=payload.payload_float,
        online=status.oadr_online if status else None,
        manual_override=status.oadr_manual_override if status else None,
        quality=payload.oadr_data_quality or "",
        confidence=payload.confidence,
        accuracy=payload.accuracy,
    )


def _is_complete(request: RequestRecord, values: list[Reported]) -> bool:
    specifier = request.request.report_specifier
    if not specifier.report_back_duration:
        return bool(values)
    interval = specifier.report_interval
    if interval is None or not interval.duration:
        return False
    ends_at = interval.dtstart + interval.duration
    return any(value.starts_at + (value.lasts or timedelta(0)) >= ends_at for value in values)
