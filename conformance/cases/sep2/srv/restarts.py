"""A server is stopped, or killed, and started again: nothing that it answered for is lost (ERR-002)."""

from datetime import timedelta

from conformance.kit.case import Case
from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.checks.answers import answers, done_well, unchanged
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import offer
from conformance.kit.sep2.values import limit

_LASTS = "REQ-SEP2-8.9-51"
_WHATS = (
    "EndDevice", "Registration", "FunctionSetAssignmentsList", "DERProgramList", "DERControlList",
    "DefaultDERControl", "DERStatus", "SubscriptionList",
)  # fmt: skip
_PAUSE = timedelta(seconds=10)


def _again(number: int, how: str) -> Case:
    @case(
        id=f"CSIP-SRV-RST-{number:03}",
        title=f"What a server has answered for is there after it was {how}",
        purpose="Exposes a server that keeps registrations, controls, status or subscriptions in memory alone.",
        public=("ERR-002",),
        requirements=(_LASTS,),
        checks=(
            answers("after", 200, requirement=_LASTS),
            unchanged("before", "after", requirement=_LASTS),
        ),
        observations=(done_well("before", len(_WHATS)), done_well("after", len(_WHATS))),
        applies_if="SRV-RESTART",
        needs=("start", "stop" if how == "stopped" else "kill"),
    )
    async def script(stage: ServerStage) -> None:
        """Publish, subscribe and tell; read; stop and start it; read again at the same addresses."""
        client = stage.client
        await offer(stage, "c1", limit(40), ahead=60 * MINUTE)
        await client.subscribe(await client.href("DERControlList"))
        await client.put(await client.href("DERStatus"), documents.status(stage.now))
        places = [await client.href(what) for what in _WHATS]
        await _looks(stage, "before", places)
        if how == "stopped":
            await stage.driver.stop()
        else:
            await stage.driver.kill()
        await client.hang_up()
        await stage.driver.start()
        await stage.sleep(_PAUSE)
        await _looks(stage, "after", places)

    return script


async def _looks(stage: ServerStage, name: str, places: list[str]) -> None:
    async with part(stage, name):
        for where in places:
            await stage.client.get(f"{where}?s=0&l=255")


stopped = _again(1, "stopped")
killed = _again(2, "killed")
