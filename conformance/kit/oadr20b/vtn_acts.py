"""What a script against a VTN does again and again."""

from datetime import timedelta
from typing import Final

from conformance.kit.oadr20b.registration import request_event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.stage import Ven, VtnStage
from conformance.kit.transcript import Message

POLL: Final = timedelta(seconds=10)
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


async def restart(stage: VtnStage) -> None:
    """End the VTN as a power cut would, and start it again."""
    await stage.driver.kill()
    await stage.sleep(PUSHED)
    await stage.driver.start()
    await stage.sleep(PUSHED)


async def ask_report(stage: VtnStage, request: ReportRequest) -> str:
    """Have the operator ask the first VEN for a report, let the VEN accept it, return its reportRequestID."""
    await stage.request_report(request)
    await settle(stage)
    asked = stage.transcript.from_device("oadrCreateReport")
    return asked[-1].text("oadr:oadrReportRequest/ei:reportRequestID") if asked else request.id


async def let_run(stage: VtnStage, length: timedelta) -> None:
    """Let time pass while the first VEN polls every ten seconds, in pull mode, and answers well."""
    if stage.mode == "pull":
        stage.ven.keep_polling(POLL)
    await stage.sleep(length)
