"""EndDevices and what hangs on them: registration, assignments, DERs with what was put, log events.

Spec: IEEE 2030.5-2018 clauses 10.2 and 10.10; CSIP-AUS for ConnectionPoint.
"""

import copy
from collections.abc import Mapping
from functools import partial
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.build import link
from conformance.reference.sep2server.identity import sfdi_of
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.view import Lister, Maker, View, by_mrid
from conformance.reference.sep2server.wire import instant_at

DER_PARTS: Final = ("DERAvailability", "DERCapability", "DERSettings", "DERStatus")


def end_device(view: View, ids: Ids) -> Element:
    """Make one EndDevice."""
    device = view.memory.device(ids[0])
    content: dict[str, object] = {
        **view.links("DeviceInformation", of=ids),
        **view.counted("FunctionSetAssignmentsList", "LogEventList", of=ids),
        "lFDI": device.lfdi,
        "sFDI": sfdi_of(device.lfdi),
        "changedTime": device.changed,
        "enabled": device.enabled,
        "postRate": device.post_s,
        **device.content,
    }
    if device.ders:
        content |= view.counted("DERList", of=ids)
    if device.pin is not None:
        content |= view.links("Registration", of=ids)
    if not device.manager:
        content |= view.counted("SubscriptionList", of=ids)
    if view.settings.csip_aus and not device.aggregator:
        content["aus:ConnectionPointLink"] = link(path_of("ConnectionPoint", *ids))
    return view.document("EndDevice", ids, content)


def registration(view: View, ids: Ids) -> Element | None:
    """Make the PIN's document."""
    device = view.memory.device(ids[0])
    if device.pin is None:
        return None
    content = {"dateTimeRegistered": device.registered, "pIN": device.pin}
    return view.document("Registration", ids, content)


def assignment(view: View, ids: Ids) -> Element:
    """Make one FunctionSetAssignments."""
    name, held = next(row for row in view.memory.assignments.items() if row[1].number == ids[1])
    priced = ("TariffProfileList",) if held.tariffs else ()
    content = {
        **view.counted("DERProgramList", *priced, of=ids),
        **view.links("Time"),
        "mRID": held.mrid,
        "description": name[:32],
        "version": held.version,
    }
    return view.document("FunctionSetAssignments", ids, content)


def der(view: View, ids: Ids) -> Element:
    """Make one DER."""
    return view.document("DER", ids, view.links(*DER_PARTS, of=ids))


def put(name: str, view: View, ids: Ids) -> Element | None:
    """Return a document as it was put."""
    kept = view.memory.device(ids[0]).documents.get((name, *ids[1:]))
    if kept is None:
        return None
    shown = copy.deepcopy(kept)
    shown.set("href", path_of(name, *ids))
    return shown


def log_event(view: View, ids: Ids) -> Element | None:
    """Return a log event as it was posted."""
    kept = view.memory.device(ids[0]).events.get(ids[1])
    if kept is None:
        return None
    shown = copy.deepcopy(kept)
    shown.set("href", path_of("LogEvent", *ids))
    return shown


# --- lists


def device_rows(view: View, _: Ids) -> list[Row]:
    """List the caller's EndDevices: by SFDI."""
    mine = sorted(view.reach.devices(), key=lambda d: (sfdi_of(d.lfdi), int(d.number)))
    return [Row(ids=(device.number,)) for device in mine]


def assignment_rows(view: View, ids: Ids) -> list[Row]:
    """List the assignments of a device."""
    held = [view.memory.assignments[name] for name in view.memory.device(ids[0]).assignments]
    return by_mrid([(one.mrid, (ids[0], one.number)) for one in held])


def der_rows(view: View, ids: Ids) -> list[Row]:
    """List the DERs of a device."""
    return [Row(ids=(ids[0], str(n + 1))) for n in range(view.memory.device(ids[0]).ders)]


def log_event_rows(view: View, ids: Ids) -> list[Row]:
    """List the log events of a device: the oldest first."""
    rows = [
        Row(ids=(ids[0], number), at=instant_at(event, "createdDateTime"))
        for number, event in view.memory.device(ids[0]).events.items()
    ]
    return sorted(rows, key=lambda row: (row.at, int(row.ids[1])))


MAKERS: Final[Mapping[str, Maker]] = {
    "EndDevice": end_device,
    "Registration": registration,
    "FunctionSetAssignments": assignment,
    "DER": der,
    "LogEvent": log_event,
    **{n: partial(put, n) for n in (*DER_PARTS, "DeviceInformation", "ConnectionPoint")},
}
LISTS: Final[Mapping[str, Lister]] = {
    "EndDeviceList": Lister(member="EndDevice", members=device_rows, subscribable=True),
    "FunctionSetAssignmentsList": Lister(
        member="FunctionSetAssignments", members=assignment_rows, subscribable=True
    ),
    "DERList": Lister(member="DER", members=der_rows),
    "LogEventList": Lister(member="LogEvent", members=log_event_rows),
}
