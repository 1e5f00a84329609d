"""What the standard demands of an event beyond its schema, for whoever receives one.

Each function raises for the first breach it finds; the reason gives the response code.

Spec: OpenADR 2.0b rules 2, 8, 9, 22, 100-103, 105, 107, 111, 116.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Final

from gateway.domain.errors import SessionError
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EiTarget,
    EventStatus,
    SignalInterval,
    SignalType,
)
from gateway.protocols.oadr2b.signals import canonical_name

_NOTHING: Final = timedelta(0)
_ZERO: Final = Decimal(0)
_SIMPLE_LEVELS: Final = frozenset(map(Decimal, range(4)))


def check_strictly(event: EiEvent) -> None:
    """Refuse an event that breaks a rule without leaving any doubt about what it asks.

    Raises:
        SessionError: ``COMPLIANCE`` (459).
    """
    if event.ei_active_period.x_ei_notification is None:
        raise SessionError("COMPLIANCE", "an active period needs x-eiNotification (rule 105)")
    series = [signal.intervals for signal in event.ei_event_signals]
    if event.ei_event_baseline is not None:
        series.append(event.ei_event_baseline.intervals)
    if any(interval.dtstart is not None for steps in series for interval in steps):
        raise SessionError("COMPLIANCE", "intervals must not have a dtstart (rule 102)")


def check_event(event: EiEvent) -> None:
    """Refuse an event that breaks a rule which its receiver relies on.

    Raises:
        SessionError: ``COMPLIANCE`` (459), ``INVALID_DATA`` (454) or ``OUT_OF_SEQUENCE`` (450).
    """
    _check_period(event.ei_active_period)
    if len(event.ei_target.ven_ids) > 1:
        raise SessionError("COMPLIANCE", "a target may name one venID (rule 22)")
    signal_ids = [signal.signal_id for signal in event.ei_event_signals]
    if len(set(signal_ids)) < len(signal_ids):
        raise SessionError("COMPLIANCE", "signalIDs must be unique within an event (rule 107)")
    for signal in event.ei_event_signals:
        check_intervals(signal.intervals, event.ei_active_period, "signal")
        check_simple(signal)
        _check_signal_target(signal.ei_target)
    if event.ei_event_baseline is not None:
        _check_baseline(event.ei_event_baseline)


def _check_period(period: EiActivePeriod) -> None:
    if period.duration < _NOTHING:
        raise SessionError("INVALID_DATA", "the duration of an event must not be negative")
    if (period.startafter or _NOTHING) < _NOTHING:
        raise SessionError("INVALID_DATA", "startafter must not be negative (rule 30)")
    if (period.x_ei_notification or _NOTHING) < _NOTHING:
        raise SessionError("INVALID_DATA", "x-eiNotification must not be negative")


def check_intervals(
    intervals: Iterable[SignalInterval], period: EiActivePeriod | EiEventBaseline, what: str
) -> None:
    """Check position, length and content of the intervals of a signal or baseline.

    Args:
        intervals: In document order.
        period: Start, and duration that they must fill; zero: open-ended, where only the last may be of zero length
            and must be.
        what: Word for the message.

    Raises:
        SessionError: ``COMPLIANCE``, ``INVALID_DATA`` or ``OUT_OF_SEQUENCE`` (uid).
    """
    steps, whole = tuple(intervals), period.duration
    last = len(steps) - 1
    total = _NOTHING
    for place, interval in enumerate(steps):
        if interval.dtstart is not None:
            _check_start(place, interval.dtstart, period.dtstart + total, what)
        if interval.uid != str(place) or interval.signal_payload is None:
            _check_content(place, interval, what)
        length = interval.duration or _NOTHING
        if length < _NOTHING:
            raise SessionError("INVALID_DATA", f"interval {place} of a {what} is negative")
        total += length
        is_open = not whole and place == last
        if (not length) is not is_open:
            fault = "must be open-ended, as the event is" if is_open else "must have a length"
            raise SessionError("INVALID_DATA", f"interval {place} of a {what} {fault} (rule 8)")
    if whole and total != whole:
        raise SessionError(
            "INVALID_DATA", f"the intervals of a {what} must fill its duration exactly (rule 8)"
        )


def _check_start(place: int, told: datetime, start: datetime, what: str) -> None:
    # Rule 102 forbids dtstart here; VTNs in the field write it all the same. One that says what follows from the
    # durations anyway does no harm, one that says something else makes the event ambiguous.
    if told != start:
        raise SessionError(
            "COMPLIANCE",
            f"dtstart of interval {place} of a {what} is not where it starts (rule 102)",
        )


def _check_content(place: int, interval: SignalInterval, what: str) -> None:
    if interval.uid is None:
        raise SessionError("COMPLIANCE", f"interval {place} of a {what} lacks its uid (rule 100)")
    if interval.uid.strip() != str(place):
        raise SessionError(
            "OUT_OF_SEQUENCE", f"uids of a {what} must count 0, 1, 2 … (rules 2 and 101)"
        )
    if interval.signal_payload is None:
        raise SessionError(
            "COMPLIANCE", f"interval {place} of a {what} must carry one number (rule 103)"
        )


def check_simple(signal: EiEventSignal) -> None:
    """Check what SIMPLE may be: a level 0-3 without a unit.

    Raises:
        SessionError: ``COMPLIANCE`` or ``INVALID_DATA``.
    """
    if canonical_name(signal.signal_name) != "SIMPLE":
        return
    if signal.signal_type is not SignalType.LEVEL:
        raise SessionError("COMPLIANCE", "SIMPLE must be of type level (rule 116)")
    if signal.item_base is not None:
        raise SessionError("COMPLIANCE", "SIMPLE must not have an itemBase (rule 9)")
    if any(interval.signal_payload not in _SIMPLE_LEVELS for interval in signal.intervals):
        raise SessionError("INVALID_DATA", "SIMPLE levels are 0, 1, 2 and 3 (rule 9)")


def current_value_off(event: EiEvent, now: datetime) -> bool:
    """Say whether a SIMPLE signal's currentValue is none that it may have: 0, or while active the running level.

    It only informs, so a VTN that computes it late is not refused for it; an interval's length of grace is left.

    Args:
        event: As listed.
        now: Instant of the listing.

    Spec: OpenADR 2.0b rules 14, 29, 110.
    """
    active = event.event_descriptor.event_status is EventStatus.ACTIVE
    for signal in event.ei_event_signals:
        if canonical_name(signal.signal_name) != "SIMPLE" or signal.current_value is None:
            continue
        if signal.current_value not in (_around(event, signal, now) if active else {_ZERO}):
            return True
    return False


def _around(event: EiEvent, signal: EiEventSignal, now: datetime) -> set[Decimal | None]:
    """Return the levels of the running interval and of its neighbours."""
    lengths = (interval.duration or _NOTHING for interval in signal.intervals)
    gone = now - event.ei_active_period.dtstart
    place = sum(end <= gone for end in accumulate(lengths))
    return {i.signal_payload for i in signal.intervals[max(0, place - 1) : place + 2]}


def _check_signal_target(target: EiTarget | None) -> None:
    if target is not None and not target.is_empty and not target.end_device_assets:
        raise SessionError(
            "COMPLIANCE", "the target of a signal may name device classes only (rule 111)"
        )


def _check_baseline(baseline: EiEventBaseline) -> None:
    if baseline.duration <= _NOTHING:
        raise SessionError("INVALID_DATA", "a baseline must have a duration")
    check_intervals(baseline.intervals, baseline, "baseline")
