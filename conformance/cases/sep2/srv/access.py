"""What clients must not see or change of each other (S-ALL-05); everything is tried, and the owner looks again."""

from dataclasses import dataclass

from conformance.kit.case import Case
from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.acts import MINUTE, PROGRAM
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    listed,
    refuses,
    unchanged,
)
from conformance.kit.sep2.client import Client
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import offer
from conformance.kit.sep2.values import Account, limit

_READ = "REQ-CSIPAUS-S-ALL-05-1"
_WRITE = "REQ-CSIPAUS-S-ALL-05-2"
_MANAGER = "REQ-CSIPAUS-S-ALL-05-3"
_WRONG = "belongs to another client"
_DER = ("DERCapability", "DERSettings", "DERStatus")


async def tell_der(stage: ServerStage, client: Client) -> None:
    """Put capability, settings and status of the client's DER."""
    aus = stage.mode == "csipaus"
    await client.put(await client.href("DERCapability"), documents.capability(aus=aus))
    await client.put(await client.href("DERSettings"), documents.settings(stage.now, aus=aus))
    await client.put(await client.href("DERStatus"), documents.status(stage.now))


async def _other(stage: ServerStage) -> Client:
    """Bring a second device, registered and without an assignment."""
    found = await stage.another_client("second", registered=False)
    await stage.operator.register(Account(lfdi=found.lfdi))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: int
    title: str
    purpose: str
    whats: tuple[str, ...]


def _read_by_another(row: _Row) -> Case:
    @case(
        id=f"CSIP-SRV-ACC-{row.number:03}",
        title=row.title,
        purpose=row.purpose,
        public=("S-ALL-05",),
        requirements=(_READ,),
        checks=(
            answers("own", 200, requirement=_READ),
            refuses("foreign", requirement=_READ),
            answers("again", 200, requirement=_READ),
        ),
        observations=(
            done_well("own", len(row.whats)),
            answered("foreign", len(row.whats), method="GET", client="second"),
            done_well("again", len(row.whats)),
        ),
    )
    async def script(stage: ServerStage) -> None:
        """Let the owner read its resources, another device the same, and the owner once more."""
        owner, other = stage.client, await _other(stage)
        await offer(stage, "c1", limit(50), ahead=30 * MINUTE)
        await tell_der(stage, owner)
        places = [await owner.href(what) for what in row.whats]
        await other.members("EndDeviceList")
        async with part(stage, "own"):
            for where in places:
                await owner.get(f"{where}?s=0&l=255")
        async with part(stage, "foreign"):
            for where in places:
                await other.get(f"{where}?s=0&l=255", wrong=_WRONG)
        async with part(stage, "again"):
            for where in places:
                await owner.get(f"{where}?s=0&l=255")

    return script


reads_device = _read_by_another(
    _Row(
        number=1,
        title="An EndDevice, its registration and its lists are hidden from another device",
        purpose="Exposes a server that gives an EndDevice, its PIN or its lists to whoever knows the address.",
        whats=(
            "EndDevice",
            "Registration",
            "FunctionSetAssignmentsList",
            "DERList",
            "LogEventList",
        ),
    )
)
reads_program = _read_by_another(
    _Row(
        number=2,
        title="Programs and controls that a device was not assigned are hidden from it",
        purpose="Exposes a server that gives controls to whoever knows the address.",
        whats=("DERProgramList", "DERProgram", "DERControlList", "DefaultDERControl"),
    )
)
reads_der = _read_by_another(
    _Row(
        number=3,
        title="What a device tells of its DER is hidden from another device",
        purpose="Exposes a server that shows ratings and status to whoever knows the address.",
        whats=_DER,
    )
)


@case(
    id="CSIP-SRV-ACC-010",
    title="What a device tells of its DER cannot be changed by another one",
    purpose="Exposes a server that looks at the address alone when a document is put.",
    public=("S-ALL-05",),
    requirements=(_WRITE,),
    checks=(
        refuses("foreign", requirement=_WRITE, method="PUT"),
        unchanged("before", "after", requirement=_WRITE),
    ),
    observations=(
        done_well("before", 3), answered("foreign", 3, method="PUT", client="second"), done_well("after", 3)
    ),
)  # fmt: skip
async def writes_der(stage: ServerStage) -> None:
    """Let another device put capability, settings and status at the owner's addresses; look before and after."""
    owner, other = stage.client, await _other(stage)
    await tell_der(stage, owner)
    places = [await owner.href(what) for what in _DER]
    await _looks(stage, "before", places)
    aus = stage.mode == "csipaus"
    strange = (
        documents.capability(aus=aus, type=4),
        documents.settings(stage.now, aus=aus, setGradW=99),
        documents.status(stage.now, connected=0, mode=1),
    )
    async with part(stage, "foreign"):
        for where, element in zip(places, strange, strict=True):
            await other.put(where, element, wrong=_WRONG)
    await _looks(stage, "after", places)


async def _looks(stage: ServerStage, name: str, places: list[str]) -> None:
    async with part(stage, name):
        for where in places:
            await stage.client.get(where)


@case(
    id="CSIP-SRV-ACC-011",
    title="An EndDevice cannot be changed or removed by another device",
    purpose="Exposes a server that lets anybody put or delete an EndDevice.",
    public=("S-ALL-05", "S-ALL-52"),
    requirements=(_WRITE,),
    checks=(
        refuses("foreign", requirement=_WRITE),
        unchanged("before", "after", requirement=_WRITE),
    ),
    observations=(
        done_well("before"),
        answered("foreign", method="PUT", client="second"),
        answered("foreign", method="DELETE", client="second"),
        done_well("after"),
    ),
)
async def writes_device(stage: ServerStage) -> None:
    """Let another device PUT and DELETE the owner's EndDevice."""
    owner, other = stage.client, await _other(stage)
    where = await owner.href("EndDevice")
    await _looks(stage, "before", [where])
    async with part(stage, "foreign"):
        changed = other.end_device(owner.lfdi, deviceCategory="00000001")
        await other.put(where, changed, wrong=_WRONG)
        await other.delete(where, wrong=_WRONG)
    await _looks(stage, "after", [where])


@case(
    id="CSIP-SRV-ACC-012",
    title="A mirror is hidden from another device and cannot be changed by it",
    purpose="Exposes a server that shows meters to others, or takes readings for them.",
    public=("S-ALL-05",),
    requirements=(_READ, _WRITE),
    checks=(
        answers("create", 201, requirement=_WRITE, method="POST"),
        listed("MirrorUsagePoint", 0, requirement=_READ, part="list", client="second"),
        refuses("foreign", requirement=_WRITE),
        listed("MirrorUsagePoint", 1, requirement=_WRITE, part="after", client="first"),
    ),
    observations=(
        answered("create", method="POST"),
        done_well("list", got="MirrorUsagePointList"),
        answered("foreign", 4, client="second"),
        done_well("after", got="MirrorUsagePointList"),
    ),
    applies_if="SRV-MUP",
)
async def mirrors(stage: ServerStage) -> None:
    """Create a mirror; let another device list mirrors, post into it, put, delete it, and make one in its name."""
    owner, other = stage.client, await _other(stage)
    async with part(stage, "create"):
        made = await owner.post(
            await owner.href("MirrorUsagePointList"), documents.mirror(owner.lfdi)
        )
    where = made.header("Location")
    async with part(stage, "list"):
        await other.read("MirrorUsagePointList")
    strange = documents.reading(owner.lfdi, "W", 7, stage.now - MINUTE, MINUTE)
    async with part(stage, "foreign"):
        await other.post(where, strange, wrong=_WRONG)
        await other.put(where, documents.mirror(owner.lfdi, status=0), wrong=_WRONG)
        await other.delete(where, wrong=_WRONG)
        mine = documents.mirror(owner.lfdi, role=documents.DEVICE)
        await other.post(await other.href("MirrorUsagePointList"), mine, wrong=_WRONG)
    async with part(stage, "after"):
        await owner.read("MirrorUsagePointList")


@case(
    id="CSIP-SRV-ACC-013",
    title="Nobody logs events for another device",
    purpose="Exposes a server that takes LogEvents from whoever knows the address.",
    public=("S-ALL-05",),
    requirements=(_WRITE,),
    checks=(
        refuses("foreign", requirement=_WRITE, method="POST"),
        listed("LogEvent", 0, requirement=_WRITE, part="after", client="first"),
    ),
    observations=(
        answered("foreign", method="POST", client="second"),
        done_well("after", got="LogEventList"),
    ),
)
async def logs(stage: ServerStage) -> None:
    """Let another device POST a LogEvent to the owner's list; let the owner read it."""
    other = await _other(stage)
    where = await stage.client.href("LogEventList")
    async with part(stage, "foreign"):
        await other.post(where, documents.log_event(stage.now, 1), wrong=_WRONG)
    async with part(stage, "after"):
        await stage.client.read("LogEventList")


@case(
    id="CSIP-SRV-ACC-014",
    title="Nobody subscribes to what belongs to another device",
    purpose="Exposes a server that notifies strangers of a device's assignments.",
    public=("S-ALL-05",),
    requirements=(_READ,),
    checks=(refuses("foreign", requirement=_READ, method="POST"),),
    observations=(answered("foreign", 2, method="POST", client="aggregator"),),
)
async def subscriptions(stage: ServerStage) -> None:
    """Let an aggregator subscribe to the assignments and controls of a device that it does not manage."""
    found = await stage.another_client("aggregator", role="aggregator")
    places = [
        await stage.client.href("FunctionSetAssignmentsList"),
        await stage.client.href("DERControlList", PROGRAM),
    ]
    await found.href("SubscriptionList")
    async with part(stage, "foreign"):
        for where in places:
            await found.subscribe(where, wrong=_WRONG)


@case(
    id="CSIP-SRV-ACC-016",
    title="A device that was removed finds nothing any more",
    purpose="Exposes a server that goes on serving a device whose registration has ended.",
    public=("S-ALL-05", "MAINT-001"),
    requirements=("REQ-CSIPAUS-S-ALL-05-4",),
    checks=(
        answers("before", 200, requirement="REQ-CSIPAUS-S-ALL-05-4"),
        refuses("after", requirement="REQ-CSIPAUS-S-ALL-05-4"),
    ),
    observations=(done_well("before", 4), answered("after", 4)),
    needs=("remove",),
)
async def removed(stage: ServerStage) -> None:
    """Let it read what is its own, have it removed, let it read the same."""
    places = [
        await stage.client.href(what)
        for what in ("EndDevice", "FunctionSetAssignmentsList", "DERControlList", "DERList")
    ]
    for name in ("before", "after"):
        async with part(stage, name):
            for where in places:
                await stage.client.get(f"{where}?s=0&l=255")
        if name == "before":
            await stage.operator.remove(stage.client.lfdi)


@case(
    id="CSIP-SRV-ACC-017",
    title="Two devices whose mirrors bear the same mRID do not disturb each other",
    purpose="Exposes a server that finds mirrors by mRID alone: whoever guesses one overwrites a meter.",
    public=("S-ALL-05", "S-ALL-07"),
    requirements=(_WRITE,),
    checks=(
        answers("create", 201, requirement=_WRITE, method="POST"),
        unchanged("before", "after", requirement=_WRITE, besides=("lastUpdateTime",)),
        listed("MirrorUsagePoint", 1, requirement=_WRITE, part="after", client="first"),
    ),
    observations=(
        done_well("before", got="MirrorUsagePointList"),
        answered("same", method="POST", client="second"),
        done_well("after", got="MirrorUsagePointList"),
    ),
    applies_if="SRV-MUP",
)
async def same_mrid(stage: ServerStage) -> None:
    """Let the owner make a mirror; let another device POST one of the same mRIDs for itself; let the owner look."""
    owner, other = stage.client, await _other(stage)
    where = await owner.href("MirrorUsagePointList")
    mine = documents.mirror(owner.lfdi)
    async with part(stage, "create"):
        await owner.post(where, mine)
    async with part(stage, "before"):
        await owner.get(f"{where}?s=0&l=255")
    theirs = documents.mirror(owner.lfdi, deviceLFDI=other.lfdi, roleFlags="0049", status=0)
    async with part(stage, "same"):
        await other.post(await other.href("MirrorUsagePointList"), theirs, wrong="another's mRIDs")
    async with part(stage, "after"):
        await owner.get(f"{where}?s=0&l=255")
