"""What VENs say to events: oadrCreatedEvent and the opts of EiOpt, every answer kept.

Spec: OpenADR 2.0b rules 12, 16, 17, 42, 48, 201-211.
"""

from dataclasses import replace
from typing import Final

from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    EventResponse,
    OadrCanceledOpt,
    OadrCancelOpt,
    OadrCreatedEvent,
    OadrCreatedOpt,
    OadrCreateOpt,
    OadrResponse,
    QualifiedEventId,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_events import owes_answer
from gateway.protocols.oadr2b.vtn_facts import Answered, OptTaken
from gateway.protocols.oadr2b.vtn_queue import answered
from gateway.protocols.oadr2b.vtn_records import (
    DeliveryRecord,
    OptRecord,
    OptState,
    QueueRecord,
    VenRecord,
    Waiting,
)

BY_EVENT: Final = "oadrCreatedEvent"
BY_OPT: Final = "oadrCreateOpt"


def created_event(page: Page, ven: VenRecord, message: OadrCreatedEvent) -> OadrResponse:
    """Take the answers to events; one bad answer leaves the others valid (rule 19)."""
    faults = [
        fault
        for response in message.event_responses
        if (fault := _take_response(page, ven, response)) is not None
    ]
    _settle(page, ven.ven_id)
    echo = message.ei_response.request_id
    if faults:
        page.refuse(ven.ven_id, message, faults[0])
        return _response(ven, echo, faults[0].code, faults[0].detail)
    return _response(ven, echo)


def _response(ven: VenRecord, echo: str, code: str = OK, detail: str | None = None) -> OadrResponse:
    answer = EiResponse(response_code=code, response_description=detail, request_id=echo)
    return OadrResponse(ei_response=answer, ven_id=ven.ven_id)


def _take_response(page: Page, ven: VenRecord, response: EventResponse) -> RefusalError | None:
    fault = None
    try:
        delivery = _delivered(page, ven.ven_id, response.qualified_event_id)
        opt = delivery.opt if delivery.opt_by_message else response.opt_type
        version = response.qualified_event_id.modification_number
        page.put(replace(delivery, answered_version=version, opt=opt))
    except RefusalError as refusal:
        fault = refusal
    page.tell(
        Answered(
            ven_id=ven.ven_id,
            event_id=response.qualified_event_id.event_id,
            version=response.qualified_event_id.modification_number,
            opt=response.opt_type,
            code=response.response_code,
            description=response.response_description or "",
            accepted=fault.code if fault else OK,
            by=BY_EVENT,
            request_id=response.request_id,
        )
    )
    return fault


def _delivered(page: Page, ven_id: str, event: QualifiedEventId) -> DeliveryRecord:
    """Find what a VEN may answer: the version it was sent last.

    Raises:
        RefusalError: 452 for an event that it never got, 450 for another version (rule 48).
    """
    delivery = page.find(DeliveryRecord, ven_id, (event.event_id,))
    if delivery is None:
        raise RefusalError("INVALID_ID", f"no event {event.event_id[:60]!r} was sent to this VEN")
    if event.modification_number != delivery.sent_version:
        detail = f"event {event.event_id[:60]!r} was sent with modificationNumber {delivery.sent_version}"
        raise RefusalError("OUT_OF_SEQUENCE", detail)
    return delivery


def _settle(page: Page, ven_id: str) -> None:
    """Take the events off the queue once nothing in them waits for this VEN."""
    if owes_answer(page, ven_id):
        return
    for item in page.all(QueueRecord, ven_id):
        if item.waiting is Waiting.EVENTS and item.times_sent:
            answered(page, ven_id, Waiting.EVENTS, item.request_id)


def create_opt(page: Page, ven: VenRecord, message: OadrCreateOpt) -> OadrCreatedOpt:
    """Take an opt schedule, or an opt for one event.

    Raises:
        RefusalError: 459 when it is both or neither, 452 or 450 for an event that it cannot mean.
    """
    if (message.qualified_event_id is None) == (message.vavailability is None):
        raise RefusalError("COMPLIANCE", "an opt names an event or has a vavailability, not both")
    if message.qualified_event_id is not None:
        _opt_for_event(page, ven, message, message.qualified_event_id)
    else:
        _replace_schedule(page, ven, message)
    number = len(page.all(OptRecord, ven.ven_id))
    page.put(OptRecord(ven_id=ven.ven_id, number=number, opt=message))
    return OadrCreatedOpt(
        ei_response=EiResponse(request_id=message.request_id), opt_id=message.opt_id
    )


def _opt_for_event(
    page: Page, ven: VenRecord, message: OadrCreateOpt, event: QualifiedEventId
) -> None:
    if message.market_context is not None:
        raise RefusalError("COMPLIANCE", "an opt for an event has no marketContext")
    delivery = _delivered(page, ven.ven_id, event)
    page.put(
        replace(
            delivery,
            answered_version=event.modification_number,
            opt=message.opt_type,
            opt_by_message=True,
        )
    )
    page.tell(
        Answered(
            ven_id=ven.ven_id,
            event_id=event.event_id,
            version=event.modification_number,
            opt=message.opt_type,
            code=OK,
            description=message.opt_reason,
            accepted=OK,
            by=BY_OPT,
            request_id=message.request_id,
        )
    )
    _settle(page, ven.ven_id)


def _replace_schedule(page: Page, ven: VenRecord, message: OadrCreateOpt) -> None:
    """Let a new schedule take the place of the standing one of its type, program and targets (rules 202, 203)."""
    for record in page.all(OptRecord, ven.ven_id):
        same = (
            record.state is OptState.STANDING
            and record.opt.qualified_event_id is None
            and record.opt.opt_type is message.opt_type
            and record.opt.market_context == message.market_context
            and record.opt.ei_target == message.ei_target
            and record.opt.oadr_device_class == message.oadr_device_class
        )
        if same:
            page.put(replace(record, state=OptState.REPLACED))
    page.tell(
        OptTaken(
            ven_id=ven.ven_id,
            opt_id=message.opt_id,
            opt=message.opt_type,
            reason=message.opt_reason,
        )
    )


def cancel_opt(page: Page, ven: VenRecord, message: OadrCancelOpt) -> OadrCanceledOpt:
    """Cancel every schedule that used an optID; opts for events stay (rules 204, 211).

    Raises:
        RefusalError: 452 for an optID that no schedule used.
    """
    schedules = [
        record
        for record in page.all(OptRecord, ven.ven_id)
        if record.opt.opt_id == message.opt_id and record.opt.qualified_event_id is None
    ]
    if not schedules:
        raise RefusalError(
            "INVALID_ID", f"no opt schedule was created under {message.opt_id[:60]!r}"
        )
    for record in schedules:
        if record.state is OptState.STANDING:
            page.put(replace(record, state=OptState.CANCELLED))
    page.tell(OptTaken(ven_id=ven.ven_id, opt_id=message.opt_id, opt=None, reason=""))
    return OadrCanceledOpt(
        ei_response=EiResponse(request_id=message.request_id), opt_id=message.opt_id
    )
