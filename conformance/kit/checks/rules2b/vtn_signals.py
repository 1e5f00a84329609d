"""Which types and units belong to the well-known signal names (rules 104, 106 and 116)."""

from collections.abc import Iterator, Mapping
from typing import Final

from conformance.kit.checks.rules2b.metadata import ITEMS
from conformance.kit.finding import Finding, wrong
from conformance.kit.transcript import Message
from conformance.kit.xml import local_name

Units = frozenset[str]
"""Local names of item bases; empty: none may stand there; ``*``: any one."""
_NONE: Final[Units] = frozenset()
_ANY: Final = frozenset({"*"})
_POWER: Final = frozenset({"powerReal", "powerApparent", "powerReactive"})
_ENERGY: Final = frozenset({"energyReal", "energyApparent", "energyReactive"})
_PER_KWH: Final = frozenset({"currencyPerKWh"})
_PER_KW: Final = frozenset({"currencyPerKW"})


def _prices(unit: Units) -> Mapping[str, Units]:
    return {"price": unit, "priceRelative": unit, "priceMultiplier": _NONE}


TABLE: Final[Mapping[str, Mapping[str, Units]]] = {
    "SIMPLE": {"level": _NONE},
    "ELECTRICITY_PRICE": _prices(_PER_KWH),
    "ENERGY_PRICE": _prices(_PER_KWH),
    "DEMAND_CHARGE": _prices(_PER_KW),
    "BID_PRICE": {"price": _ANY},
    "BID_LOAD": {"setpoint": _POWER},
    "BID_ENERGY": {"setpoint": _ENERGY},
    "CHARGE_STATE": {"setpoint": _ENERGY, "delta": _ENERGY, "multiplier": _NONE},
    "LOAD_DISPATCH": {"setpoint": _POWER, "delta": _POWER, "multiplier": _NONE, "level": _POWER},
    "LOAD_CONTROL": {
        "x-loadControlCapacity": _NONE,
        "x-loadControlLevelOffset": _NONE,
        "x-loadControlPercentOffset": _NONE,
        "x-loadControlSetpoint": _NONE,
    },
}
"""signalName -> signalType -> units."""


def fits_table(message: Message, signal: str) -> Iterator[Finding]:
    """Yield what a signal's type and unit have against its name; other names are free."""
    types = TABLE.get(message.text(f"{signal}/ei:signalName"))
    kind = message.text(f"{signal}/ei:signalType")
    if types is None:
        return
    if kind not in types:
        path = f"{signal}/ei:signalType"
        yield wrong("RULE-2B-021", message, path, " or ".join(sorted(types)), kind or "none")
        return
    found = [local_name(x) for x in message.elements(f"{signal}/{ITEMS}")]
    units = types[kind]
    right = not found if not units else bool(found) and (units == _ANY or found[0] in units)
    if not right:
        text = " or ".join(sorted(units)) or "no unit"
        yield wrong("RULE-2B-021", message, f"{signal}/itemBase", text, " ".join(found) or "none")
