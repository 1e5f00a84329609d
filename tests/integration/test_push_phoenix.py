"""The event of the field demonstration through a push VEN: real TLS on both sides, a day in virtual time."""

import asyncio
from pathlib import Path

import pytest

from conformance.demo.cast import Cast, Player
from conformance.demo.cast_oadr2b import VtnPlayer
from conformance.demo.conclude import Ran
from conformance.demo.scenario import EVENT_ID, PHOENIX, VTN_ID
from conformance.demo.setting import Pace, Setting, prepare
from conformance.demo.virtual import LEAD, Stage
from conformance.peers.push2b import PushPeer, as_client
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.bootstrap import Gateway
from gateway.app.ids import SeededChance, SeededIds
from gateway.app.virtual import VirtualClock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Delivered
from gateway.protocols.oadr2b.vtn_records import Waiting
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_server
from tests.push_world import Relay


class PushPlayer(VtnPlayer):
    """The demonstration's VTN, but it pushes."""

    relay: Relay

    def section(self) -> str:
        """Return the same with a listener of the gateway's."""
        push = f'mode = "push"\npush_url = "https://localhost:{self.relay.port}/azp"\n'
        return "[push]\nport = 0\n\n" + super().section().replace(
            "[[program]]", push + "\n[[program]]"
        )

    def _make(self) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id=VTN_ID),
            clock=self._clock,
            ids=SeededIds(self._seed, "utility"),
            codec=Codec(load_oadr20b_schema()),
            tls=openadr_server(self._setting.vtn_tls),
            http=HttpOptions(requests_per_s=0),
            push=PushPeer(as_client(self._setting.vtn_tls), SeededChance(self._seed, "courier")),
        )


class PushStage(Stage):
    """The demonstration's stage, with a utility that pushes."""

    async def play(self) -> Ran:
        """Run the whole day."""
        self.relay = Relay()
        await self.relay.start()
        PushPlayer.relay = self.relay
        try:
            return await super().play()
        finally:
            await self.relay.stop()

    async def _day(self, utility: Player, gateway: Gateway) -> Ran:
        self.relay.target = int(gateway.push_urls[0].rpartition(":")[2])
        return await super()._day(utility, gateway)


def played(setting: Setting) -> tuple[Ran, UtilityPeer]:
    async def play() -> tuple[Ran, UtilityPeer]:
        clock = VirtualClock(PHOENIX.run.start - LEAD, on_stuck=print)
        stage = PushStage(setting, 7, clock, Cast(peer="push", player=PushPlayer))
        ran = await stage.play()
        assert isinstance(stage.utility, PushPlayer)
        return ran, stage.utility.utility

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
