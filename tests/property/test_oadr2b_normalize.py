"""Normalising loses nothing: each leaf of a generated message has a field or stands in ``unmapped``."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.event import GridEvent, RawMessage, Signal
from gateway.domain.quantity import SI_EXPONENT
from gateway.domain.timespan import duration, instant
from gateway.protocols.leaf import ARCHIVE, AccountedLeaf
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.account import account
from gateway.protocols.oadr2b.normalize import grid_events
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signals import RULES, Rule
from gateway.protocols.oadr2b.targets import Audience
from gateway.protocols.xml import leaves
from tests.oadr2b_strategies import BY_KIND, baselines, descriptors, item_bases, numbers, targets
from tests.oadr2b_world import CODEC, CONTEXT, NOW, SCOPE, UTILITY

MINUTE: Final = timedelta(minutes=1)
ITEMS: Final = {
    "powerReal": ("RealPower", ["W", "J/s"]),
    "energyReal": ("RealEnergy", ["Wh"]),
    "currency": ("currency", ["USD", "EUR"]),
    "currencyPerKW": ("currencyPerKW", ["USD", "EUR"]),
    "currencyPerKWh": ("currencyPerKWh", ["USD", "EUR"]),
    "currencyPerThm": ("currency", ["USD"]),
}
FOLLOWED: Final = sorted(RULES, key=str)


@st.composite
def units(draw: st.DrawFn, rule: Rule) -> wire.ItemBase | None:
    """Draw an itemBase that a rule allows."""
    name = draw(st.sampled_from(sorted(rule.items)))
    if not name:
        return None
    description, choices = ITEMS[name]
    return wire.ItemBase(
        name=name,
        item_description=description,
        item_units=draw(st.sampled_from(choices)),
        si_scale_code=draw(st.sampled_from(["m", "none", "k", "M"])),
        power_attributes=wire.PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True)
        if name == "powerReal"
        else None,
    )


@st.composite
def signals(
    draw: st.DrawFn, place: int, lengths: list[int], dtstart: datetime
) -> wire.EiEventSignal:
    """Draw a signal that can be followed."""
    stamped = draw(st.booleans())
    starts = [dtstart + sum(lengths[:place]) * MINUTE for place in range(len(lengths))]
    key = draw(st.sampled_from(FOLLOWED))
    rule = RULES[key]
    low = int(rule.low if rule.low is not None else -50)
    high = int(rule.high if rule.high is not None else 50)
    if key == ("LOAD_DISPATCH", wire.SignalType.DELTA):
        high = 0
    values = st.integers(low, high).map(Decimal)
    if not rule.whole:
        values |= st.integers(low * 1000, high * 1000).map(lambda n: Decimal(n).scaleb(-3))
    return wire.EiEventSignal(
        intervals=tuple(
            wire.SignalInterval(
                dtstart=starts[uid] if stamped else None,
                duration=length * MINUTE,
                uid=str(uid),
                signal_payload=draw(values),
            )
            for uid, length in enumerate(lengths)
        ),
        ei_target=draw(
            st.sampled_from(
                [None, wire.EiTarget(end_device_assets=("Energy_Management_System", "RESU"))]
            )
        ),
        signal_name=key[0],
        signal_type=key[1],
        signal_id=f"signal {place}",
        item_base=draw(units(rule)),
        current_value=draw(st.none() | numbers),
    )


@st.composite
def good_events(draw: st.DrawFn, event_id: str) -> wire.OadrEvent:
    """Draw an event that breaks no rule."""
    open_ended = draw(st.booleans())
    lengths = draw(st.lists(st.integers(1, 300), min_size=1, max_size=4))
    if open_ended:
        lengths[-1] = 0
    count = draw(st.integers(1, 3))
    descriptor = replace(
        draw(descriptors),
        event_id=event_id,
        ei_market_context=CONTEXT,
        event_status=draw(st.sampled_from(wire.EventStatus)),
    )
    baseline = draw(st.none() | baselines)
    if baseline is not None:
        steps = tuple(
            wire.SignalInterval(duration=n * MINUTE, uid=str(uid), signal_payload=draw(numbers))
            for uid, n in enumerate(draw(st.lists(st.integers(1, 90), min_size=1, max_size=3)))
        )
        whole = sum((step.duration or MINUTE for step in steps), timedelta(0))
        baseline = replace(baseline, intervals=steps, duration=whole)
    target = replace(draw(targets), ven_ids=draw(st.sampled_from([("ven-1",), ()])))
    if not target.ven_ids:
        target = replace(target, resource_ids=(*target.resource_ids, "phx-1"))
    dtstart = NOW + draw(st.integers(-500, 500)) * MINUTE
    some = st.none() | st.integers(0, 7200).map(lambda s: timedelta(seconds=s))
    signed = st.none() | st.integers(-7200, 7200).map(lambda s: timedelta(seconds=s))
    return wire.OadrEvent(
        ei_event=wire.EiEvent(
            event_descriptor=descriptor,
            ei_active_period=wire.EiActivePeriod(
                dtstart=dtstart,
                duration=timedelta(0) if open_ended else sum(lengths) * MINUTE,
                startafter=draw(some),
                x_ei_notification=draw(some),
                x_ei_ramp_up=draw(signed),
                x_ei_recovery=draw(signed),
            ),
            ei_event_signals=tuple(
                draw(signals(place, lengths, dtstart)) for place in range(count)
            ),
            ei_event_baseline=baseline,
            ei_target=target,
        ),
        oadr_response_required=draw(st.sampled_from(wire.ResponseRequired)),
    )


@st.composite
def messages(draw: st.DrawFn) -> wire.OadrDistributeEvent:
    """Draw a message of followable events."""
    count = draw(st.integers(1, 3))
    frame = draw(BY_KIND[wire.OadrDistributeEvent])
    assert isinstance(frame, wire.OadrDistributeEvent)
    return replace(
        frame, oadr_events=tuple(draw(good_events(f"event {place}")) for place in range(count))
    )


def normalised(
    message: wire.OadrDistributeEvent, body: bytes, options: VenOptions
) -> dict[str, GridEvent]:
    raw = RawMessage(body=body, media_type="application/xml", sha256="ab", peer="", received_at=NOW)
    audience = Audience.of("ven-1", options, SCOPE)
    return {str(found.event_id): found for found in grid_events(message, raw, UTILITY, audience)}


def _same(leaf: AccountedLeaf, event: GridEvent, raw_unit: dict[str, int]) -> bool:
    """Say whether the event really says what the leaf says, where the account says it does."""
    field, text = leaf.field or "", leaf.value
    if field == ARCHIVE:
        return True
    if field.startswith("signals["):
        return _same_in_signal(field, text, event, raw_unit)
    owner, _, name = field.rpartition(".")
    if owner == "targets":
        return text in getattr(event.targets, name)
    found = event.source[name] if owner == "source" else getattr(event, field)
    return _equal(field, text, found, event)


def _equal(field: str, text: str, found: object, event: GridEvent) -> bool:
    if field.endswith("DateTime"):
        return instant(str(found)) == instant(text)
    if isinstance(found, datetime):
        return instant(text) + (event.offset if field == "start" else timedelta(0)) == found
    if field == "duration" or isinstance(found, timedelta):
        return duration(text) == (found or timedelta(0))
    return str(found) == text


def _same_in_signal(field: str, text: str, event: GridEvent, raw_unit: dict[str, int]) -> bool:
    signal_id, _, rest = field.removeprefix("signals[").partition("].")
    signal = next(signal for signal in event.signals if signal.signal_id == signal_id)
    if rest == "unit":
        return _in_unit(text, signal)
    if rest == "current_value":
        return signal.current_value == _scaled(text, signal, raw_unit)
    if not rest.startswith("intervals["):
        return str(getattr(signal, rest)) == text
    place, _, what = rest.removeprefix("intervals[").partition("].")
    interval = signal.intervals[int(place)]
    same = {
        "place": lambda: text == place,
        "start": lambda: interval.span.start == instant(text) + event.offset,
        "span": lambda: interval.span.duration == duration(text),
        "value": lambda: interval.value == _scaled(text, signal, raw_unit),
    }
    return same[what]()


def _in_unit(text: str, signal: Signal) -> bool:
    if text in {"W", "J/s"}:
        return signal.unit == "kW"
    return signal.unit == "kWh" if text == "Wh" else text in signal.unit or text in SI_EXPONENT


def _scaled(text: str, signal: Signal, raw_unit: dict[str, int]) -> Decimal:
    return Decimal(text).scaleb(raw_unit.get(signal.signal_id, 0))


def _exponents(message: wire.OadrDistributeEvent, event_id: str) -> dict[str, int]:
    """Return the power of ten from wire to house unit per signalID, worked out from the message alone."""
    found = {}
    for event in message.oadr_events:
        if event.ei_event.event_descriptor.event_id != event_id:
            continue
        for signal in event.ei_event.ei_event_signals:
            item = signal.item_base
            if item is None or signal.signal_type is wire.SignalType.LEVEL:
                continue
            house = 3 if item.name in {"powerReal", "energyReal"} else 0
            found[signal.signal_id] = SI_EXPONENT[item.si_scale_code or "none"] - house
    return found


@pytest.mark.slow
@pytest.mark.spec("compute-flex B.5 losslessness")
@settings(max_examples=100, deadline=None)
@given(messages())
def test_every_leaf_has_a_field_or_is_listed(message: wire.OadrDistributeEvent) -> None:
    body = CODEC.encode(message)

    events = normalised(message, body, VenOptions())

    assert set(events) == {e.ei_event.event_descriptor.event_id for e in message.oadr_events}
    seen: set[str] = set()
    for event_id, event in events.items():
        exponents = _exponents(message, event_id)
        accounted = account(body, event)
        for leaf in accounted:
            if leaf.field is None:
                assert event.unmapped[leaf.path] == leaf.value
            else:
                assert _same(leaf, event, exponents), (leaf, event)
        assert set(event.unmapped) <= {leaf.path for leaf in accounted}
        seen |= {leaf.path for leaf in accounted}
    assert seen == {leaf.path for leaf in leaves(body)}


@pytest.mark.slow
@pytest.mark.spec("compute-flex B.5 losslessness")
@settings(max_examples=50, deadline=None)
@given(good_events("e1"), item_bases(), numbers)
def test_a_signal_that_is_passed_over_is_listed_whole(
    event: wire.OadrEvent, item: wire.ItemBase, value: Decimal
) -> None:
    strange = replace(
        event.ei_event.ei_event_signals[0],
        signal_name="x-strange",
        signal_id="strange",
        item_base=item,
        current_value=value,
    )
    inner = event.ei_event
    mixed = replace(
        event, ei_event=replace(inner, ei_event_signals=(strange, *inner.ei_event_signals))
    )
    message = wire.OadrDistributeEvent(request_id="r", vtn_id="v", oadr_events=(mixed,))
    body = CODEC.encode(message)

    found = normalised(message, body, VenOptions(partial_signals="accept"))["e1"]

    assert "x-strange" not in {signal.name for signal in found.signals}
    for leaf in account(body, found):
        if "eiEventSignal[1]/" in leaf.path:
            assert found.unmapped[leaf.path] == leaf.value
        elif leaf.field is None:
            assert leaf.path in found.unmapped
    assert normalised(message, body, VenOptions()) == {}
