"""VEN: offers its reports, takes requests for them, and ends them.

Spec: OpenADR 2.0b section 8.3.2; rules 306, 336, 344.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from gateway.domain.errors import GatewayError, SessionError
from gateway.protocols.oadr2b.errors import DEPLOYMENT, INVALID_ID, response_code
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReportRequest,
)
from gateway.protocols.oadr2b.metadata import UNREQUESTED
from gateway.protocols.oadr2b.report_requests import (
    METADATA,
    check_metadata_request,
    fingerprint,
    read_request,
)
from gateway.protocols.oadr2b.reports import Input, State, step
from gateway.protocols.oadr2b.ven_delivery import owe
from gateway.protocols.oadr2b.ven_state import Due, Outgoing, Purpose, Running
from gateway.protocols.oadr2b.ven_turn import EI_REPORT, Turn, refusal

MOST_RUNNING: Final = 200
"""Requests that may run at a time."""

# --- metadata


def offer(turn: Turn, report_request_id: str = "") -> None:
    """Send our metadata, unasked or in answer to a request for it."""
    request_id = turn.fresh_id()
    asked = report_request_id or UNREQUESTED
    message = OadrRegisterReport(
        request_id=request_id,
        oadr_reports=tuple(turn.setting.offers.reports(turn.now, asked)),
        ven_id=turn.registration.ven_id,
        report_request_id=report_request_id or None,
    )
    turn.queue(Purpose.METADATA, EI_REPORT, message, request_id, report_request_id)


def offered(turn: Turn, outgoing: Outgoing, reply: Message | None) -> None:
    """Take the answer to our metadata; it may bring requests at once (rule 344).

    Metadata sent unasked ends every report that was running (rule 306); a request for it disturbs none.
    """
    taken = isinstance(reply, OadrRegisteredReport) and reply.ei_response.is_success
    if not outgoing.subject:
        turn.register(metadata=turn.setting.offers.digest)
        if taken:
            forget(turn)
    if not taken:
        turn.note("metadata_refused")
    elif isinstance(reply, OadrRegisteredReport) and reply.oadr_report_requests:
        _create(turn, reply.oadr_report_requests, turn.judged("", reply.ven_id))


# --- requests


def requested(turn: Turn, message: OadrCreateReport) -> None:
    """Take oadrCreateReport."""
    answer = turn.judged(message.request_id, message.ven_id)
    _create(turn, message.oadr_report_requests, answer)


def _create(turn: Turn, requests: Iterable[OadrReportRequest], answer: EiResponse) -> None:
    """Start all requests of one message, or none of them."""
    fresh: dict[str, Running] = {}
    metadata: list[str] = []
    try:
        for request in requests if answer.is_success else ():
            if request.report_specifier.report_specifier_id == METADATA:
                metadata.append(check_metadata_request(request))
            elif not _is_repeated({**turn.state.running, **fresh}, request):
                running = read_request(request, turn.setting.offers, turn.now)
                fresh[request.report_request_id] = running
    except GatewayError as error:
        turn.note("report_refused", why=error.detail)
        answer = refusal(response_code(error), error.detail[:256], answer.request_id)
        fresh, metadata = {}, []
    if len(turn.state.running) + len(fresh) > MOST_RUNNING:
        answer = refusal(DEPLOYMENT, "too many reports run already", answer.request_id)
        fresh, metadata = {}, []
    for running in fresh.values():
        turn.put_running(replace(running, state=step(State.REQUESTED, Input.ACCEPT)))
    created = OadrCreatedReport(
        ei_response=answer,
        oadr_pending_reports=(*turn.state.running, *metadata),
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.ANSWER, EI_REPORT, created)
    for report_request_id in metadata:
        offer(turn, report_request_id)


def _is_repeated(running: Mapping[str, Running], request: OadrReportRequest) -> bool:
    """Say whether a request runs already, or stood in the same message before.

    Raises:
        SessionError: ``COMPLIANCE`` when another one runs under its id.
    """
    known = running.get(request.report_request_id)
    if known is not None and known.fingerprint != fingerprint(request):
        raise SessionError("COMPLIANCE", "another report runs under this reportRequestID")
    return known is not None


def cancelled(turn: Turn, message: OadrCancelReport) -> None:
    """Take oadrCancelReport: every id that is known ends; one that is not makes the answer 452 (rule 336)."""
    answer = turn.judged(message.request_id, message.ven_id)
    if answer.is_success:
        known = {*turn.state.running, *turn.state.finished}
        end_requests(turn, message.report_request_ids, to_follow=message.report_to_follow)
        if not known.issuperset(message.report_request_ids):
            answer = refusal(INVALID_ID, "a reportRequestID is not known", message.request_id)
    canceled = OadrCanceledReport(
        ei_response=answer,
        oadr_pending_reports=tuple(turn.state.running),
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.ANSWER, EI_REPORT, canceled)


def end_requests(turn: Turn, report_request_ids: Iterable[str], *, to_follow: bool) -> None:
    """End requests; with ``to_follow`` each gives one last report."""
    for report_request_id in report_request_ids:
        running = turn.state.running.get(report_request_id)
        if running is None:
            continue
        if to_follow:
            _last_report(turn, running)
            continue
        step(running.state, Input.CANCEL)
        turn.finish(report_request_id)
        for item in turn.state.outbox:
            about = item.purpose is Purpose.UPDATE and item.subject == report_request_id
            if about and item != turn.link.in_flight:
                turn.drop(item)


def _last_report(turn: Turn, running: Running) -> None:
    closing = replace(running, state=step(running.state, Input.CANCEL_LATER))
    if running.state is State.RUNNING:
        span = running.schedule.follows(running.covered_until, turn.now)
        ready_at = span.end + turn.options.report_grace
        due = Due(report_request_id=running.report_request_id, span=span, ready_at=ready_at)
        owe(turn, [due])
    turn.put_running(closing)


def forget(turn: Turn) -> None:
    """End every request without a word: new metadata, or no registration (rules 306 and 407)."""
    for running in tuple(turn.state.running.values()):
        step(running.state, Input.FORGET)
    outbox = tuple(item for item in turn.state.outbox if item.purpose is not Purpose.UPDATE)
    if turn.state.running or turn.state.owed:
        finished = (*turn.state.finished, *turn.state.running)
        turn.state = replace(turn.state, running={}, owed=(), outbox=outbox, finished=finished)
    turn.connect(collecting="")
