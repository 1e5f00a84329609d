"""VEN: what one oadrDistributeEvent says about each event, judged by itself, and what it leads to.

One bad event never spoils its neighbours (rule 19).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.domain.errors import GatewayError, WireError
from gateway.domain.event import GridEvent, RawMessage
from gateway.protocols.oadr2b.messages import (
    EventResponse,
    EventStatus,
    OadrDistributeEvent,
    OadrEvent,
    ResponseRequired,
)
from gateway.protocols.oadr2b.normalize import ROOT, Accepted, Delivery, accept, event_path
from gateway.protocols.oadr2b.ven_answers import response
from gateway.protocols.oadr2b.ven_link import off_by
from gateway.protocols.oadr2b.ven_state import Answer
from gateway.protocols.oadr2b.ven_turn import Turn
from gateway.protocols.xml import leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one message says about one event."""

    event_id: str
    version: int
    required: bool
    status: EventStatus
    delivery: Delivery
    event: OadrEvent | None = None
    """None: it could not be read."""
    accepted: Accepted | None = None
    fault: GatewayError | None = None
    """Why it cannot be followed."""


@dataclass(slots=True, kw_only=True)
class Tray:
    """What one message leads to."""

    turn: Turn
    request_id: str
    events: list[GridEvent] = field(default_factory=list)
    responses: list[EventResponse] = field(default_factory=list)

    def answer(self, listing: Listing, answer: Answer) -> None:
        """Answer one listing if it wants an answer."""
        if listing.required:
            self.responses.append(
                response(answer, listing.event_id, listing.version, self.request_id)
            )


def listings(turn: Turn, message: OadrDistributeEvent, raw: RawMessage) -> Iterator[Listing]:
    """Yield the readable events in order, then the unreadable ones."""
    paths = _paths(message, raw)
    for listed in message.oadr_events:
        event = _by_our_clock(turn, listed)
        descriptor = event.ei_event.event_descriptor
        delivery = _delivery(turn, message, raw, paths.get(descriptor.event_id, ROOT))
        accepted, fault = _judged(turn, event)
        yield Listing(
            event_id=descriptor.event_id,
            version=descriptor.modification_number,
            required=event.oadr_response_required is ResponseRequired.ALWAYS,
            status=descriptor.event_status,
            delivery=delivery,
            event=event,
            accepted=accepted,
            fault=fault,
        )
    for broken in message.unreadable:
        qualified = broken.qualified_event_id
        yield Listing(
            event_id=qualified.event_id,
            version=qualified.modification_number,
            required=broken.oadr_response_required is ResponseRequired.ALWAYS,
            status=EventStatus.NONE,
            delivery=_delivery(turn, message, raw, paths.get(qualified.event_id, ROOT)),
            fault=WireError(broken.reason, broken.detail),
        )


def _by_our_clock(turn: Turn, event: OadrEvent) -> OadrEvent:
    """Move an event's dates to our clock, where the operator trusts a VTN's clock that is far off more than ours."""
    ahead = off_by(turn)
    if not ahead or turn.setting.scope.clock_policy != "trust_theirs":
        return event
    inner = event.ei_event
    period, descriptor = inner.ei_active_period, inner.event_descriptor
    moved = replace(
        inner,
        ei_active_period=replace(period, dtstart=period.dtstart - ahead),
        event_descriptor=replace(
            descriptor, created_date_time=descriptor.created_date_time - ahead
        ),
    )
    return replace(event, ei_event=moved)


def _paths(message: OadrDistributeEvent, raw: RawMessage) -> Mapping[str, str]:
    if not message.unreadable:
        events = [event.ei_event.event_descriptor.event_id for event in message.oadr_events]
        return {event: event_path(place, len(events)) for place, event in enumerate(events)}
    # Events that could not be read stood between the others: only the bytes know where.
    tail = "/eiEvent/eventDescriptor/eventID"
    return {
        leaf.value: leaf.path.removesuffix(tail)
        for leaf in leaves(raw.body)
        if leaf.path.endswith(tail)
    }


def _delivery(turn: Turn, message: OadrDistributeEvent, raw: RawMessage, path: str) -> Delivery:
    return Delivery(
        utility=turn.setting.scope.utility,
        vtn_id=message.vtn_id,
        request_id=message.request_id,
        received_at=turn.now,
        raw_sha256=raw.sha256,
        path=path,
    )


def _judged(turn: Turn, event: OadrEvent) -> tuple[Accepted | None, GatewayError | None]:
    try:
        return accept(event, turn.audience), None
    except GatewayError as error:
        return None, error
