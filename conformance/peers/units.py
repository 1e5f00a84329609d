"""Units as an operator writes them, and the itemBase each becomes."""

import re
from decimal import Decimal
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.domain.quantity import plain
from gateway.protocols.oadr2b.messages import ItemBase, PowerAttributes

_GRID: Final = PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True)
_SCALES: Final = {"": "none", "k": "k", "M": "M", "G": "G"}
_POWER: Final = {
    "W": ("powerReal", "RealPower"),
    "VA": ("powerApparent", "ApparentPower"),
    "VAR": ("powerReactive", "ReactivePower"),
}
_OTHERS: Final = {
    "Wh": ("energyReal", "RealEnergy"),
    "VAh": ("energyApparent", "ApparentEnergy"),
    "VARh": ("energyReactive", "ReactiveEnergy"),
    "V": ("voltage", "Voltage"),
    "A": ("current", "Current"),
    "Hz": ("frequency", "Frequency"),
    "thm": ("Therm", "Therm"),
}
_MONEY: Final = {
    "": ("currency", "currency"),
    "/kWh": ("currencyPerKWh", "currencyPerKWh"),
    "/kW": ("currencyPerKW", "currencyPerKW"),
    # The schema has no description of its own for money per therm.
    "/thm": ("currencyPerThm", "currency"),
}
_PRICE: Final = re.compile(r"([A-Z]{3})(|/kWh|/kW|/thm)")
_PULSES: Final = re.compile(r"pulses of ([0-9]+(?:\.[0-9]+)?) kWh")
_CUSTOM: Final = re.compile(r"custom (\S.{0,60})")


def _scaled() -> dict[str, ItemBase | None]:
    found: dict[str, ItemBase | None] = {}
    for prefix, scale in _SCALES.items():
        for unit, (name, description) in (_POWER | _OTHERS).items():
            found[prefix + unit] = ItemBase(
                name=name,
                item_description=description,
                item_units=unit,
                si_scale_code=scale,
                power_attributes=_GRID if unit in _POWER else None,
            )
    return found


UNITS: Final[dict[str, ItemBase | None]] = {
    "": None,
    **_scaled(),
    **{
        unit: ItemBase(
            name="temperature",
            item_description="temperature",
            item_units=unit,
            si_scale_code="none",
        )
        for unit in ("celsius", "fahrenheit")
    },
    "USD/kWh": ItemBase(
        name="currencyPerKWh",
        item_description="currencyPerKWh",
        item_units="USD",
        si_scale_code="none",
    ),
}
"""Units by their names; empty for levels and multipliers. Beside them: money as ``EUR``, ``EUR/kWh``, ``EUR/kW`` or
``EUR/thm``, ``pulses of 0.5 kWh``, ``custom bananas``."""
KNOWN: Final = (
    "empty, W, VA, VAR, Wh, VAh, VARh, V, A, Hz, thm (also with k, M, G), celsius, fahrenheit, "
    "EUR, EUR/kWh, EUR/kW, EUR/thm, pulses of N kWh, custom NAME"
)


def item_base(unit: str) -> ItemBase | None:
    """Return the itemBase of a unit; None for the empty one.

    Raises:
        MisuseError: ``UNKNOWN_UNIT``.
    """
    if unit in UNITS:
        return UNITS[unit]
    if price := _PRICE.fullmatch(unit):
        name, description = _MONEY[price[2]]
        return ItemBase(
            name=name, item_description=description, item_units=price[1], si_scale_code="none"
        )
    if pulses := _PULSES.fullmatch(unit):
        return ItemBase(
            name="pulseCount",
            item_description="pulse count",
            item_units="count",
            pulse_factor=Decimal(pulses[1]),
        )
    if custom := _CUSTOM.fullmatch(unit):
        return ItemBase(
            name="customUnit",
            item_description=custom[1],
            item_units=custom[1],
            si_scale_code="none",
        )
    raise MisuseError("UNKNOWN_UNIT", f"{unit!r} is no unit here: write one of {KNOWN}")


def unit_text(item: ItemBase | None) -> str:
    """Return the unit that an itemBase was, or could have been, written from."""
    for unit, known in UNITS.items():
        if known is None and item is None:
            return unit
        if known is not None and item is not None and _same(known, item):
            return unit
    if item is None:
        return ""
    for suffix, (name, _) in _MONEY.items():
        if item.name == name:
            return item.item_units + suffix
    if item.pulse_factor is not None:
        return f"pulses of {plain(item.pulse_factor)} kWh"
    return f"custom {item.item_description}" if item.name == "customUnit" else item.name


def _same(known: ItemBase, item: ItemBase) -> bool:
    """Compare without the supply that a power refers to."""
    return (known.name, known.item_units, known.si_scale_code) == (
        item.name,
        item.item_units,
        item.si_scale_code,
    )
