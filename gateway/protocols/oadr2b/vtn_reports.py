"""What a VTN wishes to be told and what it is told: metadata, requests, cancellations, and its own empty metadata.

A wish (``WantRecord``) outlives metadata: whenever a VEN registers its reports, every request of before has ended
(rule 306) and is made anew from the wish.

Spec: OpenADR 2.0b section 8.3, rules 306-346.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    OadrCanceledReport,
    OadrCreatedReport,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
    OadrResponse,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_facts import Offered, ReportAnswered
from gateway.protocols.oadr2b.vtn_queue import answered, enqueue, forget_reports, sent
from gateway.protocols.oadr2b.vtn_records import (
    OfferRecord,
    QueueRecord,
    RequestRecord,
    Riding,
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
    missing = [
        want
        for want in page.all(WantRecord)
        if want.report_name != METADATA and _is_missing(page, ven.ven_id, want, unfinished)
    ]
    _request(page, ven.ven_id, [want for want in missing if not want.piggyback], apart=True)
    riding = _requests(page, ven.ven_id, [want for want in missing if want.piggyback])
    for request in riding:
        # It waits in the queue as well, as sent just now: without an answer in time it is asked again there.
        sent(page, enqueue(page, ven.ven_id, Waiting.CREATE_REPORT, request.report_request_id))
    return OadrRegisteredReport(
        ei_response=EiResponse(request_id=message.request_id),
        oadr_report_requests=tuple(riding),
        ven_id=ven.ven_id,
    )


def _end_metadata_request(page: Page, ven_id: str, report_request_id: str | None) -> None:
    request = page.find(RequestRecord, ven_id, (report_request_id or "",))
    if request is not None and request.report_name == METADATA:
        periodic = bool(request.request.report_specifier.report_back_duration)
        advance(page, request, RequestInput.DATA if periodic else RequestInput.LAST_DATA)


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


def want(page: Page, *wishes: WantRecord) -> None:
    """Remember wishes for reports and ask every VEN that already offers them, in one message per VEN.

    Raises:
        MisuseError: ``WANT_EXISTS``.
    """
    for wish in wishes:
        if page.find(WantRecord, "", wish.key) is not None:
            raise MisuseError("WANT_EXISTS", f"a report is wanted under {wish.want_id!r} already")
        page.put(wish)
    for ven in page.vens():
        mine = [wish for wish in wishes if wish.ven_id in {"", ven.ven_id}]
        _request(page, ven.ven_id, mine, apart=False)


def check_wish(wish: WantRecord) -> None:
    """Refuse a wish that no VEN could grant.

    Raises:
        MisuseError: ``BAD_WISH``.

    Spec: OpenADR 2.0b rules 317, 324 and 325; section 8.3.2.2.
    """
    if wish.report_name == METADATA:
        return
    periodic = bool(wish.report_back)
    if wish.report_name.startswith("HISTORY"):
        if wish.granularity or periodic:
            raise MisuseError("BAD_WISH", "history has a granularity and a report-back of zero")
        if wish.lasts is None or wish.starts_at is None:
            raise MisuseError("BAD_WISH", "history needs the start and length of its period")
    if periodic and wish.lasts is None:
        raise MisuseError("BAD_WISH", "a periodic report needs the length of its period")
    if periodic and wish.granularity > wish.report_back:
        raise MisuseError("BAD_WISH", "the granularity may not exceed the report-back duration")


def unwant(page: Page, want_id: str, *, to_follow: bool = False, piggyback: bool = False) -> None:
    """Drop a wish and cancel the requests made for it.

    Args:
        page: Where to write.
        want_id: Of the wish.
        to_follow: Ask for one last report.
        piggyback: Tell it in the answer to the next report (rule 328) rather than in a message of its own.

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
                _cancel(page, request, to_follow=to_follow, piggyback=piggyback)


def _cancel(page: Page, request: RequestRecord, *, to_follow: bool, piggyback: bool) -> None:
    if request.state is RequestState.QUEUED and not _was_sent(page, request):
        forget_reports(page, request.ven_id, frozenset(request.key))
        advance(page, request, RequestInput.DROPPED)
    elif piggyback:
        riding = Riding.DUE_TO_FOLLOW if to_follow else Riding.DUE
        advance(page, replace(request, riding=riding), RequestInput.CANCEL)
    else:
        advance(page, request, RequestInput.CANCEL)
        enqueue(page, request.ven_id, Waiting.CANCEL_REPORT, request.key[0], to_follow=to_follow)


def _was_sent(page: Page, request: RequestRecord) -> bool:
    return any(
        request.key[0] in item.subjects and item.times_sent
        for item in page.all(QueueRecord, request.ven_id)
    )


def _request(page: Page, ven_id: str, wishes: list[WantRecord], *, apart: bool) -> None:
    """Queue requests for wishes, as far as the VEN offers what they are about; ``apart``: one message each."""
    made = [request.report_request_id for request in _requests(page, ven_id, wishes)]
    for subject in made if apart else filter(None, [" ".join(made)]):
        enqueue(page, ven_id, Waiting.CREATE_REPORT, subject)


def _requests(page: Page, ven_id: str, wishes: list[WantRecord]) -> list[OadrReportRequest]:
    made = []
    for wish in wishes:
        specifier = _specifier(page, ven_id, wish)
        if specifier is None:
            continue
        request = OadrReportRequest(report_request_id=page.ids.uuid(), report_specifier=specifier)
        made.append(request)
        page.put(
            RequestRecord(
                ven_id=ven_id, want_id=wish.want_id, report_name=wish.report_name, request=request
            )
        )
    return made


def _specifier(page: Page, ven_id: str, wish: WantRecord) -> ReportSpecifier | None:
    if wish.report_name == METADATA:
        return ReportSpecifier(
            report_specifier_id=METADATA,
            granularity=timedelta(0),
            report_back_duration=wish.report_back,
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
    event = RequestInput.PROMISED if promised else RequestInput.REFUSED
    for request in _concerned(page, settled):
        advance(page, request, event, message.ei_response.response_code)
    return _acknowledged(ven, message.ei_response.request_id)


def canceled_report(page: Page, ven: VenRecord, message: OadrCanceledReport) -> OadrResponse:
    """Take a VEN's confirmation that reports have ended; a refusal ends our wish all the same."""
    echo, code = message.ei_response.request_id, message.ei_response.response_code
    for item in answered(page, ven.ven_id, Waiting.CANCEL_REPORT, echo):
        over = message.ei_response.is_success and not item.to_follow
        for request in _concerned(page, (item,)):
            advance(page, request, RequestInput.CONFIRMED if over else RequestInput.CANCELED, code)
    return _acknowledged(ven, echo)


def _concerned(page: Page, items: tuple[QueueRecord, ...]) -> Iterator[RequestRecord]:
    for item in items:
        for report_request_id in item.subjects:
            request = page.find(RequestRecord, item.ven_id, (report_request_id,))
            if request is not None:
                yield request


def advance(page: Page, request: RequestRecord, event: RequestInput, code: str = OK) -> None:
    """Move a request on, and tell when it thereby stands elsewhere.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE``.
    """
    state = step(request.state, event)
    page.put(replace(request, state=state))
    if state is not request.state:
        page.tell(
            ReportAnswered(
                ven_id=request.ven_id, report_request_id=request.key[0], state=state, code=code
            )
        )


def _acknowledged(ven: VenRecord, echo: str) -> OadrResponse:
    return OadrResponse(ei_response=EiResponse(request_id=echo), ven_id=ven.ven_id)
