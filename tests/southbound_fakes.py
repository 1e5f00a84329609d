"""A gateway without utilities: a small store, a desk that writes down what it is told, and a server around them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar, cast

from prometheus_client import CollectorRegistry

from gateway.domain.answers import (
    Ack,
    Answer,
    Commitment,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    TelemetryBatch,
)
from gateway.domain.canonical import digest
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.event import (
    Basis,
    Commodity,
    Direction,
    EventKey,
    Kind,
    TestKind,
)
from gateway.domain.intent import (
    Ask,
    Authority,
    Commercial,
    ComputeFlexIntent,
    FailSafe,
    Firmness,
    MappingRule,
    Provenance,
    Ramp,
    Raw,
    Recovery,
    Response,
    Segment,
    SettlementTerms,
    State,
    TargetNames,
    Timing,
)
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName
from gateway.domain.plan import EffectivePlan, OpenQuestion, Phase, PlanSegment
from gateway.domain.points import Step
from gateway.domain.ports import Clock
from gateway.domain.protocol import ProtocolName
from gateway.domain.settlement import (
    BaselineStatus,
    InputIndexes,
    MethodSummary,
    SettlementStatement,
    StatementStatus,
    Totals,
)
from gateway.intents.envelope import intent_event, plan_event
from gateway.pipeline.ports import Store, Work
from gateway.pipeline.records import IntentRecord, Lease, OutboxItem, Seen, TokenRecord
from gateway.southbound.app import make_app
from gateway.southbound.bells import Bells
from gateway.southbound.parts import Check, Pace, Parts
from gateway.southbound.signer import KeyFileSigner
from gateway.southbound.tokens import SCOPES, token_digest
from gateway.transport.server import Listener, listen
from tests.fakes import CountedIds

T = TypeVar("T")
PHX = SiteId("phx-1")
OTHER = SiteId("abq-2")
SOURCE = "urn:gridgate:test"
FAILSAFE = FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60)
MINUTE = timedelta(minutes=1)


@dataclass
class SmallOutbox:
    items: list[OutboxItem] = field(default_factory=list)
    sequences: dict[SiteId, int] = field(default_factory=dict)

    def next_sequence(self, site: SiteId) -> int:
        self.sequences[site] = self.sequences.get(site, 0) + 1
        return self.sequences[site]

    def add(self, item: OutboxItem) -> None:
        self.items.append(item)

    def _of(self, site: SiteId) -> Iterator[OutboxItem]:
        return (item for item in self.items if item.site == site)

    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        found = [
            item
            for item in self._of(site)
            if item.sequence > sequence and kind in (None, item.kind)
        ]
        return tuple(found[:limit])

    def newest_sequence(self, site: SiteId) -> int:
        return self.sequences.get(site, 0)

    def oldest_sequence(self, site: SiteId) -> int:
        return min((item.sequence for item in self._of(site)), default=0)

    def acknowledge(self, site: SiteId, subject: str, ack: Ack, at: datetime) -> Seen:
        seen = Seen.DUPLICATE
        for place, item in enumerate(self.items):
            mine = (item.site, item.subject) == (site, subject) and item.revision <= ack.revision
            if mine and item.acked_at is None:
                self.items[place] = replace(item, acked_at=at)
                seen = Seen.NEW
        return seen

    def forget(self, site: SiteId, up_to: int) -> None:
        self.items = [i for i in self.items if i.site != site or i.sequence > up_to]


@dataclass
class SmallIntents:
    records: dict[IntentId, IntentRecord] = field(default_factory=dict)

    def get(self, intent_id: IntentId) -> IntentRecord | None:
        return self.records.get(intent_id)

    def put(self, record: IntentRecord) -> None:
        self.records[IntentId(record.intent.id)] = record

    def of_site(self, site: SiteId, *, live: bool = True) -> tuple[IntentRecord, ...]:
        return tuple(record for record in self.records.values() if record.intent.site == site)


@dataclass
class SmallPlans:
    plans: dict[SiteId, EffectivePlan] = field(default_factory=dict)

    def get(self, site: SiteId) -> EffectivePlan | None:
        return self.plans.get(site)

    def put(self, plan: EffectivePlan) -> None:
        self.plans[SiteId(plan.site)] = plan


@dataclass
class SmallTokens:
    records: list[TokenRecord] = field(default_factory=list)

    def add(self, token: TokenRecord) -> None:
        self.records.append(token)

    def by_digest(self, sha256: str) -> TokenRecord | None:
        return next((token for token in self.records if token.sha256 == sha256), None)

    def all(self) -> tuple[TokenRecord, ...]:
        return tuple(self.records)

    def revoke(self, name: str, at: datetime) -> bool:
        for place, token in enumerate(self.records):
            if token.name == name and token.revoked_at is None:
                self.records[place] = replace(token, revoked_at=at)
                return True
        return False


@dataclass
class SmallStatements:
    kept: dict[str, list[SettlementStatement]] = field(default_factory=dict)
    """Every version, from the first one on."""

    def put(self, statement: SettlementStatement) -> None:
        self.kept.setdefault(statement.id, []).append(statement)

    def get(self, statement_id: str, version: int | None = None) -> SettlementStatement | None:
        found = self.kept.get(statement_id, [])
        wanted = [one for one in found if version in (None, one.version)]
        return wanted[-1] if wanted else None

    def of_site(self, site: SiteId | None) -> tuple[SettlementStatement, ...]:
        newest = [versions[-1] for versions in self.kept.values()]
        return tuple(one for one in newest if site in (None, one.site))


@dataclass
class SmallLog:
    """What was written down: kind, subject, document."""

    told: list[tuple[str, str, object]] = field(default_factory=list)

    def append(self, kind: str, subject: str, document: object, at: datetime) -> int:
        del at
        self.told.append((kind, subject, document))
        return len(self.told) - 1


@dataclass
class SmallWork:
    """The groups of ``Work`` that the southbound side reads."""

    outbox: SmallOutbox = field(default_factory=SmallOutbox)
    intents: SmallIntents = field(default_factory=SmallIntents)
    plans: SmallPlans = field(default_factory=SmallPlans)
    tokens: SmallTokens = field(default_factory=SmallTokens)
    statements: SmallStatements = field(default_factory=SmallStatements)
    log: SmallLog = field(default_factory=SmallLog)


@dataclass
class SmallStore:
    """A store of one process's memory; ``broken`` makes it refuse."""

    work: SmallWork = field(default_factory=SmallWork)
    broken: bool = False
    reads: int = 0

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        return self._run(job)

    async def read(self, job: Callable[[Work], T]) -> T:
        self.reads += 1
        await asyncio.sleep(0)  # noqa: TID251 - a turn for others, as a reader's thread gives them
        return self._run(job)

    def _run(self, job: Callable[[Work], T]) -> T:
        if self.broken:
            raise StoreError("DISK_FULL", "no space left on /var/secret/place")
        return job(cast(Work, self.work))


@dataclass
class WritingDesk:
    """Writes down each effect once per key, and every call."""

    store: SmallStore
    clock: Clock
    lease_s: int = 60
    busy: int = 0
    """So many calls are refused because the store is."""
    calls: list[tuple[str, SiteId, str]] = field(default_factory=list)
    effects: dict[tuple[str, str, str], str] = field(default_factory=dict)
    batches: list[TelemetryBatch] = field(default_factory=list)
    heartbeats: list[tuple[datetime, Heartbeat]] = field(default_factory=list)
    acks: list[tuple[datetime, str, Ack]] = field(default_factory=list)
    commitments: list[tuple[str, Commitment]] = field(default_factory=list)
    rejections: list[tuple[str, Rejection]] = field(default_factory=list)

    def _effect(self, kind: str, site: SiteId, key: str, answer: Answer) -> Seen:
        self.calls.append((kind, site, key))
        content = digest(answer.model_dump(mode="json"))
        known = self.effects.setdefault((kind, site, key), content)
        if known != content:
            return Seen.CONFLICT
        return Seen.NEW if self.calls.count((kind, site, key)) == 1 else Seen.DUPLICATE

    def _busy(self) -> None:
        if self.busy:
            self.busy -= 1
            raise StoreError("DISK_FULL", "no space left")

    def _revision(self, site: SiteId, intent: IntentId, revision: int) -> None:
        record = self.store.work.intents.get(intent)
        if record is None or record.intent.site != site:
            raise SessionError("NOT_FOUND", "there is nothing by this id for this site")
        if revision != record.intent.revision:
            raise SessionError("STALE_REVISION", "answer the newest revision")

    async def acknowledge(self, site: SiteId, intent: IntentId, ack: Ack) -> Seen:
        self._busy()
        self._revision(site, intent, ack.revision)
        self.acks.append((self.clock.now(), intent, ack))
        return self.store.work.outbox.acknowledge(site, intent, ack, self.clock.now())

    async def commit(self, site: SiteId, intent: IntentId, commitment: Commitment) -> Seen:
        self._revision(site, intent, commitment.revision)
        self.commitments.append((intent, commitment))
        return self._effect("commit", site, f"{intent}/{commitment.revision}", commitment)

    async def reject(self, site: SiteId, intent: IntentId, rejection: Rejection) -> Seen:
        self._revision(site, intent, rejection.revision)
        self.rejections.append((intent, rejection))
        return self._effect("reject", site, f"{intent}/{rejection.revision}", rejection)

    async def progress(self, site: SiteId, intent: IntentId, progress: Progress) -> Seen:
        self._revision(site, intent, progress.revision)
        return self._effect("progress", site, f"{intent}/{progress.at}", progress)

    async def complete(self, site: SiteId, intent: IntentId, completion: Completion) -> Seen:
        self._revision(site, intent, completion.revision)
        return self._effect("complete", site, f"{intent}/{completion.revision}", completion)

    async def telemetry(self, site: SiteId, batch: TelemetryBatch) -> Seen:
        self._busy()
        seen = self._effect("telemetry", site, batch.batch_id, batch)
        if seen is Seen.NEW:
            self.batches.append(batch)
        return seen

    async def heartbeat(self, site: SiteId, heartbeat: Heartbeat) -> Lease:
        self.heartbeats.append((self.clock.now(), heartbeat))
        plan = self.store.work.plans.get(site)
        return Lease(
            lease_s=self.lease_s,
            plan_revision=plan.revision if plan else 0,
            server_time=self.clock.now(),
        )


@dataclass
class SmallGateway:
    """Everything of a gateway that a site sees; ``serve`` may be entered again, as after a restart."""

    clock: Clock
    pace: Pace = field(default_factory=Pace)
    signer: KeyFileSigner = field(default_factory=lambda: KeyFileSigner.seeded(b"test"))
    store: SmallStore = field(default_factory=SmallStore)
    tls: ssl.SSLContext | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.desk = WritingDesk(self.store, self.clock)
        self.bells = Bells(self.clock)
        self.registry = CollectorRegistry()

    def token(
        self, site: SiteId = PHX, *, secret: str = "", scopes: tuple[str, ...] = SCOPES
    ) -> str:
        """Store a token; return its secret."""
        secret = secret or f"secret-of-{site}"
        self.store.work.tokens.add(
            TokenRecord(
                name=secret,
                sha256=token_digest(secret),
                site=site,
                scopes=scopes,
                created_at=self.clock.now(),
            )
        )
        return secret

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Listener]:
        """Listen on loopback, on the same port as before."""
        self.bells = Bells(self.clock)
        self.registry = CollectorRegistry()
        store: Store = self.store
        parts = Parts(
            store=store,
            desk=self.desk,
            clock=self.clock,
            ids=CountedIds(),
            bells=self.bells,
            signer=self.signer,
            registry=self.registry,
            source=SOURCE,
            pace=self.pace,
            checks=self.checks,
        )
        listener = await listen(make_app(parts), "127.0.0.1", self.port, self.tls)
        self.port = listener.port
        try:
            yield listener
        finally:
            await listener.stop()

    def send_intent(self, intent: ComputeFlexIntent) -> ComputeFlexIntent:
        """Put a revision on the site's stream and ring."""
        work, site = self.store.work, SiteId(intent.site)
        sequence = work.outbox.next_sequence(site)
        placed = intent.model_copy(update={"sequence": sequence})
        signed, body = intent_event(placed, source=SOURCE, sign=self.signer.detached)
        work.intents.put(IntentRecord(intent=signed, event=KEY, version=0))
        work.outbox.add(self.item(site, sequence, "intent", intent.id, intent.revision, body))
        self.bells.ring(site)
        return signed

    def send_plan(self, plan: EffectivePlan) -> EffectivePlan:
        """Put a plan on the site's stream and ring."""
        work, site = self.store.work, SiteId(plan.site)
        sequence = work.outbox.next_sequence(site)
        signed, body = plan_event(plan, source=SOURCE, sequence=sequence, sign=self.signer.detached)
        work.plans.put(signed)
        work.outbox.add(self.item(site, sequence, "plan", site, plan.revision, body))
        self.bells.ring(site)
        return signed

    def item(
        self, site: SiteId, sequence: int, kind: str, subject: str, revision: int, body: bytes
    ) -> OutboxItem:
        """Make an item as it lies in the outbox."""
        return OutboxItem(
            site=site,
            sequence=sequence,
            kind=kind,
            subject=subject,
            revision=revision,
            body=body,
            created_at=self.clock.now(),
            deliver_by=None,
        )


KEY = EventKey(utility=UtilityName("azp"), event_id=EventId("evt-1"))


def sample_intent(
    now: datetime, *, intent_id: str = "intent-1", revision: int = 1, site: str = PHX
) -> ComputeFlexIntent:
    """Ask for 71.13 kW from half an hour on, for three hours."""
    start = now + 30 * MINUTE
    return ComputeFlexIntent(
        id=intent_id,
        revision=revision,
        sequence=1,
        event_ref="azp/evt-1",
        site=site,
        issued_at=now,
        received_at=now,
        expires_at=now + MINUTE,
        deliver_by=None,
        status=State.SCHEDULED,
        test=TestKind.NONE,
        provenance=Provenance(
            protocol=ProtocolName.OADR20B,
            authority=Authority(name="azp", program="dr"),
            source_ids={"eventID": "evt-1"},
            raw=Raw(media_type="application/xml", sha256="0" * 64, archive_ref="raw/0"),
            mapping=MappingRule(rule_id="load_dispatch"),
        ),
        asks=(
            Ask(
                kind=Kind.LIMIT_IMPORT,
                direction=Direction.DECREASE,
                commodity=Commodity.ACTIVE_POWER,
                basis=Basis.ABSOLUTE,
                measurement_point="it_load",
                segments=(
                    Segment(
                        start=start,
                        duration=180 * MINUTE,
                        value=Decimal("71.13"),
                        unit="kW",
                        resolved_import_max_kw=Decimal("71.13"),
                    ),
                ),
            ),
        ),
        timing=Timing(
            notice=30 * MINUTE,
            start=start,
            duration=180 * MINUTE,
            open_ended=False,
            ramp_in=timedelta(0),
            ramp_out=timedelta(0),
            recovery=Recovery(not_before=None, duration=timedelta(0)),
        ),
        ramp=Ramp(max_up_kw_per_min=None, max_down_kw_per_min=None),
        targets=TargetNames(),
        firmness=Firmness.COMMITTED,
        priority=900,
        commercial=Commercial(
            program="dr",
            settlement=SettlementTerms(
                baseline_method="same_day", interval=5 * MINUTE, meter="it_load"
            ),
        ),
        response=Response(
            ack_by=now + MINUTE,
            opt_by=now + MINUTE,
            opt_default="out",
            commitment_required=True,
            telemetry_interval=MINUTE,
            telemetry_max_age=MINUTE,
        ),
        failsafe=FAILSAFE,
    )


def sample_plan(
    now: datetime,
    *,
    revision: int = 1,
    site: str = PHX,
    intent: ComputeFlexIntent | None = None,
    limit_kw: Decimal = Decimal("71.13"),
    answered: bool = False,
) -> EffectivePlan:
    """No cap, or the cap of one intent."""
    normal = PlanSegment(start=now, end=None, phase=Phase.NORMAL, import_max_kw=None)
    segments: tuple[PlanSegment, ...] = (normal,)
    questions: tuple[OpenQuestion, ...] = ()
    if intent is not None:
        start, end = intent.timing.start, intent.timing.start + 180 * MINUTE
        hold = PlanSegment(
            start=max(start, now),
            end=end,
            phase=Phase.HOLD,
            import_max_kw=limit_kw,
            because=(intent.id,),
        )
        before = (normal.model_copy(update={"end": start}),) if start > now else ()
        segments = (*before, hold, normal.model_copy(update={"start": end}))
        if not answered:
            questions = (
                OpenQuestion(
                    intent_id=intent.id,
                    revision=intent.revision,
                    opt_by=intent.response.opt_by,
                    asked_kw=limit_kw,
                ),
            )
    return EffectivePlan(
        site=site,
        revision=revision,
        made_at=now,
        measurement_point="it_load",
        contracted_import_kw=Decimal(120),
        segments=segments,
        open_questions=questions,
        failsafe=FAILSAFE,
    )


def sample_statement(name: str, *, site: str = PHX) -> SettlementStatement:
    """Settle nothing, for nothing."""
    nothing = Decimal(0)
    totals = Totals(
        baseline_kwh=nothing,
        metered_kwh=nothing,
        reduction_kwh=nothing,
        obligation_kwh=nothing,
        shortfall_kwh=nothing,
        payment=nothing,
    )
    start = datetime(2025, 5, 3, 23, 30, tzinfo=UTC)
    return SettlementStatement(
        id=name,
        version=1,
        status=StatementStatus.PROVISIONAL,
        utility="azp",
        program="dr",
        event_id="evt-1",
        intent_id="intent-1",
        site=site,
        meter="it_load",
        measurement_point="it_load",
        start=start,
        end=start + 180 * MINUTE,
        currency="USD",
        price_per_kwh=Decimal(1),
        penalty_per_kwh=Decimal(2),
        pre_event_kw=None,
        limit_kw=None,
        intervals=(),
        totals=totals,
        performance=None,
        baseline_method="same_day",
        baseline=MethodSummary(
            method="same_day",
            parameters={},
            status=BaselineStatus.INSUFFICIENT_DATA,
            baseline_kwh=None,
            metered_kwh=None,
            reduction_kwh=None,
            performance=None,
        ),
        inputs=InputIndexes(),
        software="test",
        simulated=True,
        test=True,
    )
