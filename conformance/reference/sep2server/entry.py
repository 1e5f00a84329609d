"""DeviceCapability and Time, where every client begins."""

from lxml.etree import _Element as Element

from conformance.reference.sep2server.paths import Ids
from conformance.reference.sep2server.view import View

UNCOORDINATED = 7
"""Quality of a clock that nobody sets on purpose."""


def device_capability(view: View, ids: Ids) -> Element:
    """Make the entry; who is not registered finds the list of EndDevices, and may register there."""
    content = {**view.links("Time"), **view.counted("EndDeviceList")}
    if view.reach.own is not None:
        content |= view.counted("MirrorUsagePointList", "ResponseSetList")
    return view.document("DeviceCapability", ids, content)


def time(view: View, ids: Ids) -> Element:
    """Make the clock."""
    content = {
        "currentTime": view.now,
        "dstEndTime": 0,
        "dstOffset": 0,
        "dstStartTime": 0,
        "localTime": view.now,
        "quality": UNCOORDINATED,
        "tzOffset": 0,
    }
    return view.document("Time", ids, content)


MAKERS = {"DeviceCapability": device_capability, "Time": time}
