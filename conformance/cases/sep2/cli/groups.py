"""Programs beside each other: primacy, overlap, defaults, changes (SunSpec BASIC-002, -003, -016, -020 to -026)."""

from dataclasses import dataclass, field
from datetime import timedelta

from conformance.kit.case import Case
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, announce, look, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds, responds, timely
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.walk import reads_every
from conformance.kit.sep2.conditions import read, responded
from conformance.kit.sep2.observations import control_seen, read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Assignment, Content, Program, connect, limit

ONE_DEVICE = ("der", "csipaus")
SECOND = timedelta(seconds=1)
_RSP = "REQ-SEP2-8.8-1"
_BETTER = "REQ-SEP2-10.2.3-9"
_APART = "REQ-SEP2-10.2.3-10"
_DEFAULT = "REQ-SEP2-10.10-3"
_GROUPS = "REQ-CSIP-6.1-3"
_CHANGES = "REQ-CSIP-6.1-4"
_NEWER = "REQ-SEP2-10.2.3-11"
SERVICE_POINT = Program(id="service point", primacy=2, default=limit(30))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Two controls of two programs and who of them runs."""

    number: str
    title: str
    system: tuple[int, int]
    """Minutes until its start, and of its duration."""
    service: tuple[int, int]
    later: bool = False
    """The service point's is published once the system's runs."""
    base: Content = field(hash=False)
    """Of the system's control."""
    system_says: tuple[int, ...]
    or_else: tuple[int, ...] = ()
    mutants: tuple[str, ...]


def _made(row: _Row) -> Case:
    alike = "opModMaxLimW" in row.base
    rule = _BETTER if alike else _APART

    async def script(stage: ClientStage) -> None:
        stage.utility.put_program(SERVICE_POINT, assigned=ASSIGNMENT)
        (ahead, lasts), (after, long) = row.system, row.service
        system = announce(stage, "system", row.base, ahead=ahead * MINUTE, lasts=lasts * MINUTE)
        if row.later:
            await stage.until(responded("system", 2), (ahead + 2) * MINUTE, "start the control")
        service = announce(
            stage,
            "service",
            limit(40),
            program=SERVICE_POINT.id,
            ahead=after * MINUTE,
            lasts=long * MINUTE,
        )
        await run_through(
            stage, max(service, system, key=lambda c: c.end) if not alike else service
        )
        await stage.sleep(max(system.end - stage.now, 0 * SECOND) + MINUTE)

    return case(
        id=f"CSIP-CLI-GRP-{row.number}",
        title=row.title,
        purpose="Exposes a client that does not decide between programs, or decides otherwise.",
        public=(f"BASIC-{row.number}",),
        requirements=(rule,),
        checks=(
            responds("service", 1, 2, 3, requirement=rule),
            responds("system", *row.system_says, requirement=rule, or_else=row.or_else),
            timely("service", 2, "service.starts", requirement=rule),
        ),
        observations=(control_seen("system"), response_seen("service", 3)),
        modes=ONE_DEVICE,
        lasts=10 * MINUTE,
        mutants=row.mutants,
    )(script)


CASES = tuple(
    _made(row)
    for row in (
        _Row(
            number="020",
            title="Two programs whose controls do not overlap: both run",
            system=(2, 1),
            service=(4, 1),
            base=limit(60),
            system_says=(1, 2, 3),
            mutants=("hears-best-program-alone",),
        ),
        _Row(
            number="021",
            title="A better program's control lies within: the other is not begun",
            system=(2, 2),
            service=(3, 1),
            base=limit(60),
            system_says=(1, 7),
            or_else=(14,),
            mutants=("begins-what-is-beaten",),
        ),
        _Row(
            number="022",
            title="A better program's control comes first: the other is not begun",
            system=(3, 2),
            service=(2, 2),
            base=limit(60),
            system_says=(1, 7),
            or_else=(14,),
            mutants=("higher-primacy-wins",),
        ),
        _Row(
            number="023",
            title="A better program's control comes while the other runs: that one stops",
            system=(2, 6),
            service=(3, 1),
            later=True,
            base=limit(60),
            system_says=(1, 2, 7),
            or_else=(14,),
            mutants=("never-stops-for-better", "resumes-what-was-beaten"),
        ),
        _Row(
            number="024",
            title="Different controls, the better program's within: both run",
            system=(2, 2),
            service=(3, 1),
            base=connect(on=False),
            system_says=(1, 2, 3),
            mutants=("takes-any-overlap",),
        ),
        _Row(
            number="025",
            title="Different controls, the better program's first: both run",
            system=(3, 2),
            service=(2, 2),
            base=connect(on=False),
            system_says=(1, 2, 3),
            mutants=("takes-any-overlap",),
        ),
        _Row(
            number="026",
            title="Different controls, the better program's published later: both run",
            system=(2, 6),
            service=(3, 1),
            later=True,
            base=connect(on=False),
            system_says=(1, 2, 3),
            mutants=("takes-any-overlap",),
        ),
    )
)


@case(
    id="CSIP-CLI-GRP-016",
    title="Of two defaults the better program's is in force",
    purpose="Exposes a client that takes the first default that it reads, or the last.",
    public=("BASIC-016", "S-ALL-49"),
    requirements=(_DEFAULT,),
    checks=(
        in_force("before", "opModMaxLimW", "8000", requirement=_DEFAULT),
        in_force("both", "opModMaxLimW", "3000", requirement=_DEFAULT),
    ),
    observations=(read_seen("DefaultDERControl", 3),),
    modes=ONE_DEVICE,
    applies_if="CLI-STATE",
    mutants=("worst-default",),
)
async def two_defaults(stage: ClientStage) -> None:
    """Add a better program."""
    await look(stage, "before")
    stage.utility.put_program(SERVICE_POINT, assigned=ASSIGNMENT)
    mark = len(stage.transcript.messages)
    await stage.sleep(2 * MINUTE)
    stage.mark("polled", messages=len(stage.transcript.messages) - mark)
    await look(stage, "both")


@case(
    id="CSIP-CLI-GRP-116",
    title="Swapped primacy is followed",
    purpose="Exposes a client that keeps the primacy that it read first.",
    public=("MAINT-005",),
    requirements=(_CHANGES, _DEFAULT),
    checks=(
        in_force("first", "opModMaxLimW", "3000", requirement=_DEFAULT),
        in_force("swapped", "opModMaxLimW", "8000", requirement=_CHANGES),
    ),
    observations=(read_seen("DERProgramList", 3, after="case.prepared"),),
    modes=ONE_DEVICE,
    applies_if="CLI-STATE",
    mutants=("keeps-first-primacy",),
)
async def swapped(stage: ClientStage) -> None:
    """Let the better program become the worse."""
    stage.utility.put_program(SERVICE_POINT, assigned=ASSIGNMENT)
    await stage.sleep(2 * MINUTE)
    await look(stage, "first")
    stage.utility.put_program(Program(id=SERVICE_POINT.id, primacy=50, default=limit(30)))
    await stage.sleep(2 * MINUTE)
    await look(stage, "swapped")


_LEVELS = (
    "system", "sub-transmission", "substation", "feeder", "segment", "transformer", "service",
)  # fmt: skip


@case(
    id="CSIP-CLI-GRP-010",
    title="Seven levels of groups, in one assignment",
    purpose="Exposes a client that reads no more than a few programs.",
    public=("CORE-010", "BASIC-002"),
    requirements=(_GROUPS, _RSP),
    checks=(
        reads_every("DERControlList", 7, requirement=_GROUPS),
        responds("best", 1, 2, 3, requirement=_RSP),
    ),
    observations=(read_seen("DERProgramList", 2), response_seen("best", 3)),
    modes=ONE_DEVICE,
    mutants=("reads-five-programs",),
)
async def seven_levels(stage: ClientStage) -> None:
    """Add seven programs, and a control to the best of them."""
    for place, name in enumerate(_LEVELS):
        program = Program(id=name, primacy=10 - place, default=limit(90 - place))
        stage.utility.put_program(program, assigned=ASSIGNMENT)
    await run_through(
        stage, announce(stage, "best", limit(25), program="service", ahead=3 * MINUTE)
    )


@case(
    id="CSIP-CLI-GRP-011",
    title="Fifteen assignments, each with its program",
    purpose="Exposes a client that reads no more than a few assignments.",
    public=("CORE-011",),
    requirements=(_GROUPS, _RSP),
    checks=(
        reads_every("DERProgramList", 16, requirement=_GROUPS),
        responds("last", 1, 2, 3, requirement=_RSP),
    ),
    observations=(read_seen("FunctionSetAssignmentsList", 2), response_seen("last", 3)),
    modes=ONE_DEVICE,
    lasts=12 * MINUTE,
    facts=(("walk_s", "120"),),
    mutants=("reads-ten-assignments",),
)
async def fifteen(stage: ClientStage) -> None:
    """Add fifteen assignments while it runs."""
    for n in range(15):
        stage.utility.put_program(Program(id=f"p{n}", primacy=20 + n, default=None))
        stage.utility.put_assignment(
            Assignment(id=f"a{n}", programs=(f"p{n}",)), *stage.utility.devices
        )
    control = announce(stage, "last", limit(25), program="p14", ahead=5 * MINUTE)
    await run_through(stage, control)


@case(
    id="CSIP-CLI-GRP-003",
    title="Programs that come and go while it runs are followed",
    purpose="Exposes a client that reads its assignments once.",
    public=("BASIC-003", "MAINT-003", "P-02"),
    requirements=(_CHANGES,),
    checks=(
        in_force("added", "opModMaxLimW", "3000", requirement=_CHANGES),
        in_force("removed", "opModMaxLimW", "8000", requirement=_CHANGES),
        responds("one", 1, 2, 3, requirement=_CHANGES),
    ),
    observations=(read_seen("FunctionSetAssignmentsList", 3), response_seen("one", 3)),
    modes=ONE_DEVICE,
    applies_if="CLI-STATE",
    lasts=15 * MINUTE,
    facts=(("walk_s", "120"),),
    mutants=("reads-assignments-once",),
)
async def come_and_go(stage: ClientStage) -> None:
    """Add an assignment with a program and a control, and take it away again."""
    stage.utility.put_program(SERVICE_POINT)
    stage.utility.put_assignment(
        Assignment(id="another", programs=(SERVICE_POINT.id,)), *stage.utility.devices
    )
    control = announce(stage, "one", limit(25), program=SERVICE_POINT.id, ahead=4 * MINUTE)
    await run_through(stage, control)
    await look(stage, "added")
    stage.utility.drop_assignment("another")
    mark = stage.transcript.messages[-1].number
    await stage.until(
        read("FunctionSetAssignmentsList", after=mark), 5 * MINUTE, "read its assignments"
    )
    await stage.sleep(MINUTE)
    await look(stage, "removed")


@case(
    id="CSIP-CLI-GRP-007",
    title="In one program the newer of two overlapping controls wins",
    purpose="Exposes a client that keeps the older of two controls, or runs both.",
    public=("ALL-18", "CORE-023"),
    requirements=(_NEWER,),
    checks=(
        responds("old", 1, 2, 7, requirement=_NEWER),
        responds("new", 1, 2, 3, requirement=_NEWER),
        timely("old", 7, "new.starts", requirement=_NEWER),
    ),
    observations=(control_seen("old"), control_seen("new"), response_seen("new", 3)),
    modes=ONE_DEVICE,
    lasts=12 * MINUTE,
    mutants=("keeps-the-older", "supersedes-by-14"),
)
async def newer(stage: ClientStage) -> None:
    """Publish a control over a running one."""
    announce(stage, "old", limit(60), lasts=8 * MINUTE)
    await stage.until(responded("old", 2), 5 * MINUTE, "start the control")
    new = announce(stage, "new", limit(40), ahead=2 * MINUTE, lasts=2 * MINUTE)
    await run_through(stage, new)
    await stage.sleep(5 * MINUTE)


@case(
    id="CSIP-CLI-GRP-107",
    title="A control that would have won is cancelled: the other runs",
    purpose="Exposes a client that gives a control up for good as soon as a better one is known.",
    requirements=(_BETTER,),
    checks=(
        responds("system", 1, 2, 3, requirement=_BETTER),
        never_responds("service", 2, 3, requirement=_BETTER),
    ),
    observations=(control_seen("service"), response_seen("service", 6), response_seen("system")),
    modes=ONE_DEVICE,
    lasts=12 * MINUTE,
    mutants=("gives-up-at-once",),
)
async def winner_cancelled(stage: ClientStage) -> None:
    """Cancel the better control before both begin."""
    stage.utility.put_program(SERVICE_POINT, assigned=ASSIGNMENT)
    system = announce(stage, "system", limit(60), ahead=6 * MINUTE, lasts=2 * MINUTE)
    announce(
        stage, "service", limit(40), program=SERVICE_POINT.id, ahead=6 * MINUTE, lasts=2 * MINUTE
    )
    await stage.until(responded("service", 1), 3 * MINUTE, "receive the control")
    stage.utility.cancel("service")
    await run_through(stage, system)
