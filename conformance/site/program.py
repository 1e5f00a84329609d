"""The site's program: follows plans, meters every minute, and tells the gateway.

    plans ──▶ follow ──▶ run (plant, policy) ──▶ minutes ──┬──▶ samples
                 └────▶ commit / decline                   └──▶ progress, completion

Three tasks share one run: one waits for plans, one wakes at each full minute, one tells what became of events. A
gateway that is away delays what it is told and nothing else: the site holds the plan it has.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, assert_never

from conformance.site.answers import In, Out, answer
from conformance.site.episodes import Ended, Episodes, Went
from conformance.site.journal import Journal
from conformance.site.minutes import MINUTE_S, Account, Minute, RunOptions
from conformance.site.outlook import IT_LOAD, POC
from conformance.site.policies import POLICIES
from conformance.site.ports import Link, Offer
from conformance.site.run import Run
from conformance.site.teller import Insistence, Teller
from conformance.site.trace import Trace
from gateway.domain.answers import Sample
from gateway.domain.ports import Clock
from gateway.domain.timespan import instant_text

log = logging.getLogger(__name__)

MINUTE: Final = timedelta(seconds=MINUTE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOptions:
    """What the program plays, and how patient it is."""

    site: str
    run: RunOptions
    retry_s: float = 2.0
    """Between two attempts to send, in the clock's seconds."""
    drain_s: float = 3600.0
    """At most so long after the run it waits until the gateway has everything, in the clock's seconds."""

    @property
    def name(self) -> str:
        """What tells this run from others, for its journal."""
        run = self.run
        span = f"{instant_text(run.span.start)}/{instant_text(run.span.end)}"
        gpus = sum(job.gpus for job in run.mix)
        return f"{self.site}, {gpus} GPUs, {run.policy}, seed {run.seed}, {span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run went."""

    account: Account
    minutes: int
    """Metered, over all lives of the program."""
    untold: int
    """Messages and batches of samples that the gateway had not taken when the program stopped waiting."""
    refused: int
    """Messages that the gateway turned down."""
    dropped_samples: int
    """Given up: refused, or not kept while the gateway was away."""
    leases_lost: int
    """How often the gateway was silent for longer than a lease."""


@dataclass(slots=True)
class SiteProgram:
    """One site's program for one run.

    Args:
        options: What it plays.
        clock: Of the run.
        journal: What an earlier life of this program left behind.
        trace: Gets a line a minute.
    """

    options: ProgramOptions
    clock: Clock
    journal: Journal
    trace: Trace
    leases_lost: int = 0
    _run: Run = field(init=False)
    _episodes: Episodes = field(init=False)
    _insistence: Insistence = field(init=False)
    _teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self._run = Run(self.options.run)
        self._episodes = Episodes(self.options.run.mix, self._run.seconds // MINUTE_S)
        self._insistence = Insistence(self.clock, self.options.retry_s)
        self._teller = Teller(self.clock, self._insistence, self.journal, self._actions)
        for at, plan in self.journal.plans:
            self._run.adopt(plan, at)

    @property
    def _actions(self) -> tuple[str, ...]:
        return POLICIES[self.options.run.policy].actions

    def lease_lost(self) -> None:
        """Note that the gateway is silent; the reference site holds its last plan, whatever the plan's fail-safe."""
        self.leases_lost += 1
        log.warning("lease lost, holding the last plan")

    async def run(self, link: Link) -> Summary:
        """Play the run to its end, then wait until the gateway knows; the caller holds the clock.

        Raises:
            ExceptionGroup: holding what ended the link, where the gateway does not let this site in.
        """
        async with asyncio.TaskGroup() as tasks:
            await self._meter_until_now(link)
            children = (
                tasks.create_task(self._follow(link), name="site plans"),
                tasks.create_task(self._tell(link), name="site teller"),
            )
            while self._run.position < self._run.seconds:
                await self.clock.sleep_until(self._run.instant(self._run.position + MINUTE_S))
                await self._meter_until_now(link)
            await self._drain(link)
            for child in children:
                child.cancel()
        return self._summary(link)

    async def _follow(self, link: Link) -> None:
        with self.clock.held():
            async for offer in link.plans():
                plan = offer.document
                if plan != self._run.plan:
                    now = self.clock.now()
                    self.journal.adopted(plan, now)
                    self._run.adopt(plan, now)
                await self._answer(offer)

    async def _answer(self, offer: Offer) -> None:
        match answer(offer.document, self._run):
            case None:
                return
            case In(kw=kw):
                await self._insistence.send(partial(offer.commit, kw, self._actions))
            case Out(reason=reason, detail=detail):
                await self._insistence.send(partial(offer.decline, reason, detail))
            case unknown:
                assert_never(unknown)

    async def _tell(self, link: Link) -> None:
        with self.clock.held():
            await self._teller.run(link)

    async def _meter_until_now(self, link: Link) -> None:
        for minute in self._run.minutes_until(self.clock.now()):
            self.trace.add(minute)
            said = self._said(minute)
            if minute.number > self.journal.metered:
                await link.meter(_samples(minute))
                self.journal.has_metered(minute.number)
            if minute.number > self.journal.said:
                self._teller.post(minute.number, said)

    def _said(self, minute: Minute) -> tuple[Went | Ended, ...]:
        plan = self._run.plan
        point = IT_LOAD if plan is None else plan.measurement_point
        said = tuple(self._episodes.observe(minute, point))
        over = self._run.position >= self._run.seconds
        return (*said, *self._episodes.close()) if over else said

    async def _drain(self, link: Link) -> None:
        until = self.clock.now() + timedelta(seconds=self.options.drain_s)
        await self._teller.drained(until)
        pause = timedelta(seconds=self.options.retry_s)
        while link.waiting and self.clock.now() < until:
            await self.clock.sleep_until(min(until, self.clock.now() + pause))

    def _summary(self, link: Link) -> Summary:
        return Summary(
            account=self._run.account(),
            minutes=self._run.position // MINUTE_S,
            untold=len(self._teller) + link.waiting,
            refused=self._insistence.refused,
            dropped_samples=link.dropped,
            leases_lost=self.leases_lost,
        )


def _samples(minute: Minute) -> tuple[Sample, ...]:
    """Return a minute at both meters: GPU power, which the contract is about, and the point of connection."""
    gpus = Sample(
        meter=IT_LOAD,
        start=minute.start,
        duration=MINUTE,
        energy_kwh=minute.it_kwh,
        source="gpu",
    )
    connection = Sample(
        meter=POC,
        start=minute.start,
        duration=MINUTE,
        energy_kwh=minute.poc_kwh,
        source="sub_meter",
    )
    return gpus, connection
