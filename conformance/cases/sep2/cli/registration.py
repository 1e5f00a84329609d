"""EndDevices that are missing, not enabled, removed or without a registration (SunSpec BASIC-001, MAINT-001)."""

from dataclasses import replace

from conformance.kit.case import Start
from conformance.kit.sep2.acts import MINUTE, announce, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds, responds
from conformance.kit.sep2.checks.walk import never_asks, reads_all
from conformance.kit.sep2.conditions import read, responded
from conformance.kit.sep2.observations import read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit

_ENABLED = "REQ-SEP2-8.5-1"
_GONE = "REQ-SEP2-8.5-2"
_AUS = "REQ-CSIPAUS-ALL-05-1"
_WAIT = "REQ-CSIP-6.1-5"
_PIN = "REQ-CSIP-6.1-2"


@case(
    id="CSIP-CLI-REG-010",
    title="Its EndDevice is not enabled: it acts for nobody",
    purpose="Exposes a client that minds no enabled=false.",
    requirements=(_ENABLED,),
    checks=(
        never_asks(
            "FunctionSetAssignmentsList", "DERProgramList", requirement=_ENABLED, after="disabled"
        ),
    ),
    observations=(read_seen("EndDeviceList"),),
    start=Start.FRESH,
    modes=("der", "csipaus"),
    mutants=("minds-no-enabled",),
)
async def disabled(stage: ClientStage) -> None:
    """Serve it as not enabled."""
    stage.utility.put_account(replace(stage.utility.account(), enabled=False))
    stage.mark("disabled")
    await stage.until(read("EndDeviceList"), 2 * MINUTE, "read the list of EndDevices")
    await stage.sleep(3 * MINUTE)


@case(
    id="CSIP-CLI-REG-011",
    title="Its EndDevice is removed: it stops what it does for it",
    purpose="Exposes a client that goes on with an EndDevice that is gone.",
    public=("MAINT-001",),
    requirements=(_GONE,),
    checks=(never_responds("one", 2, 3, requirement=_GONE),),
    observations=(response_seen("one", 1), read_seen("EndDeviceList", 2)),
    modes=("der",),
    lasts=15 * MINUTE,
    facts=(("walk_s", "120"),),
    mutants=("keeps-what-is-gone",),
)
async def removed(stage: ClientStage) -> None:
    """Remove it while a control waits."""
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    await stage.until(responded("one", 1), 2 * MINUTE, "receive the control")
    stage.utility.drop_account(stage.utility.lfdi)
    mark = stage.transcript.messages[-1].number
    await stage.until(read("EndDeviceList", after=mark), 4 * MINUTE, "read the EndDevices")
    await stage.sleep(9 * MINUTE)


@case(
    id="CSIP-CLI-REG-012",
    title="Its EndDevice comes later: it finds it at a later poll",
    purpose="Exposes a client that looks for itself once.",
    public=("ALL-01",),
    requirements=(_WAIT,),
    checks=(
        reads_all(
            "Registration",
            "FunctionSetAssignmentsList",
            "DERControlList",
            requirement=_WAIT,
            after="added",
        ),
    ),
    observations=(read_seen("EndDeviceList", 2),),
    start=Start.FRESH,
    modes=("der",),
    lasts=8 * MINUTE,
    facts=(("walk_s", "60"),),
    mutants=("looks-for-itself-once",),
)
async def added(stage: ClientStage) -> None:
    """Remove it before the start, and put it back after two minutes."""
    own = stage.utility.account()
    stage.utility.drop_account(own.lfdi)
    await stage.until(read("EndDeviceList"), 2 * MINUTE, "read the list of EndDevices")
    await stage.sleep(2 * MINUTE)
    stage.utility.put_account(own)
    stage.mark("added")
    await stage.sleep(5 * MINUTE)


@case(
    id="CSIP-CLI-REG-004",
    title="The PIN changes to another than its own: it stops at the next look",
    purpose="Exposes a client that compares the PIN once.",
    public=("BASIC-001",),
    requirements=(_PIN,),
    checks=(never_asks("DERProgramList", requirement=_PIN, after="noticed"),),
    observations=(read_seen("Registration", 2),),
    modes=("der",),
    lasts=10 * MINUTE,
    facts=(("walk_s", "120"),),
    mutants=("compares-pin-once",),
)
async def changed_pin(stage: ClientStage) -> None:
    """Change it while the client is in service."""
    stage.utility.put_account(replace(stage.utility.account(), pin=123455))
    mark = stage.transcript.messages[-1].number
    await stage.until(read("Registration", after=mark), 4 * MINUTE, "read its registration")
    await stage.sleep(MINUTE / 12)
    stage.mark("noticed")
    await stage.sleep(4 * MINUTE)


@case(
    id="CSIPAUS-CLI-REG-005",
    title="Without a registration it goes on",
    purpose="Exposes a client that waits for a PIN that CSIP-AUS does not demand.",
    public=("ALL-05",),
    requirements=(_AUS,),
    checks=(
        reads_all("FunctionSetAssignmentsList", "DERControlList", requirement=_AUS),
        responds("one", 1, 2, 3, requirement=_AUS),
    ),
    observations=(read_seen("EndDeviceList"),),
    start=Start.FRESH,
    modes=("csipaus",),
    mutants=("wants-a-registration",),
)
async def no_registration(stage: ClientStage) -> None:
    """Serve none."""
    stage.utility.put_account(replace(stage.utility.account(), pin=None))
    await stage.until(read("EndDeviceList"), 2 * MINUTE, "read the list of EndDevices")
    await stage.sleep(MINUTE)
    await run_through(stage, announce(stage, "one", limit(60)))
