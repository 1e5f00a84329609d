"""What an eiEvent says that has no field in ``GridEvent``: path of the leaf -> its text, losing nothing.

Paths are those of ``xml.leaves``: local names from the root, numbered from 1 where siblings share a name. A part of the
event is laid out as ``(name, text)`` or ``(name, parts)`` pairs in the order of the schema; what has a field is laid
out as ``None``, so that it counts among its siblings and leaves nothing behind.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from gateway.domain.event import Signal
from gateway.domain.quantity import plain
from gateway.domain.timespan import duration_text, instant_text
from gateway.protocols.oadr2b.messages import (
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EiTarget,
    ItemBase,
    RawXml,
    SignalInterval,
)
from gateway.protocols.xml import leaves

Content: TypeAlias = "str | RawXml | Sequence[Part] | None"
Part: TypeAlias = tuple[str, Content]

_UNITLESS: Final = "1"


def leftovers(event: EiEvent, path: str, signals: Sequence[Signal]) -> dict[str, str]:
    """List what has no field.

    Args:
        event: As received.
        path: Of its oadrEvent element.
        signals: As they went into the ``GridEvent``; the others are left over whole.
    """
    carried = {signal.signal_id: signal for signal in signals}
    parts: list[Part] = [
        ("eiEventSignal", _signal(signal, carried.get(signal.signal_id)))
        for signal in event.ei_event_signals
    ]
    if event.ei_event_baseline is not None:
        parts.append(("eiEventBaseline", _baseline(event.ei_event_baseline)))
    top: list[Part] = [
        ("eiEventSignals", parts),
        ("eiTarget", _target(event.ei_target, kept=True)),
    ]
    return dict(_flat(f"{path}/eiEvent", top))


def _flat(path: str, parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    names = [name for name, _ in parts]
    totals = Counter(names) if len(set(names)) < len(names) else {}
    seen: dict[str, int] = {}
    for name, content in parts:
        here = f"{path}/{name}"
        if totals.get(name, 1) > 1:
            seen[name] = seen.get(name, 0) + 1
            here = f"{here}[{seen[name]}]"
        if isinstance(content, str):
            yield here, content
        elif isinstance(content, RawXml):
            for leaf in leaves(content.xml.encode()):
                yield f"{here}/{leaf.path}", leaf.value
        elif content is not None:
            yield from _flat(here, content)


def _many(name: str, values: Sequence[str], *, kept: bool, inner: str = "") -> Iterator[Part]:
    for value in values:
        if kept:
            yield name, None
        else:
            yield name, [(inner, value)] if inner else value


def _target(target: EiTarget, *, kept: bool) -> list[Part]:
    """Lay out a target; ``kept``: those kinds that ``Targets`` and ``source`` know have a field."""
    return [
        *_many("aggregatedPnode", target.aggregated_pnodes, kept=kept, inner="node"),
        *_many("endDeviceAsset", target.end_device_assets, kept=False, inner="mrid"),
        *_many("meterAsset", target.meter_assets, kept=False, inner="mrid"),
        *_many("pnode", target.pnodes, kept=kept, inner="node"),
        *(("serviceArea", area) for area in target.service_areas),
        *_many("serviceDeliveryPoint", target.service_delivery_points, kept=kept, inner="node"),
        *(("serviceLocation", area) for area in target.service_locations),
        *(
            (
                "transportInterface",
                [
                    ("pointOfReceipt", edge.point_of_receipt),
                    ("pointOfDelivery", edge.point_of_delivery),
                ],
            )
            for edge in target.transport_interfaces
        ),
        *_many("groupID", target.group_ids, kept=kept),
        *_many("groupName", target.group_names, kept=kept),
        *_many("resourceID", target.resource_ids, kept=kept),
        *_many("venID", target.ven_ids, kept=kept),
        *_many("partyID", target.party_ids, kept=kept),
    ]


def _signal(signal: EiEventSignal, carried: Signal | None) -> list[Part]:
    parts: list[Part] = []
    if carried is None:
        parts += [("intervals", [("interval", _interval(step)) for step in signal.intervals])]
    if signal.ei_target is not None:
        parts.append(("eiTarget", _target(signal.ei_target, kept=False)))
    if carried is None:
        parts += [
            ("signalName", signal.signal_name),
            ("signalType", str(signal.signal_type)),
            ("signalID", signal.signal_id),
        ]
    if signal.item_base is not None:
        whole = carried is None or carried.unit == _UNITLESS
        parts.append((signal.item_base.name, _item(signal.item_base, whole=whole)))
    if signal.current_value is not None and (carried is None or carried.current_value is None):
        parts.append(("currentValue", [("payloadFloat", [("value", plain(signal.current_value))])]))
    return parts


def _interval(step: SignalInterval) -> list[Part]:
    return [
        *_dtstart(step.dtstart),
        *_duration(step.duration),
        *([] if step.uid is None else [("uid", [("text", step.uid)])]),
        *_number("signalPayload", step.signal_payload),
    ]


def _dtstart(at: datetime | None) -> Iterator[Part]:
    if at is not None:
        yield "dtstart", [("date-time", instant_text(at))]


def _duration(length: timedelta | None) -> Iterator[Part]:
    if length is not None:
        yield "duration", [("duration", duration_text(length))]


def _number(name: str, value: Decimal | None) -> Iterator[Part]:
    if value is not None:
        yield name, [("payloadFloat", [("value", plain(value))])]


def _item(item: ItemBase, *, whole: bool) -> Content:
    """Lay out a unit; units and scale have become the unit of the values unless it is left over whole."""
    if item.atom_feed is not None:
        return item.atom_feed
    parts: list[Part] = [("itemDescription", item.item_description)]
    if whole:
        parts.append(("itemUnits", item.item_units))
        if item.si_scale_code is not None:
            parts.append(("siScaleCode", item.si_scale_code))
    if item.pulse_factor is not None:
        parts.append(("pulseFactor", plain(item.pulse_factor)))
    if item.power_attributes is not None:
        supply = item.power_attributes
        attributes: list[Part] = [
            ("hertz", plain(supply.hertz)),
            ("voltage", plain(supply.voltage)),
            ("ac", "true" if supply.ac else "false"),
        ]
        parts.append(("powerAttributes", attributes))
    return parts


def _baseline(baseline: EiEventBaseline) -> list[Part]:
    parts: list[Part] = [
        *_dtstart(baseline.dtstart),
        *_duration(baseline.duration),
        ("intervals", [("interval", _interval(step)) for step in baseline.intervals]),
        ("baselineID", baseline.baseline_id),
        *_many("resourceID", baseline.resource_ids, kept=False),
        ("baselineName", baseline.baseline_name),
    ]
    if baseline.item_base is not None:
        parts.append((baseline.item_base.name, _item(baseline.item_base, whole=True)))
    return parts
