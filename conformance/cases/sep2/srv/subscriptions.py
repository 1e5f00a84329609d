"""Subscriptions: taken, renewed, deleted, refused, kept over a restart, and tried again (S-ALL-25, -26, -46)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from conformance.kit.case import Case
from conformance.kit.replies import status
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.build import make
from conformance.kit.sep2.checks.answers import answers
from conformance.kit.sep2.checks.noticed import (
    ends,
    equals_read,
    once_each,
    patient,
    quiet,
    renews,
    subscribes,
    tells,
    tells_again,
    well_told,
)
from conformance.kit.sep2.checks.shown import ranks
from conformance.kit.sep2.checks.stored import explains, refuses
from conformance.kit.sep2.client import Client
from conformance.kit.sep2.noticed import notice_seen, notified
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import (
    add_program,
    aggregator,
    managed_lfdi,
    offer,
    see,
    set_default,
    subscribe,
    until_told,
)
from conformance.kit.sep2.serving_observations import looked, marked, took
from conformance.kit.sep2.values import Account, Assignment, Program, limit

_TAKEN = "REQ-CSIPAUS-S-ALL-25-1"
_TOLD = "REQ-CSIPAUS-S-ALL-25-2"
_RENEWED = "REQ-CSIPAUS-S-ALL-26-1"
_DELETED = "REQ-CSIPAUS-S-ALL-26-2"
_AGAIN = "REQ-CSIPAUS-S-ALL-46-1"
_FITS = "REQ-SEP2-8.9-61"
_EQUAL = "REQ-SEP2-8.9-62"
_REFUSED = "REQ-SEP2-8.9-63"
_ENDS = "REQ-SEP2-8.9-64"
_ONCE = "REQ-SEP2-8.9-65"
_PATIENT = "REQ-SEP2-8.9-66"
_KEPT = "REQ-CSIP-ERR-002-51"
_REMOVED = "REQ-CSIP-MAINT-001-51"
_PRIMACY = "REQ-CSIP-MAINT-005-51"
CONTROLS: Final = "DERControlList"
LATEST: Final = timedelta(minutes=15)
"""In which a server has tried again, whatever its back-off."""
_SETTLED: Final = timedelta(seconds=20)
"""An operator's act may take several steps, each of which is told."""
Change = Callable[[ServerStage, Client, str], Awaitable[object]]
"""What the operator does to an aggregator's device."""


def _subscribable(
    number: int, what: str, of: str, change: Change, public: Sequence[str], told: str
) -> Case:
    @case(
        id=f"CSIP-SRV-SUB-{number:03}",
        title=f"An aggregator subscribes to {what} and is told of {told}",
        purpose=f"Exposes a server that takes no subscription to {what}, or says nothing of {told}.",
        public=public,
        requirements=(_TAKEN, _TOLD, _FITS, _EQUAL),
        checks=(
            subscribes(requirement=_TAKEN),
            tells(what, of, mark="changed", requirement=_TOLD),
            well_told(requirement=_FITS),
            equals_read(what, of, mark="changed", requirement=_EQUAL),
        ),
        observations=(
            took("Subscription"),
            notice_seen(what, of, mark="changed"),
            looked(what, of, 2),
        ),
        lasts=2 * MINUTE,
    )
    async def subscribable(stage: ServerStage) -> None:
        """Subscribe, have the operator change something, wait for the notification, read the resource."""
        client, (lfdi,) = await aggregator(stage)
        of_device = lfdi if what == "FunctionSetAssignmentsList" else of
        await subscribe(client, what, of_device)
        stage.mark("changed")
        await change(stage, client, lfdi)
        await until_told(stage, what, of, mark="changed")
        await stage.sleep(_SETTLED)
        await see(client, what, of_device)

    return subscribable


async def _another_device(stage: ServerStage, client: Client, _: str) -> None:
    await stage.operator.register(Account(lfdi=managed_lfdi(9)), manager=client.lfdi)


async def _another_assignment(stage: ServerStage, _: Client, lfdi: str) -> None:
    await stage.operator.put_assignment(Assignment(id="second", programs=()), lfdi)


async def _another_program(stage: ServerStage, _: Client, __: str) -> None:
    await add_program(stage, "second", 5, limit(50))


async def _a_control(stage: ServerStage, _: Client, __: str) -> None:
    await offer(stage, "one", limit(60), ahead=10 * MINUTE)


async def _a_default(stage: ServerStage, _: Client, __: str) -> None:
    await set_default(stage, limit(40))


devices = _subscribable(
    25, "EndDeviceList", "", _another_device, ("S-ALL-25", "AGG-001", "CORE-019"), "a new device"
)
assignments = _subscribable(
    26,
    "FunctionSetAssignmentsList",
    "",
    _another_assignment,
    ("S-ALL-25", "CORE-018", "MAINT-003"),
    "a new assignment",
)
programs = _subscribable(
    27,
    "DERProgramList",
    ASSIGNMENT,
    _another_program,
    ("S-ALL-25", "UTIL-003"),
    "a new program",
)
controls = _subscribable(
    28, CONTROLS, PROGRAM, _a_control, ("S-ALL-25", "MAINT-004", "UTIL-004"), "a new control"
)
defaults = _subscribable(
    29, "DefaultDERControl", PROGRAM, _a_default, ("S-ALL-25",), "another default"
)


@case(
    id="CSIP-SRV-SUB-030",
    title="The same subscription once more is an update of the first",
    purpose="Exposes a server that keeps two subscriptions, and notifies twice.",
    public=("S-ALL-26",),
    requirements=(_RENEWED, _TOLD, _ONCE),
    checks=(
        subscribes(requirement=_RENEWED),
        renews(requirement=_RENEWED),
        tells(CONTROLS, PROGRAM, mark="one.published", requirement=_TOLD),
        once_each(CONTROLS, PROGRAM, requirement=_ONCE),
    ),
    observations=(
        took("Subscription", 2),
        looked("SubscriptionList", "", 1),
        notice_seen(CONTROLS, PROGRAM),
    ),
    lasts=2 * MINUTE,
)
async def renewed(stage: ServerStage) -> None:
    """Subscribe twice, read the list of subscriptions; publish a control."""
    client, _ = await aggregator(stage)
    for _n in range(2):
        await subscribe(client, CONTROLS, PROGRAM)
    await client.members("SubscriptionList")
    await offer(stage, "one", limit(60), ahead=10 * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM)
    await stage.sleep(MINUTE)


@case(
    id="CSIP-SRV-SUB-031",
    title="A subscription that is deleted is over",
    purpose="Exposes a server that goes on notifying, or ends another subscription.",
    public=("S-ALL-26",),
    requirements=(_DELETED, _TOLD),
    checks=(
        answers("delete", 200, 204, method="DELETE", requirement=_DELETED),
        quiet(CONTROLS, PROGRAM, mark="delete.over", at="/gone", requirement=_DELETED),
        tells(CONTROLS, PROGRAM, mark="two.published", requirement=_TOLD),
    ),
    observations=(
        notice_seen(CONTROLS, PROGRAM, 2),
        notice_seen(CONTROLS, PROGRAM, mark="two.published"),
        marked("delete.over"),
    ),
    lasts=3 * MINUTE,
)
async def deleted(stage: ServerStage) -> None:
    """Subscribe under two addresses, publish; delete one, publish again."""
    client, _ = await aggregator(stage)
    gone = await subscribe(client, CONTROLS, PROGRAM, word="gone")
    await subscribe(client, CONTROLS, PROGRAM, word="stays")
    await offer(stage, "one", limit(60), ahead=10 * MINUTE)
    await stage.until(notified(CONTROLS, PROGRAM, times=2), 2 * MINUTE, "tell both")
    async with part(stage, "delete"):
        await client.delete(gone.header("Location") or "/")
    await offer(stage, "two", limit(50), ahead=20 * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM, mark="two.published")
    await stage.sleep(MINUTE)


@case(
    id="CSIP-SRV-SUB-032",
    title="What nobody may subscribe to is refused",
    purpose="Exposes a server that takes subscriptions which it cannot or must not serve.",
    public=("S-ALL-25", "CORE-018"),
    requirements=(_REFUSED, _TAKEN),
    checks=(
        refuses(requirement=_REFUSED),
        explains("a condition", 3, requirement=_REFUSED),
        subscribes(requirement=_TAKEN),
    ),
    observations=(took("Subscription"), marked("refused")),
)
async def refused(stage: ServerStage) -> None:
    """Subscribe to Time, to another's assignments, with a condition, to an address without TLS; then as one should."""
    client, (own,) = await aggregator(stage)
    other, (theirs,) = await _second_aggregator(stage)
    foreign = await other.href("FunctionSetAssignmentsList", theirs)
    await see(client, "FunctionSetAssignmentsList", own)
    listener = await client.listen()
    time, where = await client.href("Time"), await client.href("SubscriptionList")
    mine = await client.href(CONTROLS, PROGRAM)
    await client.subscribe(time, uri=listener.at("time"), wrong="no such resource is subscribable")
    await client.subscribe(foreign, uri=listener.at("foreign"), wrong="another's resource")
    plain = "http://127.0.0.1:9/notices"
    await client.subscribe(mine, uri=plain, wrong="an address without TLS")
    content = {
        "subscribedResource": mine,
        "Condition": {"attributeIdentifier": 0, "lowerThreshold": 1, "upperThreshold": 2},
        "encoding": 0,
        "level": "+S1",
        "limit": 1,
        "notificationURI": listener.at("condition"),
    }
    await client.post(where, make("Subscription", content), wrong="a condition")
    stage.mark("refused")
    await client.subscribe(mine, uri=listener.at("well"))


async def _second_aggregator(stage: ServerStage) -> tuple[Client, Sequence[str]]:
    client = await stage.another_client("second-aggregator", "aggregator")
    lfdi = managed_lfdi(77)
    await stage.operator.register(
        Account(lfdi=lfdi, assignments=(ASSIGNMENT,)), manager=client.lfdi
    )
    return client, (lfdi,)


@case(
    id="CSIP-SRV-SUB-033",
    title="A notification holds as many members as were asked for, and says how many there are",
    purpose="Exposes a server that ignores limit, or miscounts what it leaves out.",
    public=("CORE-018",),
    requirements=(_FITS, _EQUAL, _TOLD),
    checks=(
        tells(CONTROLS, PROGRAM, mark="one.published", requirement=_TOLD),
        well_told(requirement=_FITS),
        equals_read(CONTROLS, PROGRAM, mark="three.published", requirement=_EQUAL),
    ),
    observations=(
        notice_seen(CONTROLS, PROGRAM, mark="three.published"),
        looked(CONTROLS, PROGRAM, 2),
    ),
    lasts=2 * MINUTE,
)
async def limited(stage: ServerStage) -> None:
    """Subscribe with a limit of one; publish three controls; read the list."""
    client, _ = await aggregator(stage)
    await subscribe(client, CONTROLS, PROGRAM, limit=1)
    for place, name in enumerate(("one", "two", "three")):
        await offer(stage, name, limit(60), ahead=(10 + place) * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM, mark="three.published")
    await stage.sleep(MINUTE)
    await see(client, CONTROLS, PROGRAM)


@case(
    id="CSIP-SRV-SUB-034",
    title="A new control is told for its list alone",
    purpose="Exposes a server that notifies the list of programs, or of assignments, of each control.",
    public=("CORE-019",),
    requirements=(_ONCE, _TOLD),
    checks=(
        tells(CONTROLS, PROGRAM, mark="one.published", requirement=_TOLD),
        quiet("DERProgramList", ASSIGNMENT, mark="one.published", requirement=_ONCE),
        quiet("FunctionSetAssignmentsList", mark="one.published", requirement=_ONCE),
        quiet("EndDeviceList", mark="one.published", requirement=_ONCE),
        once_each(CONTROLS, PROGRAM, requirement=_ONCE),
    ),
    observations=(took("Subscription", 4), notice_seen(CONTROLS, PROGRAM)),
    lasts=3 * MINUTE,
)
async def parents(stage: ServerStage) -> None:
    """Subscribe to four lists on the way down; publish a control; wait."""
    client, (lfdi,) = await aggregator(stage)
    await subscribe(client, "EndDeviceList")
    await subscribe(client, "FunctionSetAssignmentsList", lfdi)
    await subscribe(client, "DERProgramList", ASSIGNMENT)
    await subscribe(client, CONTROLS, PROGRAM)
    await offer(stage, "one", limit(60), ahead=10 * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM)
    await stage.sleep(MINUTE)


# --- failures


def _failing(number: int, title: str, code: int, *, after_s: int = 0) -> Case:
    header = (("Retry-After", str(after_s)),) if after_s else ()
    least = timedelta(seconds=after_s - 1) if after_s else timedelta(milliseconds=500)

    @case(
        id=f"CSIP-SRV-SUB-{number:03}",
        title=f"A notification that is answered by {title} comes again",
        purpose="Exposes a server that drops what it could not tell, or tries again without a pause.",
        public=("S-ALL-46",),
        requirements=(_AGAIN, _PATIENT, _FITS),
        checks=(
            tells_again(CONTROLS, PROGRAM, mark="healthy", within=LATEST, requirement=_AGAIN),
            patient(requirement=_PATIENT, least=least),
            well_told(requirement=_FITS),
        ),
        observations=(marked("failed"), notice_seen(CONTROLS, PROGRAM, mark="healthy")),
        lasts=LATEST,
    )
    async def failing(stage: ServerStage) -> None:
        """Answer notifications by an error for a while; then as usual."""
        client, _ = await aggregator(stage)
        await subscribe(client, CONTROLS, PROGRAM)
        listener = await client.listen()
        listener.answer_always(status(code, *header))
        await offer(stage, "one", limit(60), ahead=60 * MINUTE)
        await stage.until(notified(CONTROLS, PROGRAM, taken=False), 2 * MINUTE, "tell at all")
        stage.mark("failed")
        await stage.sleep(MINUTE)
        listener.answer_always(None)
        stage.mark("healthy")
        again = notified(CONTROLS, PROGRAM, mark="healthy")
        await stage.until(again, LATEST + MINUTE, "tell it again")

    return failing


unavailable = _failing(46, "503", 503)
broken = _failing(47, "500", 500)
later = _failing(48, "503 with Retry-After", 503, after_s=30)


@case(
    id="CSIP-SRV-SUB-049",
    title="A subscriber that cannot be reached is told once it is there again, and holds up nobody",
    purpose="Exposes a server that forgets what it could not deliver, or waits for the dead before the living.",
    public=("S-ALL-46",),
    requirements=(_AGAIN, _TOLD),
    checks=(
        tells(CONTROLS, PROGRAM, mark="one.published", requirement=_TOLD),
        tells_again(CONTROLS, PROGRAM, mark="healthy", within=LATEST, requirement=_AGAIN),
    ),
    observations=(
        marked("suite.down"),
        notice_seen(CONTROLS, PROGRAM, mark="one.published"),
        notice_seen(CONTROLS, PROGRAM, mark="healthy"),
    ),
    lasts=LATEST,
)
async def unreachable(stage: ServerStage) -> None:
    """Close one subscriber's port, publish; the other is told; open the port again."""
    client, _ = await aggregator(stage)
    other, _ = await _second_aggregator(stage)
    for one in (client, other):
        await subscribe(one, CONTROLS, PROGRAM)
    listener = await client.listen()
    await listener.down()
    await offer(stage, "one", limit(60), ahead=60 * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM, mark="one.published")
    await stage.sleep(MINUTE)
    await listener.up()
    stage.mark("healthy")
    again = notified(CONTROLS, PROGRAM, mark="healthy")
    await stage.until(again, LATEST + MINUTE, "tell it again")


@case(
    id="CSIP-SRV-SUB-050",
    title="Subscriptions outlive a restart of the server",
    purpose="Exposes a server that forgets its subscribers when it loses power.",
    public=("ERR-002",),
    requirements=(_KEPT,),
    checks=(
        tells(CONTROLS, PROGRAM, mark="one.published", requirement=_KEPT),
        well_told(requirement=_KEPT),
    ),
    observations=(took("Subscription"), marked("restarted"), notice_seen(CONTROLS, PROGRAM)),
    applies_if="SRV-RESTART",
    needs=("kill", "start"),
    lasts=2 * MINUTE,
)
async def restarted(stage: ServerStage) -> None:
    """Subscribe; end the server as by a power cut, start it; publish a control."""
    client, _ = await aggregator(stage)
    await subscribe(client, CONTROLS, PROGRAM)
    await stage.driver.kill()
    await stage.driver.start()
    stage.mark("restarted")
    await stage.sleep(timedelta(seconds=10))
    await client.hang_up()
    await offer(stage, "one", limit(60), ahead=10 * MINUTE)
    await until_told(stage, CONTROLS, PROGRAM, mark="one.published")


# --- ends and moves


@case(
    id="CSIP-SRV-SUB-051",
    title="When a program is removed, the subscription to its controls ends, and says so",
    purpose="Exposes a server that leaves subscribers of something removed without a word.",
    public=("CORE-019",),
    requirements=(_ENDS,),
    checks=(ends("1", "4", what=CONTROLS, of="second", mark="removed", requirement=_ENDS),),
    observations=(took("Subscription"), notice_seen(CONTROLS, "second", mark="removed")),
    lasts=2 * MINUTE,
)
async def program_removed(stage: ServerStage) -> None:
    """Subscribe to the controls of a second program; have it removed."""
    client, _ = await aggregator(stage)
    await add_program(stage, "second", 5, limit(50))
    await subscribe(client, CONTROLS, "second")
    stage.mark("removed")
    await stage.operator.drop_program("second")
    await until_told(stage, CONTROLS, "second", mark="removed")
    await stage.sleep(MINUTE)


@case(
    id="CSIP-SRV-SUB-052",
    title="An EndDevice that the operator removes is gone, and its aggregator is told",
    purpose="Exposes a server that goes on showing an EndDevice that was removed.",
    public=("MAINT-001",),
    requirements=(_REMOVED,),
    checks=(
        tells("EndDeviceList", mark="removed", requirement=_REMOVED),
        equals_read("EndDeviceList", mark="removed", requirement=_REMOVED),
        answers("gone", 404, 403, 410, requirement=_REMOVED),
    ),
    observations=(
        notice_seen("EndDeviceList", mark="removed"),
        looked("EndDeviceList", "", mark="removed"),
        marked("gone.over"),
    ),
    needs=("remove",),
    lasts=2 * MINUTE,
)
async def device_removed(stage: ServerStage) -> None:
    """Subscribe to the list of EndDevices; have one removed; read the list, and what is gone."""
    client, (lfdi,) = await aggregator(stage)
    where = await client.href("EndDevice", lfdi)
    await subscribe(client, "EndDeviceList")
    stage.mark("removed")
    await stage.operator.remove(lfdi)
    await until_told(stage, "EndDeviceList", mark="removed")
    await stage.sleep(_SETTLED)
    await see(client, "EndDeviceList", "")
    async with part(stage, "gone"):
        await client.get(where)


@case(
    id="CSIP-SRV-SUB-053",
    title="Primacies that are swapped are shown and told",
    purpose="Exposes a server that keeps a program's old primacy, or its old place in the list.",
    public=("MAINT-005",),
    requirements=(_PRIMACY,),
    checks=(
        tells("DERProgramList", ASSIGNMENT, mark="swapped", requirement=_PRIMACY),
        ranks((PROGRAM, 5), ("second", 10), requirement=_PRIMACY, mark="swapped.over"),
        equals_read("DERProgramList", ASSIGNMENT, mark="swapped.over", requirement=_PRIMACY),
    ),
    observations=(
        notice_seen("DERProgramList", ASSIGNMENT, mark="swapped"),
        looked("DERProgramList", ASSIGNMENT, mark="swapped.over"),
    ),
    lasts=2 * MINUTE,
)
async def swapped(stage: ServerStage) -> None:
    """Swap the primacies of two programs; wait for the notification; read the list."""
    client, _ = await aggregator(stage)
    await add_program(stage, "second", 5, limit(50))
    await subscribe(client, "DERProgramList", ASSIGNMENT)
    async with part(stage, "swapped"):
        await stage.operator.put_program(Program(id=PROGRAM, primacy=5, default=limit(80)))
        await stage.operator.put_program(Program(id="second", primacy=10, default=limit(50)))
    await until_told(stage, "DERProgramList", ASSIGNMENT, mark="swapped")
    await stage.sleep(MINUTE)
    await see(client, "DERProgramList", ASSIGNMENT)
