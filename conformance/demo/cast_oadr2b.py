"""The utility of the demonstration as an OpenADR 2.0b VTN in this process."""

from datetime import timedelta
from typing import Final

from conformance.demo.outcome import Happening
from conformance.demo.scenario import EVENT_ID, PHOENIX, VTN_ID
from conformance.demo.setting import Setting, oadr2b_section
from conformance.demo.utility import REPORT, event
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SeededIds
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Registered
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_server

PEER: Final = "gridgate VTN (OpenADR 2.0b), in process"


class VtnPlayer:
    """A VTN.

    Args:
        setting: Where everything lies.
        seed: Of its ids.
        clock: Time.
    """

    def __init__(self, setting: Setting, seed: int, clock: Clock) -> None:
        self._setting = setting
        self._seed = seed
        self._clock = clock
        self.utility = self._make()

    def _make(self) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id=VTN_ID, poll_every=timedelta(seconds=self._setting.pace.poll_s)),
            clock=self._clock,
            ids=SeededIds(self._seed, "utility"),
            codec=Codec(load_oadr20b_schema()),
            tls=openadr_server(self._setting.vtn_tls),
            http=HttpOptions(requests_per_s=0),
        )

    async def start(self) -> None:
        """Begin to listen."""
        await self.utility.start()

    async def stop(self) -> None:
        """End."""
        await self.utility.stop()

    def section(self) -> str:
        """Return its part of the gateway's configuration."""
        return oadr2b_section(self._setting, self.utility.url)

    async def play(self) -> None:
        """Ask for reports, then publish the event."""
        await self.utility.request_report(REPORT)
        await self._clock.sleep_until(PHOENIX.published_at)
        await self.utility.publish(event())

    @property
    def event_id(self) -> str:
        """Return the event's id."""
        return EVENT_ID

    @property
    def mark(self) -> bytes:
        """Return what only a message with the event holds."""
        return EVENT_ID.encode()

    def story(self) -> list[Happening]:
        """Return the registration and the answers."""
        registered = [
            Happening(at=t.at, what="the gateway registers with the utility")
            for t in self.utility.told(Registered)
        ]
        answered = [
            Happening(at=t.at, what=f"the utility has the answer {t.fact.opt}")
            for t in self.utility.told(Answered)
        ]
        return [*registered[:1], *answered]
