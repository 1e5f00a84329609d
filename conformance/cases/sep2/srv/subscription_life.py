"""What becomes of subscriptions: tried again after a failure, kept over a restart, ended, moved (S-ALL-46)."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import Case
from conformance.kit.replies import status
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.checks.answers import answers
from conformance.kit.sep2.checks.noticed import (
    ends,
    equals_read,
    patient,
    tells,
    tells_again,
    well_told,
)
from conformance.kit.sep2.checks.shown import ranks
from conformance.kit.sep2.noticed import notice_seen, notified
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import (
    add_program,
    aggregator,
    offer,
    see,
    subscribe,
    until_told,
)
from conformance.kit.sep2.serving_observations import looked, marked, took
from conformance.kit.sep2.values import Program, limit

_TOLD = "REQ-CSIPAUS-S-ALL-25-2"
_AGAIN = "REQ-CSIPAUS-S-ALL-46-1"
_FITS = "REQ-SEP2-8.9-61"
_ENDS = "REQ-SEP2-8.9-64"
_PATIENT = "REQ-SEP2-8.9-66"
_KEPT = "REQ-CSIP-ERR-002-51"
_REMOVED = "REQ-CSIP-MAINT-001-51"
_PRIMACY = "REQ-CSIP-MAINT-005-51"
CONTROLS: Final = "DERControlList"
LATEST: Final = timedelta(minutes=15)
"""In which a server has tried again, whatever its back-off."""
_SETTLED: Final = timedelta(seconds=20)
"""An operator's act may take several steps, each of which is told."""


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
        observations=(marked("failed"), marked("healthy")),
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
        await stage.maybe(again, LATEST + MINUTE, "tell it again")
        await client.read(CONTROLS, PROGRAM)  # the line carries: silence is the server's own

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
        marked("healthy"),
    ),
    lasts=LATEST,
)
async def unreachable(stage: ServerStage) -> None:
    """Close one subscriber's port, publish; the other is told; open the port again."""
    client, _ = await aggregator(stage)
    other, _ = await aggregator(stage, name="second-aggregator", first=77)
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
