"""What a script against a VTN does again and again."""

from datetime import timedelta
from typing import Final

from conformance.kit.oadr20b.registration import request_event
from conformance.kit.stage import Ven, VtnStage
from conformance.kit.transcript import Message

PUSHED: Final = timedelta(seconds=5)
"""Time that a push and its answer take at most on a healthy line."""


async def settle(stage: VtnStage) -> None:
    """Let everything that waits for the first VEN come to it; it answers as it is set to."""
    if stage.mode == "pull":
        await stage.ven.drain()
    else:
        await stage.sleep(PUSHED)


async def look(stage: VtnStage, mark: str = "look", limit: int | None = None) -> Message:
    """Ask for the events after a mark, and do not answer them."""
    stage.mark(mark)
    return await ask(stage.ven, limit)


async def ask(ven: Ven, limit: int | None = None) -> Message:
    """Send an oadrRequestEvent."""
    return await ven.send(request_event(ven.request_id(), ven.ven_id, limit))


async def pass_by(stage: VtnStage, length: timedelta) -> None:
    """Let time pass."""
    await stage.sleep(length)
