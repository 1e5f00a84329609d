"""What an operator permits: whether a device is enabled, and whether clients may change their ConnectionPoints.

Spec: IEEE 2030.5-2018 clause 8.5 (EndDevice.enabled); CSIP-AUS S-ALL-53 (a utility may forbid that a ConnectionPoint
is changed).
"""

from dataclasses import replace
from datetime import datetime

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import lfdi
from gateway.protocols.sep2.server.checks import checked
from gateway.protocols.sep2.server.kinds import CLOSED
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.server import Sep2Server


def set_enabled(server: Sep2Server, name: str, now: datetime, *, on: bool) -> Turn:
    """Say that a device is enabled, or is not: then it acts as if it were not registered.

    Raises:
        MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
    """
    device = server.book.device(checked(lambda: lfdi(name)))
    if device is None or not isinstance(device.value, sep.EndDevice):
        raise MisuseError("UNKNOWN_RESOURCE", f"no device has the LFDI {name[:40]}")
    turn = Turn(at=now, told=device.scope)
    value = replace(device.value, enabled=on, changed_time=int(now.timestamp()))
    turn.keep(replace(device, value=value))
    return turn


def open_connection_points(server: Sep2Server, now: datetime, *, on: bool) -> Turn:
    """Let clients change their ConnectionPoints, or refuse it (403) until told otherwise, over restarts."""
    turn = Turn(at=now, told=sep.ConnectionPoint.__name__)
    if (sep.ConnectionPoint.__name__ in server.book.placed(CLOSED)) is on:
        turn.members[CLOSED, sep.ConnectionPoint.__name__] = not on
    return turn
