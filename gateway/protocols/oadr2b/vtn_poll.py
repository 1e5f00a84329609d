"""What a VEN finds in its poll queue: each waiting item written as its message when its turn comes.

Spec: OpenADR 2.0b section 8.6, rule 500.
"""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.protocols.oadr2b import vtn_events, vtn_supplied
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreateReport,
    OadrPoll,
    OadrRequestReregistration,
    OadrResponse,
)
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_queue import due, sent
from gateway.protocols.oadr2b.vtn_records import QueueRecord, RequestRecord, VenRecord, Waiting
from gateway.protocols.oadr2b.vtn_refusals import misplaced
from gateway.protocols.oadr2b.vtn_supply import produce


def poll(page: Page, ven: VenRecord, message: Message) -> Message:
    """Answer a poll with the first message that is due, or with an empty oadrResponse.

    Raises:
        RefusalError: 459 for another message on this service.
    """
    if not isinstance(message, OadrPoll):
        raise misplaced(message)
    produce(page, ven.ven_id)
    while (item := due(page, ven.ven_id)) is not None:
        waiting = written(page, ven, item)
        if waiting is not None:
            send(page, ven, item)
            return waiting
        page.drop(item)
    return OadrResponse(ei_response=EiResponse(request_id=""), ven_id=ven.ven_id)


def written(page: Page, ven: VenRecord, item: QueueRecord) -> Message | None:
    """Write the message that an item of the queue stands for; None: there is nothing left to say."""
    return _BUILDERS[item.waiting](page, ven, item)


def send(page: Page, ven: VenRecord, item: QueueRecord) -> None:
    """Note that an item's message goes out; it stays in the queue while an answer is owed."""
    sent(page, item)
    wants_answer = item.waiting is not Waiting.EVENTS or vtn_events.owes_answer(page, ven.ven_id)
    if not wants_answer:
        page.drop(item)


def _events_message(page: Page, ven: VenRecord, item: QueueRecord) -> Message | None:
    """Write the events, unless all of them have been answered or are over in the meantime."""
    if item.times_sent and not vtn_events.owes_answer(page, ven.ven_id):
        return None
    return vtn_events.distribute(page, ven, item.request_id)


def _create_report(page: Page, ven: VenRecord, item: QueueRecord) -> Message | None:
    found = (page.find(RequestRecord, ven.ven_id, (subject,)) for subject in item.subjects)
    requests = tuple(record.request for record in found if record is not None)
    if not requests:
        return None
    return OadrCreateReport(
        request_id=item.request_id, oadr_report_requests=requests, ven_id=ven.ven_id
    )


def _cancel_report(page: Page, ven: VenRecord, item: QueueRecord) -> Message:
    return OadrCancelReport(
        request_id=item.request_id,
        report_request_ids=item.subjects,
        report_to_follow=item.to_follow,
        ven_id=ven.ven_id,
    )


def _cancel_registration(page: Page, ven: VenRecord, item: QueueRecord) -> Message:
    return OadrCancelPartyRegistration(
        request_id=item.request_id, registration_id=ven.registration_id, ven_id=ven.ven_id
    )


def _reregistration(page: Page, ven: VenRecord, item: QueueRecord) -> Message:
    return OadrRequestReregistration(ven_id=ven.ven_id)


_BUILDERS: Final[Mapping[Waiting, Callable[[Page, VenRecord, QueueRecord], Message | None]]] = {
    Waiting.EVENTS: _events_message,
    Waiting.REGISTER_REPORT: vtn_supplied.register_report,
    Waiting.UPDATE_REPORT: vtn_supplied.update_report,
    Waiting.CREATE_REPORT: _create_report,
    Waiting.CANCEL_REPORT: _cancel_report,
    Waiting.CANCEL_REGISTRATION: _cancel_registration,
    Waiting.REREGISTRATION: _reregistration,
}
