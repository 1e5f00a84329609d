"""Push mode end to end: gateway and utility over real TLS in virtual time, through crashes and outages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.virtual import VirtualClock
from gateway.protocols.oadr2b.vtn_facts import Answered, Registered
from tests.push_world import (
    PushGateway,
    event_spec,
    pushing_utility,
    utility_section,
)
from tests.vtn_wire import Pki

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@asynccontextmanager
async def pushed(
    folder: Path, **keys: object
) -> AsyncIterator[tuple[VirtualClock, UtilityPeer, PushGateway]]:
    """Run a utility that pushes, and a gateway that it pushes to."""
    clock = VirtualClock(START, on_stuck=print)
    pki = Pki(folder)
    with clock.held():
        utility = pushing_utility(pki, clock, **keys)  # type: ignore[arg-type] # names of its arguments
        await utility.start()
        gateway = PushGateway(folder, pki, clock, [])
        await gateway.relay.start()
        url = f"https://localhost:{gateway.relay.port}/azp"
        gateway.sections = [
            utility_section(
                "azp", pki.files("ven"), utility.url, 'mode = "push"', f'push_url = "{url}"'
            )
        ]
        try:
            await gateway.begin()
            yield clock, utility, gateway
        finally:
            await gateway.end()
            await utility.stop()
            await gateway.relay.stop()


async def test_an_event_is_pushed_taken_and_answered(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        before = clock.now()
        await utility.publish(event_spec("e1", START + 30 * MINUTE))
        answered = await utility.wait_for(Answered, until=START + 10 * MINUTE)
        intents = await gateway.intents()

    (registered,) = utility.told(Registered)
    assert registered.at == START
    assert utility.vens == () or utility.vens[0].transport_address.endswith("/azp")
    assert answered is not None
    assert answered.fact.opt == "optIn"
    assert answered.at - before <= 31 * SECOND  # opt_by: the site is silent
    assert list(intents) == [("azp", "e1")]
