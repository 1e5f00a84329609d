"""What a VTN tells about its events: which, in which order, with which status, at which version.

    published --modify--> one version up --modify--> ... --cancel--> cancelled, one version up

Pure functions on a page; the clock alone decides between far, near, active and completed.

Spec: OpenADR 2.0b section 8.1, rules 2-15, 50-52, 110-115.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.domain.quantity import plain
from gateway.protocols.oadr2b.events import ends_at
from gateway.protocols.oadr2b.messages import (
    EiEvent,
    EiResponse,
    EventStatus,
    OadrDistributeEvent,
    OadrEvent,
    ResponseRequired,
)
from gateway.protocols.oadr2b.targets import same_context
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_queue import enqueue_events
from gateway.protocols.oadr2b.vtn_records import DeliveryRecord, EventRecord, Shown, VenRecord
from gateway.protocols.oadr2b.vtn_standing import created, is_over, live, rank

_FRESH: Final = timedelta(minutes=5)


def publish(page: Page, event: OadrEvent, audience: tuple[str, ...] = ()) -> None:
    """Announce a new event.

    Raises:
        MisuseError: ``EVENT_EXISTS`` (rule 70), ``TOO_MANY_VENS`` in its target (rule 22).
    """
    event_id = event.ei_event.event_descriptor.event_id
    if page.find(EventRecord, "", (event_id,)) is not None:
        raise MisuseError("EVENT_EXISTS", f"event {event_id!r} is published already: modify it")
    _announce(page, EventRecord(event=event, audience=audience, published_at=page.now))


def modify(page: Page, event: OadrEvent) -> None:
    """Replace an event by a new version; nothing happens when nothing differs.

    Raises:
        MisuseError: ``UNKNOWN_EVENT``, ``EVENT_ENDED``, or ``CHANGES_PAST`` (code 451 territory, rule 20).
    """
    record = _open_event(page, event.ei_event.event_descriptor.event_id)
    if _lasting(event) == _lasting(record.event):
        return
    _refuse_changed_past(record.event.ei_event, event.ei_event, page.now)
    _announce(page, replace(record, event=_at_version(event, record.version + 1, page.now)))


def cancel(page: Page, event_id: str) -> None:
    """Cancel an event: a change like others, with a version of its own (rules 5 and 10).

    Raises:
        MisuseError: ``UNKNOWN_EVENT`` or ``EVENT_ENDED``.
    """
    record = _open_event(page, event_id)
    cancelled = _at_version(record.event, record.version + 1, page.now)
    _announce(page, replace(record, event=cancelled, cancelled_at=page.now))


def _open_event(page: Page, event_id: str) -> EventRecord:
    record = page.find(EventRecord, "", (event_id,))
    if record is None:
        raise MisuseError("UNKNOWN_EVENT", f"no event {event_id!r} was published")
    if record.cancelled_at is not None or is_over(record.event.ei_event, page.now):
        raise MisuseError("EVENT_ENDED", f"event {event_id!r} is over: publish a new one")
    return record


def _announce(page: Page, record: EventRecord) -> None:
    if len(record.event.ei_event.ei_target.ven_ids) > 1:
        raise MisuseError("TOO_MANY_VENS", "a target may name one venID: use the audience")
    page.put(record)
    if page.options.refuse_overlap:
        _refuse_overlap(page, record)
    for ven in _audience(page, record):
        if not ven.report_only:
            enqueue_events(page, ven.ven_id)


def _audience(page: Page, record: EventRecord) -> Iterator[VenRecord]:
    if not record.audience:
        return page.vens()
    found = (page.find(VenRecord, ven_id) for ven_id in record.audience)
    return (ven for ven in found if ven is not None)


def _refuse_overlap(page: Page, record: EventRecord) -> None:
    """Refuse an event that meets another of its market context at one of its VENs (rule 18).

    Raises:
        MisuseError: ``EVENTS_OVERLAP``.
    """
    if record.cancelled_at is not None:
        return
    for other in page.all(EventRecord):
        shared = (
            not record.audience
            or not other.audience
            or not set(record.audience).isdisjoint(other.audience)
        )
        if other.key != record.key and shared and _meet(record, other):
            detail = (
                f"event {record.event_id!r} would overlap {other.event_id!r} of its market context"
            )
            raise MisuseError("EVENTS_OVERLAP", detail)


def _meet(one: EventRecord, other: EventRecord) -> bool:
    contexts = (each.event.ei_event.event_descriptor.ei_market_context for each in (one, other))
    if other.cancelled_at is not None or not same_context(*contexts):
        return False
    (starts, ends), (others_start, others_end) = (_reach(each) for each in (one, other))
    return (others_end is None or starts < others_end) and (ends is None or others_start < ends)


def _reach(event: EventRecord) -> tuple[datetime, datetime | None]:
    """Return the first and, exclusive, the last instant an event may run; None: open-ended."""
    period = event.event.ei_event.ei_active_period
    end = ends_at(period)
    return period.dtstart, None if end is None else end + (period.startafter or timedelta(0))


def _at_version(event: OadrEvent, version: int, now: datetime) -> OadrEvent:
    descriptor = replace(event.ei_event.event_descriptor, modification_number=version)
    if descriptor.modification_reason is not None:
        descriptor = replace(descriptor, modification_date_time=now)
    return replace(event, ei_event=replace(event.ei_event, event_descriptor=descriptor))


def _lasting(event: OadrEvent) -> OadrEvent:
    """Blank what may differ without a new version: createdDateTime, eventStatus, currentValue (rule 5)."""
    inner = event.ei_event
    descriptor = replace(
        inner.event_descriptor,
        modification_number=0,
        modification_date_time=None,
        modification_reason=None,
        created_date_time=inner.ei_active_period.dtstart,
        event_status=EventStatus.NONE,
    )
    signals = tuple(replace(signal, current_value=None) for signal in inner.ei_event_signals)
    return replace(
        event, ei_event=replace(inner, event_descriptor=descriptor, ei_event_signals=signals)
    )


def _refuse_changed_past(before: EiEvent, after: EiEvent, now: datetime) -> None:
    begun = now > before.ei_active_period.dtstart
    end = ends_at(after.ei_active_period)
    moved = before.ei_active_period.dtstart != after.ei_active_period.dtstart
    if (begun and moved) or (after.ei_active_period.dtstart < now and moved):
        raise MisuseError("CHANGES_PAST", "the start may not be moved out of or into the past")
    if begun and end is not None and end < now:
        raise MisuseError("CHANGES_PAST", "the new end would lie in the past: cancel instead")


def listed(page: Page, ven_id: str) -> list[EventRecord]:
    """Return the events that an oadrDistributeEvent to this VEN holds, in their order.

    Every event that is far, near or active; completed ones within their random delay; cancelled ones until this VEN
    has acknowledged the cancellation, if it ever heard of them (rules 50, 52, 66).
    """
    found = [event for event in page.events_for(ven_id) if _is_listed(page, ven_id, event)]
    return sorted(found, key=lambda event: rank(event, page.now))


def _is_listed(page: Page, ven_id: str, event: EventRecord) -> bool:
    if is_over(event.event.ei_event, page.now):
        return False
    if event.cancelled_at is None:
        return True
    known = page.find(DeliveryRecord, ven_id, event.key) is not None
    return known and is_owed(page, ven_id, event)


def is_owed(page: Page, ven_id: str, event: EventRecord) -> bool:
    """Say whether this VEN has yet to get, or to answer, the newest version of an event."""
    delivery = page.find(DeliveryRecord, ven_id, event.key)
    if delivery is None:
        return True
    if event.event.oadr_response_required is ResponseRequired.ALWAYS:
        return delivery.answered_version != event.version
    return delivery.sent_version != event.version


def owes_answer(page: Page, ven_id: str) -> bool:
    """Say whether anything that is listed for a VEN has yet to be got or answered by it."""
    return any(is_owed(page, ven_id, event) for event in listed(page, ven_id))


def distribute(
    page: Page, ven: VenRecord, request_id: str, echo: str = "", limit: int | None = None
) -> OadrDistributeEvent:
    """Write the message that holds all events of a VEN, and remember what it was shown.

    Args:
        page: Where to write.
        ven: Whom it is for.
        request_id: requestID of this message.
        echo: requestID of the oadrRequestEvent it answers; empty for a poll.
        limit: replyLimit; what is cut off stays owed and is no cancellation.
    """
    events = listed(page, ven.ven_id)[:limit]
    alive = [live(event, page.now) for event in events]
    shown = tuple(_shown(event) for event in alive)
    created_at = (
        ven.shown_at if ven.shown == shown and ven.shown_at else _changed_at(ven, events, page)
    )
    page.put(replace(ven, shown=shown, shown_at=created_at))
    for event in events:
        _note_delivery(page, ven.ven_id, event)
    return OadrDistributeEvent(
        ei_response=EiResponse(request_id=echo),
        request_id=request_id,
        vtn_id=page.options.vtn_id,
        oadr_events=tuple(created(event, created_at) for event in alive),
    )


def _changed_at(ven: VenRecord, events: Sequence[EventRecord], page: Page) -> datetime:
    """Return when what a VEN is to see became so: with the newest event in it, else (a change of status) now.

    At its first delivery a stamp may be five minutes old at most.
    """
    since = max(filter(None, (ven.shown_at, page.now - _FRESH)))
    return max((one.published_at for one in events if one.published_at > since), default=page.now)


def _shown(event: OadrEvent) -> Shown:
    inner = event.ei_event
    values = (signal.current_value for signal in inner.ei_event_signals)
    return Shown(
        event_id=inner.event_descriptor.event_id,
        modification_number=inner.event_descriptor.modification_number,
        status=inner.event_descriptor.event_status.value,
        current_value=" ".join("-" if value is None else plain(value) for value in values),
    )


def _note_delivery(page: Page, ven_id: str, event: EventRecord) -> None:
    before = page.find(DeliveryRecord, ven_id, event.key)
    if before is None:
        page.put(
            DeliveryRecord(
                ven_id=ven_id, event_id=event.event_id, sent_version=event.version, sent_at=page.now
            )
        )
    elif before.sent_version != event.version:
        page.put(replace(before, sent_version=event.version, sent_at=page.now))
