"""What one flow reservation grants.

Spec: IEEE 2030.5-2018 FlowReservationResponse; compute-flex B.5.
"""

from collections.abc import Iterator
from decimal import Decimal

from gateway.domain.errors import WireError
from gateway.domain.event import Basis, Commodity, Direction, Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.modes import Asked
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.quantities import amount_kw


def subject_of(found: sep.FlowReservationResponse) -> str:
    """Return the mRID of the request that is answered, canonical; as told where it is none."""
    try:
        return mrid(found.subject)
    except WireError:
        return found.subject


def offered(found: sep.FlowReservationResponse) -> tuple[Decimal, Decimal]:
    """Return the energy in kWh and the power in kW that are granted; positive is what the site draws.

    Raises:
        WireError: ``INVALID_NUMBER`` for a multiplier that nobody means in earnest.
    """
    return amount_kw(found.energy_available), amount_kw(found.power_available)


def asked(found: sep.FlowReservationResponse) -> Iterator[Asked]:
    """Yield what a site is told: that it may draw so much, and so fast; nothing where a number is none."""
    try:
        energy, power = offered(found)
    except WireError:
        return
    for name, unit, value, commodity in (
        ("powerAvailable", "kW", power, Commodity.ACTIVE_POWER),
        ("energyAvailable", "kWh", energy, Commodity.ENERGY),
    ):
        yield Asked(
            mode=name,
            kind=Kind.CAPACITY,
            direction=Direction.NONE,
            basis=Basis.ABSOLUTE,
            unit=unit,
            value=value,
            commodity=commodity,
        )
