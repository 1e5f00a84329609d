"""An operator beside a gateway of a 2030.5 utility: what he asks for, reads and acknowledges at the terminal."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from gateway.app.control_client import running
from gateway.app.operator_desk import RulingDocument, Wish
from gateway.app.reservation_desk import ReservationsDocument, ReservationWish
from gateway.cli.reservation import ask
from gateway.cli.show import _told_lines
from gateway.domain.errors import ConfigError, GatewayError
from gateway.domain.names import SiteId
from gateway.domain.participation import Opt
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.tariffs import TariffTerms
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.servers.sep2.utility import Sep2Utility
from tests.push_world import _HEAD, PushGateway, utility_section
from tests.sep2_pki import files
from tests.sep2_server_world import MINUTE, PIN, Furnished, Premises, furnish, statuses
from tests.sep2_world import START
from tests.vtn_wire import Pki

OPTIONS = ServerOptions(
    flavour=Flavour(edition=Edition.Y2018, csip_aus=False),
    poll_rate=60,
    post_rate=300,
    grants_reservations=True,
)
M = TypeVar("M", bound=BaseModel)


@dataclass
class Story:
    """A utility, a gateway, and an operator."""

    site: Premises
    utility: Sep2Utility
    made: Furnished
    gateway: PushGateway

    async def say(self, *words: str) -> tuple[int, str, str]:
        """Type a command; the clock rests meanwhile."""
        config = str(self.gateway.folder / "gateway.toml")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *words, "-c", config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def ask(self, path: str, answer: type[M], wish: BaseModel) -> M:
        """Say something through the socket."""
        async with running(self.gateway.folder / "data") as control:
            assert control is not None
            return await control.ask("POST", path, answer, wish)

    async def reserve(self, **wish: Any) -> ReservationsDocument:
        """Say something about reservations through the socket."""
        asked = ReservationWish(utility="apex", **wish)
        return await self.ask("/reservations", ReservationsDocument, asked)

    async def told(self) -> list[str]:
        """Return what ``gridgate intents`` says of intents that inform."""
        assert self.gateway.gateway is not None
        found = await self.gateway.gateway.office.store.read(
            lambda work: work.intents.of_site(SiteId("phx-1"), live=False)
        )
        return [line for record in found for line in _told_lines(record)]

    async def passes(self, length: timedelta) -> None:
        await self.site.clock.sleep_until(self.site.clock.now() + length)


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[Story]:
    site = Premises(folder=folder)
    device = site.pki.device("0001")
    ours = files(folder, "gateway", device, site.pki)
    with site.clock.held():
        async with site.utility(OPTIONS) as utility:
            made = await furnish(utility, device.lfdi)
            section = "\n".join(
                [
                    "[[utility]]",
                    'name = "apex"',
                    'protocol = "sep2"',
                    f'url = "{utility.url}"',
                    f'certificate = "{ours.certificate}"',
                    f'key = "{ours.key}"',
                    f'ca = "{ours.ca}"',
                    'tls_profile = "csip"',
                    f"pin = {PIN}",
                    'function_sets = ["time", "end_device", "mirror", "der", "drlc", "pricing",',
                    '    "messaging", "flow_reservation"]',
                    "[[program]]",
                    'utility = "apex"',
                    'name = "site program"',
                    'sites = ["phx-1"]',
                    "price_per_kwh = 1",
                    "penalty_per_kwh = 2",
                    "",
                ]
            )
            gateway = PushGateway(folder, Pki(folder), site.clock, [section])
            try:
                await gateway.begin()
                told = Story(site, utility, made, gateway)
                await told.passes(timedelta(seconds=30))
                yield told
            finally:
                await gateway.end()


async def informed(world: Story) -> tuple[str, str]:
    """Send a message and a price; return their mRIDs."""
    utility, fsa = world.utility, world.made.fsa
    program = await utility.operate(
        lambda o, now: o.create_program(sep.MessagingProgram, 1, (fsa,), now, "site program")
    )
    soon = EventTerms(start=START + 3 * MINUTE, duration=60 * MINUTE, response_required=7)
    message = await utility.issue(
        lambda i, now: i.create_message(program, "Line 7 is out.", 3, soon, now)
    )
    terms = TariffTerms(primacy=1, power_of_ten=-3, description="site program")
    tariff = await utility.price(lambda t, now: t.create_tariff(terms, (fsa,), now))
    kind = sep.ReadingType(uom=72, power_of_ten_multiplier=3)
    component = await utility.price(lambda t, now: t.create_component(tariff, kind, now))
    block = sep.ConsumptionTariffInterval(consumption_block=0, price=85, start_value=0)
    price = await utility.price(lambda t, now: t.create_price(component, [block], 0, soon, now))
    return message, price


@pytest.mark.slow
@pytest.mark.spec("IEEE 2030.5-2018 TextMessage", "IEEE 2030.5-2018 FlowReservationRequest")
async def test_an_operator_asks_reads_and_acknowledges(tmp_path: Path) -> None:
    async with story(tmp_path) as world:
        message, price = await informed(world)
        window = ("--from", "2026-05-03T12:20:00Z", "--to", "2026-05-03T13:20:00Z")
        need = ("--energy-kwh", "1500.5", "--power-kw", "2000", "--id", "batch-7")
        asked = await world.say("reservation", "ask", "--site", "phx-1", *need, *window, "--json")
        await world.passes(4 * MINUTE)
        shown = await world.told()
        wish = Wish(event_id=message, opt=Opt.IN, reason="seen")
        await world.ask("/opt", RulingDocument, wish)
        await world.passes(timedelta(seconds=10))
        listed = await world.say("reservation", "list")
        await world.gateway.end()
        await world.gateway.begin()
        await world.passes(2 * MINUTE)
        gone = await world.reserve(withdraw="batch-7")
        with pytest.raises(GatewayError) as wrong:
            await world.reserve(withdraw="batch-8")
        await world.passes(2 * MINUTE)
        last = await world.reserve()
        responses = {name: statuses(world.utility, name) for name in (message, price)}

    assert asked[0] == 0, asked
    document: Any = json.loads(asked[1])
    assert document["need_id"] == "batch-7"
    assert document["reservations"][0]["state"] in {"asked", "wanted"}
    assert any(line.endswith("priority 3: Line 7 is out.") for line in shown)
    assert any(line.endswith("0.085 USD/kWh") for line in shown)
    assert responses == {message: [1, 2, 11], price: [1, 2]}
    assert "1500.5 kWh at 2000 kW" in listed[1]
    assert gone.reservations[0].state == "withdrawing"
    assert wrong.value.reason == "NOT_FOUND"
    (after,) = last.reservations
    assert after.state == "withdrawn"
    assert [grant.state for grant in after.grants] == ["cancelled"]


def test_what_is_typed_wrongly_is_told_with_its_option(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(_HEAD + utility_section("near", Pki(tmp_path).files("ven"), "https://x/"))
    given = {"site": "phx-1", "energy_kwh": "lots", "power_kw": "2000", "start": "noon"}
    with pytest.raises(ConfigError) as error:
        ask(config, "", {**given, "end": "2026-05-03T13:20:00Z", "least": "2 h"}, as_json=False)
    told = "\n".join(error.value.faults)
    assert [option in told for option in ("--energy-kwh", "--from", "--least", "--to")] == [
        *(True, True, True),
        False,
    ]
