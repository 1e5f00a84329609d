"""How clients come into service at a server: found out of band, or registered in-band (S-ALL-01 to S-ALL-04)."""

from conformance.kit.case import Start
from conformance.kit.sep2.acts import ASSIGNMENT, PROGRAM
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    links,
    listed,
    locates,
    refuses,
    serves,
)
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import AUS, SERVERS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator, managed_lfdi
from conformance.kit.sep2.values import Account, Assignment, Program, limit

_WAY = "REQ-CSIP-6.1-51"
_SHOWN = "REQ-CSIP-6.1-52"
_PIN = "REQ-CSIP-6.1-53"
_STRANGER = "REQ-CSIP-6.1-54"
_MANAGED = "REQ-CSIP-6.1-55"
_IN_BAND = "REQ-CSIPAUS-S-ALL-02-1"
_AFTERWARDS = "REQ-CSIPAUS-S-ALL-02-2"
_BY_AGGREGATOR = "REQ-CSIPAUS-S-ALL-03-1"
_SEVERAL = "REQ-CSIPAUS-S-ALL-04-1"
_NEW = "SRV-AUS and SRV-INBAND"


@case(
    id="CSIP-SRV-DSC-001",
    title="A device that the operator registered finds its way from the entry to its controls",
    purpose="Exposes a server that leaves out a link on the way, or shows what was not put there.",
    public=("S-ALL-01", "COMM-002", "CORE-003"),
    requirements=(_WAY, _SHOWN),
    checks=(
        answers("walk", 200, requirement=_WAY),
        links("DeviceCapability", "TimeLink", "EndDeviceListLink", requirement=_WAY),
        links(
            "EndDevice", "DERListLink", "FunctionSetAssignmentsListLink", "RegistrationLink",
            requirement=_WAY, own=True,
        ),
        links("FunctionSetAssignments", "DERProgramListLink", "TimeLink", requirement=_WAY),
        links("DERProgram", "DERControlListLink", "DefaultDERControlLink", requirement=_WAY),
        links(
            "DER", "DERCapabilityLink", "DERSettingsLink", "DERStatusLink", requirement=_WAY
        ),
        serves("DERProgram", {"primacy": "10"}, requirement=_SHOWN, part="walk"),
        serves(
            "DefaultDERControl", {"DERControlBase.opModMaxLimW": "8000"}, requirement=_SHOWN, part="walk"
        ),
        listed("EndDevice", 1, requirement=_SHOWN, part="walk"),
        listed("FunctionSetAssignments", 1, requirement=_SHOWN, part="walk", description=ASSIGNMENT),
        listed("DERProgram", 1, requirement=_SHOWN, part="walk", description=PROGRAM),
    ),
    observations=tuple(
        done_well("walk", got=name)
        for name in (
            "DeviceCapability", "Time", "EndDeviceList", "EndDevice", "FunctionSetAssignmentsList",
            "DERProgramList", "DERControlList", "DefaultDERControl", "DERList",
        )
    ),
)  # fmt: skip
async def out_of_band(stage: ServerStage) -> None:
    """Walk once more, with nothing known but the entry."""
    stage.client.forget()
    async with part(stage, "walk"):
        await stage.client.walk()


@case(
    id="CSIP-SRV-DSC-002",
    title="The registration shows the PIN that the operator has set",
    purpose="Exposes a server that serves another PIN, or an old one.",
    public=("S-ALL-01", "S-OPT-04", "CORE-009"),
    requirements=(_PIN,),
    checks=(
        serves("Registration", {"pIN": "111115"}, requirement=_PIN, part="first"),
        serves("Registration", {"pIN": "222226"}, requirement=_PIN, part="second"),
    ),
    observations=(done_well("first", got="Registration"), done_well("second", got="Registration")),
    needs=("set_pin",),
)
async def pin(stage: ServerStage) -> None:
    """Read the registration, have its PIN changed, read it again."""
    async with part(stage, "first"):
        await stage.client.read("Registration")
    await stage.operator.set_pin(stage.client.lfdi, 222226)
    async with part(stage, "second"):
        await stage.client.read("Registration")


@case(
    id="CSIP-SRV-DSC-003",
    title="Who is not registered finds entry and time, and no EndDevice",
    purpose="Exposes a server that shows EndDevices to whoever has a certificate.",
    public=("S-ALL-01", "S-ALL-05"),
    requirements=(_STRANGER,),
    checks=(
        answers("entry", 200, requirement=_STRANGER),
        refuses("list", requirement=_STRANGER),
    ),
    observations=(done_well("entry", 2), answered("list")),
)
async def stranger(stage: ServerStage) -> None:
    """Let a client that nobody registered read the entry, the time and the list of EndDevices."""
    other = await stage.another_client("stranger", registered=False)
    async with part(stage, "entry"):
        await other.read("DeviceCapability")
        await other.read("Time")
    where = await stage.client.href("EndDeviceList")
    async with part(stage, "list"):
        await other.get(f"{where}?s=0&l=255")


@case(
    id="CSIP-SRV-DSC-004",
    title="An aggregator is shown itself and the devices that it manages",
    purpose="Exposes a server that shows an aggregator fewer EndDevices, or those of others.",
    public=("S-ALL-05", "UTIL-001"),
    requirements=(_MANAGED, _SHOWN),
    checks=(
        listed("EndDevice", 3, requirement=_MANAGED, part="read", client="aggregator"),
        answers("down", 200, requirement=_MANAGED),
        listed(
            "DERProgram",
            1,
            requirement=_SHOWN,
            part="down",
            client="aggregator",
            description=PROGRAM,
        ),
    ),
    observations=(
        done_well("read", got="EndDeviceList"),
        done_well("down", 2, got="DERProgramList"),
    ),
    needs=("register_aggregator",),
)
async def managed(stage: ServerStage) -> None:
    """Let an aggregator read its list, and the way of each device down to the programs."""
    found, devices = await aggregator(stage, 2)
    async with part(stage, "read"):
        await found.members("EndDeviceList")
    async with part(stage, "down"):
        for lfdi in devices:
            await found.read("FunctionSetAssignmentsList", lfdi)
            await found.read("DERProgramList")


@case(
    id="CSIPAUS-SRV-DSC-010",
    title="A device registers itself",
    purpose="Exposes a server that refuses an EndDevice of the certificate's LFDI, or forgets what it was told.",
    public=("S-ALL-02",),
    requirements=(_IN_BAND, _AFTERWARDS),
    checks=(
        answers("register", 201, method="POST", requirement=_IN_BAND),
        locates("register", requirement=_IN_BAND),
        answers("read", 200, requirement=_IN_BAND),
        serves("EndDevice", {"deviceCategory": "00800000"}, requirement=_IN_BAND, part="read"),
        listed("EndDevice", 1, requirement=_IN_BAND, part="read"),
        answers("walk", 200, requirement=_AFTERWARDS),
        links(
            "EndDevice", "DERListLink", "FunctionSetAssignmentsListLink", requirement=_AFTERWARDS
        ),
        listed("DERProgram", 1, requirement=_AFTERWARDS, part="walk", description=PROGRAM),
    ),
    observations=(
        answered("register", method="POST"),
        done_well("read", got="EndDevice"),
        done_well("walk", got="DERControlList"),
    ),
    start=Start.FRESH,
    modes=AUS,
    applies_if=_NEW,
)
async def in_band(stage: ServerStage) -> None:
    """POST an EndDevice, read it at its Location and in the list; have it assigned a program; walk."""
    client = stage.client
    async with part(stage, "register"):
        answer = await client.post(await client.href("EndDeviceList"), client.end_device())
    async with part(stage, "read"):
        await client.get(answer.header("Location") or "/")
        await client.members("EndDeviceList")
    await stage.operator.put_program(Program(id=PROGRAM, primacy=10, default=limit(80)))
    await stage.operator.put_assignment(Assignment(id=ASSIGNMENT, programs=(PROGRAM,)), client.lfdi)
    client.forget()
    async with part(stage, "walk"):
        await client.walk()


@case(
    id="CSIPAUS-SRV-DSC-011",
    title="An aggregator registers its devices",
    purpose="Exposes a server that takes no EndDevices of an aggregator, or does not have it manage them.",
    public=("S-ALL-03",),
    requirements=(_BY_AGGREGATOR,),
    checks=(
        answers("register", 201, method="POST", requirement=_BY_AGGREGATOR),
        locates("register", requirement=_BY_AGGREGATOR),
        answers("read", 200, requirement=_BY_AGGREGATOR),
        listed("EndDevice", 3, requirement=_BY_AGGREGATOR, part="read", client="aggregator"),
        listed("EndDevice", 0, requirement=_BY_AGGREGATOR, part="other", deviceCategory="00800000"),
    ),
    observations=(
        answered("register", 2, method="POST"),
        done_well("read", 2, got="EndDevice"),
        done_well("read", got="EndDeviceList"),
        done_well("other", got="EndDeviceList"),
    ),
    modes=AUS,
    applies_if=_NEW,
    needs=("register_aggregator",),
)
async def in_band_by_aggregator(stage: ServerStage) -> None:
    """Let an aggregator POST two EndDevices and read them; let another device read its list."""
    found = await stage.another_client("aggregator", role="aggregator")
    where = await found.href("EndDeviceList")
    places = []
    async with part(stage, "register"):
        for lfdi in (managed_lfdi(1), managed_lfdi(2)):
            answer = await found.post(where, found.end_device(lfdi))
            places.append(answer.header("Location") or "/")
    async with part(stage, "read"):
        for place in places:
            await found.get(place)
        await found.members("EndDeviceList")
    async with part(stage, "other"):
        await stage.client.members("EndDeviceList")


@case(
    id="CSIP-SRV-DSC-012",
    title="Several clients at once each find what is theirs",
    purpose="Exposes a server that confuses clients whose requests come in turn.",
    public=("S-ALL-04",),
    requirements=(_SEVERAL,),
    checks=(
        answers("turns", 200, requirement=_SEVERAL),
        *(
            listed(
                "DERProgram",
                1,
                requirement=_SEVERAL,
                part="turns",
                client=name,
                description=f"of {name}",
            )
            for name in ("second", "third")
        ),
        *(
            listed("EndDevice", 1, requirement=_SEVERAL, part="turns", client=name)
            for name in ("first", "second", "third")
        ),
    ),
    observations=(
        done_well("turns", 9, got="EndDeviceList"),
        done_well("turns", 6, got="DERProgramList"),
    ),
    modes=SERVERS,
)
async def several(stage: ServerStage) -> None:
    """Register two more devices, each with a program of its own; let three read by turns, three times."""
    others = []
    for name in ("second", "third"):
        found = await stage.another_client(name, registered=False)
        await stage.operator.register(Account(lfdi=found.lfdi))
        await stage.operator.put_program(Program(id=f"of {name}", primacy=5, default=limit(50)))
        await stage.operator.put_assignment(
            Assignment(id=f"for {name}", programs=(f"of {name}",)), found.lfdi
        )
        others.append(found)
    async with part(stage, "turns"):
        for _ in range(3):
            for client in (stage.client, *others):
                client.forget()
                await client.members("EndDeviceList")
            for client in others:
                await client.members("DERProgramList", f"for {client.name}")
