"""EiOpt: a VEN says when, or for which event, it will or will not take part."""

from dataclasses import dataclass
from datetime import datetime

from gateway.protocols.oadr2b.messages.event import OptType, QualifiedEventId
from gateway.protocols.oadr2b.messages.interval import WsCalendarInterval
from gateway.protocols.oadr2b.messages.response import EiResponse
from gateway.protocols.oadr2b.messages.target import EiTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreateOpt:
    """An opt schedule (``vavailability``) or an opt for one event (``qualified_event_id``).

    Spec: OpenADR 2.0b rules 201-211.
    """

    opt_id: str
    opt_type: OptType
    opt_reason: str
    """A reason of the schema, e.g. ``economic``, or ``x-…``."""
    market_context: str | None = None
    ven_id: str
    vavailability: tuple[WsCalendarInterval, ...] | None = None
    """Windows of a schedule; ``None`` when the opt is no schedule."""
    created_date_time: datetime
    request_id: str
    qualified_event_id: QualifiedEventId | None = None
    ei_target: EiTarget
    oadr_device_class: EiTarget | None = None
    """Device classes only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreatedOpt:
    """Acknowledge an opt."""

    ei_response: EiResponse
    opt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCancelOpt:
    """Take an opt schedule back."""

    request_id: str
    opt_id: str
    ven_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCanceledOpt:
    """Acknowledge that an opt schedule was taken back."""

    ei_response: EiResponse
    opt_id: str | None = None
