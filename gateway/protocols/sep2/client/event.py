"""What the engine makes of a server's event -> ``GridEvent``: effective spans in our time, kilowatts, provenance.

Spec: compute-flex B.5 (IEEE 2030.5); IEEE 2030.5-2018 10.2.3.3.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.event import (
    Basis,
    Direction,
    GridEvent,
    Interval,
    Kind,
    Signal,
    Targets,
)
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import Span
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client import flow
from gateway.protocols.sep2.client.convert import KILOWATT, Listed, TargetReduction
from gateway.protocols.sep2.client.messages import shown
from gateway.protocols.sep2.client.modes import Asked, Rating, asked
from gateway.protocols.sep2.client.pricing import Quote
from gateway.protocols.sep2.client.ramps import Ramp, stairs
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.values import Stretch

_HUNDREDTHS: Final = Decimal(100)
_SHARE: Final = Decimal(10_000)
_WATTS: Final = Decimal(1000)
LOWEST: Final = 900
MOST_NAMED: Final = 100
"""EndDevices that are told by name; how many there are is told always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the event does not say itself."""

    utility: UtilityName
    protocol: ProtocolName
    lfdis: tuple[str, ...]
    """Of the EndDevices that it is for."""
    sites: tuple[SiteId, ...]
    terms: ProgramTerms
    rating: Rating
    target_reduction: TargetReduction | None
    offset: timedelta
    """The server's clock minus ours, whole seconds."""
    primacy: int
    event_id: EventId
    received_at: datetime
    raw_sha256: str
    ramp: Callable[[Asked, int], Ramp] = lambda *_: Ramp()
    """How a mode is reached that begins at a second of the server's time."""
    quote: Quote | None = None
    """Prices of an interval of a tariff."""


def grid_event(
    found: Listed,
    record: Record,
    stretches: Iterable[Stretch],
    around: Around,
    version: int,
) -> GridEvent | None:
    """Build the event that goes inward; None: it has, and will have, no effect that a site could follow.

    Args:
        found: As listed.
        record: What the engine remembers of it.
        stretches: Where the engine gives it what it asks for, this event's only.
        around: What surrounds it.
        version: Ours; counts up whenever the effect changes.
    """
    signals = _signals(found, tuple(stretches), around)
    if not signals:
        return None
    start = min(signal.intervals[0].span.start for signal in signals)
    end = max(signal.intervals[-1].span.end for signal in signals)
    return GridEvent(
        utility=around.utility,
        protocol=around.protocol,
        event_id=around.event_id,
        version=version,
        program=around.terms.name,
        created_at=ours(found.creation_time, around.offset),
        received_at=around.received_at,
        start=start,
        duration=end - start,
        signals=signals,
        targets=Targets(sites=around.sites, end_devices=around.lfdis[:MOST_NAMED]),
        priority=min(around.primacy, LOWEST),
        priority_raw=str(around.primacy),
        ramp_in=-_ramp(found),
        randomise=timedelta(seconds=abs(record.control.randomization[0])),
        offset=timedelta(seconds=record.start_offset),
        response_required=bool(record.control.required and record.control.has_reply_to),
        comment=_comment(found),
        source=_source(found, around),
        unmapped=_unmapped(found, around),
        raw_sha256=around.raw_sha256,
    )


def _comment(found: Listed) -> str:
    """Return what people are to read."""
    if isinstance(found, sep.TextMessage):
        return shown(found.text_message)
    return found.description or ""


def ours(at: int, offset: timedelta) -> datetime:
    """Return an instant of the server's time by our clock."""
    return datetime.fromtimestamp(at, UTC) - offset


def _signals(found: Listed, stretches: tuple[Stretch, ...], around: Around) -> tuple[Signal, ...]:
    wanted = _asked(found, around)
    made = [
        _signal(found, one, spans, around)
        for one in wanted
        if (spans := _spans(one, stretches, by_mode=isinstance(found, sep.DERControl)))
    ]
    return tuple(made)


def _spans(
    one: Asked, stretches: tuple[Stretch, ...], *, by_mode: bool
) -> tuple[tuple[int, int], ...]:
    """Return the stretches of one mode; events without modes have them as a whole."""
    spans = {(s.start, s.end) for s in stretches if not by_mode or s.mode == one.mode}
    return tuple(sorted(spans))


def _signal(
    found: Listed, one: Asked, spans: tuple[tuple[int, int], ...], around: Around
) -> Signal:
    offset = around.offset
    return Signal(
        signal_id=one.mode,
        name=one.mode,
        type=type(found).__name__,
        kind=one.kind,
        direction=one.direction,
        commodity=one.commodity,
        basis=one.basis,
        unit=one.unit,
        intervals=tuple(
            Interval(span=Span(start=ours(begin, offset), end=ours(until, offset)), value=value)
            for start, end in spans
            for begin, until, value in stairs(start, end, around.ramp(one, start), one.value)
        ),
    )


def _asked(found: Listed, around: Around) -> tuple[Asked, ...]:
    match found:
        case sep.DERControl():
            return tuple(asked(found.der_control_base, around.rating))
        case sep.EndDeviceControl():
            one = _drlc(found, around)
            return (one,) if one is not None else ()
        case sep.TextMessage():
            return (_text(found),) if shown(found.text_message) else ()
        case sep.TimeTariffInterval():
            return around.quote.followed() if around.quote is not None else ()
        case sep.FlowReservationResponse():
            return tuple(flow.asked(found))


def _drlc(found: sep.EndDeviceControl, around: Around) -> Asked | None:
    """Read the one control of an EndDeviceControl that fits a data center best (10.2.3.3; digest of DRLC)."""
    more = found.load_shift_forward
    towards = Direction.INCREASE if more else Direction.DECREASE
    change = Kind.INCREASE if more else Kind.REDUCE
    target, offset, cycle = found.target_reduction, found.offset, found.duty_cycle
    if target is not None and around.target_reduction is not None:
        kw = Decimal(target.value) if target.type == KILOWATT else Decimal(target.value) / _WATTS
        cap = around.target_reduction == "cap"
        basis = Basis.RELATIVE_CURRENT
        if around.terms.delta_basis == "baseline":
            basis = Basis.RELATIVE_BASELINE
        return Asked(
            mode="TargetReduction",
            kind=Kind.LIMIT_IMPORT if cap else change,
            direction=Direction.DECREASE if cap else towards,
            basis=Basis.ABSOLUTE if cap else basis,
            unit="kW",
            value=kw if cap or more else -kw,
        )
    if offset is not None and offset.load_adjustment_percentage_offset is not None:
        share = Decimal(offset.load_adjustment_percentage_offset) / _SHARE
        return Asked(
            mode="Offset",
            kind=change,
            direction=towards,
            basis=Basis.FRACTION_OF_BASELINE,
            unit="1",
            value=1 + share if more else 1 - share,
        )
    if cycle is not None:
        return Asked(
            mode="DutyCycle",
            kind=Kind.SETPOINT,
            direction=Direction.HOLD,
            basis=Basis.FRACTION_OF_NAMEPLATE,
            unit="1",
            value=Decimal(cycle.normal_value) / _HUNDREDTHS,
        )
    if found.appliance_load_reduction is not None:
        return Asked(
            mode="ApplianceLoadReduction",
            kind=Kind.LEVEL,
            direction=Direction.DECREASE,
            basis=Basis.ORDINAL,
            unit="1",
            # 0 asks for moderation and 1 is an emergency; as a level, 0 would mean nothing at all.
            value=Decimal(found.appliance_load_reduction.type + 1),
        )
    return None


def _text(found: sep.TextMessage) -> Asked:
    return Asked(
        mode="TextMessage",
        kind=Kind.ALERT,
        direction=Direction.NONE,
        basis=Basis.ORDINAL,
        unit="1",
        value=Decimal(found.priority),
    )


def _ramp(found: Listed) -> timedelta:
    """Return the time in which a control is to be reached, inside the event; zero: none is told."""
    if isinstance(found, sep.DERControl) and found.der_control_base.ramp_tms:
        return timedelta(milliseconds=10 * found.der_control_base.ramp_tms)
    return timedelta(0)


def _source(found: Listed, around: Around) -> dict[str, str]:
    told = {
        "mRID": found.mrid,
        "lFDI": around.lfdis[0] if len(around.lfdis) == 1 else None,
        "endDevices": str(len(around.lfdis)) if len(around.lfdis) > 1 else None,
        "creationTime": str(found.creation_time),
        "currentStatus": str(found.event_status.current_status),
        "start": str(found.interval.start),
        "duration": str(found.interval.duration),
        "version": None if found.version is None else str(found.version),
        "href": found.href,
        "replyTo": found.reply_to,
        "touTier": str(found.tou_tier) if isinstance(found, sep.TimeTariffInterval) else None,
        "subject": found.subject if isinstance(found, sep.FlowReservationResponse) else None,
        "originator": found.originator if isinstance(found, sep.TextMessage) else None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _unmapped(found: Listed, around: Around) -> Mapping[str, str]:
    if isinstance(found, sep.TextMessage):
        return {"textMessage": shown(found.text_message)}
    if isinstance(found, sep.TimeTariffInterval) and around.quote is not None:
        return around.quote.beside()
    return {}
