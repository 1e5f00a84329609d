"""eiEvent -> ``GridEvent``: half-open spans in UTC, kilowatts, every leaf either in a field or in ``unmapped``.

Spec: compute-flex B.5 (OpenADR 2.0b); OpenADR 2.0b rules 3, 6, 30, 31, 47.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.errors import GatewayError, SignalError
from gateway.domain.event import (
    MOST_INTERVALS,
    GridEvent,
    Interval,
    RawMessage,
    Signal,
    Targets,
    TestKind,
)
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import Span, instant_text
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.oadr2b.event_rules import check_event, check_strictly
from gateway.protocols.oadr2b.leftovers import leftovers
from gateway.protocols.oadr2b.messages import (
    EiEvent,
    EiEventSignal,
    EiTarget,
    OadrDistributeEvent,
    OadrEvent,
    ResponseRequired,
)
from gateway.protocols.oadr2b.signals import PRECEDENCE, Reading, canonical_name, read
from gateway.protocols.oadr2b.targets import Audience

_NOTHING: Final = timedelta(0)
LOWEST: Final = 900
_HIGHEST_KEPT: Final = 899
ROOT: Final = "oadrPayload/oadrSignedObject/oadrDistributeEvent"
"""Where the leaves of an oadrDistributeEvent stand (paths as ``xml.leaves`` writes them)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an event came: what its message says around it."""

    utility: UtilityName
    vtn_id: str
    request_id: str
    received_at: datetime
    raw_sha256: str
    path: str
    """Of the oadrEvent element, e.g. ``…/oadrEvent[2]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An event that we can follow, with what its program and target make of it."""

    event: OadrEvent
    terms: ProgramTerms
    sites: tuple[SiteId, ...]
    """Empty: every site of the program."""
    signals: tuple[tuple[EiEventSignal, Reading], ...]
    """Those we follow and how the program reads them, the obliging one first."""


def event_path(place: int, count: int) -> str:
    """Return the path of the oadrEvent at ``place`` (from 0) among ``count``."""
    return f"{ROOT}/oadrEvent[{place + 1}]" if count > 1 else f"{ROOT}/oadrEvent"


def accept(event: OadrEvent, audience: Audience) -> Accepted:
    """Judge an event: its rules, its program, its target, its signals.

    Raises:
        SessionError: What ``check_event`` and ``check_strictly`` raise, or ``INVALID_DATA`` for a value out of range.
        SignalError: ``TARGET_MISMATCH`` (462), ``SIGNAL_NOT_SUPPORTED`` (460) or ``DEPLOYMENT`` (469).
        WireError: ``INVALID_NUMBER`` for a value that cannot be scaled.
    """
    inner = event.ei_event
    _check_size(inner)
    check_event(inner)
    if audience.options.event_rules == "strict":
        check_strictly(inner)
    terms = audience.terms(inner)
    sites = audience.sites(inner, terms)
    partly = audience.options.partial_signals == "accept"
    signals = tuple(_followed(inner.ei_event_signals, audience, terms, partly=partly))
    ranked = sorted(signals, key=lambda pair: PRECEDENCE[canonical_name(pair[0].signal_name)])
    return Accepted(event=event, terms=terms, sites=sites, signals=tuple(ranked))


def _check_size(event: EiEvent) -> None:
    series = [signal.intervals for signal in event.ei_event_signals]
    if event.ei_event_baseline is not None:
        series.append(event.ei_event_baseline.intervals)
    if sum(map(len, series)) > MOST_INTERVALS:
        raise SignalError("DEPLOYMENT", f"an event may have {MOST_INTERVALS} intervals here")


def _followed(
    signals: Sequence[EiEventSignal], audience: Audience, terms: ProgramTerms, *, partly: bool
) -> Iterator[tuple[EiEventSignal, Reading]]:
    refused: SignalError | None = None
    followed = False
    for signal in signals:
        try:
            audience.check_device_class(signal.ei_target)
            reading = read(signal, terms)
        except SignalError as error:
            if not partly:
                raise
            refused = error
        else:
            followed = True
            yield signal, reading
    if refused is not None and not followed:
        raise refused


def grid_event(
    accepted: Accepted,
    delivery: Delivery,
    *,
    offset: timedelta = _NOTHING,
    version: int | None = None,
    cancelled_at: datetime | None = None,
    implied: bool = False,
) -> GridEvent:
    """Build the event that goes inward.

    Args:
        accepted: What ``accept`` returned.
        delivery: The message around it.
        offset: Random delay as drawn; it shifts start and end alike.
        version: modificationNumber when it is another than the event's own.
        cancelled_at: Instant from which the obligation ends; None: it stands.
        implied: The cancellation was not told but concluded.
    """
    inner = accepted.event.ei_event
    descriptor, period = inner.event_descriptor, inner.ei_active_period
    signals = _signals(accepted, period.dtstart + offset)
    return GridEvent(
        utility=delivery.utility,
        protocol=ProtocolName.OADR20B,
        event_id=EventId(descriptor.event_id),
        version=descriptor.modification_number if version is None else version,
        program=accepted.terms.name,
        created_at=descriptor.created_date_time,
        received_at=delivery.received_at,
        start=period.dtstart + offset,
        duration=period.duration or None,
        signals=signals,
        targets=_targets(inner.ei_target, accepted.sites),
        priority=canonical_priority(descriptor.priority),
        priority_raw="" if descriptor.priority is None else str(descriptor.priority),
        ramp_in=period.x_ei_ramp_up or _NOTHING,
        recovery=period.x_ei_recovery or _NOTHING,
        notice=period.x_ei_notification or _NOTHING,
        randomise=period.startafter or _NOTHING,
        offset=offset,
        cancelled_at=cancelled_at,
        cancel_implied=implied,
        response_required=accepted.event.oadr_response_required is ResponseRequired.ALWAYS,
        test=test_kind(descriptor.test_event),
        comment=descriptor.vtn_comment or "",
        source=_source(accepted.event, delivery),
        unmapped=leftovers(inner, delivery.path, signals),
        raw_sha256=delivery.raw_sha256,
    )


def _signals(accepted: Accepted, start: datetime) -> tuple[Signal, ...]:
    return tuple(_signal(signal, reading, start) for signal, reading in accepted.signals)


def canonical_priority(priority: int | None) -> int:
    """Turn 2.0b's priority into ours: 1 is highest there, 0 and absent are lowest (rule 3)."""
    return min(priority, _HIGHEST_KEPT) if priority else LOWEST


def test_kind(test_event: str | None) -> TestKind:
    """Read testEvent: anything but absent, empty or literally ``false`` means test (rule 6)."""
    told = (test_event or "").strip()
    return TestKind.NONE if told in {"", "false"} else TestKind.LIVE_TEST


def _signal(signal: EiEventSignal, reading: Reading, start: datetime) -> Signal:
    return Signal(
        signal_id=signal.signal_id,
        name=signal.signal_name,
        type=str(signal.signal_type),
        kind=reading.kind,
        direction=reading.direction,
        commodity=reading.commodity,
        basis=reading.basis,
        unit=reading.unit,
        intervals=_intervals(signal, reading.values, start),
        current_value=reading.current_value,
    )


def _intervals(
    signal: EiEventSignal, values: Sequence[Decimal], start: datetime
) -> tuple[Interval, ...]:
    """Lay intervals end to end; the last one of an open-ended event has no length."""
    found: list[Interval] = []
    for interval, value in zip(signal.intervals, values, strict=True):
        end = start + interval.duration if interval.duration else start
        found.append(Interval(span=Span(start=start, end=end), value=value))
        start = end
    return tuple(found)


def _targets(target: EiTarget, sites: tuple[SiteId, ...]) -> Targets:
    return Targets(
        sites=tuple(sites),
        groups=(*target.group_ids, *target.group_names),
        parties=target.party_ids,
        end_devices=target.ven_ids,
        locations=(*target.aggregated_pnodes, *target.pnodes, *target.service_delivery_points),
    )


def _source(event: OadrEvent, delivery: Delivery) -> dict[str, str]:
    descriptor = event.ei_event.event_descriptor
    told = {
        "eventID": descriptor.event_id,
        "modificationNumber": str(descriptor.modification_number),
        "requestID": delivery.request_id,
        "vtnID": delivery.vtn_id,
        "marketContext": descriptor.ei_market_context,
        "createdDateTime": instant_text(descriptor.created_date_time),
        "eventStatus": str(descriptor.event_status),
        "oadrResponseRequired": str(event.oadr_response_required),
        "testEvent": descriptor.test_event,
        "modificationReason": descriptor.modification_reason,
        "modificationDateTime": None
        if descriptor.modification_date_time is None
        else instant_text(descriptor.modification_date_time),
    }
    resources = event.ei_event.ei_target.resource_ids
    numbered = {f"resourceID[{place}]": name for place, name in enumerate(resources, 1)}
    return {key: value for key, value in told.items() if value is not None} | numbered


def grid_events(
    message: OadrDistributeEvent, raw: RawMessage, utility: UtilityName, audience: Audience
) -> tuple[GridEvent, ...]:
    """Build every event of a message that we can follow, undelayed; the others are passed over."""
    found: list[GridEvent] = []
    for place, event in enumerate(message.oadr_events):
        delivery = Delivery(
            utility=utility,
            vtn_id=message.vtn_id,
            request_id=message.request_id,
            received_at=raw.received_at,
            raw_sha256=raw.sha256,
            path=event_path(place, len(message.oadr_events)),
        )
        try:
            found.append(grid_event(accept(event, audience), delivery))
        except GatewayError:
            continue
    return tuple(found)


__all__ = [
    "LOWEST",
    "ROOT",
    "Accepted",
    "Delivery",
    "accept",
    "canonical_priority",
    "event_path",
    "grid_event",
    "grid_events",
    "test_kind",
]
