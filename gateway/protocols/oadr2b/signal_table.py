"""Every well-known signal with the types, units and values it may have: what a VTN checks before it sends.

Spec: OpenADR 2.0b Table 1, rules 9, 104 and 116.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.quantity import plain
from gateway.protocols.oadr2b.messages import EiEvent, EiEventSignal, SignalType
from gateway.protocols.oadr2b.signals import canonical_name

_NONE: Final = frozenset({""})
_POWER: Final = frozenset({"powerReal", "powerApparent", "powerReactive"})
_ENERGY: Final = frozenset({"energyReal", "energyApparent", "energyReactive"})
_PER_KWH: Final = frozenset({"currencyPerKWh"})
_PER_KW: Final = frozenset({"currencyPerKW"})
_MONEY: Final = frozenset({"currency", "currencyPerKW", "currencyPerKWh", "currencyPerThm"})
_ANY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What one pair of name and type may carry."""

    items: frozenset[str] = _NONE
    """Names of the itemBase; the empty name stands for none, an empty set for any or none."""
    low: Decimal | None = None
    high: Decimal | None = None
    whole: bool = False


def _price(items: frozenset[str]) -> dict[SignalType, Allowed]:
    return {
        SignalType.PRICE: Allowed(items=items),
        SignalType.PRICE_RELATIVE: Allowed(items=items),
        SignalType.PRICE_MULTIPLIER: Allowed(),
    }


_UNIT: Final = Allowed(low=Decimal(0), high=Decimal(1))
TABLE: Final[dict[str, dict[SignalType, Allowed]]] = {
    "SIMPLE": {SignalType.LEVEL: Allowed(low=Decimal(0), high=Decimal(3), whole=True)},
    "ELECTRICITY_PRICE": _price(_PER_KWH),
    "ENERGY_PRICE": _price(_PER_KWH),
    "DEMAND_CHARGE": _price(_PER_KW),
    "BID_PRICE": {SignalType.PRICE: Allowed(items=_MONEY)},
    "BID_LOAD": {SignalType.SETPOINT: Allowed(items=_POWER)},
    "BID_ENERGY": {SignalType.SETPOINT: Allowed(items=_ENERGY)},
    "CHARGE_STATE": {
        SignalType.SETPOINT: Allowed(items=_ENERGY),
        SignalType.DELTA: Allowed(items=_ENERGY),
        SignalType.MULTIPLIER: _UNIT,
    },
    "LOAD_DISPATCH": {
        SignalType.SETPOINT: Allowed(items=_POWER),
        SignalType.DELTA: Allowed(items=_POWER),
        SignalType.MULTIPLIER: Allowed(),
        SignalType.LEVEL: Allowed(items=_POWER, low=Decimal(-10), high=Decimal(10), whole=True),
    },
    "LOAD_CONTROL": {
        SignalType.X_LOAD_CONTROL_CAPACITY: _UNIT,
        SignalType.X_LOAD_CONTROL_LEVEL_OFFSET: Allowed(whole=True),
        SignalType.X_LOAD_CONTROL_PERCENT_OFFSET: Allowed(),
        SignalType.X_LOAD_CONTROL_SETPOINT: Allowed(items=_ANY),
    },
}
"""signalName -> signalType -> what is allowed. Names that begin with ``x-`` are by agreement."""


def check_signals(event: EiEvent) -> None:
    """Refuse a well-known signal that is used in another way than the standard has it.

    Raises:
        SessionError: ``NOT_RECOGNIZED`` for a name that is neither well-known nor ``x-…``, ``COMPLIANCE`` for a type or
            unit, ``INVALID_DATA`` for a value.
    """
    for signal in event.ei_event_signals:
        if not signal.signal_name.startswith("x-"):
            _check(signal)


def _check(signal: EiEventSignal) -> None:
    name = canonical_name(signal.signal_name)
    types = TABLE.get(name)
    if types is None:
        known = ", ".join(TABLE)
        raise SessionError(
            "NOT_RECOGNIZED", f"signal {name[:40]!r} is none of {known}, nor begins with x-"
        )
    allowed = types.get(signal.signal_type)
    if allowed is None:
        raise SessionError(
            "COMPLIANCE", f"{name} has the types {', '.join(types)}, not {signal.signal_type}"
        )
    item = signal.item_base.name if signal.item_base else ""
    if allowed.items and item not in allowed.items:
        wanted = " or ".join(sorted(one or "no unit" for one in allowed.items))
        raise SessionError(
            "COMPLIANCE", f"{name}/{signal.signal_type} takes {wanted}, not {item or 'no unit'}"
        )
    for interval in signal.intervals:
        _check_value(signal, allowed, interval.signal_payload)


def _check_value(signal: EiEventSignal, allowed: Allowed, value: Decimal | None) -> None:
    if value is None:
        return
    low = allowed.low is not None and value < allowed.low
    high = allowed.high is not None and value > allowed.high
    if low or high or (allowed.whole and value != value.to_integral_value()):
        what = f"{signal.signal_name}/{signal.signal_type}"
        raise SessionError("INVALID_DATA", f"{what} cannot have the value {plain(value)}")
