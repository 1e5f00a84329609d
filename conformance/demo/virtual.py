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

from conformance.demo.cast import CASTS, Cast, Player
from conformance.demo.conclude import Ran
from conformance.demo.harvest import harvest
from conformance.demo.scenario import PHOENIX, SITE
from conformance.demo.setting import Pace, Setting, prepare, write_config
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
from gateway.domain.protocol import ProtocolName
from gateway.pipeline.prove import Prover
from gateway.protocols.actions import Message
from gateway.southbound.parts import Pace as StreamPace
from gateway.southbound.tokens import create_token

LEAD: Final = timedelta(minutes=1)
"""Utility and gateway are up this long before the site begins."""


@dataclass
class Stopwatch:
    """Real time from the event's bytes at the gateway to the plan at the site."""

    mark: Callable[[], bytes] = lambda: b""
    """Returns bytes that only a message with the event holds; empty before it is published."""
    came_at: float = 0.0
    seen_at: float = 0.0

    def message(self, message: Message) -> None:
        """Look at what the utility sent."""
        if not self.came_at and (mark := self.mark()) and mark in message.body:
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
    cast: Cast
    watch: Stopwatch = field(default_factory=Stopwatch)
    journal: Journal = field(init=False)
    utility: Player = field(init=False)

    async def play(self) -> Ran:
        """Run the whole day."""
        with self.clock.held():
            utility = self.utility = self.cast.player(self.setting, self.seed, self.clock)
            self.watch.mark = lambda: utility.mark
            await utility.start()
            write_config(self.setting, utility=utility.section(), port=0)
            gateway = Gateway(load(self.setting.config), self._wiring())
            await gateway.start()
            try:
                return await self._day(utility, gateway)
            finally:
                await gateway.stop()
                await utility.stop()

    def _wiring(self) -> Wiring:
        return Wiring(
            clock=self.clock,
            ids=SeededIds(self.seed, "gateway"),
            chance=SeededChance(self.seed, "gateway"),
            pace=StreamPace(ping_s=15, recheck_s=15),
            seed=seeded_key(self.seed, "installation"),
            alone_on_host=False,  # two runs of one seed are equal, and neither is the other's clone
            tap=self.watch.message,
        )

    async def _day(self, utility: Player, gateway: Gateway) -> Ran:
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
            script = tasks.create_task(self._held(utility.play), name="utility")
            tasks.create_task(self._site(gateway.url, token, over), name="site")
            await over.get()
            await self.clock.sleep_until(PHOENIX.run.end)
            serving.cancel()
            script.cancel()
        found = await gateway.office.store.read(
            lambda work: harvest(work, PHOENIX.run, utility.event_id)
        )
        return Ran(
            scenario=PHOENIX,
            harvest=found,
            history=self.journal.plans,
            seed=self.seed,
            peer=self.cast.peer,
            intake_ms=self.watch.milliseconds,
            bundle=await Prover(gateway.office).bundle(found.statement.id),
            story=utility.story(),
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

    async def _held(self, act: Callable[[], Awaitable[None]]) -> None:
        with self.clock.held():
            await act()


def play_virtual(folder: Path, seed: int, protocol: ProtocolName = ProtocolName.OADR20B) -> Ran:
    """Run the demonstration in virtual time.

    Args:
        folder: Where everything goes; it is made.
        seed: Of every id and every drawn number.
        protocol: What utility and gateway speak.
    """
    setting = prepare(folder, Pace(factor=1))

    async def play() -> Ran:
        clock = VirtualClock(PHOENIX.run.start - LEAD, on_stuck=_stuck)
        return await Stage(setting, seed, clock, CASTS[protocol]).play()

    return asyncio.run(play())


def _stuck(holders: str) -> None:
    sys.stderr.write(holders + "\n")
