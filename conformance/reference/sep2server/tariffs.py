"""Prices: tariffs, their components, and the intervals that carry a price.

Spec: IEEE 2030.5-2018 clause 10.4; CSIP-AUS PRC-01.
"""

from collections.abc import Mapping
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.build import link
from conformance.reference.sep2server.events import ACTIVE, CANCELLED, SCHEDULED
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.state import HeldComponent, HeldPrice
from conformance.reference.sep2server.view import Lister, Maker, View, by_mrid

_ENERGY: Final = {
    "commodity": 1,
    "flowDirection": 1,
    "kind": 12,
    "powerOfTenMultiplier": 3,
    "uom": 72,
}


def _component(view: View, ids: Ids) -> HeldComponent | None:
    held = view.memory.tariff(ids[0])
    return next((c for c in held.components if c.number == ids[1]), None)


def _price(view: View, ids: Ids) -> HeldPrice | None:
    component = _component(view, ids)
    prices = component.prices.values() if component is not None else ()
    return next((p for p in prices if p.number == ids[2]), None)


def profile(view: View, ids: Ids) -> Element:
    """Make one TariffProfile."""
    held = view.memory.tariff(ids[0])
    content = {
        "mRID": held.mrid,
        "description": held.tariff.id[:32],
        "currency": held.tariff.currency,
        "pricePowerOfTenMultiplier": held.tariff.exponent,
        "primacy": held.tariff.primacy,
        **view.counted("RateComponentList", of=ids),
        "serviceCategoryKind": 0,
    }
    return view.document("TariffProfile", ids, content)


def component(view: View, ids: Ids) -> Element | None:
    """Make one RateComponent."""
    held = _component(view, ids)
    if held is None:
        return None
    content = {
        "mRID": held.mrid,
        "description": held.id[:32],
        **view.links("ReadingType", of=ids),
        "roleFlags": "0000",
        **view.counted("TimeTariffIntervalList", of=ids),
    }
    return view.document("RateComponent", ids, content)


def reading_type(view: View, ids: Ids) -> Element | None:
    """Make what a component prices: kWh from the grid."""
    return view.document("ReadingType", ids, _ENERGY) if _component(view, ids) else None


def interval(view: View, ids: Ids) -> Element | None:
    """Make one TimeTariffInterval."""
    held = _price(view, ids)
    if held is None:
        return None
    what = held.price
    begun = max(what.start, held.created)
    status = ACTIVE if what.start <= view.now else SCHEDULED
    cancelled = what.status == CANCELLED
    steps = link(path_of("ConsumptionTariffIntervalList", *ids), 1)
    content = {
        "mRID": held.mrid,
        "description": what.id[:32],
        "creationTime": held.created,
        "EventStatus": {
            "currentStatus": CANCELLED if cancelled else status,
            "dateTime": begun if status == ACTIVE and not cancelled else held.created,
            "potentiallySuperseded": False,
        },
        "interval": {"duration": what.lasts, "start": what.start},
        "ConsumptionTariffIntervalListLink": steps,
        "touTier": 0,
    }
    answered = {"replyTo": path_of("ResponseList"), "responseRequired": what.required}
    return view.document("TimeTariffInterval", ids, content, answered if what.required else {})


def step(view: View, ids: Ids) -> Element | None:
    """Make the one ConsumptionTariffInterval of an interval."""
    held = _price(view, ids)
    if held is None:
        return None
    content = {"consumptionBlock": 0, "price": held.price.price, "startValue": 0}
    return view.document("ConsumptionTariffInterval", ids, content)


# --- lists


def profile_rows(view: View, ids: Ids) -> list[Row]:
    """List the tariffs of an assignment."""
    given = next(a for a in view.memory.assignments.values() if a.number == ids[1])
    known = [view.memory.tariffs[name] for name in given.tariffs]
    return by_mrid([(one.mrid, (one.number,)) for one in known])


def component_rows(view: View, ids: Ids) -> list[Row]:
    """List the components of a tariff."""
    held = view.memory.tariff(ids[0]).components
    return by_mrid([(one.mrid, (ids[0], one.number)) for one in held])


def interval_rows(view: View, ids: Ids) -> list[Row]:
    """List the intervals of a component that are not over: by start."""
    held = _component(view, ids)
    prices = list(held.prices.values()) if held is not None else []
    left = [p for p in prices if view.now < p.price.start + p.price.lasts]
    left.sort(key=lambda p: (p.created, p.mrid), reverse=True)
    left.sort(key=lambda p: p.price.start)
    return [Row(ids=(*ids, p.number), at=p.price.start) for p in left]


def step_rows(view: View, ids: Ids) -> list[Row]:
    """List the one step of an interval."""
    return [Row(ids=ids)] if _price(view, ids) is not None else []


MAKERS: Final[Mapping[str, Maker]] = {
    "TariffProfile": profile,
    "RateComponent": component,
    "ReadingType": reading_type,
    "TimeTariffInterval": interval,
    "ConsumptionTariffInterval": step,
}
LISTS: Final[Mapping[str, Lister]] = {
    "TariffProfileList": Lister(member="TariffProfile", members=profile_rows),
    "RateComponentList": Lister(member="RateComponent", members=component_rows),
    "TimeTariffIntervalList": Lister(member="TimeTariffInterval", members=interval_rows),
    "ConsumptionTariffIntervalList": Lister(member="ConsumptionTariffInterval", members=step_rows),
}
