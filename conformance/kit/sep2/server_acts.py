"""What scripts of cases for 2030.5 servers do again and again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from conformance.kit.sep2.client import Client
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.values import Account
from conformance.kit.transcript import Message

PEN: Final = "00040732"
"""Enterprise number at the end of what the suite names, in decimal digits (CSIP-AUS)."""
MANAGED: Final = 2
"""Devices behind the usual aggregator."""


@asynccontextmanager
async def part(stage: ServerStage, name: str) -> AsyncIterator[None]:
    """Mark where a part of the script begins and where it is over (``<name>.over``); checks look at parts."""
    stage.mark(name)
    yield
    stage.mark(f"{name}.over")


def managed_lfdis(lfdi: str, count: int = MANAGED) -> tuple[str, ...]:
    """Return LFDIs of devices without a certificate: made by the aggregator, its enterprise number at the end."""
    return tuple(f"{(int(lfdi[:32], 16) + n + 1) % 16**32:032X}{PEN}" for n in range(count))


async def aggregator(
    stage: ServerStage, name: str = "aggregator"
) -> tuple[Client, tuple[str, ...]]:
    """Bring an aggregator with the usual devices behind it; each has the usual assignment.

    Returns:
        The aggregator, and the LFDIs of its devices.
    """
    found = await stage.another_client(name, role="aggregator")
    devices = managed_lfdis(found.lfdi)
    for lfdi in devices:
        account = Account(lfdi=lfdi, assignments=("assignment",))
        await stage.operator.register(account, manager=found.lfdi)
    return found, devices


async def look(stage: ServerStage, name: str, what: str, of: str = "") -> Message:
    """Have the first client read a resource, as a part of the script."""
    async with part(stage, name):
        return await stage.client.read(what, of)


async def note_posted(stage: ServerStage, name: str, lfdi: str, what: str) -> None:
    """Ask the operator what is stored and keep it as the mark ``posted.<name>``."""
    stage.mark(f"posted.{name}", **await stage.operator.posted(lfdi, what))
