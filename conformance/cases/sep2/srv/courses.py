"""The course of a control with the Responses to it: run, cancelled, superseded, late (S-ALL-41, S-ALL-42)."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.checks.shown import shows, stands, unedited
from conformance.kit.sep2.checks.stored import stores_responses, takes
from conformance.kit.sep2.server_case import SERVERS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import (
    AFTER,
    MARGIN,
    aggregator,
    cancel,
    find,
    offer,
    read_back,
    see,
    see_at,
    see_life,
)
from conformance.kit.sep2.serving_observations import control_shown, looked_after, marked, took
from conformance.kit.sep2.values import limit

_COURSE: Final = "REQ-CSIPAUS-S-ALL-41-1"
_CANCELLED: Final = "REQ-CSIPAUS-S-ALL-41-2"
_SUPERSEDED: Final = "REQ-CSIPAUS-S-ALL-41-3"
_TAKEN: Final = "REQ-CSIPAUS-S-ALL-41-4"
_LATE: Final = "REQ-CSIPAUS-S-ALL-42-1"
_SHOWN: Final = "REQ-CSIPAUS-S-ALL-11-1"
_EDITED: Final = "REQ-SEP2-10.2.3-51"
_RESPONSE: Final = "DERControlResponse"
_READ: Final = "SRV-RSP and SRV-READ-BACK"
_ONE: Final = "one"
_STEP: Final = timedelta(seconds=5)


def _ran(number: int, required: str) -> Case:
    @case(
        id=f"CSIP-SRV-RSP-{number:03}",
        title=f"A control runs, and its Responses 1, 2 and 3 are kept (responseRequired {required})",
        purpose="Exposes a server that gives no replyTo, refuses a Response, or refuses the last one.",
        public=("S-ALL-41", "BASIC-018"),
        requirements=(_TAKEN, _COURSE, _SHOWN),
        checks=(
            takes(_RESPONSE, requirement=_TAKEN),
            stores_responses(_ONE, 1, 2, 3, requirement=_TAKEN),
            stands(_ONE, requirement=_COURSE),
            shows(_ONE, requirement=_SHOWN),
        ),
        observations=(took(_RESPONSE, 3), control_shown(_ONE, 1), marked("stored.Response")),
        applies_if=_READ,
        needs=("posted",),
        lasts=3 * MINUTE,
    )
    async def ran(stage: ServerStage) -> None:
        """Respond when the control is received, when it starts, and at its very end; read back."""
        given = await offer(stage, _ONE, limit(60), required=required)
        control = await find(stage.client, _ONE)
        await stage.client.respond(control, 1)
        await see_at(stage, given.start + MARGIN)
        await stage.client.respond(control, 2)
        await stage.sleep_until(given.end)
        await stage.client.respond(control, 3)
        await see_at(stage, given.end + AFTER)
        await read_back(stage, "Response")

    return ran


all_bits = _ran(41, "07")
two_bits = _ran(42, "03")


@case(
    id="CSIP-SRV-RSP-043",
    title="A control that is cancelled while it is active stays listed as cancelled; 1, 2 and 6 are kept",
    purpose="Exposes a server that drops a cancelled control, or does not show that it is cancelled.",
    public=("S-ALL-41", "CORE-022"),
    requirements=(_CANCELLED, _EDITED, _TAKEN),
    checks=(
        stands(_ONE, requirement=_CANCELLED),
        unedited(_ONE, requirement=_EDITED),
        takes(_RESPONSE, requirement=_TAKEN),
        stores_responses(_ONE, 1, 2, 6, requirement=_TAKEN),
    ),
    observations=(control_shown(_ONE, 1), control_shown(_ONE, 2), took(_RESPONSE, 3)),
    applies_if=_READ,
    needs=("posted",),
    lasts=3 * MINUTE,
)
async def cancelled_active(stage: ServerStage) -> None:
    """Cancel a control ten seconds after its start; look again and again; respond."""
    given = await offer(stage, _ONE, limit(60), lasts=10 * MINUTE)
    control = await find(stage.client, _ONE)
    await stage.client.respond(control, 1)
    await see_at(stage, given.start + 2 * MARGIN)
    await stage.client.respond(control, 2)
    await cancel(stage, _ONE)
    now = stage.now
    await see_at(stage, *(now + n * _STEP for n in range(1, 6)))
    await stage.client.respond(control, 6)
    await read_back(stage, "Response")


@case(
    id="CSIP-SRV-RSP-044",
    title="A control that is cancelled before its start never becomes active; 1 and 6 are kept",
    purpose="Exposes a server that starts a cancelled control by the clock.",
    public=("S-ALL-41",),
    requirements=(_CANCELLED, _TAKEN),
    checks=(
        stands(_ONE, requirement=_CANCELLED),
        takes(_RESPONSE, requirement=_TAKEN),
        stores_responses(_ONE, 1, 6, requirement=_TAKEN),
    ),
    observations=(control_shown(_ONE, 0), control_shown(_ONE, 2), took(_RESPONSE, 2)),
    applies_if=_READ,
    needs=("posted",),
    lasts=3 * MINUTE,
)
async def cancelled_before(stage: ServerStage) -> None:
    """Cancel a control half a minute before its start; look until after its end."""
    given = await offer(stage, _ONE, limit(60))
    control = await find(stage.client, _ONE)
    await stage.client.respond(control, 1)
    await stage.sleep_until(given.start - MINUTE / 2)
    await cancel(stage, _ONE)
    await see_at(stage, stage.now + _STEP, stage.now + 2 * _STEP)
    await stage.client.respond(control, 6)
    await see_life(stage, given)
    await read_back(stage, "Response")


@case(
    id="CSIP-SRV-RSP-045",
    title="A control is superseded from the start of a newer one of its program; 7 is kept",
    purpose="Exposes a server that shows two controls of one kind as active at a time, or supersedes the newer one.",
    public=("S-ALL-41",),
    requirements=(_SUPERSEDED, _COURSE, _TAKEN),
    checks=(
        stands(_ONE, requirement=_SUPERSEDED, superseded_by="two"),
        stands("two", requirement=_COURSE),
        takes(_RESPONSE, requirement=_TAKEN),
        stores_responses(_ONE, 1, 2, 7, requirement=_TAKEN),
    ),
    observations=(
        control_shown(_ONE, 1),
        control_shown(_ONE, 4),
        control_shown("two", 1),
        took(_RESPONSE, 3),
    ),
    applies_if=_READ,
    needs=("posted",),
    lasts=5 * MINUTE,
)
async def superseded(stage: ServerStage) -> None:
    """Publish one control, then a newer one that begins in the middle of it; look at every start and end."""
    one = await offer(stage, _ONE, limit(60), lasts=3 * MINUTE)
    control = await find(stage.client, _ONE)
    await stage.client.respond(control, 1)
    await stage.sleep(2 * MARGIN)
    two = await offer(stage, "two", limit(40), ahead=2 * MINUTE, lasts=MINUTE)
    await see_at(stage, one.start + MARGIN)
    await stage.client.respond(control, 2)
    await see_at(stage, two.start - MARGIN, two.start + MARGIN)
    await stage.client.respond(control, 7)
    await see_at(stage, two.end - MARGIN, two.end + AFTER, one.end + AFTER)
    await read_back(stage, "Response")


@case(
    id="CSIP-SRV-RSP-046",
    title="A cancellation with randomisation is shown as such",
    purpose="Exposes a server that cancels at once what the operator wants to fade out.",
    public=("S-ALL-41", "CORE-022"),
    requirements=(_CANCELLED, _EDITED),
    checks=(stands(_ONE, requirement=_CANCELLED), unedited(_ONE, requirement=_EDITED)),
    observations=(control_shown(_ONE, 1), control_shown(_ONE, 3)),
    lasts=3 * MINUTE,
)
async def cancelled_randomly(stage: ServerStage) -> None:
    """Cancel a randomised control with randomisation while it is active; look again and again."""
    given = await offer(stage, _ONE, limit(60), lasts=10 * MINUTE, random_start=30)
    await see_at(stage, given.start + MARGIN)
    await cancel(stage, _ONE, randomly=True)
    await see_at(stage, stage.now + _STEP, stage.now + 2 * _STEP)


@case(
    id="CSIP-SRV-RSP-047",
    title="A Response that comes after its control has left the list is kept",
    purpose="Exposes a server that knows the mRID of a control only as long as it lists it.",
    public=("S-ALL-42",),
    requirements=(_LATE,),
    checks=(
        takes(_RESPONSE, requirement=_LATE),
        stores_responses(_ONE, 1, 6, requirement=_LATE),
        stores_responses("two", 3, requirement=_LATE),
    ),
    observations=(
        control_shown(_ONE, 2),
        control_shown("two", 1),
        looked_after("two"),
        took(_RESPONSE, 3),
    ),
    applies_if=_READ,
    needs=("posted",),
    lasts=10 * MINUTE,
)
async def late(stage: ServerStage) -> None:
    """Cancel one control, let another run out; respond to both five minutes after the last of them is gone."""
    await offer(stage, _ONE, limit(60))
    control = await find(stage.client, _ONE)
    await stage.client.respond(control, 1)
    await cancel(stage, _ONE)
    await see(stage.client)
    two = await offer(stage, "two", limit(50))
    await see_at(stage, two.start + MARGIN)
    other = await find(stage.client, "two")
    await see_at(stage, two.end + 5 * MINUTE)
    await stage.client.respond(control, 6)
    await stage.client.respond(other, 3)
    await read_back(stage, "Response")


@case(
    id="CSIP-SRV-RSP-048",
    title="An aggregator responds for each of its devices",
    purpose="Exposes a server that keeps one Response for all, or refuses those for devices without a certificate.",
    public=("S-ALL-41", "AGG-003", "UTIL-004"),
    requirements=(_TAKEN,),
    checks=(
        takes(_RESPONSE, requirement=_TAKEN),
        stores_responses(_ONE, 1, 4, requirement=_TAKEN, mark="stored.first"),
        stores_responses(_ONE, 1, requirement=_TAKEN, mark="stored.second"),
    ),
    observations=(took(_RESPONSE, 3), marked("stored.first"), marked("stored.second")),
    applies_if=_READ,
    needs=("posted",),
    modes=SERVERS,
)
async def managed(stage: ServerStage) -> None:
    """Respond 1 for two devices, 4 for one of them; read back what is kept of each."""
    client, (first, second) = await aggregator(stage, 2)
    await offer(stage, _ONE, limit(60), ahead=10 * MINUTE)
    control = await find(client, _ONE)
    for lfdi in (first, second):
        await client.respond(control, 1, lfdi=lfdi)
    await client.respond(control, 4, lfdi=first)
    await read_back(stage, "Response", first, name="first")
    await read_back(stage, "Response", second, name="second")
