"""Where an event stands at an instant: its status, its running values, its place in the list.

Spec: OpenADR 2.0b rules 9-15, 29-31, 47, 66, 110-115.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.protocols.oadr2b.events import ends_at, status_at
from gateway.protocols.oadr2b.messages import EiEvent, EiEventSignal, EventStatus, OadrEvent
from gateway.protocols.oadr2b.vtn_records import EventRecord

_NOTHING: Final = timedelta(0)
_LOWEST: Final = 1 << 32


def status(event: EiEvent, now: datetime, *, cancelled: bool = False) -> EventStatus:
    """Return where an event stands.

    Spec: OpenADR 2.0b rules 13, 31 and 66. Near exists only with a positive ramp-up.
    """
    if cancelled:
        return EventStatus.CANCELLED
    return status_at(event.ei_active_period, now)


def is_over(event: EiEvent, now: datetime) -> bool:
    """Say whether an event need not be listed any more: past its end and its random delay (rule 66)."""
    end = ends_at(event.ei_active_period)
    return end is not None and now >= end + (event.ei_active_period.startafter or _NOTHING)


def value_at(event: EiEvent, signal: EiEventSignal, now: datetime) -> Decimal | None:
    """Return the value of the running interval; None outside the active period."""
    if status(event, now) is not EventStatus.ACTIVE:
        return None
    at = event.ei_active_period.dtstart
    value = None
    for interval in signal.intervals:
        if now < at:
            break
        value = interval.signal_payload
        if not interval.duration:
            break
        at += interval.duration
    return value


def rank(event: EventRecord, now: datetime) -> tuple[bool, int, datetime, str]:
    """Order events: active ones by priority, then the others by start (rule 15); a cancelled one keeps its place."""
    inner = event.event.ei_event
    at = event.cancelled_at or now
    pending = status(inner, at) in {EventStatus.FAR, EventStatus.NEAR}
    priority = inner.event_descriptor.priority or _LOWEST
    start = inner.ei_active_period.dtstart
    return (pending, 0 if pending else priority, start, event.event_id)


def live(record: EventRecord, now: datetime) -> OadrEvent:
    """Return an event with its status and current values as of now.

    currentValue is 0 for SIMPLE while not active, otherwise there only while active (rules 14, 29, 110).
    """
    event = record.event.ei_event
    standing = status(event, now, cancelled=record.cancelled_at is not None)
    descriptor = replace(event.event_descriptor, event_status=standing)
    running = standing is EventStatus.ACTIVE
    signals = tuple(
        replace(signal, current_value=value_at(event, signal, now) if running else _idle(signal))
        for signal in event.ei_event_signals
    )
    inner = replace(event, event_descriptor=descriptor, ei_event_signals=signals)
    return replace(record.event, ei_event=inner)


def _idle(signal: EiEventSignal) -> Decimal | None:
    return Decimal(0) if signal.signal_name.upper() == "SIMPLE" else None


def created(event: OadrEvent, at: datetime) -> OadrEvent:
    """Stamp an event with its createdDateTime."""
    descriptor = replace(event.ei_event.event_descriptor, created_date_time=at)
    return replace(event, ei_event=replace(event.ei_event, event_descriptor=descriptor))
