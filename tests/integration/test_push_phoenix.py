"""The event of the field demonstration through a push VEN: real TLS on both sides, a day in virtual time."""

import asyncio
from pathlib import Path

import pytest

from conformance.demo.conclude import Ran
from conformance.demo.scenario import EVENT_ID, PHOENIX, VTN_ID
from conformance.demo.setting import Pace, Setting, prepare, write_config
from conformance.demo.virtual import LEAD, Stage
from conformance.peers.push2b import PushPeer, as_client
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.bootstrap import Gateway
from gateway.app.ids import SeededChance, SeededIds
from gateway.app.virtual import VirtualClock
from gateway.config.load import load
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Delivered
from gateway.protocols.oadr2b.vtn_records import Waiting
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_server
from tests.push_world import Relay


class PushStage(Stage):
    """The demonstration's stage, with a utility that pushes."""

    utility: UtilityPeer

    async def play(self) -> Ran:
        """Run the whole day."""
        relay = Relay()
        await relay.start()
        try:
            with self.clock.held():
                return await self._play_behind(relay)
        finally:
            await relay.stop()

    async def _play_behind(self, relay: Relay) -> Ran:
        self.utility = self._utility()
        await self.utility.start()
        path = write_config(self.setting, vtn_url=self.utility.url, port=0)
        push = f'mode = "push"\npush_url = "https://localhost:{relay.port}/azp"\n'
        text = path.read_text().replace("[[program]]", push + "\n[[program]]")
        path.write_text("[push]\nport = 0\n\n" + text)
        gateway = Gateway(load(path), self._wiring())
        await gateway.start()
        relay.target = int(gateway.push_urls[0].rpartition(":")[2])
        try:
            return await self._day(self.utility, gateway)
        finally:
            await gateway.stop()
            await self.utility.stop()

    def _utility(self) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id=VTN_ID),
            clock=self.clock,
            ids=SeededIds(self.seed, "utility"),
            codec=Codec(load_oadr20b_schema()),
            tls=openadr_server(self.setting.vtn_tls),
            http=HttpOptions(requests_per_s=0),
            push=PushPeer(as_client(self.setting.vtn_tls), SeededChance(self.seed, "courier")),
        )


def played(setting: Setting) -> tuple[Ran, UtilityPeer]:
    async def play() -> tuple[Ran, UtilityPeer]:
        clock = VirtualClock(PHOENIX.run.start - LEAD, on_stuck=print)
        stage = PushStage(setting, 7, clock)
        return await stage.play(), stage.utility

    return asyncio.run(play())


@pytest.mark.slow
def test_the_event_of_the_demonstration_is_pushed_followed_and_settled(tmp_path: Path) -> None:
    ran, utility = played(prepare(tmp_path / "demo", Pace(factor=1)))

    answers = [told.fact for told in utility.told(Answered)]
    deliveries = [t.fact for t in utility.told(Delivered) if t.fact.waiting is Waiting.EVENTS]
    statement = ran.harvest.statement
    assert {(fact.event_id, fact.opt.value) for fact in answers} == {(EVENT_ID, "optIn")}
    assert len(deliveries) == 1
    assert utility.vens[0].transport_address.endswith("/azp")
    assert statement.totals.reduction_kwh > 0
    assert ran.history
    assert len(utility.reports) > 50
