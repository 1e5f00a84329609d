"""Where resources lie: one template for each name, and back from a path to a name."""

import re
from collections.abc import Mapping
from typing import Final

TEMPLATES: Final[Mapping[str, str]] = {
    "DeviceCapability": "/dcap",
    "Time": "/tm",
    "EndDeviceList": "/edev",
    "EndDevice": "/edev/{}",
    "Registration": "/edev/{}/rg",
    "DeviceInformation": "/edev/{}/di",
    "ConnectionPoint": "/edev/{}/cp",
    "FunctionSetAssignmentsList": "/edev/{}/fsa",
    "FunctionSetAssignments": "/edev/{}/fsa/{}",
    "DERProgramList": "/edev/{}/fsa/{}/derp",
    "TariffProfileList": "/edev/{}/fsa/{}/tp",
    "DERList": "/edev/{}/der",
    "DER": "/edev/{}/der/{}",
    "DERAvailability": "/edev/{}/der/{}/dera",
    "DERCapability": "/edev/{}/der/{}/dercap",
    "DERSettings": "/edev/{}/der/{}/derg",
    "DERStatus": "/edev/{}/der/{}/ders",
    "LogEventList": "/edev/{}/lel",
    "LogEvent": "/edev/{}/lel/{}",
    "SubscriptionList": "/edev/{}/sub",
    "Subscription": "/edev/{}/sub/{}",
    "DERProgram": "/derp/{}",
    "DERControlList": "/derp/{}/derc",
    "DERControl": "/derp/{}/derc/{}",
    "ActiveDERControlList": "/derp/{}/actderc",
    "DefaultDERControl": "/derp/{}/dderc",
    "DERCurveList": "/derp/{}/dc",
    "DERCurve": "/derp/{}/dc/{}",
    "TariffProfile": "/tp/{}",
    "RateComponentList": "/tp/{}/rc",
    "RateComponent": "/tp/{}/rc/{}",
    "ReadingType": "/tp/{}/rc/{}/rt",
    "TimeTariffIntervalList": "/tp/{}/rc/{}/tti",
    "TimeTariffInterval": "/tp/{}/rc/{}/tti/{}",
    "ConsumptionTariffIntervalList": "/tp/{}/rc/{}/tti/{}/cti",
    "ConsumptionTariffInterval": "/tp/{}/rc/{}/tti/{}/cti/1",
    "MirrorUsagePointList": "/mup",
    "MirrorUsagePoint": "/mup/{}",
    "ResponseSetList": "/rsps",
    "ResponseSet": "/rsps/1",
    "ResponseList": "/rsps/1/rsp",
    "Response": "/rsps/1/rsp/{}",
}
_PATTERNS: Final = {
    name: re.compile(template.replace("{}", "([0-9]{1,12})"))
    for name, template in TEMPLATES.items()
}
Ids = tuple[str, ...]
"""Numbers in a path, from left to right."""


def path_of(name: str, *ids: str) -> str:
    """Return where a resource lies."""
    return TEMPLATES[name].format(*ids)


def resource_at(path: str) -> tuple[str, Ids] | None:
    """Return which resource a path is for; None: nothing lies there, ever."""
    for name, pattern in _PATTERNS.items():
        match = pattern.fullmatch(path)
        if match:
            return name, match.groups()
    return None
