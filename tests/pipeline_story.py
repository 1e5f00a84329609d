"""A gateway without network: the pipeline's doors over a store, a virtual clock, and sites that answer by script."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from gateway.app.virtual import VirtualClock
from gateway.domain.answers import Ack, Commitment, Rejection, Sample, TelemetryBatch
from gateway.domain.errors import StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.identity import intent_id
from gateway.domain.intent import FailSafe
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.points import Step
from gateway.domain.ports import Clock
from gateway.domain.program import Program
from gateway.domain.settlement import SettlementStatement
from gateway.domain.site import Site
from gateway.domain.timespan import Span
from gateway.intents.derive import Terms
from gateway.pipeline.attempts import MemoryAttempts
from gateway.pipeline.book import Book, Office
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.measure import Measure
from gateway.pipeline.ports import IntentRecord, OutboxItem, Seen, Store, Timer, Work
from gateway.pipeline.prove import Prover
from gateway.pipeline.records import LogEntry
from gateway.pipeline.settle import agree, statement_id
from gateway.pipeline.timetable import Timetable
from gateway.pipeline.turn import Turn
from gateway.protocols.actions import Emit
from gateway.settlement.records import logged
from tests.evidence_story import KEY
from tests.fakes import PlainSigner
from tests.intent_samples import EVENT, PROGRAM, SITE, START, UTC_1600
from tests.store_fakes import MemoryStore, MemoryWork

T = TypeVar("T")

UTILITY = UtilityName("azp")
HERE = SiteId("phx-1")
THERE = SiteId("phx-2")
END = START + timedelta(hours=3)
MINUTE = timedelta(minutes=1)
SETTLED_AT = END + timedelta(minutes=46)
INSTALLATION_KEY = b"k" * 32
TERMS = Terms(
    lease_s=60,
    heartbeat_s=15,
    fail_safe=FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60),
)
SECOND_SITE = replace(SITE, site=THERE)


@dataclass
class Bells:
    """Counts who was woken."""

    rung: list[SiteId] = field(default_factory=list)

    def ring(self, site: SiteId) -> None:
        self.rung.append(site)


@dataclass
class House:
    """One gateway's pipeline; ``restart`` builds every object anew over the same store."""

    program: Program = PROGRAM
    sites: tuple[Site, ...] = (SITE,)
    store: Store = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=lambda: VirtualClock(UTC_1600))
    bells: Bells = field(default_factory=Bells)
    told: list[Participation] = field(default_factory=list)
    """Answers handed to the utility's session."""
    programs: dict[tuple[UtilityName, str], Program] | None = None
    fleet_kw_per_min: Decimal | None = None
    attempts: MemoryAttempts = field(default_factory=MemoryAttempts)
    """Outlives the process, as the store does."""
    _serving: bool = False

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything but the store."""
        programs = {(self.program.utility, self.program.name): self.program}
        book = Book(
            sites={site.site: site for site in self.sites},
            programs=programs if self.programs is None else self.programs,
            terms={site.site: TERMS for site in self.sites},
            installation_key=INSTALLATION_KEY,
            source="urn:test",
            software="gridgate 0",
            fleet_kw_per_min=self.fleet_kw_per_min,
        )
        self.office = Office(
            book=book,
            store=self.store,
            clock=self.clock,
            signer=PlainSigner(),
            log_key=KEY,
            bell=self.bells,
            decided=self.told.append,
            timers_changed=self._look_again,
            attempts=self.attempts,
        )
        self.inbound = Inbound(self.office)
        self.desk = Feedback(self.office)
        self.measure = Measure(self.office)
        self.prover = Prover(self.office)
        self.timetable = Timetable(self.office)

    def _died(self, _: "asyncio.Task[None]") -> None:
        """What waits in a dead task's mailbox must not hold up the clock."""
        for _item in range(len(self.timetable._poke)):
            self.clock.release()
        self.timetable = Timetable(self.office)
        self._serving = False

    def _look_again(self) -> None:
        if self._serving:
            self.timetable.changed()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def agree(self) -> None:
        """Write down the terms."""

        def job(work: Work) -> None:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=self.now)
            agree(turn)

        await self.store.write(job)

    async def until(self, at: datetime) -> None:
        """Let time pass while the timetable serves; a gateway that dies is started again within a minute."""
        with self.clock.held():
            while self.now < at:
                self._serving = True
                task = asyncio.create_task(self.timetable.run())
                task.add_done_callback(self._died)
                while self.now < at and not task.done():
                    await self.clock.sleep_until(min(at, self.now + MINUTE))
                task.cancel()
                (ended,) = await asyncio.gather(task, return_exceptions=True)
                if isinstance(ended, StoreError) and ended.reason == "CRASH":
                    self.restart()
                elif isinstance(ended, Exception):
                    raise ended

    async def sleep(self, at: datetime) -> None:
        """Let time pass while the gateway is down."""
        with self.clock.held():
            await self.clock.sleep_until(at)

    async def deliver(self, *events: GridEvent) -> None:
        """Let the utility's session hand events in, received now."""
        emits = [
            Emit(
                events=(event,),
                raw=RawMessage(
                    body=event.event_id.encode(),
                    media_type="application/xml",
                    sha256=event.raw_sha256,
                    peer="",
                    received_at=self.now,
                ),
            )
            for event in events
        ]
        await self.inbound.accept(UTILITY, emits, b"{}", ())

    def id_of(self, site: SiteId = HERE, event_id: str = "evt-1") -> IntentId:
        return intent_id(INSTALLATION_KEY, UTILITY, EventId(event_id), site)

    async def record(self, site: SiteId = HERE, event_id: str = "evt-1") -> IntentRecord:
        found = await self.store.read(lambda work: work.intents.get(self.id_of(site, event_id)))
        assert found is not None
        return found

    async def plan(self, site: SiteId = HERE) -> EffectivePlan:
        found = await self.store.read(lambda work: work.plans.get(site))
        assert found is not None
        return found

    async def cap(self, at: datetime | None = None, site: SiteId = HERE) -> Decimal | None:
        """Return what the newest plan allows at an instant."""
        segment = (await self.plan(site)).segment_at(at or self.now)
        assert segment is not None
        return segment.import_max_kw

    async def outbox(self, kind: str, site: SiteId = HERE) -> Sequence[OutboxItem]:
        return await self.store.read(lambda work: work.outbox.after(site, 0, 10_000, kind))

    async def timers(self) -> list[Timer]:
        far = self.now + timedelta(days=4000)
        return sorted(
            await self.store.read(lambda work: work.timers.due(far, 1000)),
            key=lambda timer: timer.key,
        )

    async def statement(self, site: SiteId = HERE) -> SettlementStatement | None:
        name = statement_id(self.id_of(site))
        return await self.store.read(lambda work: work.statements.get(name))

    async def entries(self, *kinds: str) -> Sequence[LogEntry]:
        return await self.store.read(lambda work: work.log.entries(kinds=kinds))

    async def words(self) -> list[object]:
        """Return what was written down for the operator."""
        return [logged(e.index, e.record).document.get("word") for e in await self.entries("audit")]

    async def ack(self, site: SiteId = HERE) -> Seen:
        intent = (await self.record(site)).intent
        ack = Ack(
            revision=intent.revision,
            sequence=intent.sequence,
            receiver="test",
            received_at=self.now,
            digest="0" * 64,
        )
        return await self.desk.acknowledge(site, IntentId(intent.id), ack)

    async def commit(
        self,
        opt: Opt = Opt.IN,
        site: SiteId = HERE,
        event_id: str = "evt-1",
        revision: int | None = None,
        reason: str = "committed",
    ) -> Seen:
        intent = (await self.record(site, event_id)).intent
        answer = Commitment(revision=revision or intent.revision, opt=opt, reason=reason)
        return await self.desk.commit(site, IntentId(intent.id), answer)

    async def reject(self, site: SiteId = HERE) -> Seen:
        intent = (await self.record(site)).intent
        answer = Rejection(revision=intent.revision, reason="infeasible")
        return await self.desk.reject(site, IntentId(intent.id), answer)

    async def meter(
        self,
        start: datetime,
        minutes: int,
        kw: Callable[[datetime], Decimal],
        site: SiteId = HERE,
        **changes: object,
    ) -> None:
        """Store minutes of the contract meter, one batch each."""
        for k in range(minutes):
            at = start + k * MINUTE
            await self.desk.telemetry(site, batch(at, kw(at), **changes))


def batch(at: datetime, kw: Decimal, **changes: object) -> TelemetryBatch:
    """One minute of the contract meter."""
    energy = (kw / 60).quantize(Decimal("1e-9"))
    sample = Sample(meter="it_load", start=at, duration=MINUTE, energy_kwh=energy)
    made = TelemetryBatch(batch_id=f"{at:%d%H%M%S}", samples=(sample,))
    return made.model_copy(update=changes)


def level(kw: int) -> Callable[[datetime], Decimal]:
    """Draw the same all the time."""
    return lambda _: Decimal(kw)


def follows(at: datetime) -> Decimal:
    """Draw 100 kW, and 70 from ramp-in to the end."""
    return Decimal(70) if START - 15 * MINUTE <= at < END else Decimal(100)


async def opened(house: House, minutes: int = 60) -> House:
    """Agree on the terms, meter an hour at 100 kW, and come to the moment at which the event is received."""
    await house.agree()
    for site in house.sites:
        await house.meter(UTC_1600 - minutes * MINUTE, minutes, level(100), site.site)
    await house.until(EVENT.received_at)
    return house


def changed(event: GridEvent = EVENT, **changes: object) -> GridEvent:
    """Return the event with other content."""
    return replace(event, **changes)  # type: ignore[arg-type]  # test shorthand


def modified(event: GridEvent, by: House, **changes: object) -> GridEvent:
    """Return the next version, received now."""
    return changed(event, version=event.version + 1, received_at=by.now, **changes)


def lasting(event: GridEvent, duration: timedelta, start: datetime | None = None) -> GridEvent:
    """Return the event with one interval of another length, or at another time."""
    begin = start or event.start
    signals = tuple(
        replace(
            signal,
            intervals=(replace(signal.intervals[0], span=Span.lasting(begin, duration)),),
        )
        for signal in event.signals
    )
    return changed(event, start=begin, duration=duration, signals=signals)


def cancelled(event: GridEvent, at: datetime, *, implied: bool = False) -> GridEvent:
    """Return the event as taken back, under the same version when it only vanished."""
    version = event.version if implied else event.version + 1
    return changed(event, version=version, cancelled_at=at, cancel_implied=implied)


def key(event_id: str = "evt-1") -> EventKey:
    return EventKey(utility=UTILITY, event_id=EventId(event_id))


def opts(told: Iterable[Participation]) -> list[tuple[Opt, str]]:
    return [(each.opt, each.reason) for each in told]


@dataclass
class FailingStore(MemoryStore):
    """Loses the gateway right after its n-th write: what was written stays, whoever waited never hears of it."""

    writes: int = 0
    fatal: int | None = None

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        value = await super().write(job, step)
        self.writes += 1
        if self.writes == self.fatal:
            raise StoreError("CRASH", "the process ends here")
        return value
