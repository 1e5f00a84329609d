"""The demonstration in one process and virtual time: real TLS on loopback, hours in seconds, the same every time."""

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from conformance.demo.conclude import Ran
from conformance.demo.harvest import harvest
from conformance.demo.outcome import Happening
from conformance.demo.scenario import EVENT_ID, PHOENIX, SITE, VTN_ID
from conformance.demo.setting import Pace, Setting, prepare, write_config
from conformance.demo.utility import REPORT, event
from conformance.peers.vtn2b import UtilityPeer
from conformance.site.journal import Journal
from conformance.site.link import LinkOptions, client_options, connected
from conformance.site.minutes import RunOptions
from conformance.site.program import ProgramOptions, SiteProgram
from conformance.site.trace import Trace
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.virtual import VirtualClock
from gateway.config.load import load
from gateway.domain.names import SiteId
from gateway.domain.plan import EffectivePlan
from gateway.domain.ports import Mailbox
from gateway.pipeline.prove import Prover
from gateway.protocols.actions import Message
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Registered
from gateway.servers.vtn2b.app import HttpOptions
from gateway.southbound.parts import Pace as StreamPace
from gateway.southbound.tokens import create_token
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_server

PEER: Final = "gridgate VTN (OpenADR 2.0b), in process"
LEAD: Final = timedelta(minutes=1)
"""Utility and gateway are up this long before the site begins."""


@dataclass
class Stopwatch:
    """Real time from the event's bytes at the gateway to the plan at the site."""

    came_at: float = 0.0
    seen_at: float = 0.0

    def message(self, message: Message) -> None:
        """Look at what the utility sent."""
        if not self.came_at and EVENT_ID.encode() in message.body:
            self.came_at = time.perf_counter()

    def plan(self) -> None:
        """Note that the site got the plan that asks it."""
        if self.came_at and not self.seen_at:
            self.seen_at = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """Elapsed; 0 when the event never arrived."""
        return (self.seen_at - self.came_at) * 1000 if self.seen_at else 0.0


class TimedJournal(Journal):
    """A site's journal that stops the watch when the first asking plan is adopted."""

    def __init__(self, path: Path, run: str, watch: Stopwatch) -> None:
        super().__init__(path, run)
        self._watch = watch

    def adopted(self, plan: EffectivePlan, at: datetime) -> None:
        """Remember a plan."""
        if plan.open_questions:
            self._watch.plan()
        super().adopted(plan, at)


@dataclass
class Stage:
    """Everybody who plays, in one process."""

    setting: Setting
    seed: int
    clock: VirtualClock
    watch: Stopwatch = field(default_factory=Stopwatch)
    journal: Journal = field(init=False)

    async def play(self) -> Ran:
        """Run the whole day."""
        with self.clock.held():
            utility = self._utility()
            await utility.start()
            write_config(self.setting, vtn_url=utility.url, port=0)
            gateway = Gateway(load(self.setting.config), self._wiring())
            await gateway.start()
            try:
                return await self._day(utility, gateway)
            finally:
                await gateway.stop()
                await utility.stop()

    def _utility(self) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id=VTN_ID, poll_every=timedelta(seconds=self.setting.pace.poll_s)),
            clock=self.clock,
            ids=SeededIds(self.seed, "utility"),
            codec=Codec(load_oadr20b_schema()),
            tls=openadr_server(self.setting.vtn_tls),
            http=HttpOptions(requests_per_s=0),
        )

    def _wiring(self) -> Wiring:
        return Wiring(
            clock=self.clock,
            ids=SeededIds(self.seed, "gateway"),
            chance=SeededChance(self.seed, "gateway"),
            pace=StreamPace(ping_s=15, recheck_s=15),
            seed=seeded_key(self.seed, "installation"),
            tap=self.watch.message,
        )

    async def _day(self, utility: UtilityPeer, gateway: Gateway) -> Ran:
        token = await create_token(
            gateway.office.store,
            SeededIds(self.seed, "token"),
            name="site",
            site=SiteId(SITE),
            now=self.clock.now(),
        )
        over: Mailbox[None] = self.clock.mailbox()
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(gateway.run(), name="gateway")
            script = tasks.create_task(self._held(lambda: self._script(utility)), name="utility")
            tasks.create_task(self._site(gateway.url, token, over), name="site")
            await over.get()
            await self.clock.sleep_until(PHOENIX.run.end)
            serving.cancel()
            script.cancel()
        found = await gateway.office.store.read(lambda work: harvest(work, PHOENIX.run))
        return Ran(
            scenario=PHOENIX,
            harvest=found,
            history=self.journal.plans,
            seed=self.seed,
            peer=PEER,
            intake_ms=self.watch.milliseconds,
            bundle=await Prover(gateway.office).bundle(found.statement.id),
            story=list(_told(utility)),
        )

    async def _site(self, url: str, token: str, over: Mailbox[None]) -> None:
        options = ProgramOptions(site=SITE, run=RunOptions(span=PHOENIX.run, seed=self.seed))
        self.journal = TimedJournal(self.setting.folder / "site.journal", options.name, self.watch)
        trace = Trace(self.setting.folder / "site.trace", options.run.mix)
        program = SiteProgram(options, self.clock, self.journal, trace)
        tls = ssl.create_default_context(cafile=self.setting.anchor)
        where = LinkOptions(
            url=f"{url}/v1", site=SITE, token=token, tls=tls, client=client_options()
        )
        with self.clock.held():
            async with connected(where, self.clock, program.lease_lost) as link:
                await program.run(link)
            over.put(None)

    async def _script(self, utility: UtilityPeer) -> None:
        await utility.request_report(REPORT)
        await self.clock.sleep_until(PHOENIX.published_at)
        await utility.publish(event())

    async def _held(self, act: Callable[[], Awaitable[None]]) -> None:
        with self.clock.held():
            await act()


def _told(utility: UtilityPeer) -> list[Happening]:
    registered = [
        Happening(at=t.at, what="the gateway registers with the utility")
        for t in utility.told(Registered)
    ]
    answered = [
        Happening(at=t.at, what=f"the utility has the answer {t.fact.opt}")
        for t in utility.told(Answered)
    ]
    return [*registered[:1], *answered]


def play_virtual(folder: Path, seed: int) -> Ran:
    """Run the demonstration in virtual time."""
    setting = prepare(folder, Pace(factor=1))

    async def play() -> Ran:
        clock = VirtualClock(PHOENIX.run.start - LEAD, on_stuck=_stuck)
        return await Stage(setting, seed, clock).play()

    return asyncio.run(play())


def _stuck(holders: str) -> None:
    sys.stderr.write(holders + "\n")
