"""EndDevices that must not be taken (S-ALL-51, -52, -56), and what a registered one may change of itself."""

from dataclasses import dataclass

from conformance.kit.case import Case, Start
from conformance.kit.sep2.build import make, seconds
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    listed,
    refuses,
    serves,
    unchanged,
)
from conformance.kit.sep2.checks.identity import sfdi_of
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import AUS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator, managed_lfdi
from conformance.kit.xml import Element

_DUPLICATE = "REQ-CSIPAUS-S-ALL-51-1"
_FOREIGN = "REQ-CSIPAUS-S-ALL-52-1"
_MALFORMED = "REQ-CSIPAUS-S-ALL-56-1"
_CLOSED = "REQ-CSIP-6.1-56"
_STAYS = "REQ-CSIP-6.1-57"
_NEW = "SRV-AUS and SRV-INBAND"
_XML = '<?xml version="1.0"?><EndDevice xmlns="urn:ieee:std:2030.5:ns">{}</EndDevice>'


@case(
    id="CSIPAUS-SRV-REG-051",
    title="An EndDevice is registered once",
    purpose="Exposes a server that takes a second EndDevice of the same LFDI, or loses the first one by it.",
    public=("S-ALL-51", "S-OPT-01"),
    requirements=(_DUPLICATE,),
    checks=(
        answers("once", 201, requirement=_DUPLICATE, method="POST"),
        refuses("again", requirement=_DUPLICATE, method="POST"),
        listed("EndDevice", 1, requirement=_DUPLICATE, part="after"),
        serves("EndDevice", {"deviceCategory": "00800000"}, requirement=_DUPLICATE, part="after"),
    ),
    observations=(
        answered("once", method="POST"),
        answered("again", method="POST"),
        done_well("after", got="EndDeviceList"),
    ),
    start=Start.FRESH,
    modes=AUS,
    applies_if=_NEW,
)
async def twice(stage: ServerStage) -> None:
    """POST the same EndDevice twice, the second time with another category; read the list."""
    client = stage.client
    where = await client.href("EndDeviceList")
    async with part(stage, "once"):
        await client.post(where, client.end_device())
    async with part(stage, "again"):
        second = client.end_device(deviceCategory="00000001")
        await client.post(where, second, wrong="registered already")
    async with part(stage, "after"):
        await client.members("EndDeviceList")


@case(
    id="CSIPAUS-SRV-REG-052",
    title="A device that the operator registered cannot be registered again in-band",
    purpose="Exposes a server that looks for duplicates among those alone that have registered themselves.",
    public=("S-ALL-51", "S-OPT-01"),
    requirements=(_DUPLICATE,),
    checks=(
        refuses("again", requirement=_DUPLICATE, method="POST"),
        listed("EndDevice", 1, requirement=_DUPLICATE, part="after"),
    ),
    observations=(answered("again", method="POST"), done_well("after", got="EndDeviceList")),
    modes=AUS,
    applies_if=_NEW,
)
async def known_already(stage: ServerStage) -> None:
    """POST the EndDevice of a client that the operator has registered."""
    client = stage.client
    where = await client.href("EndDeviceList")
    async with part(stage, "again"):
        await client.post(where, client.end_device(), wrong="registered already")
    async with part(stage, "after"):
        await client.members("EndDeviceList")


@case(
    id="CSIPAUS-SRV-REG-053",
    title="A device cannot register another LFDI than that of its certificate",
    purpose="Exposes a server that believes the document without looking at the certificate.",
    public=("S-ALL-52",),
    requirements=(_FOREIGN,),
    checks=(
        refuses("foreign", requirement=_FOREIGN, method="POST"),
        listed("EndDevice", 0, requirement=_FOREIGN, part="owner", client="second"),
        listed("EndDevice", 1, requirement=_FOREIGN, part="after", client="first"),
    ),
    observations=(
        answered("foreign", 2, method="POST"),
        answered("owner", client="second"),
        done_well("after", got="EndDeviceList"),
    ),
    modes=AUS,
    applies_if=_NEW,
)
async def another_lfdi(stage: ServerStage) -> None:
    """POST EndDevices of somebody else's LFDI, and of one that nobody has; let both look."""
    client = stage.client
    other = await stage.another_client("second", registered=False)
    where = await client.href("EndDeviceList")
    async with part(stage, "foreign"):
        for lfdi in (other.lfdi, managed_lfdi(7)):
            await client.post(where, client.end_device(lfdi), wrong="another LFDI")
    async with part(stage, "owner"):
        await other.get(f"{await other.href('EndDeviceList')}?s=0&l=255")
    async with part(stage, "after"):
        await client.members("EndDeviceList")


@case(
    id="CSIPAUS-SRV-REG-054",
    title="An aggregator cannot take over a device that is registered",
    purpose="Exposes a server that makes whoever posts an EndDevice its manager, though it has one, or none by right.",
    public=("S-ALL-51", "S-ALL-52"),
    requirements=(_DUPLICATE, _FOREIGN),
    checks=(
        refuses("take", requirement=_FOREIGN, method="POST"),
        listed("EndDevice", 1, requirement=_FOREIGN, part="list", client="rival"),
        unchanged("before", "after", requirement=_DUPLICATE),
    ),
    observations=(
        answered("take", 2, method="POST", client="rival"),
        done_well("list", got="EndDeviceList"),
        done_well("before"),
        done_well("after"),
    ),
    modes=AUS,
    applies_if=_NEW,
    needs=("register_aggregator",),
)
async def taken_over(stage: ServerStage) -> None:
    """Let an aggregator POST the EndDevices of a direct device and of another aggregator's; let it look."""
    _, devices = await aggregator(stage)
    rival = await stage.another_client("rival", role="aggregator")
    where = await stage.client.href("EndDevice")
    async with part(stage, "before"):
        await stage.client.get(where)
    places = await rival.href("EndDeviceList")
    async with part(stage, "take"):
        for lfdi in (stage.client.lfdi, devices[0]):
            await rival.post(places, rival.end_device(lfdi), wrong="registered already")
    async with part(stage, "list"):
        await rival.members("EndDeviceList")
    async with part(stage, "after"):
        await stage.client.get(where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    what: str
    lfdi: str
    """``{}``: the right one."""
    sfdi: int = 0
    """Added to the right one."""


def _malformed(row: _Row) -> Case:
    @case(
        id=f"CSIPAUS-SRV-REG-{row.number}",
        title=f"An EndDevice with {row.what} is refused",
        purpose="Exposes a server that registers what cannot be an identity.",
        public=("S-ALL-56",),
        requirements=(_MALFORMED,),
        checks=(
            refuses("wrong", requirement=_MALFORMED, method="POST"),
            listed("EndDevice", 0, requirement=_MALFORMED, part="between"),
            answers("right", 201, requirement=_MALFORMED, method="POST"),
        ),
        observations=(
            answered("wrong", method="POST"),
            answered("between"),
            answered("right", method="POST"),
        ),
        start=Start.FRESH,
        modes=AUS,
        applies_if=_NEW,
    )
    async def script(stage: ServerStage) -> None:
        """POST it wrong, look, POST it right."""
        client = stage.client
        where = await client.href("EndDeviceList")
        lfdi = row.lfdi.format(client.lfdi) if "{}" in row.lfdi else row.lfdi
        lfdi = client.lfdi[: int(lfdi[1:])] if lfdi.startswith(":") else lfdi
        inside = (
            f"<lFDI>{lfdi}</lFDI><sFDI>{sfdi_of(client.lfdi) + row.sfdi}</sFDI>"
            f"<changedTime>{seconds(stage.now)}</changedTime>"
        )
        async with part(stage, "wrong"):
            await client.send("POST", where, _XML.format(inside).encode(), wrong=row.what)
        async with part(stage, "between"):
            await client.get(f"{where}?s=0&l=255")
        async with part(stage, "right"):
            await client.post(where, client.end_device())

    return script


short_lfdi = _malformed(_Row(number="056", what="an LFDI of 38 digits", lfdi=":38"))
odd_lfdi = _malformed(_Row(number="057", what="an LFDI of 39 digits", lfdi=":39"))
long_lfdi = _malformed(_Row(number="058", what="an LFDI of 42 digits", lfdi="{}00"))
strange_lfdi = _malformed(_Row(number="059", what="an LFDI that is no hex", lfdi="GHIJKLMNOP" * 4))
empty_lfdi = _malformed(_Row(number="060", what="an empty LFDI", lfdi=""))
wrong_sfdi = _malformed(
    _Row(number="061", what="an SFDI that is not that of its LFDI", lfdi="{}", sfdi=10)
)


@case(
    id="CSIP-SRV-REG-010",
    title="Where nobody registers itself, an EndDevice that is posted is refused",
    purpose="Exposes a server that takes EndDevices in-band though its clients are registered by the operator.",
    public=(),
    requirements=(_CLOSED,),
    checks=(
        refuses("post", requirement=_CLOSED, method="POST"),
        refuses("list", requirement=_CLOSED),
    ),
    observations=(answered("post", method="POST"), answered("list")),
    start=Start.FRESH,
    modes=("csip",),
)
async def closed(stage: ServerStage) -> None:
    """POST an EndDevice, and read the list."""
    client = stage.client
    where = await client.href("EndDeviceList")
    async with part(stage, "post"):
        await client.post(where, client.end_device(), wrong="not registered")
    async with part(stage, "list"):
        await client.get(f"{where}?s=0&l=255")


def _renamed(at: int) -> Element:
    lfdi = managed_lfdi(9)
    return make("EndDevice", {"lFDI": lfdi, "sFDI": sfdi_of(lfdi), "changedTime": at})


@case(
    id="CSIP-SRV-REG-011",
    title="A device cannot change who it is",
    purpose="Exposes a server that lets a PUT of the EndDevice change its LFDI and SFDI.",
    public=("S-ALL-52",),
    requirements=(_STAYS,),
    checks=(
        refuses("rename", requirement=_STAYS, method="PUT"),
        unchanged("before", "after", requirement=_STAYS),
    ),
    observations=(done_well("before"), answered("rename", method="PUT"), done_well("after")),
)
async def renamed(stage: ServerStage) -> None:
    """PUT the own EndDevice with the LFDI of nobody."""
    client = stage.client
    where = await client.href("EndDevice")
    async with part(stage, "before"):
        await client.get(where)
    async with part(stage, "rename"):
        await client.put(where, _renamed(seconds(stage.now)), wrong="another LFDI")
    async with part(stage, "after"):
        await client.get(where)


@case(
    id="CSIP-SRV-REG-012",
    title="A device that the operator switches off, or on, is shown so",
    purpose="Exposes a server whose EndDevice does not tell whether it is enabled.",
    public=(),
    requirements=("REQ-CSIP-6.1-58",),
    checks=(
        serves("EndDevice", {"enabled": "false"}, requirement="REQ-CSIP-6.1-58", part="off"),
        serves("EndDevice", {"enabled": "true"}, requirement="REQ-CSIP-6.1-58", part="on"),
    ),
    observations=(done_well("off", got="EndDevice"), done_well("on", got="EndDevice")),
    needs=("set_enabled",),
)
async def switched(stage: ServerStage) -> None:
    """Have the EndDevice disabled, read it; have it enabled, read it."""
    where = await stage.client.href("EndDevice")
    for name, enabled in (("off", False), ("on", True)):
        await stage.operator.set_enabled(stage.client.lfdi, enabled=enabled)
        async with part(stage, name):
            await stage.client.get(where)
