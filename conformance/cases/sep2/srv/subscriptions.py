"""Subscriptions: taken, renewed, deleted, refused, and what is told by them (S-ALL-25, S-ALL-26)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from conformance.kit.case import Case
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.build import make
from conformance.kit.sep2.checks.answers import answers
from conformance.kit.sep2.checks.noticed import (
    equals_read,
    once_each,
    quiet,
    renews,
    subscribes,
    tells,
    well_told,
)
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
from conformance.kit.sep2.values import Account, Assignment, limit

_TAKEN = "REQ-CSIPAUS-S-ALL-25-1"
_TOLD = "REQ-CSIPAUS-S-ALL-25-2"
_RENEWED = "REQ-CSIPAUS-S-ALL-26-1"
_DELETED = "REQ-CSIPAUS-S-ALL-26-2"
_FITS = "REQ-SEP2-8.9-61"
_EQUAL = "REQ-SEP2-8.9-62"
_REFUSED = "REQ-SEP2-8.9-63"
_ONCE = "REQ-SEP2-8.9-65"
CONTROLS: Final = "DERControlList"
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
    other, (theirs,) = await aggregator(stage, name="second-aggregator", first=77)
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
