"""What a VTN wishes to be told and what it is told: metadata, requests, cancellations, and its own empty metadata.

A wish (``WantRecord``) outlives metadata: whenever a VEN registers its reports, every request of before has ended
(rule 306) and is made anew from the wish.

Spec: OpenADR 2.0b section 8.3, rules 306-346.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
    OadrResponse,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_facts import Offered, ReportAnswered
from gateway.protocols.oadr2b.vtn_queue import answered, enqueue, forget_reports
from gateway.protocols.oadr2b.vtn_records import (
    OfferRecord,
    QueueRecord,
    RequestRecord,
    VenRecord,
    Waiting,
    WantRecord,
)
from gateway.protocols.oadr2b.vtn_requests import OVER, RequestInput, RequestState, step

METADATA: Final = "METADATA"


def register_report(
    page: Page, ven: VenRecord, message: OadrRegisterReport
) -> OadrRegisteredReport:
    """Take a VEN's metadata in place of all it registered before, then ask for what is still wanted."""
    for offer in page.all(OfferRecord, ven.ven_id):
        page.drop(offer)
    for report in message.oadr_reports:
        page.put(OfferRecord(ven_id=ven.ven_id, report=report))
    page.tell(Offered(ven_id=ven.ven_id, reports=message.oadr_reports))
    _end_metadata_request(page, ven.ven_id, message.report_request_id)
    unfinished = _end_requests(page, ven.ven_id)
    for want in page.all(WantRecord):
        if want.report_name != METADATA and _is_missing(page, ven.ven_id, want, unfinished):
            _request(page, ven.ven_id, want)
    return OadrRegisteredReport(
        ei_response=EiResponse(request_id=message.request_id), ven_id=ven.ven_id
    )


def _end_metadata_request(page: Page, ven_id: str, report_request_id: str | None) -> None:
    request = page.find(RequestRecord, ven_id, (report_request_id or "",))
    if request is not None and request.report_name == METADATA:
        advance(page, request, RequestInput.LAST_DATA)


def _end_requests(page: Page, ven_id: str) -> frozenset[str]:
    """End every running request for data; return the wishes they were made for."""
    running = [
        request
        for request in page.all(RequestRecord, ven_id)
        if request.state not in OVER and request.report_name != METADATA
    ]
    for request in running:
        advance(page, request, RequestInput.REPLACED)
    forget_reports(page, ven_id, frozenset(request.key[0] for request in running))
    return frozenset(
        request.want_id for request in running if request.state is not RequestState.CANCELLING
    )


def _is_missing(page: Page, ven_id: str, want: WantRecord, unfinished: frozenset[str]) -> bool:
    if want.ven_id not in {"", ven_id}:
        return False
    made = {
        request.want_id
        for request in page.all(RequestRecord, ven_id)
        if request.state is not RequestState.REFUSED
    }
    return want.want_id in unfinished or want.want_id not in made


def want(page: Page, wish: WantRecord) -> None:
    """Remember a wish for reports and ask every VEN that already offers them.

    Raises:
        MisuseError: ``WANT_EXISTS``.
    """
    if page.find(WantRecord, "", wish.key) is not None:
        raise MisuseError("WANT_EXISTS", f"a report is wanted under {wish.want_id!r} already")
    page.put(wish)
    for ven in page.vens():
        if wish.ven_id in {"", ven.ven_id}:
            _request(page, ven.ven_id, wish)


def unwant(page: Page, want_id: str, *, to_follow: bool = False) -> None:
    """Drop a wish and cancel the requests made for it.

    Args:
        page: Where to write.
        want_id: Of the wish.
        to_follow: Ask for one last report.

    Raises:
        MisuseError: ``UNKNOWN_WANT``.
    """
    wish = page.find(WantRecord, "", (want_id,))
    if wish is None:
        raise MisuseError("UNKNOWN_WANT", f"no report is wanted under {want_id!r}")
    page.drop(wish)
    for ven in page.vens():
        for request in page.all(RequestRecord, ven.ven_id):
            if request.want_id == want_id and request.state not in OVER:
                _cancel(page, request, to_follow=to_follow)


def _cancel(page: Page, request: RequestRecord, *, to_follow: bool) -> None:
    if request.state is RequestState.QUEUED and not _was_sent(page, request):
        forget_reports(page, request.ven_id, frozenset(request.key))
        advance(page, request, RequestInput.DROPPED)
        return
    advance(page, request, RequestInput.CANCEL)
    enqueue(page, request.ven_id, Waiting.CANCEL_REPORT, request.key[0], to_follow=to_follow)


def _was_sent(page: Page, request: RequestRecord) -> bool:
    return any(
        item.subject == request.key[0] and item.times_sent
        for item in page.all(QueueRecord, request.ven_id)
    )


def _request(page: Page, ven_id: str, wish: WantRecord) -> None:
    """Queue a request for a wish, if the VEN offers what it is about."""
    specifier = _specifier(page, ven_id, wish)
    if specifier is None:
        return
    request = OadrReportRequest(report_request_id=page.ids.uuid(), report_specifier=specifier)
    page.put(
        RequestRecord(
            ven_id=ven_id, want_id=wish.want_id, report_name=wish.report_name, request=request
        )
    )
    enqueue(page, ven_id, Waiting.CREATE_REPORT, request.report_request_id)


def _specifier(page: Page, ven_id: str, wish: WantRecord) -> ReportSpecifier | None:
    if wish.report_name == METADATA:
        return ReportSpecifier(
            report_specifier_id=METADATA,
            granularity=timedelta(0),
            report_back_duration=timedelta(0),
            specifier_payloads=(SpecifierPayload(r_id="0"),),
        )
    for offer in page.all(OfferRecord, ven_id):
        r_ids = _offered(offer.report, wish)
        if r_ids:
            return ReportSpecifier(
                report_specifier_id=offer.report.report_specifier_id,
                granularity=wish.granularity,
                report_back_duration=wish.report_back,
                report_interval=_interval(page, wish),
                specifier_payloads=tuple(SpecifierPayload(r_id=r_id) for r_id in r_ids),
            )
    return None


def _offered(report: OadrReport, wish: WantRecord) -> tuple[str, ...]:
    if report.report_name != f"METADATA_{wish.report_name}":
        return ()
    offered = tuple(description.r_id for description in report.oadr_report_descriptions)
    if not wish.r_ids:
        return offered
    return wish.r_ids if set(wish.r_ids) <= set(offered) else ()


def _interval(page: Page, wish: WantRecord) -> WsCalendarInterval | None:
    if wish.lasts is None:
        return None
    # Whole seconds: some VENs cut fractions off, and then ask whether the period has begun.
    starts_at = (wish.starts_at or page.now).replace(microsecond=0)
    return WsCalendarInterval(dtstart=starts_at, duration=wish.lasts)


def created_report(page: Page, ven: VenRecord, message: OadrCreatedReport) -> OadrResponse:
    """Take a VEN's promise, or its refusal, of reports."""
    promised = message.ei_response.is_success
    settled = answered(
        page,
        ven.ven_id,
        Waiting.CREATE_REPORT,
        message.ei_response.request_id,
        message.oadr_pending_reports,
    )
    for item in settled:
        request = page.find(RequestRecord, ven.ven_id, (item.subject,))
        if request is not None:
            event = RequestInput.PROMISED if promised else RequestInput.REFUSED
            advance(page, request, event, message.ei_response.response_code)
    return _acknowledged(ven, message.ei_response.request_id)


def canceled_report(page: Page, ven: VenRecord, message: OadrCanceledReport) -> OadrResponse:
    """Take a VEN's confirmation that reports have ended; a refusal ends our wish all the same."""
    echo = message.ei_response.request_id
    for item in answered(page, ven.ven_id, Waiting.CANCEL_REPORT, echo):
        request = page.find(RequestRecord, ven.ven_id, (item.subject,))
        if request is not None:
            advance(page, request, RequestInput.CANCELED, message.ei_response.response_code)
    return _acknowledged(ven, echo)


def advance(page: Page, request: RequestRecord, event: RequestInput, code: str = OK) -> None:
    """Move a request on, and tell when it thereby stands elsewhere.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE``.
    """
    state = step(request.state, event)
    if state is not request.state:
        page.put(replace(request, state=state))
        page.tell(
            ReportAnswered(
                ven_id=request.ven_id, report_request_id=request.key[0], state=state, code=code
            )
        )


def _acknowledged(ven: VenRecord, echo: str) -> OadrResponse:
    return OadrResponse(ei_response=EiResponse(request_id=echo), ven_id=ven.ven_id)


def registered_report(
    page: Page, ven: VenRecord, message: OadrRegisteredReport
) -> OadrResponse | OadrCreatedReport:
    """Take a VEN's acknowledgement of our metadata, and the request for metadata it may hold.

    Raises:
        RefusalError: as ``create_report``.
    """
    echo = message.ei_response.request_id
    answered(page, ven.ven_id, Waiting.REGISTER_REPORT, echo)
    if message.oadr_report_requests:
        return _serve_metadata(page, ven, message.oadr_report_requests, echo)
    return _acknowledged(ven, echo)


def create_report(page: Page, ven: VenRecord, message: OadrCreateReport) -> OadrCreatedReport:
    """Take a VEN's request for a report of ours: there is only our metadata, which is empty.

    Raises:
        RefusalError: 452 for another specifier, 461 for a repeated delivery.
    """
    return _serve_metadata(page, ven, message.oadr_report_requests, message.request_id)


def _serve_metadata(
    page: Page, ven: VenRecord, requests: tuple[OadrReportRequest, ...], echo: str
) -> OadrCreatedReport:
    for request in requests:
        if request.report_specifier.report_specifier_id != METADATA:
            raise RefusalError(
                "INVALID_ID", "this VTN has no reports of its own, only its METADATA"
            )
        if request.report_specifier.report_back_duration:
            raise RefusalError("REPORT_NOT_SUPPORTED", "METADATA is delivered once per request")
    for request in requests:
        enqueue(page, ven.ven_id, Waiting.REGISTER_REPORT, request.report_request_id)
    return OadrCreatedReport(
        ei_response=EiResponse(request_id=echo),
        oadr_pending_reports=tuple(request.report_request_id for request in requests),
        ven_id=ven.ven_id,
    )


def cancel_report(message: OadrCancelReport) -> OadrCanceledReport:
    """Refuse to cancel what a VEN cannot have running here (rule 336).

    Raises:
        RefusalError: 452 always: METADATA is delivered at the next poll and then over.
    """
    named = ", ".join(message.report_request_ids)[:60]
    raise RefusalError("INVALID_ID", f"no report is pending under {named!r}")
