"""An aggregator: controls, Responses, settings and readings of each device (SunSpec AGG, MAINT, UTIL)."""

from dataclasses import replace
from datetime import timedelta

from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, announce, look
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds, responds, timely
from conformance.kit.sep2.checks.managed import mirrors_each, puts_each
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.walk import reads_every
from conformance.kit.sep2.conditions import read, responded, seen
from conformance.kit.sep2.observations import (
    control_seen,
    post_seen,
    put_seen,
    read_seen,
    response_seen,
)
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Assignment, Control, Program, connect, limit

FIRST, SECOND = "#0", "#1"
"""Managed devices, in the order in which they are listed."""
TRANSFORMER = Program(id="transformer", primacy=2, default=limit(30))
ONLY = ("aggregator",)
SHORT = timedelta(seconds=90)
_EACH = "REQ-CSIP-AGG-1"
_OTHERS = "REQ-CSIP-AGG-2"
_BETTER = "REQ-SEP2-10.2.3-9"
_APART = "REQ-SEP2-10.2.3-10"
_DEFAULT = "REQ-CSIP-AGG-3"
_REPORT = "REQ-CSIP-AGG-4"
_CHANGES = "REQ-CSIP-AGG-5"
_PIN = "REQ-CSIP-6.1-2"
_CANCEL = "REQ-SEP2-10.2.3-3"
_FACTS = (("walk_s", "120"),)


def _transformer(stage: ClientStage, *places: int) -> None:
    """Assign the transformer's program to some devices alone."""
    stage.utility.put_program(TRANSFORMER)
    lfdis = [stage.utility.devices[place] for place in places]
    stage.utility.put_assignment(Assignment(id="node", programs=(TRANSFORMER.id,)), *lfdis)


async def _read(stage: ClientStage) -> None:
    """Wait until the assignments have been read again, and the programs below them."""
    mark = stage.transcript.messages[-1].number
    await stage.maybe(
        read("FunctionSetAssignmentsList", times=2, after=mark), 5 * MINUTE, "read its assignments"
    )
    await stage.sleep(MINUTE)


async def _to_the_end(stage: ClientStage, control: Control) -> None:
    await stage.sleep(max(control.end - stage.now, timedelta(0)) + SHORT)


@case(
    id="CSIP-CLI-AGG-001",
    title="It reads and tells everything for each device that it manages",
    purpose="Exposes an aggregator that commissions one device, or itself.",
    public=("UTIL-002", "UTIL-003"),
    requirements=(_EACH, _REPORT),
    checks=(
        reads_every("Registration", 2, requirement=_EACH),
        reads_every("FunctionSetAssignmentsList", 2, requirement=_EACH),
        puts_each("DERCapability", requirement=_REPORT),
        puts_each("DERSettings", requirement=_REPORT),
        puts_each("DERStatus", requirement=_REPORT),
    ),
    observations=(read_seen("Registration", 2), put_seen("DERCapability", 1)),
    modes=ONLY,
    mutants=("tells-first-device-alone",),
)
async def commissioning(stage: ClientStage) -> None:
    """Let it settle."""
    await stage.sleep(MINUTE)


@case(
    id="CSIP-CLI-AGG-003",
    title="A control for all: each device responds",
    purpose="Exposes an aggregator that responds once, or in its own name.",
    public=("AGG-003", "AGG-004", "UTIL-004"),
    requirements=(_EACH,),
    checks=(
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
        timely("one", 2, "one.starts", requirement=_EACH, lfdi=SECOND),
    ),
    observations=(control_seen("one"), response_seen("one", at_least=3)),
    modes=ONLY,
    mutants=("responds-in-its-own-name", "acts-for-first-device-alone"),
)
async def for_all(stage: ClientStage) -> None:
    """Publish a control for both."""
    await _to_the_end(stage, announce(stage, "one", limit(60)))


@case(
    id="CSIP-CLI-AGG-004",
    title="A control below one node: its device responds, the other does not",
    purpose="Exposes an aggregator that gives every control to every device.",
    public=("AGG-003", "AGG-004"),
    requirements=(_EACH, _OTHERS),
    checks=(
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        never_responds("one", requirement=_OTHERS, lfdi=SECOND),
    ),
    observations=(control_seen("one"), response_seen("one", at_least=3)),
    modes=ONLY,
    lasts=10 * MINUTE,
    facts=_FACTS,
    mutants=("gives-all-to-all",),
)
async def below_a_node(stage: ClientStage) -> None:
    """Publish a control in a program of the first device."""
    _transformer(stage, 0)
    await _read(stage)
    await _to_the_end(stage, announce(stage, "one", limit(40), program=TRANSFORMER.id))


@case(
    id="CSIP-CLI-AGG-005",
    title="Two controls of two programs, one after the other",
    purpose="Exposes an aggregator that loses a control when devices have different programs.",
    public=("AGG-005", "AGG-006"),
    requirements=(_EACH, _OTHERS),
    checks=(
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
        responds("node", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        never_responds("node", requirement=_OTHERS, lfdi=SECOND),
    ),
    observations=(response_seen("system", 3), response_seen("node", 3)),
    modes=ONLY,
    lasts=12 * MINUTE,
    facts=_FACTS,
    mutants=("gives-all-to-all", "acts-for-first-device-alone"),
)
async def two_programs(stage: ClientStage) -> None:
    """The node's control first, the system's then."""
    _transformer(stage, 0)
    await _read(stage)
    announce(stage, "node", limit(40), program=TRANSFORMER.id)
    await _to_the_end(stage, announce(stage, "system", limit(60), ahead=4 * MINUTE))


@case(
    id="CSIP-CLI-AGG-007",
    title="Overlap at one node: its device leaves the system's control, the other runs it",
    purpose="Exposes an aggregator that supersedes for all devices, or for none.",
    public=("AGG-007", "AGG-008"),
    requirements=(_BETTER, _EACH),
    checks=(
        responds("system", 1, 14, requirement=_BETTER, lfdi=FIRST, or_else=(7,)),
        responds("node", 1, 2, 3, requirement=_BETTER, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
    ),
    observations=(response_seen("system"), response_seen("node", 3)),
    modes=ONLY,
    lasts=12 * MINUTE,
    facts=_FACTS,
    mutants=("supersedes-for-all", "begins-what-is-beaten"),
)
async def overlap(stage: ClientStage) -> None:
    """Both are known before they begin."""
    _transformer(stage, 0)
    await _read(stage)
    system = announce(stage, "system", limit(60), lasts=3 * MINUTE)
    announce(stage, "node", limit(40), program=TRANSFORMER.id, ahead=3 * MINUTE)
    await _to_the_end(stage, system)


@case(
    id="CSIP-CLI-AGG-009",
    title="A node's control comes while the system's runs",
    purpose="Exposes an aggregator that does not stop a running control for a better one.",
    public=("AGG-009",),
    requirements=(_BETTER, _EACH),
    checks=(
        responds("system", 1, 2, 7, requirement=_BETTER, lfdi=FIRST, or_else=(14,)),
        responds("node", 1, 2, 3, requirement=_BETTER, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
    ),
    observations=(response_seen("system", 2), response_seen("node", 3)),
    modes=ONLY,
    lasts=14 * MINUTE,
    facts=_FACTS,
    mutants=("supersedes-for-all", "never-stops-for-better"),
)
async def published_later(stage: ClientStage) -> None:
    """Publish the node's once the system's runs."""
    _transformer(stage, 0)
    await _read(stage)
    system = announce(stage, "system", limit(60), lasts=6 * MINUTE)
    await stage.until(responded("system", 2), 5 * MINUTE, "start the control")
    announce(stage, "node", limit(40), program=TRANSFORMER.id, ahead=2 * MINUTE)
    await _to_the_end(stage, system)


@case(
    id="CSIP-CLI-AGG-010",
    title="Different controls at one node: both run",
    purpose="Exposes an aggregator that takes any overlap for a conflict.",
    public=("AGG-010", "AGG-011", "AGG-012"),
    requirements=(_APART,),
    checks=(
        responds("system", 1, 2, 3, requirement=_APART, lfdi=FIRST),
        responds("node", 1, 2, 3, requirement=_APART, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_APART, lfdi=SECOND),
    ),
    observations=(response_seen("system", 3), response_seen("node", 3)),
    modes=ONLY,
    lasts=12 * MINUTE,
    facts=_FACTS,
    mutants=("takes-any-overlap",),
)
async def apart(stage: ClientStage) -> None:
    """Disconnect all, and cap one."""
    _transformer(stage, 0)
    await _read(stage)
    system = announce(stage, "system", connect(on=False), lasts=3 * MINUTE)
    announce(stage, "node", limit(40), program=TRANSFORMER.id, ahead=3 * MINUTE)
    await _to_the_end(stage, system)


@case(
    id="CSIP-CLI-AGG-022",
    title="Cancelled: each device says so",
    purpose="Exposes an aggregator that cancels for one device.",
    public=("CORE-022",),
    requirements=(_CANCEL,),
    checks=(
        responds("one", 1, 2, 6, requirement=_CANCEL, lfdi=FIRST),
        responds("one", 1, 2, 6, requirement=_CANCEL, lfdi=SECOND),
    ),
    observations=(control_seen("one"), response_seen("one", 2, at_least=2)),
    modes=ONLY,
    lasts=10 * MINUTE,
    mutants=("calls-cancelled-completed",),
)
async def cancelled(stage: ClientStage) -> None:
    """Cancel a running control."""
    announce(stage, "one", limit(60), lasts=6 * MINUTE)
    await stage.until(responded("one", 2, times=2), 5 * MINUTE, "start the control")
    stage.utility.cancel("one")
    await stage.until(seen("one", 2), 2 * MINUTE, "read that it is cancelled")
    await stage.sleep(6 * MINUTE)


@case(
    id="CSIP-CLI-AGG-002",
    title="Each device has the default of its own best program",
    purpose="Exposes an aggregator with one default for all.",
    public=("AGG-002",),
    requirements=(_DEFAULT,),
    checks=(
        in_force("settled", "opModMaxLimW", "3000", requirement=_DEFAULT, lfdi=FIRST),
        in_force("settled", "opModMaxLimW", "8000", requirement=_DEFAULT, lfdi=SECOND),
    ),
    observations=(read_seen("DefaultDERControl", 2),),
    modes=ONLY,
    applies_if="CLI-STATE",
    facts=_FACTS,
    mutants=("one-default-for-all",),
)
async def defaults(stage: ClientStage) -> None:
    """Give the first device a better program."""
    _transformer(stage, 0)
    await _read(stage)
    await look(stage, "settled")


@case(
    id="CSIP-CLI-AGG-029",
    title="Each device has a mirror of its own",
    purpose="Exposes an aggregator that mirrors itself, or one device.",
    public=("BASIC-029",),
    requirements=(_REPORT,),
    checks=(mirrors_each(requirement=_REPORT),),
    observations=(post_seen("MirrorUsagePoint"), post_seen("MirrorMeterReading", at_least=2)),
    modes=ONLY,
    facts=(("post_s", "60"),),
    mutants=("mirrors-itself",),
)
async def mirrors(stage: ClientStage) -> None:
    """Watch for a while."""
    await stage.sleep(3 * MINUTE)


@case(
    id="CSIP-CLI-AGG-101",
    title="A device is removed: it is managed no more, the other goes on",
    purpose="Exposes an aggregator that goes on with a device that is gone, or stops with all.",
    public=("MAINT-001",),
    requirements=(_CHANGES, _EACH),
    checks=(
        never_responds("one", 2, 3, requirement=_CHANGES, lfdi=FIRST),
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
    ),
    observations=(read_seen("EndDeviceList", 2), response_seen("one", 1)),
    modes=ONLY,
    lasts=12 * MINUTE,
    facts=_FACTS,
    mutants=("keeps-what-is-gone", "acts-for-first-device-alone"),
)
async def device_removed(stage: ClientStage) -> None:
    """Remove the first device while a control waits."""
    control = announce(stage, "one", limit(60), ahead=6 * MINUTE)
    await stage.until(responded("one", 1, times=2), 2 * MINUTE, "receive the control")
    stage.utility.drop_account(stage.utility.devices[0])
    mark = stage.transcript.messages[-1].number
    await stage.until(read("EndDeviceList", after=mark), 4 * MINUTE, "read the EndDevices")
    await _to_the_end(stage, control)


@case(
    id="CSIP-CLI-AGG-103",
    title="A device moves to another group: it follows that group's controls",
    purpose="Exposes an aggregator that keeps the group that a device had first.",
    public=("MAINT-003", "MAINT-004"),
    requirements=(_CHANGES,),
    checks=(
        responds("node", 1, 2, 3, requirement=_CHANGES, lfdi=SECOND),
        never_responds("node", requirement=_CHANGES, lfdi=FIRST),
    ),
    observations=(read_seen("FunctionSetAssignmentsList", 3), control_seen("node")),
    modes=ONLY,
    lasts=14 * MINUTE,
    facts=_FACTS,
    mutants=("reads-assignments-once", "gives-all-to-all"),
)
async def moved(stage: ClientStage) -> None:
    """Take the second device from the first group into another."""
    _transformer(stage, 1)
    own = stage.utility.account(stage.utility.devices[1])
    stage.utility.put_account(
        replace(own, assignments=tuple(a for a in own.assignments if a != ASSIGNMENT))
    )
    await _read(stage)
    await _to_the_end(stage, announce(stage, "node", limit(40), program=TRANSFORMER.id))


@case(
    id="CSIP-CLI-AGG-104",
    title="The PIN of one device is not its own: it acts for the other alone",
    purpose="Exposes an aggregator that compares one PIN, or none.",
    public=("UTIL-002",),
    requirements=(_PIN, _EACH),
    checks=(
        never_responds("one", requirement=_PIN, lfdi=FIRST),
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
    ),
    observations=(read_seen("Registration", 3), response_seen("one", 3)),
    modes=ONLY,
    lasts=10 * MINUTE,
    facts=_FACTS,
    mutants=("minds-no-pin", "acts-for-first-device-alone"),
)
async def one_pin(stage: ClientStage) -> None:
    """Change the PIN of the first device, wait until it was read, publish a control for both."""
    own = stage.utility.account(stage.utility.devices[0])
    stage.utility.put_account(replace(own, pin=123455))
    mark = stage.transcript.messages[-1].number
    await stage.until(read("Registration", times=2, after=mark), 4 * MINUTE, "read the PINs")
    await stage.sleep(timedelta(seconds=10))
    await _to_the_end(stage, announce(stage, "one", limit(60)))
