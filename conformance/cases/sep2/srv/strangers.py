"""What aggregators and strangers must not see or change (S-ALL-05): devices that others manage, and anything at all."""

from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    listed,
    refuses,
    unchanged,
)
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator, offer
from conformance.kit.sep2.values import limit

_WRITE = "REQ-CSIPAUS-S-ALL-05-2"
_MANAGER = "REQ-CSIPAUS-S-ALL-05-3"
_WRONG = "belongs to another client"


async def _looks(stage: ServerStage, name: str, places: list[str]) -> None:
    async with part(stage, name):
        for where in places:
            await stage.client.get(where)


@case(
    id="CSIP-SRV-ACC-015",
    title="A device that an aggregator manages is hidden from another aggregator",
    purpose="Exposes a server that takes every aggregator for the manager of every device.",
    public=("S-ALL-05",),
    requirements=(_MANAGER,),
    checks=(
        answers("own", 200, requirement=_MANAGER),
        listed("EndDevice", 1, requirement=_MANAGER, part="list", client="rival"),
        refuses("foreign", requirement=_MANAGER),
    ),
    observations=(
        done_well("own", 3),
        done_well("list", got="EndDeviceList"),
        answered("foreign", 4, client="rival"),
    ),
    needs=("register_aggregator",),
)
async def rival(stage: ServerStage) -> None:
    """Let the manager read a device; let another aggregator list its own, and try the same addresses."""
    manager, devices = await aggregator(stage)
    other = await stage.another_client("rival", role="aggregator")
    places = [
        await manager.href(what, devices[0])
        for what in ("EndDevice", "FunctionSetAssignmentsList", "DERList")
    ]
    status = await manager.href("DERStatus", devices[0])
    async with part(stage, "own"):
        for where in places:
            await manager.get(f"{where}?s=0&l=255")
    async with part(stage, "list"):
        await other.members("EndDeviceList")
    async with part(stage, "foreign"):
        for where in places:
            await other.get(f"{where}?s=0&l=255", wrong=_WRONG)
        await other.put(status, documents.status(stage.now), wrong=_WRONG)


@case(
    id="CSIP-SRV-ACC-018",
    title="Who is not registered can tell nothing",
    purpose="Exposes a server that takes status, readings, log events or Responses of strangers.",
    public=("S-ALL-05",),
    requirements=(_WRITE,),
    checks=(
        refuses("foreign", requirement=_WRITE),
        unchanged("before", "after", requirement=_WRITE),
    ),
    observations=(
        done_well("before", 2),
        answered("foreign", 3, client="stranger"),
        done_well("after", 2),
    ),
    applies_if="SRV-MUP",
)
async def stranger_tells(stage: ServerStage) -> None:
    """Let a client that nobody registered put a status, post a log event and a mirror, at the first one's addresses."""
    owner = stage.client
    other = await stage.another_client("stranger", registered=False)
    await owner.put(await owner.href("DERStatus"), documents.status(stage.now))
    status, log = await owner.href("DERStatus"), await owner.href("LogEventList")
    mirrors = await owner.href("MirrorUsagePointList")
    await _looks(stage, "before", [status, f"{log}?s=0&l=9"])
    async with part(stage, "foreign"):
        await other.put(status, documents.status(stage.now, connected=0), wrong=_WRONG)
        await other.post(log, documents.log_event(stage.now, 9), wrong=_WRONG)
        await other.post(mirrors, documents.mirror(other.lfdi), wrong="not registered")
    await _looks(stage, "after", [status, f"{log}?s=0&l=9"])


@case(
    id="CSIP-SRV-ACC-019",
    title="An aggregator tells nothing for devices that another one manages",
    purpose="Exposes a server that takes an aggregator's word for any LFDI.",
    public=("S-ALL-05", "S-ALL-57"),
    requirements=(_MANAGER,),
    checks=(
        answers("own", 201, requirement=_MANAGER, method="POST"),
        refuses("foreign", requirement=_MANAGER, method="POST"),
    ),
    observations=(
        answered("own", method="POST", client="aggregator"),
        answered("foreign", 3, method="POST", client="rival"),
    ),
    applies_if="SRV-MUP and SRV-RSP",
    needs=("register_aggregator",),
)
async def rival_tells(stage: ServerStage) -> None:
    """Let the manager make a mirror for its device; let another aggregator make one, log and respond for it."""
    manager, devices = await aggregator(stage)
    other = await stage.another_client("rival", role="aggregator")
    await offer(stage, "c1", limit(50), ahead=30 * MINUTE, required="03")
    controls = await manager.members("DERControlList")
    log = await manager.href("LogEventList", devices[0])
    async with part(stage, "own"):
        where = await manager.href("MirrorUsagePointList")
        await manager.post(where, documents.mirror(devices[0]))
    mine = documents.mirror(devices[0], role=documents.DEVICE)
    places = await other.href("MirrorUsagePointList")
    async with part(stage, "foreign"):
        await other.post(places, mine, wrong=_WRONG)
        await other.post(log, documents.log_event(stage.now, 3), wrong=_WRONG)
        for control in controls[:1]:
            await other.respond(control, 1, lfdi=devices[0], wrong=_WRONG)
