"""Rules about a VEN's opts: 042 to 045 (section 8.5, rules 201 to 211)."""

from collections.abc import Iterator
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Transcript

_CREATE: Final = "oadrCreateOpt"
_WINDOW: Final = "xcal:vavailability/xcal:components/xcal:available/xcal:properties"
_WINDOW_PARTS: Final = frozenset({"dtstart", "duration"})
DEVICE_CLASSES: Final = frozenset(
    {
        "Thermostat",
        "Strip_Heater",
        "Baseboard_Heater",
        "Water_Heater",
        "Pool_Pump",
        "Sauna",
        "Hot_tub",
        "Smart_Appliance",
        "Irrigation_Pump",
        "Managed_Commercial_and_Industrial_Loads",
        "Simple_Residential_On_Off_Loads",
        "Exterior_Lighting",
        "Interior_Lighting",
        "Electric_Vehicle",
        "Generation_Systems",
        "Load_Control_Switch",
        "Smart_Inverter",
        "EVSE",
        "RESU",
        "Energy_Management_System",
        "Smart_Energy_Module",
        "Storage",
    }
)
"""Values of ``endDeviceAsset/mrid``."""


def rule_042(transcript: Transcript) -> Iterator[Finding]:
    """Qualify an event, or state windows of availability; never both, never neither."""
    for message in transcript.from_device(_CREATE):
        event, windows = message.has("ei:qualifiedEventID"), message.has("xcal:vavailability")
        if event == windows:
            found = "both" if event else "neither"
            expected = "either qualifiedEventID or vavailability"
            yield wrong("RULE-2B-042", message, "", expected, found)
        if event and message.has("emix:marketContext"):
            yield wrong("RULE-2B-042", message, "emix:marketContext", "none with an event", "one")


def rule_043(transcript: Transcript) -> Iterator[Finding]:
    """Give a window of availability nothing but a start and a duration."""
    for message in transcript.from_device(_CREATE):
        for window in message.elements(_WINDOW):
            names = {str(child.tag).rpartition("}")[2] for child in window}
            if names - _WINDOW_PARTS:
                found = " ".join(sorted(names - _WINDOW_PARTS))
                yield wrong("RULE-2B-043", message, _WINDOW, "dtstart and duration", found)


def rule_044(transcript: Transcript) -> Iterator[Finding]:
    """Name every opt, and cancel none that it never created."""
    created: set[str] = set()
    for message in transcript.from_device():
        opt_id = message.text("ei:optID")
        if message.name == _CREATE:
            created.add(opt_id)
            if not opt_id:
                yield wrong("RULE-2B-044", message, "ei:optID", "an id", "none")
        elif message.name == "oadrCancelOpt" and opt_id not in created:
            expected = " or ".join(sorted(created)) or "no oadrCancelOpt"
            yield wrong("RULE-2B-044", message, "ei:optID", expected, opt_id)


def rule_045(transcript: Transcript) -> Iterator[Finding]:
    """Use only device classes of the list."""
    for message in transcript.from_device():
        for found in message.all(".//power:endDeviceAsset/power:mrid"):
            if found not in DEVICE_CLASSES:
                path = ".//power:endDeviceAsset/power:mrid"
                yield wrong("RULE-2B-045", message, path, "a device class of the list", found)


RULES: Final = (
    Check("RULE-2B-042", rule_042),
    Check("RULE-2B-043", rule_043),
    Check("RULE-2B-044", rule_044),
    Check("RULE-2B-045", rule_045),
)
