"""Events of IEEE 2030.5 as a device sees them: what holds when, and what the server is told.

Pure and independent of the codec: values in, values out; see ``engine`` for the doors.
"""

from gateway.protocols.sep2.events.codes import Code, FunctionSet, Listed
from gateway.protocols.sep2.events.engine import CHOICES, EventEngine
from gateway.protocols.sep2.events.intake import Scope
from gateway.protocols.sep2.events.settings import CancelRandom, Settings, Supersede
from gateway.protocols.sep2.events.table import Input, State
from gateway.protocols.sep2.events.values import (
    Control,
    Default,
    Finding,
    Force,
    Key,
    Outcome,
    Program,
    Respond,
    Stretch,
)

__all__ = [
    "CHOICES",
    "CancelRandom",
    "Code",
    "Control",
    "Default",
    "EventEngine",
    "Finding",
    "Force",
    "FunctionSet",
    "Input",
    "Key",
    "Listed",
    "Outcome",
    "Program",
    "Respond",
    "Scope",
    "Settings",
    "State",
    "Stretch",
    "Supersede",
]
