"""The walk from DeviceCapability down (SunSpec COMM-002, CORE-003, CORE-005, CORE-009, BASIC-001)."""

from dataclasses import replace
from datetime import timedelta

from conformance.kit.case import Start
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.reporting import puts_once, settings_fit
from conformance.kit.sep2.checks.walk import never_asks, polls, reads_all
from conformance.kit.sep2.conditions import put, read
from conformance.kit.sep2.observations import put_seen, read_seen
from conformance.kit.sep2.utility import ClientStage

MINUTE = timedelta(minutes=1)
_WALK = "REQ-CSIP-6.1-1"
_POLL = "REQ-SEP2-10.2.2-1"
_SOON = "REQ-SEP2-10.2.2-2"
_PIN = "REQ-CSIP-6.1-2"
_REPORT = "REQ-CSIP-6.3.5-1"
_FIT = "REQ-SEP2-10.10.4-1"


@case(
    id="CSIP-CLI-DSC-002",
    title="From the one address that it was told it finds everything",
    purpose="Exposes a client that does not follow a link of the way, or asks for what no link shows.",
    public=("COMM-002", "CORE-005"),
    requirements=(_WALK,),
    checks=(
        reads_all(
            "DeviceCapability",
            "Time",
            "EndDeviceList",
            "FunctionSetAssignmentsList",
            "DERProgramList",
            "DefaultDERControl",
            "DERControlList",
            "Registration",
            requirement=_WALK,
        ),
    ),
    observations=(read_seen("DeviceCapability"), read_seen("DERControlList")),
    start=Start.FRESH,
    mutants=("never-reads-default",),
)
async def whole_walk(stage: ClientStage) -> None:
    """Let it start and walk."""
    await stage.until(read("DERControlList"), 2 * MINUTE, "read the controls")
    await stage.sleep(MINUTE)


@case(
    id="CSIP-CLI-DSC-003",
    title="Programs are read again at their pollRate",
    purpose="Exposes a client that polls slower or faster than it is told.",
    public=("CORE-003",),
    requirements=(_POLL, _SOON),
    checks=(polls("DERProgramList", MINUTE, requirement=_POLL, too_often=_SOON),),
    observations=(read_seen("DERProgramList", 5, after="case.prepared"),),
    modes=("der", "csipaus"),
    mutants=("polls-programs-slowly", "polls-programs-twice"),
)
async def poll_rate(stage: ClientStage) -> None:
    """Watch six polls."""
    await stage.sleep(6.5 * MINUTE)


@case(
    id="CSIP-CLI-REG-003",
    title="Another PIN than its own: it does not act for that EndDevice",
    purpose="Exposes a client that does not compare the PIN, or goes on in spite of it.",
    public=("BASIC-001", "ALL-03-REJ"),
    requirements=(_PIN,),
    checks=(
        never_asks("FunctionSetAssignmentsList", "DERProgramList", requirement=_PIN, after="pin"),
    ),
    observations=(read_seen("Registration"),),
    start=Start.FRESH,
    modes=("der", "csipaus"),
    mutants=("minds-no-pin",),
)
async def wrong_pin(stage: ClientStage) -> None:
    """Serve another PIN."""
    own = stage.utility.account()
    stage.utility.put_account(replace(own, pin=123455))
    stage.mark("pin")
    await stage.maybe(read("Registration"), 2 * MINUTE, "read its registration")
    await stage.sleep(3 * MINUTE)


@case(
    id="CSIP-CLI-DER-014",
    title="Capability and settings are told once, and fit each other",
    purpose="Exposes a client that tells nothing about itself, or settings above its ratings.",
    public=("CORE-014", "CORE-009", "ALL-09"),
    requirements=(_REPORT, _FIT),
    checks=(
        puts_once("DERCapability", requirement=_REPORT),
        puts_once("DERSettings", requirement=_REPORT),
        settings_fit(requirement=_FIT),
    ),
    observations=(put_seen("DERCapability"), put_seen("DERSettings"), put_seen("DERStatus")),
    start=Start.FRESH,
    modes=("der", "csipaus"),
    mutants=("sets-more-than-it-can",),
)
async def capability_and_settings(stage: ClientStage) -> None:
    """Let it start and tell."""
    await stage.until(put("DERCapability"), 2 * MINUTE, "tell its capability")
    await stage.until(put("DERStatus"), 2 * MINUTE, "tell its status")
    await stage.sleep(MINUTE)
