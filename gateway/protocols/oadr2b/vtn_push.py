"""What a VTN pushes: the message that is next in a VEN's queue, and what its delivery means.

The same queue serves polls and pushes. A push is written and remembered first, then sent; what comes of it is a door
of its own. Only a delivery counts as one: what waits for a VEN that cannot be reached keeps its place in the queue.

Spec: OpenADR 2.0b sections 8.1, 8.6 and 9.1.4-9.1.7; rules 15, 40, 50 and 511.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from gateway.protocols.oadr2b import vtn_poll
from gateway.protocols.oadr2b.messages import (
    Message,
    OadrDistributeEvent,
)
from gateway.protocols.oadr2b.vtn_address import root_of
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_facts import GaveUp
from gateway.protocols.oadr2b.vtn_queue import due
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    QueueRecord,
    SupplyRecord,
    VenRecord,
    Waiting,
)
from gateway.protocols.oadr2b.vtn_supply import produce

AGAIN_AFTER: Final = timedelta(minutes=1)
"""A message that was delivered and stays unanswered is pushed again; far more than the time that a site has."""
SERVICE: Final[Mapping[Waiting, str]] = {
    Waiting.EVENTS: "EiEvent",
    Waiting.REGISTER_REPORT: "EiReport",
    Waiting.UPDATE_REPORT: "EiReport",
    Waiting.CREATE_REPORT: "EiReport",
    Waiting.CANCEL_REPORT: "EiReport",
    Waiting.CANCEL_REGISTRATION: "EiRegisterParty",
    Waiting.REREGISTRATION: "EiRegisterParty",
}
"""Where each message goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One message on its way to a VEN."""

    ven_id: str
    number: int
    request_id: str
    """Of the item; the same at each attempt."""
    root: str
    """Everything before the services' own path."""
    fingerprints: tuple[str, ...]
    """The VEN's certificates; empty over plain HTTP."""
    service: str
    message: Message


def next_push(page: Page, ven_id: str, again_after: timedelta = AGAIN_AFTER) -> Push | None:
    """Write the message that is to be pushed now; None: none for the moment.

    What the VEN is shown by it is on the page, to be stored before anything is sent.
    """
    produce(page, ven_id)
    while (ven := page.find(VenRecord, ven_id)) is not None and ven.transport_address:
        item = due(page, ven_id, again_after)
        if item is None:
            return None
        message = vtn_poll.written(page, ven, item)
        if message is None:
            page.drop(item)
            continue
        if isinstance(message, OadrDistributeEvent):
            message = replace(message, ei_response=None)  # it answers nothing (rule 40)
        return Push(
            ven_id=ven_id,
            number=item.number,
            request_id=item.request_id,
            root=root_of(ven.transport_address),
            fingerprints=_fingerprints(page, ven),
            service=SERVICE[item.waiting],
            message=message,
        )
    return None


def _fingerprints(page: Page, ven: VenRecord) -> tuple[str, ...]:
    """Return the VEN's certificates: the one it registered with, and those expected of it, as while one is renewed."""
    if not ven.fingerprint:
        return ()
    others = [e.fingerprints for e in page.options.expected if ven.fingerprint in e.fingerprints]
    held = page.find(AllocationRecord, "", (ven.ven_id,))
    others += [held.fingerprints] if held is not None else []
    return tuple(dict.fromkeys((ven.fingerprint, *chain.from_iterable(others))))


def next_push_at(page: Page, ven_id: str, again_after: timedelta = AGAIN_AFTER) -> datetime | None:
    """Return when something is to be pushed next; None: nothing waits."""
    times = [
        page.now if item.sent_at is None else item.sent_at + again_after
        for item in page.all(QueueRecord, ven_id)
    ]
    times += [supply.next_at for supply in page.all(SupplyRecord, ven_id) if supply.next_at]
    return min(times, default=None)


def delivered(page: Page, push: Push) -> VenRecord | None:
    """Note that a message was taken by its VEN; the VEN, None when it is registered no more."""
    ven, item = page.find(VenRecord, push.ven_id), _item(page, push)
    if ven is not None and item is not None:
        vtn_poll.send(page, ven, item)
    return ven


def given_up(page: Page, push: Push) -> None:
    """Note that a VEN will never take a message as it is (section 9.1.5: 404, 406, 501)."""
    item = _item(page, push)
    if item is not None:
        page.drop(item)
        page.tell(GaveUp(ven_id=push.ven_id, waiting=item.waiting))


def _item(page: Page, push: Push) -> QueueRecord | None:
    """Find what was pushed, unless it was answered or replaced in the meantime."""
    for item in page.all(QueueRecord, push.ven_id):
        if (item.number, item.request_id) == (push.number, push.request_id):
            return item
    return None
