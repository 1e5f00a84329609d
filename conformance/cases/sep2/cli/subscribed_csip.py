"""SunSpec's procedures about notifications: CORE-018, -019, AGG-001, ERR-002, MAINT-001 to -005, UTIL-003, -004."""

from dataclasses import replace

from conformance.cases.sep2.cli.notified import CONTROLS
from conformance.cases.sep2.cli.subscribing import RARELY, SUB, TOLD
from conformance.kit.case import Start
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM, announce, look
from conformance.kit.sep2.case import CSIP, case
from conformance.kit.sep2.checks.events import never_responds, responds, timely
from conformance.kit.sep2.checks.notifications import (
    acts_on_notification,
    answers,
    answers_at_once,
    reaches_after,
    refuses,
)
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.subscriptions import posts_at_most, subscribes_to, well_formed
from conformance.kit.sep2.notices import CANCELLED, Notice
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.subscribed import (
    notice_seen,
    notification_seen,
    settle,
    subscription_seen,
)
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Account, Assignment, Program, connect, limit

FIRST, SECOND, THIRD = "#0", "#1", "#2"
ONLY = ("aggregator",)
NODE = Program(id="node", primacy=2, default=limit(30))
_FORM = "REQ-SEP2-8.9-2"
_ANSWERS = "REQ-SEP2-8.9-3"
_ACTS = "REQ-SEP2-8.9-4"
_MATCH = "REQ-SEP2-8.9-5"
_ENDED = "REQ-SEP2-8.9-9"
_EVERY = "REQ-CSIP-SUB-1"
_FOLLOWS = "REQ-CSIP-SUB-2"
_CREATED = "REQ-CSIP-SUB-3"
_EACH = "REQ-CSIP-AGG-1"
_OFTEN = (("subscribable", "yes"), ("walk_s", "120"))


def _node(stage: ClientStage, *places: int) -> None:
    """Assign the program of a node to some devices."""
    stage.utility.put_program(NODE)
    lfdis = [stage.utility.devices[place] for place in places]
    stage.utility.put_assignment(Assignment(id="node", programs=(NODE.id,)), *lfdis)


@case(
    id="CSIP-CLI-SUB-018",
    title="Subscribed to its assignments: a new one is followed, the notification answered by 201",
    purpose="Exposes a client that subscribes to its assignments and reads them once.",
    public=("CORE-018", "BASIC-003"),
    requirements=(_FORM, _CREATED, _ANSWERS, _FOLLOWS),
    checks=(
        well_formed(requirement=_FORM),
        answers(201, requirement=_CREATED),
        answers_at_once(requirement=_ANSWERS),
        reaches_after("one", "assigned", requirement=_FOLLOWS, within=2 * MINUTE),
    ),
    observations=(
        subscription_seen("FunctionSetAssignmentsList"),
        notification_seen(),
        control_seen("one"),
    ),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    modes=CSIP,
    mutants=("minds-no-told-assignment", "answers-by-204"),
)
async def assignments(stage: ClientStage) -> None:
    """Assign a program that has a control already."""
    await settle(stage, "FunctionSetAssignmentsList")
    await stage.sleep(2 * MINUTE)
    stage.utility.put_program(NODE)
    announce(stage, "one", limit(20), program=NODE.id, ahead=8 * MINUTE)
    stage.utility.put_assignment(Assignment(id="node", programs=(NODE.id,)))
    stage.mark("assigned")
    await stage.sleep(3 * MINUTE)


@case(
    id="CSIP-CLI-SUB-019",
    title="Subscribed to devices and assignments; the server cancels: it polls",
    purpose="Exposes a client that takes the end of a subscription for a change, or subscribes again at once.",
    public=("CORE-019",),
    requirements=(_CREATED, _ENDED, _EVERY),
    checks=(
        subscribes_to("EndDeviceList", requirement=_EVERY),
        subscribes_to("FunctionSetAssignmentsList", requirement=_EVERY),
        answers(201, requirement=_CREATED),
        posts_at_most(
            "FunctionSetAssignmentsList", 0, requirement=_ENDED, after="ended", before="assigned"
        ),
        reaches_after("one", "assigned", requirement=_ENDED, within=6 * MINUTE),
    ),
    observations=(subscription_seen(at_least=2), notice_seen("end"), control_seen("one")),
    facts=_OFTEN,
    poll=2 * MINUTE,
    lasts=24 * MINUTE,
    applies_if=SUB,
    modes=CSIP,
    mutants=("minds-no-end", "answers-by-204"),
)
async def cancelled(stage: ClientStage) -> None:
    """Cancel the subscriptions to the assignments, then assign something."""
    await settle(stage, "EndDeviceList", "FunctionSetAssignmentsList")
    await stage.sleep(5 * MINUTE)
    for lfdi in stage.utility.devices:
        of = ("FunctionSetAssignmentsList", lfdi)
        await stage.utility.notify(Notice(of=of, name="end", status=CANCELLED))
    stage.mark("ended")
    await stage.sleep(5 * MINUTE)
    stage.utility.put_program(NODE)
    announce(stage, "one", limit(20), program=NODE.id, ahead=10 * MINUTE)
    stage.utility.put_assignment(Assignment(id="node", programs=(NODE.id,)))
    stage.mark("assigned")
    await stage.sleep(8 * MINUTE)


@case(
    id="CSIP-CLI-SUB-101",
    title="A device is added: notified, and managed from then on",
    purpose="Exposes an aggregator that finds devices when it starts alone.",
    public=("AGG-001",),
    requirements=(_EVERY, _CREATED, _FOLLOWS),
    checks=(
        subscribes_to("EndDeviceList", requirement=_EVERY),
        answers(201, requirement=_CREATED),
        acts_on_notification("one", requirement=_FOLLOWS, lfdi=THIRD),
    ),
    observations=(subscription_seen("EndDeviceList"), notification_seen(2), response_seen("one")),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    modes=ONLY,
    mutants=("minds-no-told-device", "answers-by-204"),
)
async def device_added(stage: ClientStage) -> None:
    """Add a device with the assignment that all have; publish a control."""
    await settle(stage, "EndDeviceList")
    await stage.sleep(2 * MINUTE)
    first = stage.utility.devices[0]
    lfdi = f"{(int(first[:32], 16) + 16) % 16**32:032X}{first[32:]}"
    stage.utility.put_account(Account(lfdi=lfdi, assignments=(ASSIGNMENT,), post_s=300))
    await stage.sleep(3 * MINUTE)
    announce(stage, "one", limit(60), ahead=5 * MINUTE)
    await stage.sleep(2 * MINUTE)


@case(
    id="CSIP-CLI-SUB-102",
    title="The server is switched off and on: subscriptions go on, what is invalid gets an error",
    purpose="Exposes a client that hears its server no more after an outage, or takes whatever it sends.",
    public=("ERR-002",),
    requirements=(_ANSWERS, _MATCH, _ACTS),
    checks=(
        answers(201, 204, requirement=_ANSWERS),
        acts_on_notification("one", requirement=_ACTS),
        refuses("invalid", requirement=_MATCH),
        answers(201, 204, requirement=_ANSWERS, notice="end"),
    ),
    observations=(notification_seen(2), notice_seen("invalid"), notice_seen("end"), control_seen("one")),
    facts=(*TOLD, ("post_s", "60")),
    poll=RARELY,
    lasts=20 * MINUTE,
    applies_if=SUB,
    modes=CSIP,
    mutants=("takes-what-it-cannot-read", "waits-for-its-poll", "listens-till-the-server-goes"),
)  # fmt: skip
async def power(stage: ClientStage) -> None:
    """Be away for five minutes, then notify: a control, nonsense, the end."""
    await settle(stage, "DERControlList")
    await stage.utility.down()
    await stage.sleep(5 * MINUTE)
    await stage.utility.up()
    await stage.sleep(5 * MINUTE)
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    await stage.sleep(2 * MINUTE)
    await stage.utility.notify(
        Notice(of=CONTROLS, name="invalid", body=b"<Notification>nonsense", wrong="invalid")
    )
    await stage.sleep(MINUTE)
    await stage.utility.notify(Notice(of=CONTROLS, name="end", status=CANCELLED))
    await stage.sleep(MINUTE)


@case(
    id="CSIP-CLI-SUB-111",
    title="A device is removed: notified, and managed no more",
    purpose="Exposes an aggregator that goes on with a device that is gone until its next poll.",
    public=("MAINT-001",),
    requirements=(_FOLLOWS, _EACH),
    checks=(
        never_responds("one", requirement=_FOLLOWS, lfdi=FIRST),
        acts_on_notification("one", requirement=_EACH, lfdi=SECOND),
    ),
    observations=(subscription_seen("EndDeviceList"), notification_seen(2), control_seen("one")),
    facts=(("subscribable", "EndDeviceList DERControlList"), ("walk_s", "900")),
    poll=RARELY,
    applies_if=SUB,
    modes=ONLY,
    mutants=("minds-no-told-device",),
)
async def device_removed(stage: ClientStage) -> None:
    """Remove the first device, then publish a control for all."""
    await settle(stage, "EndDeviceList", "DERControlList")
    await stage.sleep(2 * MINUTE)
    stage.utility.drop_account(stage.utility.devices[0])
    await stage.sleep(2 * MINUTE)
    announce(stage, "one", limit(60))
    await stage.sleep(5 * MINUTE)


@case(
    id="CSIP-CLI-SUB-113",
    title="A device moves to another group: notified, it follows that group's controls",
    purpose="Exposes an aggregator that is told of assignments and reads them at its next poll.",
    public=("MAINT-003",),
    requirements=(_FOLLOWS,),
    checks=(
        reaches_after("node control", "moved", requirement=_FOLLOWS, within=3 * MINUTE),
        responds("node control", 1, 2, 3, requirement=_FOLLOWS, lfdi=SECOND),
        never_responds("node control", requirement=_FOLLOWS, lfdi=FIRST),
    ),
    observations=(
        subscription_seen("FunctionSetAssignmentsList", 2),
        notification_seen(),
        control_seen("node control"),
    ),
    facts=TOLD,
    poll=RARELY,
    lasts=14 * MINUTE,
    applies_if=SUB,
    modes=ONLY,
    mutants=("minds-no-told-assignment",),
)  # fmt: skip
async def moved(stage: ClientStage) -> None:
    """Take the second device from the first group into one that has a control."""
    await settle(stage, "FunctionSetAssignmentsList", times=2)
    await stage.sleep(2 * MINUTE)
    stage.utility.put_program(NODE)
    control = announce(stage, "node control", limit(40), program=NODE.id, ahead=5 * MINUTE)
    own = stage.utility.account(stage.utility.devices[1])
    kept = tuple(name for name in own.assignments if name != ASSIGNMENT)
    stage.utility.put_account(replace(own, assignments=kept))
    stage.utility.put_assignment(Assignment(id="node", programs=(NODE.id,)), own.lfdi)
    stage.mark("moved")
    await stage.sleep_until(control.end + 2 * MINUTE)


@case(
    id="CSIP-CLI-SUB-114",
    title="A control in a quarter of an hour, by notification: each device responds at once, and runs it",
    purpose="Exposes a client that takes a notified control for one device, or at its next poll.",
    public=("MAINT-004",),
    requirements=(_ACTS, _EACH),
    checks=(
        acts_on_notification("one", requirement=_ACTS, lfdi=FIRST),
        acts_on_notification("one", requirement=_ACTS, lfdi=SECOND),
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        responds("one", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
        timely("one", 2, "one.starts", requirement=_EACH, lfdi=SECOND),
    ),
    observations=(notification_seen(), control_seen("one"), response_seen("one", 3, 2)),
    facts=TOLD,
    poll=RARELY,
    lasts=26 * MINUTE,
    applies_if=SUB,
    modes=ONLY,
    mutants=("waits-for-its-poll",),
)
async def control_added(stage: ClientStage) -> None:
    """Publish it."""
    await settle(stage, "DERControlList")
    await stage.sleep(3 * MINUTE)
    control = announce(stage, "one", limit(60), ahead=15 * MINUTE, lasts=5 * MINUTE)
    await stage.sleep_until(control.end + 2 * MINUTE)


@case(
    id="CSIP-CLI-SUB-115",
    title="Primacies are swapped, by notification: the other default is in force",
    purpose="Exposes a client that minds no notification of programs.",
    public=("MAINT-005",),
    requirements=(_FOLLOWS,),
    checks=(
        in_force("before", "opModMaxLimW", "3000", requirement=_FOLLOWS),
        in_force("after", "opModMaxLimW", "8000", requirement=_FOLLOWS),
    ),
    observations=(subscription_seen("DERProgramList"), notification_seen()),
    facts=TOLD,
    poll=RARELY,
    start=Start.FRESH,
    applies_if=f"{SUB} and CLI-STATE and CLI-CAP",
    needs=("state",),
    modes=CSIP,
    mutants=("minds-no-told-program",),
)
async def primacies(stage: ClientStage) -> None:
    """Give the program that was the worse one the better primacy."""
    stage.utility.put_program(NODE, assigned=ASSIGNMENT)
    await settle(stage, "DERProgramList")
    await stage.sleep(3 * MINUTE)
    await look(stage, "before")
    stage.utility.hush()
    stage.utility.put_program(replace(NODE, primacy=10))
    stage.utility.hush(silent=False)
    stage.utility.put_program(Program(id=PROGRAM, primacy=2, default=limit(80)))
    await stage.sleep(MINUTE)
    await look(stage, "after")


@case(
    id="CSIP-CLI-SUB-203",
    title="It subscribes to devices, and to assignments, programs and controls of each",
    purpose="Exposes an aggregator that subscribes for one device, or to single programs in the place of their list.",
    public=("UTIL-003",),
    requirements=(_EVERY, _FORM),
    checks=(
        subscribes_to("EndDeviceList", requirement=_EVERY),
        subscribes_to("FunctionSetAssignmentsList", 2, requirement=_EVERY),
        subscribes_to("DERProgramList", 2, requirement=_EVERY),
        subscribes_to("DERControlList", 2, requirement=_EVERY),
        well_formed(requirement=_FORM),
    ),
    observations=(subscription_seen(at_least=1),),
    start=Start.FRESH,
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    modes=ONLY,
    mutants=("subscribes-to-one-of-a-kind", "subscribes-to-no-programs"),
)
async def everything(stage: ClientStage) -> None:
    """Give the first device one more program."""
    _node(stage, 0)
    await stage.sleep(8 * MINUTE)


@case(
    id="CSIP-CLI-SUB-204",
    title="Controls of two levels, by notification: each device responds to its own",
    purpose="Exposes an aggregator that gives what is notified to all devices, or to the first.",
    public=("UTIL-004",),
    requirements=(_ACTS, _EACH),
    checks=(
        acts_on_notification("system", requirement=_ACTS, lfdi=FIRST),
        acts_on_notification("below", requirement=_ACTS, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        responds("system", 1, 2, 3, requirement=_EACH, lfdi=SECOND),
        responds("below", 1, 2, 3, requirement=_EACH, lfdi=FIRST),
        never_responds("below", requirement=_EACH, lfdi=SECOND),
    ),
    observations=(notification_seen(2), control_seen("system"), control_seen("below")),
    start=Start.FRESH,
    facts=TOLD,
    poll=RARELY,
    lasts=14 * MINUTE,
    applies_if=SUB,
    modes=ONLY,
    mutants=("minds-the-first-notification",),
)
async def levels(stage: ClientStage) -> None:
    """Disconnect all; cap those below the node."""
    _node(stage, 0)
    await settle(stage, "DERControlList", times=2)
    await stage.sleep(2 * MINUTE)
    announce(stage, "system", connect(on=False), lasts=2 * MINUTE)
    await stage.sleep(MINUTE / 2)
    control = announce(stage, "below", limit(40), program=NODE.id, lasts=2 * MINUTE)
    await stage.sleep_until(control.end + 2 * MINUTE)
