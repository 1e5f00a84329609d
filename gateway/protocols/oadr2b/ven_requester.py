"""VEN: asks the VTN for reports, takes what it offers and delivers, and cancels what is wanted no longer.

What is wanted stands in the settings; what was asked for under which id is remembered. Values are kept before they are
acknowledged.

Spec: OpenADR 2.0b section 8.3.2; rules 306, 309, 317, 328, 335, 336, 344, 346.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.domain.canonical import digest
from gateway.domain.timespan import duration_text
from gateway.protocols.actions import FactKind, Received, ReceivedValue
from gateway.protocols.oadr2b.asks import Input, State, allowed, step
from gateway.protocols.oadr2b.errors import INVALID_ID
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.options import VtnReport
from gateway.protocols.oadr2b.report_values import offered_points, values_of
from gateway.protocols.oadr2b.ven_state import Asked, Outgoing, Purpose, VtnOffer
from gateway.protocols.oadr2b.ven_turn import EI_REPORT, Turn, refusal

METADATA: Final = "METADATA"
_NOTHING: Final = timedelta(0)


# --- what the VTN offers


def offered(turn: Turn, message: OadrRegisterReport) -> None:
    """Take the VTN's metadata: it replaces what it offered before and ends every report that it gave us (rule 306)."""
    judged = turn.judged(message.request_id, message.ven_id)
    requests: tuple[OadrReportRequest, ...] = ()
    if judged.is_success:
        _offered(turn, message)
        if turn.options.requests_with_metadata:
            wanted = tuple(_wanted(turn))
            requests = tuple(request for _, request in wanted)
            for wish, request in wanted:
                _put(turn, _asked(wish, request, State.RUNNING))
    answer = OadrRegisteredReport(
        ei_response=judged, oadr_report_requests=requests, ven_id=turn.registration.ven_id
    )
    turn.queue(Purpose.ANSWER, EI_REPORT, answer)


def _offered(turn: Turn, message: OadrRegisterReport) -> None:
    for asked in tuple(turn.state.asked.values()):
        if asked.specifier_id == METADATA:
            if asked.report_request_id == message.report_request_id:
                _move(turn, asked, Input.LAST)
        elif asked.state is not State.DONE:
            _drop(turn, asked)
    offers = {}
    for report in message.oadr_reports:
        offers[report.report_specifier_id] = VtnOffer(
            specifier_id=report.report_specifier_id,
            name=(report.report_name or "").removeprefix("METADATA_"),
            points=offered_points(report),
        )
        _tell_offer(turn, report)
    turn.state = replace(turn.state, vtn_offers=offers)


def _tell_offer(turn: Turn, report: OadrReport) -> None:
    points = ", ".join(f"{p.r_id} [{p.unit}]" for p in offered_points(report))
    turn.tell(
        FactKind.OFFER,
        report.report_specifier_id,
        name=report.report_name or "",
        points=points[:4000],
        kept=duration_text(report.duration) if report.duration else "",
    )


# --- what we ask for


def pursue(turn: Turn) -> None:
    """Ask for what is wanted and not asked for yet, cancel what is wanted no longer; our own metadata goes first."""
    _forget_lost(turn)
    if turn.queued(Purpose.METADATA, Purpose.REQUEST_EVENT):
        return
    _cancel_unwanted(turn)
    if turn.options.ask_vtn_metadata and not _metadata_asked(turn):
        request = _request(turn, METADATA, ("0",), _NOTHING, _NOTHING, None)
        _send(turn, [(METADATA, request)])
    wanted = list(_wanted(turn))
    if wanted:
        _send(turn, wanted)


def _metadata_asked(turn: Turn) -> bool:
    return any(asked.specifier_id == METADATA for asked in turn.state.asked.values())


def _wanted(turn: Turn) -> Iterator[tuple[str, OadrReportRequest]]:
    """Write the requests of the settings that the VTN can serve and was not asked yet, each with its wish's key."""
    known = {asked.wish for asked in turn.state.asked.values()}
    for wish in turn.options.vtn_reports:
        offer = turn.state.vtn_offers.get(wish.specifier)
        if offer is None or _key(wish) in known:
            continue
        there = [point.r_id for point in offer.points]
        r_ids = wish.r_ids or tuple(there)
        missing = set(r_ids) - set(there)
        if missing or not r_ids:
            continue
        period = WsCalendarInterval(dtstart=turn.now, duration=wish.lasts) if wish.every else None
        yield (
            _key(wish),
            _request(turn, wish.specifier, r_ids, wish.granularity, wish.every, period),
        )


def _key(wish: VtnReport) -> str:
    texts = [wish.specifier, *map(duration_text, (wish.granularity, wish.every, wish.lasts))]
    return digest([*texts, list(wish.r_ids)])


def _request(
    turn: Turn,
    specifier_id: str,
    r_ids: Iterable[str],
    granularity: timedelta,
    every: timedelta,
    period: WsCalendarInterval | None,
) -> OadrReportRequest:
    return OadrReportRequest(
        report_request_id=turn.fresh_id(),
        report_specifier=ReportSpecifier(
            report_specifier_id=specifier_id,
            granularity=granularity,
            report_back_duration=every,
            report_interval=period,
            specifier_payloads=tuple(SpecifierPayload(r_id=r_id) for r_id in r_ids),
        ),
    )


def _send(turn: Turn, wanted: list[tuple[str, OadrReportRequest]]) -> None:
    request_id = turn.fresh_id()
    message = OadrCreateReport(
        request_id=request_id,
        oadr_report_requests=tuple(request for _, request in wanted),
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.ASK_REPORT, EI_REPORT, message, request_id, request_id)
    for wish, request in wanted:
        _put(turn, replace(_asked(wish, request, State.ASKING), message_id=request_id))


def _asked(wish: str, request: OadrReportRequest, state: State) -> Asked:
    specifier = request.report_specifier
    period = specifier.report_interval
    return Asked(
        report_request_id=request.report_request_id,
        state=state,
        specifier_id=specifier.report_specifier_id,
        wish=wish,
        once=not specifier.report_back_duration,
        ends_at=period.dtstart + period.duration if period and period.duration else None,
    )


def answered(turn: Turn, outgoing: Outgoing, reply: Message | None, given_up: str = "") -> None:
    """Take the answer to our oadrCreateReport, or that it will never be taken."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    code = given_up or ("" if answer is None else answer.response_code)
    refused = bool(given_up) or (answer is not None and not answer.is_success)
    if refused:
        turn.note("report_not_given", code=code)
    pending = reply.oadr_pending_reports if isinstance(reply, OadrCreatedReport) else None
    for asked in tuple(turn.state.asked.values()):
        if asked.message_id != outgoing.subject:
            continue
        what = Input.REFUSED if refused else Input.TAKEN
        if allowed(asked.state, what):  # data may have come before the promise of it
            _move(turn, asked, what)
        if not refused and pending is not None and asked.report_request_id not in pending:
            turn.note("report_not_pending", request=asked.report_request_id)
        _tell(turn, asked.report_request_id, code)


# --- what is delivered


def updated(turn: Turn, message: OadrUpdateReport) -> None:
    """Take data: known requests are kept and acknowledged, one that is not known makes the answer 452."""
    answer = turn.judged(message.request_id, message.ven_id)
    for report in message.oadr_reports if answer.is_success else ():
        asked = turn.state.asked.get(report.report_request_id)
        if asked is None or not allowed(asked.state, Input.DATA):
            detail = "this VEN requested no such report"
            answer = refusal(INVALID_ID, detail, message.request_id)
            continue
        _keep(turn, asked, report)
    updated = OadrUpdatedReport(ei_response=answer, ven_id=turn.registration.ven_id)
    turn.queue(Purpose.ANSWER, EI_REPORT, updated)


def _keep(turn: Turn, asked: Asked, report: OadrReport) -> None:
    offer = turn.state.vtn_offers.get(asked.specifier_id)
    units = {point.r_id: point.unit for point in offer.points} if offer else {}
    values: tuple[ReceivedValue, ...] = tuple(values_of(report, asked.specifier_id, units))
    turn.actions.append(Received(request=asked.report_request_id, at=turn.now, values=values))
    last = asked.once or (asked.ends_at is not None and turn.now >= asked.ends_at)
    moved = replace(asked, reports=asked.reports + 1)
    _move(turn, moved, Input.LAST if last else Input.DATA)
    _tell(turn, asked.report_request_id, "")


# --- what is wanted no longer


def _cancel_unwanted(turn: Turn) -> None:
    wanted = {_key(wish) for wish in turn.options.vtn_reports}
    gone = [
        asked
        for asked in turn.state.asked.values()
        if asked.specifier_id != METADATA
        and asked.wish not in wanted
        and asked.state in {State.ASKING, State.RUNNING}
    ]
    if not gone:
        return
    request_id = turn.fresh_id()
    message = OadrCancelReport(
        request_id=request_id,
        report_request_ids=tuple(asked.report_request_id for asked in gone),
        report_to_follow=False,
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.CANCEL_ASKED, EI_REPORT, message, request_id, request_id)
    for asked in gone:
        _move(turn, replace(asked, message_id=request_id), Input.CANCEL)


def canceled(turn: Turn, outgoing: Outgoing, reply: Message | None, given_up: str = "") -> None:
    """Take the answer to our oadrCancelReport; what the VTN does not know is gone all the same."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    code = given_up or ("" if answer is None else answer.response_code)
    refused = answer is not None and not answer.is_success and code != str(INVALID_ID)
    for asked in tuple(turn.state.asked.values()):
        if asked.message_id != outgoing.subject or asked.state is not State.CANCELLING:
            continue
        _move(turn, asked, Input.GONE)
        _tell(turn, asked.report_request_id, code)
        if refused or given_up:
            turn.note("report_not_cancelled", request=asked.report_request_id, code=code)
        else:
            _drop(turn, turn.state.asked[asked.report_request_id])


def forget(turn: Turn) -> None:
    """Forget what the VTN offered and owed us: it has forgotten as well (rule 407)."""
    turn.state = replace(turn.state, asked={}, vtn_offers={})


def _forget_lost(turn: Turn) -> None:
    """Forget what was about to be asked or cancelled by a message that is no more: it is begun anew."""
    waiting = {item.key for item in turn.state.outbox}
    for asked in tuple(turn.state.asked.values()):
        under_way = asked.state in {State.ASKING, State.CANCELLING}
        if under_way and asked.message_id and asked.message_id not in waiting:
            _drop(turn, asked)


def _drop(turn: Turn, gone: Asked) -> None:
    asked = {k: v for k, v in turn.state.asked.items() if k != gone.report_request_id}
    turn.state = replace(turn.state, asked=asked)


def _move(turn: Turn, asked: Asked, what: Input) -> None:
    _put(turn, replace(asked, state=step(asked.state, what)))


def _put(turn: Turn, asked: Asked) -> None:
    turn.state = replace(turn.state, asked={**turn.state.asked, asked.report_request_id: asked})


def _tell(turn: Turn, report_request_id: str, code: str) -> None:
    asked = turn.state.asked[report_request_id]
    turn.tell(
        FactKind.REQUEST,
        report_request_id,
        specifier=asked.specifier_id,
        state=asked.state.value,
        reports=str(asked.reports),
        code=code,
    )
