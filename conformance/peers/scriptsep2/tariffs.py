"""The prices of the scripted server: tariffs, their components, and the intervals that carry a price."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from conformance.kit.sep2.build import link
from conformance.kit.sep2.values import Content, Price
from conformance.peers.scriptsep2.tree import Key, Tree

Made = tuple[Content, Content]
_ENERGY: Final = {
    "commodity": 1,
    "flowDirection": 1,
    "kind": 12,
    "powerOfTenMultiplier": 3,
    "uom": 72,
}
_LISTED: Final = "TimeTariffIntervalList"


def _profile(tree: Tree, ids: list[str], _: datetime) -> Made:
    one = tree.tariffs[ids[0]]
    content = {
        "mRID": tree.mrid(one.id),
        "description": one.id,
        "currency": one.currency,
        "pricePowerOfTenMultiplier": one.exponent,
        "primacy": one.primacy,
        "RateComponentListLink": link(tree.href("RateComponentList", one.id), len(one.components)),
        "serviceCategoryKind": 0,
    }
    return content, {}


def _component(tree: Tree, ids: list[str], now: datetime) -> Made:
    intervals = _intervals(tree, ids, now)
    content = {
        "mRID": tree.mrid(" ".join(ids)),
        "description": ids[1],
        "ReadingTypeLink": link(tree.href("ReadingType", *ids)),
        "roleFlags": "0000",
        "TimeTariffIntervalListLink": link(tree.href(_LISTED, *ids), len(intervals)),
    }
    return content, {}


def _reading_type(_: Tree, __: list[str], ___: datetime) -> Made:
    return _ENERGY, {}


def _interval(tree: Tree, ids: list[str], now: datetime) -> Made:
    one = tree.prices[ids[0], ids[1]][ids[2]]
    status = one.status if one.status is not None else int(one.start <= now)
    steps = link(tree.href("ConsumptionTariffIntervalList", *ids), 1)
    content = {
        "mRID": tree.mrid(one.id),
        "description": one.id,
        "creationTime": one.created or now,
        "EventStatus": {
            "currentStatus": status,
            "dateTime": one.start if status == 1 else one.created or now,
            "potentiallySuperseded": False,
        },
        "interval": {"duration": one.lasts, "start": one.start},
        "ConsumptionTariffIntervalListLink": steps,
        "touTier": 0,
    }
    reply = tree.href("ResponseList", "all")
    return content, {"replyTo": reply, "responseRequired": one.required} if one.required else {}


def _step(tree: Tree, ids: list[str], _: datetime) -> Made:
    one = tree.prices[ids[0], ids[1]][ids[2]]
    return {"consumptionBlock": 0, "price": one.price, "startValue": 0}, {}


def _profiles(tree: Tree, ids: list[str], _: datetime) -> list[Key]:
    return [("TariffProfile", name) for name in tree.tariffs_of.get(ids[0], ())]


def _components(tree: Tree, ids: list[str], _: datetime) -> list[Key]:
    return [("RateComponent", ids[0], name) for name in tree.tariffs[ids[0]].components]


def _intervals(tree: Tree, ids: list[str], now: datetime) -> list[Key]:
    held: Mapping[str, Price] = tree.prices.get((ids[0], ids[1]), {})
    rows = sorted((p for p in held.values() if now < p.start + p.lasts), key=lambda p: p.start)
    return [("TimeTariffInterval", ids[0], ids[1], one.id) for one in rows]


def _steps(_: Tree, ids: list[str], __: datetime) -> list[Key]:
    return [("ConsumptionTariffInterval", *ids)]


MAKERS: Final[Mapping[str, Callable[[Tree, list[str], datetime], Made]]] = {
    "TariffProfile": _profile,
    "RateComponent": _component,
    "ReadingType": _reading_type,
    "TimeTariffInterval": _interval,
    "ConsumptionTariffInterval": _step,
}
LISTS: Final[Mapping[str, Callable[[Tree, list[str], datetime], list[Key]]]] = {
    "TariffProfileList": _profiles,
    "RateComponentList": _components,
    _LISTED: _intervals,
    "ConsumptionTariffIntervalList": _steps,
}
