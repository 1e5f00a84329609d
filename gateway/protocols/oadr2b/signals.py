"""The signals we can follow: (signalName, signalType) -> what is asked, in which unit, within which range.

A pair that is absent, or comes with another itemBase, is answered 460 and optOut (rule 109). Reading: a delta is an
offset, so negative means less load, and one event may ask for both; a program may say ``delta_sign = "unsigned"``.

Spec: OpenADR 2.0b Table 1, rules 9, 104, 109, 116.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from gateway.domain.errors import SessionError, SignalError, WireError
from gateway.domain.event import Basis, Commodity, Direction, Kind
from gateway.domain.quantity import exact, plain, scaled
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.oadr2b.messages import EiEventSignal, ItemBase, SignalType

POWER: Final = frozenset({"powerReal"})
"""Apparent and reactive power cannot be followed: sites act on real power."""
ENERGY: Final = frozenset({"energyReal"})
PER_KWH: Final = frozenset({"currencyPerKWh"})
PER_KW: Final = frozenset({"currencyPerKW"})
ANY_MONEY: Final = frozenset({"currency", "currencyPerKW", "currencyPerKWh", "currencyPerThm"})
BARE: Final[frozenset[str]] = frozenset({""})
"""No itemBase at all."""
_PER: Final = {"currencyPerKW": "/kW", "currencyPerKWh": "/kWh", "currencyPerThm": "/thm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one kind of signal asks."""

    kind: Kind
    basis: Basis
    commodity: Commodity = Commodity.ACTIVE_POWER
    items: frozenset[str] = BARE
    """Names of the itemBase allowed; the empty name stands for none."""
    low: Decimal | None = None
    high: Decimal | None = None
    """Range of values, both ends included, before scaling."""
    whole: bool = False
    """True: whole numbers only, which count levels and are never scaled."""
    less_load: int = 0
    """1: higher values mean less load; -1: lower values do; 0: the value says nothing about direction."""
    neutral: Decimal = Decimal(0)
    """Value that changes nothing."""
    unit: str = "1"
    """Unit of values without itemBase."""
    both_ways: bool = False
    """True: some values ask for less load and some for more, each by its own sign."""


def _price(kind: Kind, items: frozenset[str]) -> dict[SignalType, Rule]:
    price = Rule(kind=kind, basis=Basis.ABSOLUTE, commodity=Commodity.PRICE, items=items)
    return {
        SignalType.PRICE: price,
        SignalType.PRICE_RELATIVE: replace(price, basis=Basis.RELATIVE_BASELINE),
        SignalType.PRICE_MULTIPLIER: replace(price, basis=Basis.FRACTION_OF_BASELINE, items=BARE),
    }


_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_SETPOINT: Final = SignalType.SETPOINT
_FOLLOWED: Final[dict[str, dict[SignalType, Rule]]] = {
    "LOAD_DISPATCH": {
        _SETPOINT: Rule(kind=Kind.SETPOINT, basis=Basis.ABSOLUTE, items=POWER),
        SignalType.DELTA: Rule(
            kind=Kind.REDUCE, basis=Basis.RELATIVE_CURRENT, items=POWER, less_load=-1
        ),
        SignalType.MULTIPLIER: Rule(
            kind=Kind.REDUCE,
            basis=Basis.FRACTION_OF_BASELINE,
            low=_ZERO,
            less_load=-1,
            neutral=_ONE,
        ),
        SignalType.LEVEL: Rule(
            kind=Kind.LEVEL,
            basis=Basis.ORDINAL,
            items=POWER,
            low=Decimal(-10),
            high=Decimal(10),
            whole=True,
        ),
    },
    "LOAD_CONTROL": {
        SignalType.X_LOAD_CONTROL_CAPACITY: Rule(
            kind=Kind.SETPOINT, basis=Basis.FRACTION_OF_NAMEPLATE, low=_ZERO, high=_ONE
        ),
        SignalType.X_LOAD_CONTROL_LEVEL_OFFSET: Rule(
            kind=Kind.LEVEL, basis=Basis.ORDINAL, whole=True, less_load=1
        ),
        # Per cent of the control's operation level, not of kilowatts: only a program's table knows what it means.
        SignalType.X_LOAD_CONTROL_PERCENT_OFFSET: Rule(
            kind=Kind.LEVEL, basis=Basis.ORDINAL, whole=True, less_load=-1, unit="%"
        ),
        # Ordinal where the unit is unknown, so that nobody takes a controller's number for kilowatts.
        SignalType.X_LOAD_CONTROL_SETPOINT: Rule(
            kind=Kind.SETPOINT, basis=Basis.ORDINAL, items=BARE | POWER, unit=""
        ),
    },
    "CHARGE_STATE": {
        _SETPOINT: Rule(
            kind=Kind.STORAGE, basis=Basis.ABSOLUTE, commodity=Commodity.SOC, items=ENERGY
        ),
        SignalType.DELTA: Rule(
            kind=Kind.STORAGE, basis=Basis.RELATIVE_CURRENT, commodity=Commodity.SOC, items=ENERGY
        ),
        SignalType.MULTIPLIER: Rule(
            kind=Kind.STORAGE,
            basis=Basis.FRACTION_OF_NAMEPLATE,
            commodity=Commodity.SOC,
            low=_ZERO,
            high=_ONE,
        ),
    },
    "BID_LOAD": {_SETPOINT: Rule(kind=Kind.RESERVE, basis=Basis.ABSOLUTE, items=POWER)},
    "BID_ENERGY": {
        _SETPOINT: Rule(
            kind=Kind.RESERVE, basis=Basis.ABSOLUTE, commodity=Commodity.ENERGY, items=ENERGY
        )
    },
    "BID_PRICE": {
        SignalType.PRICE: Rule(
            kind=Kind.RESERVE, basis=Basis.ABSOLUTE, commodity=Commodity.PRICE, items=ANY_MONEY
        )
    },
    "ELECTRICITY_PRICE": _price(Kind.PRICE, PER_KWH),
    "ENERGY_PRICE": _price(Kind.PRICE, PER_KWH),
    "DEMAND_CHARGE": _price(Kind.DEMAND_CHARGE, PER_KW),
    "SIMPLE": {
        SignalType.LEVEL: Rule(
            kind=Kind.LEVEL,
            basis=Basis.ORDINAL,
            low=_ZERO,
            high=Decimal(3),
            whole=True,
            less_load=1,
        )
    },
}
RULES: Final = {
    (name, kind): rule for name, rules in _FOLLOWED.items() for kind, rule in rules.items()
}
"""Every signal that can be followed."""
PRECEDENCE: Final = {name: place for place, name in enumerate(_FOLLOWED)}
"""Which of several signals obliges: the first; the others inform (the standard leaves the relation open, rule 106)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A signal as one program reads it."""

    kind: Kind
    basis: Basis
    commodity: Commodity
    direction: Direction
    unit: str
    values: tuple[Decimal, ...]
    """In ``unit``, one per interval."""
    current_value: Decimal | None


def canonical_name(signal_name: str) -> str:
    """Return the name as the tables have it: profile A writes ``simple``."""
    return "SIMPLE" if signal_name == "simple" else signal_name


def rule_of(signal: EiEventSignal) -> Rule:
    """Find the rule of a signal.

    Raises:
        SignalError: ``SIGNAL_NOT_SUPPORTED`` for a pair, or a unit of it, that the table lacks.
    """
    rule = RULES.get((canonical_name(signal.signal_name), signal.signal_type))
    what = f"{signal.signal_name[:40]}/{signal.signal_type}"
    if rule is None:
        raise SignalError("SIGNAL_NOT_SUPPORTED", f"{what} is not supported")
    item = signal.item_base.name if signal.item_base else ""
    if item not in rule.items:
        wanted = " or ".join(sorted(name or "no itemBase" for name in rule.items))
        raise SignalError(
            "SIGNAL_NOT_SUPPORTED", f"{what} needs {wanted}, not {item or 'no itemBase'}"
        )
    return rule


def read(signal: EiEventSignal, terms: ProgramTerms) -> Reading:
    """Read a signal by the table and the program's settings.

    Args:
        signal: Each interval carries one number.
        terms: Sign, basis and cap settings.

    Raises:
        SignalError: ``SIGNAL_NOT_SUPPORTED``.
        SessionError: ``INVALID_DATA`` for a value outside its range.
        WireError: ``INVALID_NUMBER`` when a value cannot be scaled within our bounds.
    """
    rule = rule_of(signal)
    raw = [i.signal_payload for i in signal.intervals if i.signal_payload is not None]
    if rule.whole or rule.low is not None or rule.high is not None:
        for value in set(raw):
            _check_range(value, rule, signal)
    item = None if rule.whole else signal.item_base
    values = _in_house_units(raw, item)
    rule = _by_terms(rule, signal, values, terms)
    return Reading(
        kind=rule.kind,
        basis=rule.basis,
        commodity=rule.commodity,
        direction=_direction(rule, values),
        unit=_unit(rule, item),
        values=values,
        current_value=_current(signal.current_value, item),
    )


def _check_range(value: Decimal, rule: Rule, signal: EiEventSignal) -> None:
    outside = (rule.low is not None and value < rule.low) or (
        rule.high is not None and value > rule.high
    )
    if outside or (rule.whole and value != value.to_integral_value()):
        what = f"{signal.signal_name[:40]}/{signal.signal_type}"
        raise SessionError("INVALID_DATA", f"{what} cannot have the value {plain(value)}")


def _in_house_units(raw: list[Decimal], item: ItemBase | None) -> tuple[Decimal, ...]:
    if item is None or item.si_scale_code == _house_scale(item):
        return tuple(raw)
    scaled_once = {value: _in_house_unit(value, item) for value in set(raw)}
    return tuple([scaled_once[value] for value in raw])


def _house_scale(item: ItemBase) -> str:
    return "k" if item.name in POWER or item.name in ENERGY else "none"


def _in_house_unit(value: Decimal, item: ItemBase | None) -> Decimal:
    if item is None:
        return value
    to = _house_scale(item)
    if item.si_scale_code == to:
        return value
    return exact(plain(scaled(value, item.si_scale_code or "none", to=to)))


def _current(value: Decimal | None, item: ItemBase | None) -> Decimal | None:
    """Scale currentValue; it only informs, so one that cannot be scaled is left out instead of refused."""
    if value is None:
        return None
    try:
        return _in_house_unit(value, item)
    except WireError:
        return None


def _unit(rule: Rule, item: ItemBase | None) -> str:
    if item is None:
        return rule.unit
    if item.name in POWER:
        return "kW"
    return "kWh" if item.name in ENERGY else f"{item.item_units}{_PER.get(item.name, '')}"


def _by_terms(
    rule: Rule, signal: EiEventSignal, values: tuple[Decimal, ...], terms: ProgramTerms
) -> Rule:
    match signal.signal_name, signal.signal_type:
        case "LOAD_DISPATCH", SignalType.DELTA:
            return _delta(rule, values, terms)
        case "LOAD_DISPATCH", SignalType.MULTIPLIER if values and min(values) > 1:
            return replace(rule, kind=Kind.INCREASE)
        case "LOAD_CONTROL", SignalType.X_LOAD_CONTROL_CAPACITY if terms.capacity_is_cap:
            return replace(rule, kind=Kind.LIMIT_IMPORT, less_load=-1, neutral=_ONE)
        case "LOAD_CONTROL", SignalType.X_LOAD_CONTROL_SETPOINT if signal.item_base:
            return replace(rule, basis=Basis.ABSOLUTE)
        case _:
            return rule


def _delta(rule: Rule, values: tuple[Decimal, ...], terms: ProgramTerms) -> Rule:
    """Turn the sign of a delta into its kind; the values keep theirs.

    One that asks for less in one interval and for more in another is a reduction whose positive values are increases.
    """
    if terms.delta_basis == "baseline":
        rule = replace(rule, basis=Basis.RELATIVE_BASELINE)
    if terms.delta_sign == "unsigned":
        return replace(rule, less_load=1 if any(value > 0 for value in values) else -1)
    if not any(value > 0 for value in values):
        return rule
    if any(value < 0 for value in values):
        return replace(rule, both_ways=True)
    return replace(rule, kind=Kind.INCREASE)


def _direction(rule: Rule, values: tuple[Decimal, ...]) -> Direction:
    if rule.kind in {Kind.SETPOINT, Kind.STORAGE} or rule.both_ways:
        return Direction.HOLD
    moved = [(value - rule.neutral) * rule.less_load for value in values]
    if any(push > 0 for push in moved):
        return Direction.DECREASE
    return Direction.INCREASE if any(push < 0 for push in moved) else Direction.NONE
