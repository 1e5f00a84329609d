"""MirrorUsagePoints: made by clients, filled with readings, the same one again when the mRID is the same.

Spec: IEEE 2030.5-2018 clause 10.11.3; CSIP-AUS S-ALL-06, S-ALL-07.
"""

import copy
from collections.abc import Mapping
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.values import Content
from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.state import Meter, Mirror
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import Lister, Maker, View, by_mrid
from conformance.reference.sep2server.wire import every, local, mrid_of, one, text

_KEPT: Final = ("description", "version", "roleFlags", "serviceCategoryKind", "status")


def mirror(view: View, ids: Ids) -> Element:
    """Make one MirrorUsagePoint: its meters with what they told last."""
    held = view.memory.mirrors[ids[0]]
    content = {
        "mRID": held.mrid,
        **held.content,
        "deviceLFDI": held.lfdi,
        "MirrorMeterReading": [_shown(meter) for meter in held.meters.values()],
        "postRate": view.memory.devices[held.lfdi].post_s,
    }
    return view.document("MirrorUsagePoint", ids, content)


def _shown(meter: Meter) -> Content:
    return {
        "mRID": meter.mrid,
        "description": meter.description or None,
        "lastUpdateTime": meter.updated,
        "Reading": copy.deepcopy(meter.told[-1]) if meter.told else None,
        "ReadingType": copy.deepcopy(meter.type),
    }


def mirror_rows(view: View, _: Ids) -> list[Row]:
    """List the mirrors of the caller's devices."""
    mine = [m for m in view.memory.mirrors.values() if view.reach.acts_for(m.lfdi)]
    return by_mrid([(one.mrid, (one.number,)) for one in mine])


# --- what clients do


def post(view: View, mint: Mint, _: Ids, root: Element) -> Done:
    """Take a mirror; one of the same mRID is brought up to date.

    Raises:
        RefusedError: 403 for a device of somebody else, 400 for readings of an unknown type.
    """
    lfdi, mrid = text(root, "deviceLFDI").upper(), mrid_of(root)
    if not view.reach.acts_for(lfdi):
        raise RefusedError(403)
    known = next((m for m in view.memory.mirrors.values() if m.mrid == mrid), None)
    if known is not None and known.lfdi != lfdi:
        raise RefusedError(403)
    kept = known or Mirror(number=mint.number(), mrid=mrid, lfdi=lfdi)
    _fill(view, kept, root)
    view.memory.mirrors[kept.number] = kept
    return Done(204 if known else 201, path_of("MirrorUsagePoint", kept.number))


def put(view: View, ids: Ids, root: Element) -> Done:
    """Bring a mirror up to date.

    Raises:
        RefusedError: 400 for another mRID or device, or readings of an unknown type.
    """
    held = view.memory.mirrors[ids[0]]
    if (mrid_of(root), text(root, "deviceLFDI").upper()) != (held.mrid, held.lfdi):
        raise RefusedError(400)
    _fill(view, held, root)
    return Done(204)


def tell(view: View, _: Mint, ids: Ids, root: Element) -> Done:
    """Take readings.

    Raises:
        RefusedError: 400 for those of an unknown type.
    """
    held = view.memory.mirrors[ids[0]]
    given = every(root, "MirrorMeterReading") if local(root).endswith("List") else [root]
    _meter(view, held, given)
    return Done(201, path_of("MirrorUsagePoint", *ids))


def remove(view: View, ids: Ids) -> Done:
    """Forget a mirror."""
    del view.memory.mirrors[ids[0]]
    return Done(204)


def _fill(view: View, held: Mirror, root: Element) -> None:
    _meter(view, held, every(root, "MirrorMeterReading"))
    held.content = {name: text(root, name) for name in _KEPT if one(root, name) is not None}


def _meter(view: View, held: Mirror, given: list[Element]) -> None:
    """Take what meters tell: all of it, or nothing."""
    if any(mrid_of(g) not in held.meters and one(g, "ReadingType") is None for g in given):
        raise RefusedError(400)
    for element in given:
        kind = one(element, "ReadingType")
        meter = held.meters.get(mrid_of(element))
        if meter is None:
            assert kind is not None, "looked at above"  # noqa: S101 - for the type's sake
            meter = held.meters[mrid_of(element)] = Meter(mrid=mrid_of(element), type=kind)
        meter.type = meter.type if kind is None else kind
        meter.description = text(element, "description", meter.description)
        meter.updated = view.now
        _keep(meter, element)


def _keep(meter: Meter, element: Element) -> None:
    """Keep the readings of a meter; a set of an mRID that is known takes the place of the old one."""
    for whole in every(element, "MirrorReadingSet"):
        before = meter.sets.get(mrid_of(whole))
        if before is not None:
            meter.told = [r for r in meter.told if r not in every(before, "Reading")]
        meter.sets[mrid_of(whole)] = whole
        meter.told += every(whole, "Reading")
    meter.told += every(element, "Reading")


MAKERS: Final[Mapping[str, Maker]] = {"MirrorUsagePoint": mirror}
LISTS: Final[Mapping[str, Lister]] = {
    "MirrorUsagePointList": Lister(member="MirrorUsagePoint", members=mirror_rows)
}
