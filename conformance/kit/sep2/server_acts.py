"""What scripts of cases for 2030.5 servers do again and again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.transcript import Message


@asynccontextmanager
async def part(stage: ServerStage, name: str) -> AsyncIterator[None]:
    """Mark where a part of the script begins and where it is over (``<name>.over``); checks look at parts."""
    stage.mark(name)
    yield
    stage.mark(f"{name}.over")


async def look(stage: ServerStage, name: str, what: str, of: str = "") -> Message:
    """Have the first client read a resource, as a part of the script."""
    async with part(stage, name):
        return await stage.client.read(what, of)
