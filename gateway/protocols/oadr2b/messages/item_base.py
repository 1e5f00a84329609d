"""itemBase: what a number counts, and in which unit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.protocols.oadr2b.messages.target import RawXml

FIXED: Final[dict[str, tuple[str, str | None]]] = {
    "voltage": ("Voltage", "V"),
    "energyApparent": ("ApparentEnergy", "VAh"),
    "energyReactive": ("ReactiveEnergy", "VARh"),
    "energyReal": ("RealEnergy", "Wh"),
    "powerApparent": ("ApparentPower", "VA"),
    "powerReactive": ("ReactivePower", "VAR"),
    "powerReal": ("RealPower", None),
    "current": ("Current", "A"),
    "frequency": ("Frequency", "Hz"),
    "Therm": ("Therm", "thm"),
    "temperature": ("temperature", None),
    "pulseCount": ("pulse count", "count"),
}
"""itemDescription and itemUnits that the schema fixes for an element; ``None`` where there is a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAttributes:
    """The supply a power value refers to."""

    hertz: Decimal
    voltage: Decimal
    ac: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBase:
    """A unit; ``name`` is the element that stands for itemBase, e.g. ``powerReal`` or ``currencyPerKWh``.

    Spec: OpenADR 2.0b schema, substitutes of emix:itemBase.
    """

    name: str
    item_description: str = ""
    """E.g. ``RealPower``; empty only for ``oadrGBDataDescription``."""
    item_units: str = ""
    """E.g. ``W``, ``Wh``, ``USD``."""
    si_scale_code: str | None = None
    """Power of ten of the numbers, e.g. ``k``; absent only for pulse counts and Green Button."""
    power_attributes: PowerAttributes | None = None
    """Power elements only, where they are required."""
    pulse_factor: Decimal | None = None
    """kWh per count; ``pulseCount`` only, where it is required."""
    atom_feed: RawXml | None = None
    """``oadrGBDataDescription`` only."""
