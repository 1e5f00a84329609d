"""What a script against a VTN does again and again."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.oadr20b import ven_build
from conformance.kit.oadr20b.registration import query_registration, request_event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.ven_build import EventResponse, created_event
from conformance.kit.stage import Ven, VtnStage
from conformance.kit.transcript import Message
from conformance.kit.xml import Element

MINUTE: Final = timedelta(minutes=1)
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


async def alive(stage: VtnStage) -> None:
    """Query, to see that the line carries: what did not come meanwhile was not sent."""
    await stage.ven.send(query_registration(stage.ven.request_id()))


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


def periodic(stage: VtnStage, name: str = "r1", back: timedelta = MINUTE) -> ReportRequest:
    """Return a request for ten minutes from now, minute by minute."""
    return ReportRequest(
        id=name,
        specifier="usage",
        points=("power",),
        granularity=MINUTE,
        back=back,
        start=stage.now,
        lasts=timedelta(minutes=10),
    )


def minutes_of(stage: VtnStage, request: str, count: int = 1) -> Element:
    """Make a delivery of so many minutes that have passed."""
    return ven_build.update_report(
        stage.ven.request_id(),
        stage.ven.ven_id,
        report_request=request,
        specifier="usage",
        name="TELEMETRY_USAGE",
        start=stage.now - count * MINUTE,
        step=MINUTE,
        values=[("power", Decimal(5))] * count,
        now=stage.now,
    )


async def deliver(stage: VtnStage, request: str, wrong: str = "") -> None:
    """Deliver the last minute of a report."""
    await stage.ven.send(minutes_of(stage, request), wrong=wrong)


def version_of(stage: VtnStage, event_id: str) -> int:
    """Return the modificationNumber that the VTN has distributed last for an event; 0 for none."""
    path = f".//ei:eventDescriptor[ei:eventID='{event_id}']/ei:modificationNumber"
    shown = [m.text(path) for m in stage.transcript.from_device("oadrDistributeEvent")]
    found = [text for text in shown if text.isdigit()]
    return int(found[-1]) if found else 0


async def say(
    stage: VtnStage,
    *rows: tuple[str, str],
    code: str = "200",
    later: int = 0,
    wrong: str = "",
) -> Message:
    """Send one oadrCreatedEvent: eventID and opt of each event, in the version that was distributed last.

    Args:
        stage: Of the case.
        rows: What is said.
        code: responseCode of each; other than 200 says that the VEN refuses.
        later: Added to the version, to be wrong.
        wrong: In what the message is wrong on purpose.
    """
    responses = [
        EventResponse(
            event_id=name,
            version=version_of(stage, name) + later,
            request_id="said",
            opt=opt,
            code=code,
        )
        for name, opt in rows
    ]
    return await stage.ven.send(created_event(stage.ven.ven_id, responses), wrong=wrong)
