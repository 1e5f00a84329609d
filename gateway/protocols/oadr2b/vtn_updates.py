"""Report data as a VTN takes it: each value placed in time, under the request that it answers.

Spec: OpenADR 2.0b section 8.3.2, rules 316-318, 337, 342, 346.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCancelReport,
    OadrReport,
    OadrReportPayload,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportInterval,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_facts import Reported
from gateway.protocols.oadr2b.vtn_queue import enqueue, forget_reports
from gateway.protocols.oadr2b.vtn_records import RequestRecord, Riding, VenRecord, Waiting
from gateway.protocols.oadr2b.vtn_reports import advance
from gateway.protocols.oadr2b.vtn_requests import RequestInput, RequestState


def update_report(page: Page, ven: VenRecord, message: OadrUpdateReport) -> OadrUpdatedReport:
    """Take report data; what answers no request of ours is refused, its neighbours are kept."""
    fault = None
    ended: list[RequestRecord] = []
    for report in message.oadr_reports:
        try:
            _take(page, ven, report)
        except RefusalError as refusal:
            fault = fault or refusal
        else:
            ended += _cancelled_by_answer(page, ven.ven_id, report.report_request_id)
    if fault is not None:
        page.refuse(ven.ven_id, message, fault)
    answer = EiResponse(
        response_code=fault.code if fault else "200",
        response_description=fault.detail if fault else None,
        request_id=message.request_id,
    )
    return OadrUpdatedReport(
        ei_response=answer, oadr_cancel_report=_riding(page, ven, ended), ven_id=ven.ven_id
    )


def _cancelled_by_answer(page: Page, ven_id: str, report_request_id: str) -> list[RequestRecord]:
    """Return the request of a report when the answer to it is to cancel it.

    There is no confirmation (rule 335): a VEN that goes on all the same is told again, in a message of its own.
    """
    request = page.find(RequestRecord, ven_id, (report_request_id,))
    if request is None:
        return []
    match request.riding:
        case Riding.DUE | Riding.DUE_TO_FOLLOW:
            return [request]
        case Riding.TOLD_TO_FOLLOW:
            page.put(replace(request, riding=Riding.TOLD))
        case Riding.TOLD:
            page.put(replace(request, riding=Riding.NO))
            enqueue(page, ven_id, Waiting.CANCEL_REPORT, report_request_id)
        case Riding.NO:
            pass
    return []


def _riding(page: Page, ven: VenRecord, ended: list[RequestRecord]) -> OadrCancelReport | None:
    """Write the cancellation that travels in the answer, only of reports that the update held (rule 328)."""
    if not ended:
        return None
    to_follow = any(request.riding is Riding.DUE_TO_FOLLOW for request in ended)
    for request in ended:
        told = Riding.TOLD_TO_FOLLOW if to_follow else Riding.TOLD
        advance(page, replace(request, riding=told), RequestInput.CANCELED)
    return OadrCancelReport(
        request_id=page.ids.uuid(),
        report_request_ids=tuple(dict.fromkeys(request.key[0] for request in ended)),
        report_to_follow=to_follow,
        ven_id=ven.ven_id,
    )


def _take(page: Page, ven: VenRecord, report: OadrReport) -> None:
    request = page.find(RequestRecord, ven.ven_id, (report.report_request_id,))
    if request is None or request.state in {RequestState.REFUSED, RequestState.CANCELLED}:
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
    if report.report_specifier_id != request.request.report_specifier.report_specifier_id:
        named = report.report_specifier_id[:60]
        raise RefusalError("INVALID_ID", f"reportSpecifierID {named!r} was not asked for")
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
        load_control=status.oadr_load_control_state if status else None,
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
