"""Brings a device into the state in which most cases begin: registered, reports registered, no events, queue empty."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from conformance.engine.drivers.hands import Driving
from conformance.engine.errors import PreconditionError
from conformance.engine.stage import PlayedStage, PlayedVenStage
from conformance.engine.vtn_stage import PlayedVtnStage
from conformance.kit.sep2.service import in_service, missing_reads
from conformance.kit.sep2.utility import Server
from conformance.kit.transcript import Message, Side, Transcript
from conformance.peers.script2b.utility import ScriptedUtility

_START_UP_S = "90"
_AT_REST = timedelta(seconds=1)
"""For what a client still sends once it has read everything."""
_PUSHED = timedelta(seconds=5)
"""Until what a VTN pushes after a registration has come, at most."""


async def prepare_ven(
    stage: PlayedVenStage,
    utility: ScriptedUtility,
    driver: Driving,
    values: Mapping[str, str],
) -> None:
    """Start the device, if that can be done, and wait until it has settled.

    Raises:
        PreconditionError: it does not register, or never comes to rest.
    """
    within = timedelta(seconds=float(values.get("start_up_s", _START_UP_S)))
    if driver.can("start"):
        await driver.start()
    elif utility.state.account is not None:
        utility.distribute()  # an empty list: what was left of earlier cases is cancelled implicitly
    if await stage.maybe(lambda t: _settled(t, utility), within, "register and come to rest"):
        return
    if utility.state.account is None:
        raise PreconditionError(f"the device did not register within {within.total_seconds():g} s")
    raise PreconditionError(f"the device did not come to rest within {within.total_seconds():g} s")


def _settled(transcript: Transcript, utility: ScriptedUtility) -> bool:
    if utility.state.account is None or not utility.idle:
        return False
    if transcript.mode == "push":
        return _asked_for_events(transcript)
    last = _last_of_device(transcript)
    if last is None or last.name != "oadrPoll":
        return False
    answer = transcript.answer(last)
    return answer is not None and answer.name == "oadrResponse" and answer.code == "200"


def _asked_for_events(transcript: Transcript) -> bool:
    """In push mode a device is at rest when all of both sides' bootstrap messages have their answers."""
    exchanges = list(transcript.exchanges())
    done = {e.request.name for e in exchanges if e.delivered and e.request.sender is Side.DEVICE}
    told = {e.request.name for e in exchanges if e.delivered and e.request.sender is Side.SUITE}
    owed = all(e.response is not None for e in exchanges)
    carried = "oadrCreatePartyRegistration" not in done
    return owed and (
        ("oadrDistributeEvent" in told)
        if carried
        else {"oadrRegisterReport", "oadrRequestEvent"} <= done
    )


def _last_of_device(transcript: Transcript) -> Message | None:
    return next(
        (e.request for e in reversed(list(transcript.exchanges(Side.DEVICE)))),
        None,
    )


async def prepare_vtn(stage: PlayedVtnStage) -> None:
    """Register the first scripted VEN and empty its queue.

    Raises:
        PreconditionError: the VTN does not register it.
    """
    found = await stage.ven.register()
    if not stage.ven.registration_id:
        raise PreconditionError(f"the VTN answered the registration by {found.code or found.start}")
    if stage.mode == "pull":
        await stage.ven.drain()
    else:
        await stage.sleep(_PUSHED)


async def afresh(driver: Driving, opens: Callable[[], Awaitable[None]] | None) -> None:
    """Start a device that remembers nothing; the port opens once its past is over."""
    if driver.can("reset"):
        await driver.reset()
    if opens is not None:
        await opens()
    if driver.can("start"):
        await driver.start()


async def prepare_client(
    stage: PlayedStage, server: Server, driver: Driving, values: Mapping[str, str]
) -> None:
    """Start a 2030.5 client, if that can be done, and wait until it has read everything that is there for it.

    Raises:
        PreconditionError: it does not come so far.
    """
    within = timedelta(seconds=float(values.get("start_up_s", _START_UP_S)))
    if driver.can("start"):
        await driver.start()
    wanted = in_service(server)
    if await stage.maybe(wanted, within, "read its assignments, programs and controls"):
        await stage.sleep(_AT_REST)
        return
    missing = ", ".join(sorted(missing_reads(server, stage.transcript)))
    raise PreconditionError(
        f"the client did not read {missing} within {within.total_seconds():g} s"
    )
