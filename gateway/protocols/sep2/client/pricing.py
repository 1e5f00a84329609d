"""What a price of a server comes to: an amount of money per kWh or kW, exact, for each block of consumption.

A price on the wire is a whole number in a tariff's power of ten of its currency, per unit of the component's
ReadingType, itself with a power of ten. The block that counts depends on what the site has drawn in the billing
period, which the utility's meter knows, so every block is told, each under its own name.

Spec: IEEE 2030.5-2018 TimeTariffInterval, ConsumptionTariffInterval, RateComponent, ReadingType; compute-flex B.5.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from gateway.domain.errors import WireError
from gateway.domain.event import Basis, Commodity, Direction, Kind
from gateway.domain.quantity import exact, plain
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.modes import Asked
from gateway.protocols.sep2.currencies import code_of
from gateway.protocols.sep2.enums_device import CostKind, FlowDirection, Uom
from gateway.protocols.sep2.quantities import amount_kw, reading

PRICE: Final = "price"
"""Name of the signal of the first block."""
CARBON: Final = "carbon"
_KILO: Final = 3
_PER: Final[Mapping[int, tuple[Kind, str]]] = {
    int(Uom.WH): (Kind.PRICE, "kWh"),
    int(Uom.WATT): (Kind.DEMAND_CHARGE, "kW"),
}
"""uom -> what a price of it is, and per what it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How the prices of one RateComponent read."""

    kind: Kind
    currency: str
    """ISO 4217; ``XXX`` where the tariff names none."""
    per: str
    """``kWh`` or ``kW``."""
    price_exponent: int
    """Power of ten of the currency in which prices are told."""
    exponent: int
    """Power of ten of the unit that they are per."""
    limits: str = ""
    """Between which rates of flow it holds, in words; empty: at any."""

    @property
    def unit(self) -> str:
        """Return the unit of a price, e.g. ``USD/kWh``."""
        return f"{self.currency}/{self.per}"

    def price(self, told: int) -> Decimal:
        """Return a price in the currency per kWh or kW.

        Raises:
            WireError: ``INVALID_NUMBER`` for powers of ten that nobody means in earnest.
        """
        whole = reading(told, self.price_exponent)
        return exact(plain(whole.scaleb(_KILO - self.exponent)))

    def cost(self, told: int) -> Decimal:
        """Return what is told per unit, per kWh or kW; raises as ``price``."""
        return exact(plain(Decimal(told).scaleb(_KILO - self.exponent)))

    def start(self, told: int) -> Decimal:
        """Return where a block begins, kWh or kW; raises as ``price``."""
        return exact(plain(reading(told, self.exponent).scaleb(-_KILO)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The prices of one interval, as last read."""

    rate: Rate
    blocks: tuple[sep.ConsumptionTariffInterval, ...] = ()

    def asked(self) -> Iterator[Asked]:
        """Yield what a site is told, block by block.

        Raises:
            WireError: ``INVALID_NUMBER``.
        """
        for block in sorted(self.blocks, key=lambda one: one.start_value):
            where = _where(self.rate, block)
            if block.price is not None:
                value = self.rate.price(block.price)
                yield _told(self.rate.kind, PRICE + where, self.rate.unit, value)
            for cost in block.environmental_cost:
                if cost.cost_kind == CostKind.CO2:
                    value, unit = self.rate.cost(cost.amount), f"g/{self.rate.per}"
                    told = _told(Kind.CARBON, CARBON + where, unit, value)
                    yield replace(told, commodity=Commodity.GHG)

    def followed(self) -> tuple[Asked, ...]:
        """Return what a site is told; nothing where a number is none."""
        try:
            return tuple(self.asked())
        except WireError:
            return ()

    def beside(self) -> Mapping[str, str]:
        """Return what has no place in a signal: where blocks begin, and costs other than carbon dioxide."""
        found: dict[str, str] = {}
        for number, block in enumerate(self.blocks, 1):
            path = f"ConsumptionTariffInterval[{number}]"
            found[f"{path}/consumptionBlock"] = str(block.consumption_block)
            found[f"{path}/startValue"] = str(block.start_value)
            for place, cost in enumerate(block.environmental_cost, 1):
                if cost.cost_kind != CostKind.CO2:
                    found[f"{path}/EnvironmentalCost[{place}]"] = (
                        f"costKind {cost.cost_kind}, amount {cost.amount}"
                    )
        return found


NOTHING: Final = Quote(
    rate=Rate(kind=Kind.PRICE, currency="XXX", per="kWh", price_exponent=0, exponent=0),
    blocks=(sep.ConsumptionTariffInterval(consumption_block=0, price=0, start_value=0),),
)
"""What stands for the prices of an interval that is taken back when they are not known any more."""


def rate_of(
    tariff: sep.TariffProfile, component: sep.RateComponent, reading_type: sep.ReadingType
) -> Rate:
    """Read how a component's prices are told.

    Raises:
        WireError: ``INVALID_UNIT`` for a price of something else than energy or power, such as one per day: it
            informs nobody who could draw less. ``INVALID_NUMBER``.
    """
    why = unfit(reading_type)
    if why:
        raise WireError("INVALID_UNIT", why)
    kind, per = _PER[reading_type.uom or 0]
    if kind is Kind.PRICE and reading_type.flow_direction == FlowDirection.REVERSE:
        kind = Kind.EXPORT_PRICE
    rate = Rate(
        kind=kind,
        currency=code_of(tariff.currency),
        per=per,
        price_exponent=tariff.price_power_of_ten_multiplier or 0,
        exponent=reading_type.power_of_ten_multiplier or 0,
        limits=_limits(component),
    )
    rate.price(1)
    rate.start(1)
    return rate


def unfit(reading_type: sep.ReadingType) -> str:
    """Say why prices per a unit are not handed on; empty: they are."""
    if reading_type.uom in _PER:
        return ""
    return f"a price per uom {reading_type.uom} is not one of energy or power"


def _limits(component: sep.RateComponent) -> str:
    """Tell between which rates of flow a component counts; both are told, or none."""
    low, high = component.flow_rate_start_limit, component.flow_rate_end_limit
    if low is None or high is None:
        return ""
    if {low.unit, high.unit} != {int(Uom.WATT)}:
        raise WireError("INVALID_UNIT", "limits of a rate of flow are told in watts")
    return f" from {plain(amount_kw(low))} to {plain(amount_kw(high))} kW"


def _where(rate: Rate, block: sep.ConsumptionTariffInterval) -> str:
    above = f" above {plain(rate.start(block.start_value))} {rate.per}" if block.start_value else ""
    return above + rate.limits


def _told(kind: Kind, name: str, unit: str, value: Decimal) -> Asked:
    return Asked(
        mode=name,
        kind=kind,
        direction=Direction.NONE,
        basis=Basis.ABSOLUTE,
        unit=unit,
        value=value,
        commodity=Commodity.PRICE,
    )
