"""``gridgate registration`` beside a gateway that runs: through its socket, over restarts and kills, into its log."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.control_client import running
from gateway.app.registration_desk import RegistrationWish, StandingDocument
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import GatewayError
from gateway.domain.points import order_points
from gateway.domain.registering import Order
from gateway.protocols.oadr2b.vtn_facts import Registered
from gateway.settlement.records import logged
from tests.forked import ran
from tests.push_world import PushGateway, pushing_utility, utility_section
from tests.vtn_wire import Pki

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
ME = getpass.getuser()


@dataclass
class Story:
    """A utility, a gateway that polls it, and an operator."""

    clock: VirtualClock
    utility: UtilityPeer
    gateway: PushGateway

    async def say(self, verb: str, *more: str) -> tuple[int, str, str]:
        """Type a verb; the clock rests meanwhile."""
        config = str(self.gateway.folder / "gateway.toml")
        said = await asyncio.to_thread(ran, "gateway", "registration", verb, "-c", config, *more)
        return said.returncode, said.stdout, said.stderr

    async def state(self) -> str:
        """Return where the registration stands."""
        async with running(self.gateway.folder / "data") as control:
            assert control is not None
            wish = RegistrationWish(utility="near")
            told = await control.ask("POST", "/registration", StandingDocument, wish)
        return told.state

    async def passes(self, length: timedelta) -> None:
        await self.clock.sleep_until(self.clock.now() + length)

    async def order(self, what: Order) -> str:
        """Say it through the socket; return what became of it, the reason where it was refused."""
        async with running(self.gateway.folder / "data") as control:
            assert control is not None
            try:
                wish = RegistrationWish(utility="near", order=what)
                told = await control.ask("POST", "/registration", StandingDocument, wish)
            except GatewayError as error:
                return error.reason
        return told.state

    async def audited(self) -> list[tuple[str, object, object]]:
        """Return what the log keeps of orders."""
        assert self.gateway.gateway is not None
        store = self.gateway.gateway.office.store
        entries = await store.read(lambda work: work.log.entries(kinds=("audit",), subject="near"))
        documents = [logged(entry.index, entry.record).document for entry in entries]
        return [("near", each.get("word"), each.get("by")) for each in documents]

    def registered(self) -> int:
        return len(self.utility.told(Registered))


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[Story]:
    clock = VirtualClock(START, on_stuck=print)
    pki = Pki(folder)
    with clock.held():
        utility = pushing_utility(pki, clock)
        gateway = PushGateway(folder, pki, clock, [], utilities=[utility])
        await utility.start()
        gateway.sections = [utility_section("near", pki.files("ven"), utility.url)]
        try:
            await gateway.begin()
            told = Story(clock, utility, gateway)
            await told.passes(timedelta(seconds=20))
            yield told
        finally:
            await gateway.end()
            await utility.stop()


async def test_what_an_operator_ends_stays_ended_until_it_is_renewed(tmp_path: Path) -> None:
    async with story(tmp_path) as world:
        shown = await world.say("show", "--json")
        code, out, _ = await world.say("cancel")
        await world.passes(timedelta(minutes=1))
        ended = await world.state()
        refused = await world.order(Order.QUERY)
        await world.gateway.end()
        await world.gateway.begin()
        await world.passes(timedelta(hours=1))
        after_restart = (await world.state(), world.registered())
        renewed = await world.order(Order.RENEW)
        await world.passes(timedelta(minutes=1))
        again = (await world.state(), world.registered())
        words = await world.audited()

    assert (shown[0], json.loads(shown[1])["state"]) == (0, "registered")
    assert (code, "renew" in out) == (0, True)
    assert ended == "cancelled"
    assert refused == "OUT_OF_SEQUENCE"
    assert after_restart == ("cancelled", 1)
    assert renewed == "querying"
    assert again == ("registered", 2)
    assert words == [
        ("near", "registration_cancel", f"operator:{ME}"),
        ("near", "registration_renew", f"operator:{ME}"),
    ]


@pytest.mark.parametrize("point", order_points())
async def test_an_order_that_a_kill_swallows_is_given_again(tmp_path: Path, point: str) -> None:
    async with story(tmp_path) as world:
        world.gateway.dies_at = point
        await world.order(Order.CANCEL)
        assert world.gateway.dead
        await world.gateway.rise()
        await world.passes(timedelta(minutes=1))
        before = await world.state()
        again = await world.order(Order.CANCEL)
        await world.passes(timedelta(minutes=1))
        after = await world.state()

    assert (before, again, after) == ("registered", "cancelling", "cancelled")


async def test_without_a_gateway_nothing_is_ordered(tmp_path: Path) -> None:
    async with story(tmp_path) as world:
        await world.gateway.end()
        code, _, err = await world.say("cancel")
        await world.gateway.begin()

    assert code == 3
    assert "no gateway runs" in err
