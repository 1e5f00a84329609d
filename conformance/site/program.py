"""The site's program: follows plans, meters every minute, and tells the gateway.

    plans ──▶ follow ──▶ run (plant, policy) ──▶ minutes ──▶ outbox ──▶ report ──▶ telemetry, progress, completion
                 └────▶ commit / decline

Three tasks share one run: ``follow`` waits for plans, ``_meter`` wakes at each full minute, ``_report`` sends one
minute after the other. A gateway that is away delays reports and nothing else: the site holds the plan it has.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Final, assert_never

from conformance.site.answers import In, Out, answer
from conformance.site.episodes import Ended, Episodes, Went
from conformance.site.journal import Journal
from conformance.site.minutes import MINUTE_S, Account, Minute, RunOptions
from conformance.site.outlook import IT_LOAD, POC
from conformance.site.policies import POLICIES
from conformance.site.ports import Link, Offer
from conformance.site.run import Run
from conformance.site.trace import Trace
from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.errors import SessionError, TransportError
from gateway.domain.ports import Clock, Mailbox
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
    """At most so long after the run it waits for reports to be acknowledged, in the clock's seconds."""
    buffered: bool = True
    """False: what cannot be sent at once is lost, as with a meter that keeps nothing."""

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
    reported: int
    """Minutes whose report was acknowledged, restarts included."""
    refused: int
    """Messages that the gateway turned down."""
    lost: int
    """Messages that were never acknowledged."""
    leases_lost: int
    """How often the gateway was silent for longer than a lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is reported about one minute."""

    number: int
    batch: TelemetryBatch
    said: tuple[Went | Ended, ...]


@dataclass(slots=True)
class SiteProgram:
    """One site's program for one run.

    Args:
        options: What it plays.
        clock: Of the run; a virtual clock must not be held by the caller while ``run`` is awaited.
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
    _outbox: deque[Parcel | None] = field(init=False, default_factory=deque)
    _bell: Mailbox[None] = field(init=False)
    _drained: Mailbox[None] = field(init=False)
    _idle: bool = False
    _refused: int = 0
    _lost: int = 0

    def __post_init__(self) -> None:
        self._run = Run(self.options.run)
        self._episodes = Episodes(self.options.run.mix, self._run.seconds // MINUTE_S)
        self._bell = self.clock.mailbox()
        self._drained = self.clock.mailbox()
        for at, plan in self.journal.plans:
            self._run.adopt(plan, at)

    def lease_lost(self) -> None:
        """Note that the gateway is silent; the reference site holds its last plan, whatever the plan's fail-safe."""
        self.leases_lost += 1
        log.warning("lease lost, holding the last plan")

    async def run(self, link: Link) -> Summary:
        """Play the run to its end, then wait until it is reported.

        Raises:
            ExceptionGroup: holding the ``SessionError`` with which the gateway refused to send plans.
        """
        async with asyncio.TaskGroup() as tasks:
            with self.clock.held():
                self._meter_until_now()
                children = (
                    tasks.create_task(self._follow(link), name="site plans"),
                    tasks.create_task(self._report(link), name="site reports"),
                )
                await self._meter()
                self._post(None)
                patience = timedelta(seconds=self.options.drain_s)
                await self._drained.get(until=self.clock.now() + patience)
            for child in children:
                child.cancel()
        return self._summary()

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
                actions = POLICIES[self.options.run.policy].actions
                await self._send(partial(offer.commit, kw, actions))
            case Out(reason=reason, detail=detail):
                await self._send(partial(offer.decline, reason, detail))
            case unknown:
                assert_never(unknown)

    async def _meter(self) -> None:
        while self._run.position < self._run.seconds:
            await self.clock.sleep_until(self._run.instant(self._run.position + MINUTE_S))
            self._meter_until_now()

    def _meter_until_now(self) -> None:
        for minute in self._run.minutes_until(self.clock.now()):
            self.trace.add(minute)
            said = self._said(minute)
            if minute.number > self.journal.reported:
                parcel = Parcel(number=minute.number, batch=self._batch(minute), said=said)
                self._post(parcel)

    def _said(self, minute: Minute) -> tuple[Went | Ended, ...]:
        plan = self._run.plan
        point = IT_LOAD if plan is None else plan.measurement_point
        said = tuple(self._episodes.observe(minute, point))
        over = self._run.position >= self._run.seconds
        return (*said, *self._episodes.close()) if over else said

    def _batch(self, minute: Minute) -> TelemetryBatch:
        # Named after what it holds: a second attempt, also of a second life, is the same batch.
        name = f"{self.options.site}-{self.options.run.seed}-{instant_text(minute.start)}"
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
        return TelemetryBatch(batch_id=name, samples=(gpus, connection))

    async def _report(self, link: Link) -> None:
        with self.clock.held():
            while (parcel := await self._next()) is not None:
                await self._deliver(link, parcel)
                self.journal.done(parcel.number)
            self._drained.put(None)

    def _post(self, parcel: Parcel | None) -> None:
        self._outbox.append(parcel)
        # A mailbox for the parcels themselves would stop a virtual clock while the gateway is away: each waiting item
        # counts as work in flight. Only a reporter with nothing to do is woken.
        if self._idle:
            self._idle = False
            self._bell.put(None)

    async def _next(self) -> Parcel | None:
        if not self._outbox:
            self._idle = True
            await self._bell.get()
        return self._outbox.popleft()

    async def _deliver(self, link: Link, parcel: Parcel) -> None:
        await self._send(partial(link.telemetry, parcel.batch))
        actions = POLICIES[self.options.run.policy].actions
        for message in parcel.said:
            match message:
                case Went() as went:
                    await self._send(partial(link.progress, went))
                case Ended() as ended:
                    await self._send(partial(link.completion, ended, actions))
                case unknown:
                    assert_never(unknown)

    async def _send(self, call: Callable[[], Awaitable[None]]) -> None:
        """Send until it is acknowledged or refused; without a buffer, once."""
        for attempt in count(1):
            try:
                await call()
                return
            except SessionError as error:
                self._refused += 1
                log.warning("the gateway refused: %s", error)
                return
            except TransportError as error:
                if not self.options.buffered:
                    self._lost += 1
                    return
                if attempt == 1:
                    log.warning("trying again until it works: %s", error)
            await self.clock.sleep_until(self.clock.now() + timedelta(seconds=self.options.retry_s))

    def _summary(self) -> Summary:
        minutes = self._run.position // MINUTE_S
        reported = self.journal.reported + 1
        return Summary(
            account=self._run.account(),
            minutes=minutes,
            reported=reported,
            refused=self._refused,
            lost=self._lost + minutes - reported,
            leases_lost=self.leases_lost,
        )
