"""How a CSIP-AUS client comes into service (ALL-02 to ALL-04, DRA-01)."""

from conformance.kit.case import Start
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.aus import AUS
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.identity import (
    can_respond_to_demand,
    names_its_meter,
    registers_itself,
)
from conformance.kit.sep2.checks.status import bit, holds
from conformance.kit.sep2.checks.walk import reads_all
from conformance.kit.sep2.conditions import posted, put, read
from conformance.kit.sep2.observations import post_seen, put_seen, read_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Assignment

_UNKNOWN = (("registered", "no"), ("walk_s", "60"))
_NEEDS = "CLI-AUS and CLI-INBAND"
_FIXED_W = 7


async def _registered(stage: ClientStage) -> None:
    """Let it register itself; give it a program then."""
    await stage.until(posted("EndDevice"), 3 * MINUTE, "register itself")
    stage.utility.put_assignment(Assignment(id=ASSIGNMENT, programs=(PROGRAM,)))
    await stage.until(read("DERControlList"), 5 * MINUTE, "read the controls")
    await stage.until(put("DERStatus"), 2 * MINUTE, "tell its status")
    await stage.sleep(2 * MINUTE)


@case(
    id="CSIPAUS-CLI-REG-102",
    title="It registers itself where it is not known, and goes on to its controls",
    purpose="Exposes a client that waits to be registered, registers under a wrong name, or again and again.",
    public=("ALL-02",),
    requirements=("REQ-CSIPAUS-ALL-02-1", "REQ-CSIPAUS-ALL-02-2"),
    checks=(
        registers_itself(requirement="REQ-CSIPAUS-ALL-02-1"),
        reads_all(
            "DeviceCapability", "EndDeviceList", "Time", "FunctionSetAssignmentsList", "DERList", "DERControlList",
            requirement="REQ-CSIPAUS-ALL-02-2",
        ),
    ),
    observations=(
        post_seen("EndDevice"),
        put_seen("DERCapability"),
        put_seen("DERSettings"),
        put_seen("DERStatus"),
    ),
    start=Start.FRESH,
    modes=AUS,
    facts=_UNKNOWN,
    applies_if=_NEEDS,
    mutants=("registers-under-a-wrong-sfdi",),
)  # fmt: skip
async def in_band(stage: ClientStage) -> None:
    """Do not know it, and take it when it comes."""
    await _registered(stage)


@case(
    id="CSIPAUS-CLI-REG-103",
    title="It names its meter once it is registered",
    purpose="Exposes a client that never puts its ConnectionPoint, or one without an id.",
    public=("ALL-03",),
    requirements=("REQ-CSIPAUS-ALL-03-1",),
    checks=(names_its_meter(requirement="REQ-CSIPAUS-ALL-03-1"),),
    observations=(read_seen("EndDeviceList"), put_seen("DERStatus")),
    start=Start.FRESH,
    modes=AUS,
    applies_if="CLI-AUS and CLI-CONNECTION-POINT",
    mutants=("names-no-meter",),
)
async def connection_point(stage: ClientStage) -> None:
    """Let it start; its EndDevice has a place for the ConnectionPoint."""
    await stage.until(put("DERStatus"), 3 * MINUTE, "tell its status")
    await stage.sleep(2 * MINUTE)


@case(
    id="CSIPAUS-CLI-REG-104",
    title="It reads its registration before it acts",
    purpose="Exposes a client that looks for controls before it knows whether the EndDevice is its own.",
    public=("ALL-04",),
    requirements=("REQ-CSIPAUS-ALL-04-1",),
    checks=(
        reads_all("Registration", "FunctionSetAssignmentsList", requirement="REQ-CSIPAUS-ALL-04-1"),
    ),
    observations=(read_seen("FunctionSetAssignmentsList"), read_seen("DERControlList")),
    start=Start.FRESH,
    modes=AUS,
    applies_if="CLI-AUS",
    mutants=("reads-no-registration",),
)
async def right_pin(stage: ClientStage) -> None:
    """Serve the PIN that it expects."""
    await stage.until(read("DERControlList"), 3 * MINUTE, "read the controls")
    await stage.sleep(MINUTE)


@case(
    id="CSIPAUS-CLI-DRM-101",
    title="A device for demand response says what it is, and that it can be set in percent",
    purpose="Exposes a client that registers without a deviceCategory, or does not claim opModFixedW.",
    public=("DRA-01",),
    requirements=("REQ-CSIPAUS-DRA-01-1", "REQ-CSIPAUS-DRA-01-2"),
    checks=(
        can_respond_to_demand(requirement="REQ-CSIPAUS-DRA-01-1"),
        holds(
            "DERCapability", "s:modesSupported", bit(_FIXED_W, on=True), requirement="REQ-CSIPAUS-DRA-01-2"
        ),
        holds("DERSettings", "s:modesEnabled", bit(_FIXED_W, on=True), requirement="REQ-CSIPAUS-DRA-01-2"),
    ),
    observations=(post_seen("EndDevice"), put_seen("DERCapability"), put_seen("DERSettings")),
    start=Start.FRESH,
    modes=AUS,
    facts=_UNKNOWN,
    applies_if=f"{_NEEDS} and CLI-DEMAND-RESPONSE",
    mutants=("is-of-no-category", "claims-no-fixed-w"),
)  # fmt: skip
async def demand_response(stage: ClientStage) -> None:
    """Let it register itself and tell what it can do."""
    await _registered(stage)
