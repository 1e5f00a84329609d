"""What the operator's interface does about tariffs, flow reservations and curves."""

from datetime import timedelta

from pydantic import BaseModel

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums_device import Uom
from gateway.protocols.sep2.server.reserving import GrantTerms
from gateway.protocols.sep2.server.tariffs import TariffTerms
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin.asked import Asked
from gateway.servers.sep2.admin.plain import made
from gateway.servers.sep2.utility import Sep2Utility


async def create_tariff(asked: Asked) -> BaseModel:
    """Make a tariff."""
    body: d.TariffBody = asked.body
    terms = TariffTerms(
        primacy=body.primacy,
        currency=body.currency,
        power_of_ten=body.power_of_ten,
        description=body.description,
        rate_code=body.rate_code,
    )
    name = await asked.utility.price(lambda t, now: t.create_tariff(terms, body.fsas, now))
    return d.Done(name=name)


async def create_component(asked: Asked) -> BaseModel:
    """Make a rate component.

    Raises:
        WireError: ``INVALID_BODY``.
    """
    body: d.ComponentBody = asked.body
    kind = made("ReadingType", body.reading_type)
    limits = None
    if (body.from_w is None) != (body.to_w is None):
        raise WireError("INVALID_BODY", "from_w and to_w come together")
    if body.from_w is not None and body.to_w is not None:
        limits = (_watts(body.from_w), _watts(body.to_w))
    tariff = asked.path["mrid"]
    name = await asked.utility.price(
        lambda t, now: t.create_component(tariff, kind, now, body.description, limits)
    )
    return d.Done(name=name)


async def remove_component(asked: Asked) -> BaseModel:
    """Take a rate component away."""
    component = asked.path["mrid"]
    name = await asked.utility.price(lambda t, now: t.remove_component(component, now))
    return d.Done(name=name)


async def issue(utility: Sep2Utility, body: d.EventBody, terms: EventTerms) -> str:
    """Issue a price; returns its mRID."""
    blocks = [made("ConsumptionTariffInterval", one) for one in body.prices or ()]
    tier = body.tou_tier
    return await utility.price(
        lambda t, now: t.create_price(body.program, blocks, tier, terms, now)
    )


async def create_curve(asked: Asked) -> BaseModel:
    """Add a curve."""
    body: d.CurveBody = asked.body
    told = {"mRID": "0", "creationTime": 0, **body.curve}
    curve, program = made("DERCurve", told), asked.path["mrid"]
    name = await asked.utility.operate(lambda o, now: o.create_curve(program, curve, now))
    return d.Done(name=name)


async def grant(asked: Asked) -> BaseModel:
    """Answer a flow reservation request."""
    body: d.GrantBody = asked.body
    terms = GrantTerms(
        start=body.start,
        duration=None if body.duration_s is None else timedelta(seconds=body.duration_s),
        energy=None if body.energy is None else made("SignedRealEnergy", body.energy),
        power=None if body.power is None else made("ActivePower", body.power),
        response_required=body.response_required,
    )
    return d.Done(name=await asked.utility.grant(body.request, terms))


def _watts(value: int) -> sep.UnitValueType:
    return sep.UnitValueType(multiplier=0, unit=Uom.WATT, value=value)
