"""A utility's message that nobody sent: built, written and read by the same code as a real one."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.errors import ConfigError, GatewayError, WireError
from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.names import UtilityName
from gateway.domain.text import clean
from gateway.protocols.entry import Scope
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventSignal,
    EiResponse,
    EiTarget,
    EventDescriptor,
    EventStatus,
    ItemBase,
    OadrDistributeEvent,
    OadrEvent,
    PowerAttributes,
    ResponseRequired,
    SignalInterval,
    SignalType,
)
from gateway.protocols.oadr2b.normalize import Delivery, accept, event_path, grid_event
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.targets import Audience
from gateway.transport.schemas import load_oadr20b_schema

XML: Final = "application/xml"
EVENT_ID: Final = "simulated"
_KW: Final = ItemBase(
    name="powerReal",
    item_description="RealPower",
    item_units="W",
    si_scale_code="k",
    power_attributes=PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What the utility might ask."""

    program: str
    start: datetime
    duration: timedelta
    """Zero: until cancelled."""
    level: int | None
    cap_kw: Decimal | None
    """Either a level or a cap."""


def written(idea: Idea, now: datetime) -> bytes:
    """Return an event as an OpenADR 2.0b utility would send it.

    Raises:
        ConfigError: ``ARGUMENT``: it cannot be written.
    """
    by_level = idea.cap_kw is None
    value = Decimal(idea.level or 0) if by_level else idea.cap_kw
    signal = EiEventSignal(
        intervals=(SignalInterval(duration=idea.duration, uid="0", signal_payload=value),),
        signal_name="SIMPLE" if by_level else "LOAD_DISPATCH",
        signal_type=SignalType.LEVEL if by_level else SignalType.SETPOINT,
        signal_id="0",
        item_base=None if by_level else _KW,
    )
    descriptor = EventDescriptor(
        event_id=EVENT_ID,
        ei_market_context=idea.program,
        created_date_time=now,
        event_status=EventStatus.FAR,
    )
    event = EiEvent(
        event_descriptor=descriptor,
        ei_active_period=EiActivePeriod(
            dtstart=idea.start,
            duration=idea.duration,
            x_ei_notification=timedelta(0),
        ),
        ei_event_signals=(signal,),
        ei_target=EiTarget(),
    )
    message = OadrDistributeEvent(
        ei_response=EiResponse(request_id=""),
        request_id="simulated",
        vtn_id="simulated",
        oadr_events=(OadrEvent(ei_event=event, oadr_response_required=ResponseRequired.ALWAYS),),
    )
    return Codec(load_oadr20b_schema()).encode(message)


@dataclass(frozen=True, slots=True)
class Read:
    """What a message says: the events that can be followed, and why the others cannot."""

    raw: RawMessage
    events: tuple[GridEvent, ...]
    refused: tuple[tuple[str, str], ...]
    """(event id, "REASON: detail")."""


def read(body: bytes, scope: Scope, options: VenOptions, ven_id: str, now: datetime) -> Read:
    """Read a message as the session would.

    Raises:
        WireError: it is no message, or none that carries events.
    """
    message = Codec(load_oadr20b_schema()).decode(body)
    if not isinstance(message, OadrDistributeEvent):
        detail = f"{type(message).__name__} carries no events; give an oadrDistributeEvent"
        raise WireError("UNKNOWN_MESSAGE", detail)
    sha256 = hashlib.sha256(body).hexdigest()
    raw = RawMessage(body=body, media_type=XML, sha256=sha256, peer="", received_at=now)
    audience = Audience.of(ven_id, options, scope)
    events, refused = [], []
    for place, event in enumerate(message.oadr_events):
        delivery = Delivery(
            utility=UtilityName(scope.utility),
            vtn_id=message.vtn_id,
            request_id=message.request_id,
            received_at=now,
            raw_sha256=sha256,
            path=event_path(place, len(message.oadr_events)),
        )
        name = event.ei_event.event_descriptor.event_id
        try:
            events.append(grid_event(accept(event, audience), delivery))
        except GatewayError as error:
            refused.append((name, f"{error.reason}: {error.detail}"))
    refused += [
        (one.qualified_event_id.event_id, f"{one.reason}: {one.detail}")
        for one in message.unreadable
    ]
    return Read(raw=raw, events=tuple(events), refused=tuple(refused))


def plain_argument(name: str, text: str) -> str:
    """Return a text of the command line that may go into a message.

    Raises:
        ConfigError: ``ARGUMENT``.
    """
    try:
        return clean(text)
    except WireError as error:
        raise ConfigError((f"{name}: {error.detail}; write plain text",), "ARGUMENT") from None
