"""Which driver an IXIT names."""

from conformance.engine.drivers.command import CommandHands
from conformance.engine.drivers.hands import Hands, Nobody
from conformance.engine.drivers.http import HttpHands
from conformance.engine.drivers.manual import ManualHands
from conformance.engine.ixit import Ixit


def hands_for(ixit: Ixit) -> Hands:
    """Make the driver; a device in this process brings its own."""
    chosen = ixit.driver
    match chosen.kind:
        case "command":
            return CommandHands(chosen.commands, chosen.timeout_s, ixit.values)
        case "http":
            return HttpHands(chosen.url, chosen.methods, chosen.timeout_s)
        case "manual":
            return ManualHands(chosen.methods, ixit.operator)
        case _:
            return Nobody()
