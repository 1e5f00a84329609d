"""How often clients are to ask: pollRates by resource, unless the operator sets others (seconds)."""

from collections.abc import Mapping
from typing import Final

from conformance.reference.sep2server.state import Memory

USUAL: Final[Mapping[str, int]] = {
    "DeviceCapability": 300,
    "Time": 300,
    "EndDeviceList": 300,
    "Registration": 300,
    "FunctionSetAssignmentsList": 300,
    "SubscriptionList": 300,
    "LogEventList": 300,
    "ResponseSetList": 300,
    "DeviceInformation": 300,
    "TariffProfileList": 300,
    "DERProgramList": 60,
    "DERList": 60,
    "MirrorUsagePointList": 60,
}
"""Every resource that has a pollRate."""


def poll_rate(memory: Memory, name: str) -> int | None:
    """Return the pollRate of a resource; None: it has none."""
    return memory.rates.get(name, USUAL[name]) if name in USUAL else None
