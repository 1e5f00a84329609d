"""What an operator permits, and what it takes back: doors of ``server.permits`` and ``server.removing``."""

from pydantic import BaseModel

from gateway.protocols.sep2.server.permits import open_connection_points, set_enabled
from gateway.protocols.sep2.server.removing import remove_event
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin.asked import Asked


async def enable(asked: Asked) -> BaseModel:
    """Enable a device, or not."""
    name, on = asked.path["lfdi"], asked.body.on
    return d.Done(
        name=await asked.utility.operate(lambda o, now: set_enabled(o.server, name, now, on=on))
    )


async def connection_points(asked: Asked) -> BaseModel:
    """Let ConnectionPoints be changed, or not."""
    on = asked.body.on
    return d.Done(
        name=await asked.utility.operate(
            lambda o, now: open_connection_points(o.server, now, on=on)
        )
    )


async def withdraw(asked: Asked) -> BaseModel:
    """Forget an event."""
    name = asked.path["mrid"]
    return d.Done(
        name=await asked.utility.operate(lambda o, now: remove_event(o.server, name, now))
    )
