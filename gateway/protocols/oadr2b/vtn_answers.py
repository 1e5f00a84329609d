"""What VENs say to events with oadrCreatedEvent, every answer kept.

Spec: OpenADR 2.0b rules 12, 16, 17, 42, 48.
"""

from dataclasses import replace
from typing import Final

from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    EventResponse,
    OadrCreatedEvent,
    OadrResponse,
    QualifiedEventId,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_events import owes_answer
from gateway.protocols.oadr2b.vtn_facts import Answered
from gateway.protocols.oadr2b.vtn_queue import answered
from gateway.protocols.oadr2b.vtn_records import (
    DeliveryRecord,
    QueueRecord,
    VenRecord,
    Waiting,
)

BY_EVENT: Final = "oadrCreatedEvent"


def created_event(page: Page, ven: VenRecord, message: OadrCreatedEvent) -> OadrResponse:
    """Take the answers to events; one bad answer leaves the others valid (rule 19)."""
    faults = [
        fault
        for response in message.event_responses
        if (fault := _take_response(page, ven, response)) is not None
    ]
    settle(page, ven.ven_id)
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
        delivery = delivered(page, ven.ven_id, response.qualified_event_id)
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


def delivered(page: Page, ven_id: str, event: QualifiedEventId) -> DeliveryRecord:
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


def settle(page: Page, ven_id: str) -> None:
    """Take the events off the queue once nothing in them waits for this VEN."""
    if owes_answer(page, ven_id):
        return
    for item in page.all(QueueRecord, ven_id):
        if item.waiting is Waiting.EVENTS and item.times_sent:
            answered(page, ven_id, Waiting.EVENTS, item.request_id)
