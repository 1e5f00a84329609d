"""What devices told, read back for the operator: flat texts by name.

A document by its paths (``genConnectStatus.value``); of what there may be several of, each with its place before it,
the oldest first (``0.status``).
"""

from collections.abc import Iterable, Mapping

from lxml.etree import _Element as Element

from conformance.reference.sep2server.state import Device, Memory
from conformance.reference.sep2server.wire import flat


def stored(memory: Memory, device: Device, what: str) -> Mapping[str, str]:
    """Return e.g. the DERStatus of a device, its Responses, Readings or LogEvents."""
    if what == "Response":
        return _numbered(r.element for r in memory.responses.values() if r.lfdi == device.lfdi)
    if what == "LogEvent":
        return _numbered(device.events.values())
    if what == "Reading":
        return _readings(memory, device.lfdi)
    found: dict[str, str] = {}
    for slot, element in sorted(device.documents.items()):
        if slot[0] == what:
            found = {**flat(element), **found}
    return found


def _numbered(elements: Iterable[Element]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, element in enumerate(elements):
        found |= {f"{place}.{name}": value for name, value in flat(element).items()}
    return found


def _readings(memory: Memory, lfdi: str) -> dict[str, str]:
    """Return every reading with the mRIDs of its mirror and meter, and the uom and multiplier of its type."""
    found: dict[str, str] = {}
    place = 0
    for mirror in (m for m in memory.mirrors.values() if m.lfdi == lfdi):
        for meter in mirror.meters.values():
            for reading in meter.told:
                rows = {
                    **flat(reading),
                    **{f"ReadingType.{n}": v for n, v in flat(meter.type).items()},
                    "mirror": mirror.mrid,
                    "meter": meter.mrid,
                }
                found |= {f"{place}.{name}": value for name, value in rows.items()}
                place += 1
    return found
