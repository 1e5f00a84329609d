"""EiEvent: what a VTN asks of its VENs, and their answers event by event.

A wrapper around one single value is flattened and the field bears the wrapper's name: ``x_ei_ramp_up`` is the
duration within ``x-eiRampUp``, ``ei_market_context`` the URI within ``eiMarketContext``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from gateway.protocols.oadr2b.messages.item_base import ItemBase
from gateway.protocols.oadr2b.messages.response import OK, EiResponse
from gateway.protocols.oadr2b.messages.target import EiTarget


class EventStatus(StrEnum):
    """Where an event stands, by the VTN's clock."""

    NONE = "none"
    FAR = "far"
    NEAR = "near"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class OptType(StrEnum):
    """Yes or no."""

    OPT_IN = "optIn"
    OPT_OUT = "optOut"


class ResponseRequired(StrEnum):
    """Whether an event wants an eventResponse."""

    ALWAYS = "always"
    NEVER = "never"


class SignalType(StrEnum):
    """What the numbers of a signal mean (OpenADR 2.0b schema, signalType)."""

    DELTA = "delta"
    LEVEL = "level"
    MULTIPLIER = "multiplier"
    PRICE = "price"
    PRICE_MULTIPLIER = "priceMultiplier"
    PRICE_RELATIVE = "priceRelative"
    SETPOINT = "setpoint"
    X_LOAD_CONTROL_CAPACITY = "x-loadControlCapacity"
    X_LOAD_CONTROL_LEVEL_OFFSET = "x-loadControlLevelOffset"
    X_LOAD_CONTROL_PERCENT_OFFSET = "x-loadControlPercentOffset"
    X_LOAD_CONTROL_SETPOINT = "x-loadControlSetpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualifiedEventId:
    """An event at one version."""

    event_id: str
    modification_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDescriptor:
    """Identity and standing of an event."""

    event_id: str
    modification_number: int = 0
    modification_date_time: datetime | None = None
    modification_reason: str | None = None
    priority: int | None = None
    """1 is highest; 0 or absent is lowest."""
    ei_market_context: str
    """URI of the program."""
    created_date_time: datetime
    event_status: EventStatus
    test_event: str | None = None
    """Anything but absent or ``false`` marks a test (OpenADR 2.0b rule 6)."""
    vtn_comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EiActivePeriod:
    """When an event runs."""

    dtstart: datetime
    """Aware, UTC."""
    duration: timedelta
    """Zero means: until cancelled (OpenADR 2.0b rule 47)."""
    startafter: timedelta | None = None
    """``tolerance/tolerate/startafter``: longest random delay (OpenADR 2.0b rule 30)."""
    x_ei_notification: timedelta | None = None
    """How long before the start the event should be known."""
    x_ei_ramp_up: timedelta | None = None
    """Before the start; negative: inside the event (OpenADR 2.0b rule 31)."""
    x_ei_recovery: timedelta | None = None
    """After the end; negative: inside the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalInterval:
    """One step of a signal or of a baseline."""

    dtstart: datetime | None = None
    """Allowed by the schema, forbidden by OpenADR 2.0b rule 102."""
    duration: timedelta | None = None
    uid: str | None = None
    """Position, counted from 0."""
    signal_payload: Decimal | None
    """``None`` when the interval does not carry exactly one number, as the rules demand; cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EiEventSignal:
    """A series of values over the active period."""

    intervals: tuple[SignalInterval, ...]
    ei_target: EiTarget | None = None
    """Device classes only (OpenADR 2.0b rule 111)."""
    signal_name: str
    """A well-known name or ``x-…``."""
    signal_type: SignalType
    signal_id: str
    item_base: ItemBase | None = None
    current_value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EiEventBaseline:
    """Use expected without the event, as the VTN sees it."""

    dtstart: datetime
    duration: timedelta
    intervals: tuple[SignalInterval, ...]
    baseline_id: str
    resource_ids: tuple[str, ...] = ()
    baseline_name: str
    item_base: ItemBase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EiEvent:
    """One request by a VTN."""

    event_descriptor: EventDescriptor
    ei_active_period: EiActivePeriod
    ei_event_signals: tuple[EiEventSignal, ...]
    ei_event_baseline: EiEventBaseline | None = None
    ei_target: EiTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrEvent:
    """An event with the answer it wants."""

    ei_event: EiEvent
    oadr_response_required: ResponseRequired


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableEvent:
    """An event of a readable message that holds a value outside our bounds.

    It is set aside so that its neighbours are read all the same (OpenADR 2.0b rule 19); it is answered with the
    code of ``reason`` and optOut.
    """

    qualified_event_id: QualifiedEventId
    oadr_response_required: ResponseRequired
    reason: str
    """Reason word of the ``WireError``, e.g. ``INVALID_NUMBER``."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrDistributeEvent:
    """All events of one VEN, in the order of OpenADR 2.0b rule 15."""

    ei_response: EiResponse | None = None
    """Present in an answer, absent in a push (OpenADR 2.0b rule 40)."""
    request_id: str
    vtn_id: str
    oadr_events: tuple[OadrEvent, ...] = ()
    unreadable: tuple[UnreadableEvent, ...] = ()
    """Events set aside while reading; never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrRequestEvent:
    """Ask for all events, or for the first ``reply_limit`` of them."""

    request_id: str
    ven_id: str
    reply_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResponse:
    """The VEN's answer to one event."""

    response_code: str = OK
    response_description: str | None = None
    request_id: str
    """Of the oadrDistributeEvent that carried the event (OpenADR 2.0b rule 42)."""
    qualified_event_id: QualifiedEventId
    opt_type: OptType


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreatedEvent:
    """The VEN's answers to events."""

    ei_response: EiResponse
    event_responses: tuple[EventResponse, ...] = ()
    ven_id: str
