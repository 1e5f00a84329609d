"""The listing of events that a VEN gets.

Spec: OpenADR 2.0b section 8.1 and the rules named.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.state import Event, Memory, Signal, Steps, Ven
from conformance.reference.wire2b import lasting, make, message, response, stamp, starting

SCALES: Final = {"W": "none", "kW": "k", "MW": "M"}
_LAST: Final = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a distribution says before its events."""

    vtn_id: str
    request_id: str
    answers: str | None
    """requestID of what it answers, empty for a poll; None: pushed, without eiResponse (rule 40)."""


def listing(memory: Memory, ven: Ven, head: Head, now: datetime, limit: int = _LAST) -> Element:
    """Make the oadrDistributeEvent of a VEN, of at most ``limit`` events."""
    events = chosen(memory, ven, now)[:limit]
    return message(
        "oadr:oadrDistributeEvent",
        None if head.answers is None else response("200", head.answers),
        make("pyld:requestID", head.request_id),
        make("ei:vtnID", head.vtn_id),
        *(_listed(event, now) for event in events),
    )


def chosen(memory: Memory, ven: Ven, now: datetime) -> list[Event]:
    """Return what a VEN gets to see, in the standard's order (rules 15, 50, 52)."""
    mine = (event for event in memory.events.values() if event.concerns(ven.ven_id))
    open_ = (event for event in mine if event.listed(now) and not _known_cancelled(event, ven))
    return ordered(open_, now)


def ordered(events: Iterable[Event], now: datetime) -> list[Event]:
    """Put active events first, by priority and start; then the others by start (rule 15)."""
    return sorted(events, key=lambda event: _place(event, now))


def _place(event: Event, now: datetime) -> tuple[int, int, datetime, str]:
    active = event.start <= now
    rank = event.priority or _LAST
    return (0, rank, event.start, event.event_id) if active else (1, 0, event.start, event.event_id)


def _known_cancelled(event: Event, ven: Ven) -> bool:
    return event.cancelled and (event.event_id, event.version) in ven.acknowledged


def _listed(event: Event, now: datetime) -> Element:
    content = make(
        "ei:eiEvent",
        _descriptor(event, now),
        _active_period(event),
        make(
            "ei:eiEventSignals",
            *(_signal(event, place, now) for place in range(len(event.signals))),
            _baseline(event) if event.baseline else None,
        ),
        _target(event),
    )
    required = make("oadr:oadrResponseRequired", "always" if event.always else "never")
    return make("oadr:oadrEvent", content, required)


def _descriptor(event: Event, now: datetime) -> Element:
    return make(
        "ei:eventDescriptor",
        make("ei:eventID", event.event_id),
        make("ei:modificationNumber", str(event.version)),
        make("ei:priority", str(event.priority)),
        make("ei:eiMarketContext", make("emix:marketContext", event.context)),
        stamp(now),
        make("ei:eventStatus", event.status(now)),
        make("ei:testEvent", "true") if event.test else None,
        make("ei:vtnComment", event.comment) if event.comment else None,
    )


def _active_period(event: Event) -> Element:
    tolerance = make(
        "xcal:tolerance",
        make("xcal:tolerate", make("xcal:startafter", _seconds(event.startafter))),
    )
    properties = make(
        "xcal:properties",
        starting(event.start),
        lasting("xcal:duration", event.length()),
        tolerance if event.startafter else None,
        lasting("ei:x-eiNotification", event.notification),
        lasting("ei:x-eiRampUp", event.ramp_up) if event.ramp_up else None,
        lasting("ei:x-eiRecovery", event.recovery) if event.recovery else None,
    )
    return make("ei:eiActivePeriod", properties, make("xcal:components"))


def _signal(event: Event, place: int, now: datetime) -> Element:
    signal = event.signals[place]
    return make(
        "ei:eiEventSignal",
        _intervals(signal.steps),
        make("ei:signalName", signal.name),
        make("ei:signalType", signal.type),
        make("ei:signalID", f"{event.event_id}-{place}"),
        _unit(signal),
        make("ei:currentValue", _float(current_value(event, signal, now))),
    )


def _intervals(steps: Steps) -> Element:
    return make(
        "strm:intervals",
        *(
            make(
                "ei:interval",
                lasting("xcal:duration", lasts),
                make("xcal:uid", make("xcal:text", str(number))),
                make("ei:signalPayload", _float(str(value))),
            )
            for number, (lasts, value) in enumerate(steps)
        ),
    )


def _baseline(event: Event) -> Element:
    whole = sum((lasts for lasts, _ in event.baseline), timedelta(0))
    return make(
        "ei:eiEventBaseline",
        starting(event.start),
        lasting("xcal:duration", whole),
        _intervals(event.baseline),
        make("ei:baselineID", f"{event.event_id}-expected"),
        make("ei:baselineName", "expected"),
        _power("kW"),
    )


def current_value(event: Event, signal: Signal, now: datetime) -> str:
    """Return the value of the running interval; 0 unless the event is active (rules 14, 29)."""
    at = event.start
    if event.status(now) != "active":
        return "0"
    for lasts, value in signal.steps:
        if not lasts or now < at + lasts:
            return str(value)
        at += lasts
    return "0"


def _unit(signal: Signal) -> Element | None:
    if signal.unit == "USD/kWh":
        return make(
            "oadr:currencyPerKWh",
            make("oadr:itemDescription", "currencyPerKWh"),
            make("oadr:itemUnits", "USD"),
            make("scale:siScaleCode", "none"),
        )
    return _power(signal.unit) if signal.unit in SCALES else None


def _power(unit: str) -> Element:
    return make(
        "power:powerReal",
        make("power:itemDescription", "RealPower"),
        make("power:itemUnits", "W"),
        make("scale:siScaleCode", SCALES[unit]),
        make(
            "power:powerAttributes",
            make("power:hertz", "60"),
            make("power:voltage", "480"),
            make("power:ac", "true"),
        ),
    )


def _target(event: Event) -> Element:
    one = event.vens if len(event.vens) == 1 else ()
    return make(
        "ei:eiTarget",
        *(make("ei:groupID", name) for name in event.groups),
        *(make("ei:resourceID", name) for name in event.resources),
        *(make("ei:venID", name) for name in one),
        *(make("ei:partyID", name) for name in event.parties),
    )


def _float(value: str) -> Element:
    return make("ei:payloadFloat", make("ei:value", value))


def _seconds(length: timedelta) -> str:
    return f"PT{int(length.total_seconds())}S"
