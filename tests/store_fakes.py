"""A store in memory that keeps every promise of the real one but durability; both pass the same contract tests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TypeVar

from gateway.domain.answers import Ack, TelemetryBatch
from gateway.domain.canonical import canonical
from gateway.domain.errors import MisuseError, SessionError, StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.guard import Move
from gateway.domain.identity import STEP
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import IntentId, MeterId, SiteId, UtilityName
from gateway.domain.participation import Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.points import Step
from gateway.domain.reading import Reading
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint, Fate
from gateway.pipeline.records import (
    IntentRecord,
    LogEntry,
    OutboxItem,
    Seen,
    SiteStatus,
    StoreIdentity,
    Timer,
    TokenRecord,
)
from gateway.settlement.merkle import leaf_hash
from gateway.settlement.records import LARGEST_RECORD, envelope
from gateway.store.codec import model_bytes, read_model
from gateway.store.events import obligation
from gateway.telemetry.samples import readings_of

T = TypeVar("T")

EventVersion = tuple[EventKey, int, bool]


@dataclass
class State:
    """Everything remembered; values are immutable, so a copy of the containers is a snapshot."""

    raws: dict[str, RawMessage] = field(default_factory=dict)
    events: dict[EventVersion, GridEvent] = field(default_factory=dict)
    contradictions: dict[EventVersion, tuple[GridEvent, ...]] = field(default_factory=dict)
    intents: dict[IntentId, dict[int, IntentRecord]] = field(default_factory=dict)
    moves: dict[IntentId, tuple[Move, ...]] = field(default_factory=dict)
    outbox: dict[SiteId, dict[int, OutboxItem]] = field(default_factory=dict)
    ack_digests: dict[tuple[SiteId, str, int], str] = field(default_factory=dict)
    sequences: dict[SiteId, int] = field(default_factory=dict)
    plans: dict[SiteId, EffectivePlan] = field(default_factory=dict)
    answers: dict[Participation, bool] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    batches: dict[tuple[SiteId, str], bytes] = field(default_factory=dict)
    readings: list[tuple[SiteId, Reading]] = field(default_factory=list)
    heard: dict[SiteId, SiteStatus] = field(default_factory=dict)
    sessions: dict[UtilityName, bytes] = field(default_factory=dict)
    log: list[tuple[LogEntry, datetime]] = field(default_factory=list)
    statements: dict[str, dict[int, SettlementStatement]] = field(default_factory=dict)
    tokens: dict[str, TokenRecord] = field(default_factory=dict)
    endpoints: dict[tuple[SiteId, str], Endpoint] = field(default_factory=dict)
    deliveries: dict[tuple[SiteId, str, int], Delivery] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)

    def copy(self) -> "State":
        """Take a snapshot."""
        copied: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            copied[one.name] = (
                {k: dict(v) if isinstance(v, dict) else v for k, v in value.items()}
                if isinstance(value, dict)
                else list(value)
            )
        return State(**copied)  # type: ignore[arg-type]  # the fields of State itself


class _Group:
    def __init__(self, work: "MemoryWork") -> None:
        self._work = work
        self._state = work.state

    def _writing(self) -> None:
        if not self._work.writable:
            raise StoreError("READ_ONLY", "a read cannot write")


class _Events(_Group):
    def remember(self, event: GridEvent, raw: RawMessage) -> Seen:
        self._writing()
        key = EventKey(utility=event.utility, event_id=event.event_id)
        version = (key, event.version, event.cancelled_at is not None)
        known = self._state.events.get(version)
        if known is None:
            self._state.events[version] = event
            self._state.raws.setdefault(raw.sha256, raw)
            return Seen.NEW
        if obligation(known) == obligation(event):
            return Seen.DUPLICATE
        others = self._state.contradictions.get(version, ())
        if obligation(event) not in map(obligation, others):
            self._state.contradictions[version] = (*others, event)
            self._state.raws.setdefault(raw.sha256, raw)
        return Seen.CONFLICT

    def _newest(self) -> list[GridEvent]:
        newest: dict[EventKey, tuple[int, bool, GridEvent]] = {}
        for (key, version, cancelled), event in self._state.events.items():
            if key not in newest or newest[key][:2] < (version, cancelled):
                newest.pop(key, None)
                newest[key] = (version, cancelled, event)
        return [event for _, _, event in newest.values()]

    def newest(self, key: EventKey) -> GridEvent | None:
        for event in self._newest():
            if (event.utility, event.event_id) == (key.utility, key.event_id):
                return event
        return None

    def open(self, utility: UtilityName, now: datetime) -> tuple[GridEvent, ...]:
        return tuple(
            event
            for event in self._newest()
            if event.utility == utility
            and event.cancelled_at is None
            and (event.end is None or event.end > now)
        )

    def recent(self, limit: int) -> tuple[GridEvent, ...]:
        ordered = sorted(self._newest(), key=lambda event: event.received_at)
        return tuple(ordered[::-1][:limit])

    def raw(self, sha256: str) -> RawMessage | None:
        return self._state.raws.get(sha256)


class _Intents(_Group):
    def get(self, intent_id: IntentId) -> IntentRecord | None:
        revisions = self._state.intents.get(intent_id)
        return revisions[max(revisions)] if revisions else None

    def put(self, record: IntentRecord) -> None:
        self._writing()
        revisions = self._state.intents.setdefault(IntentId(record.intent.id), {})
        if revisions and record.intent.revision < max(revisions):
            raise StoreError("STALE_REVISION", "an older revision")
        # Through the published form and back, as a row does.
        intent = read_model(ComputeFlexIntent, model_bytes(record.intent))
        revisions[record.intent.revision] = replace(record, intent=intent)

    def _newest(self) -> list[IntentRecord]:
        return [revisions[max(revisions)] for revisions in self._state.intents.values()]

    def of_event(self, key: EventKey) -> tuple[IntentRecord, ...]:
        return tuple(record for record in self._newest() if record.event == key)

    def of_site(self, site: SiteId, *, live: bool = True) -> tuple[IntentRecord, ...]:
        return tuple(
            record
            for record in self._newest()
            if record.intent.site == site and not (live and record.intent.status in TERMINAL)
        )


class _Moves(_Group):
    def of_intent(self, intent_id: IntentId) -> tuple[Move, ...]:
        return self._state.moves.get(intent_id, ())

    def of_site(self, site: SiteId, since: datetime) -> tuple[Move, ...]:
        return self._picked(lambda m: m.site == site and (m.over is None or m.over >= since))

    def ramping(self, since: datetime) -> tuple[Move, ...]:
        return self._picked(lambda m: m.ramp_until > since)

    def _picked(self, wanted: Callable[[Move], bool]) -> tuple[Move, ...]:
        found = [m for moves in self._state.moves.values() for m in moves if wanted(m)]
        return tuple(sorted(found, key=lambda m: (m.at, m.intent_id)))

    def replace(self, intent_id: IntentId, moves: Sequence[Move]) -> None:
        self._writing()
        self._state.moves.pop(intent_id, None)
        if moves:
            self._state.moves[intent_id] = tuple(sorted(moves, key=lambda m: m.at))

    def forget(self, site: SiteId, before: datetime) -> None:
        self._writing()
        for intent_id, moves in list(self._state.moves.items()):
            kept = [m for m in moves if m.site != site or m.over is None or m.over >= before]
            self.replace(intent_id, kept)


class _Outbox(_Group):
    def next_sequence(self, site: SiteId) -> int:
        self._writing()
        floor = (self._work.identity.epoch - 1) * STEP
        self._state.sequences[site] = max(self._state.sequences.get(site, 0), floor) + 1
        return self._state.sequences[site]

    def add(self, item: OutboxItem) -> None:
        self._writing()
        items = self._state.outbox.setdefault(item.site, {})
        if item.sequence in items:
            raise StoreError("CONSTRAINT", "that place is taken")
        items[item.sequence] = item

    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        items = self._state.outbox.get(site, {})
        found = [
            items[place]
            for place in sorted(items)
            if place > sequence and kind in {None, items[place].kind}
        ]
        return tuple(found[:limit])

    def newest_sequence(self, site: SiteId) -> int:
        return self._state.sequences.get(site, 0)

    def oldest_sequence(self, site: SiteId) -> int:
        return min(self._state.outbox.get(site, {}), default=0)

    def acknowledge(self, site: SiteId, subject: str, ack: Ack, at: datetime) -> Seen:
        self._writing()
        items = self._state.outbox.get(site, {})
        mine = {place: item for place, item in items.items() if item.subject == subject}
        named = [item for item in mine.values() if item.revision == ack.revision]
        if not named:
            raise SessionError("NOT_FOUND", "never sent")
        known = self._state.ack_digests.get((site, subject, ack.revision))
        if known is not None:
            return Seen.DUPLICATE if known == ack.digest else Seen.CONFLICT
        self._state.ack_digests[site, subject, ack.revision] = ack.digest
        for place, item in mine.items():
            if item.revision <= ack.revision and item.acked_at is None:
                items[place] = replace(item, acked_at=at)
        return Seen.NEW if named[0].acked_at is None else Seen.DUPLICATE


class _Plans(_Group):
    def get(self, site: SiteId) -> EffectivePlan | None:
        return self._state.plans.get(site)

    def put(self, plan: EffectivePlan) -> None:
        self._writing()
        site = SiteId(plan.site)
        known = self._state.plans.get(site)
        if known == plan:
            return
        if known is not None and plan.revision <= known.revision:
            raise StoreError("STALE_REVISION", "not newer")
        self._state.plans[site] = plan


class _Participations(_Group):
    def queue(self, participation: Participation) -> None:
        self._writing()
        self._state.answers.setdefault(participation, False)

    def pending(self, utility: UtilityName) -> tuple[Participation, ...]:
        return tuple(
            answer
            for answer, taken in self._state.answers.items()
            if not taken and answer.event.utility == utility
        )

    def taken(self, participation: Participation) -> None:
        self._writing()
        if participation in self._state.answers:
            self._state.answers[participation] = True


class _Timers(_Group):
    def set(self, timer: Timer) -> None:
        self._writing()
        self._state.timers[timer.key] = timer

    def drop(self, key: str) -> None:
        self._writing()
        self._state.timers.pop(key, None)

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        due = [timer for timer in self._state.timers.values() if timer.due_at <= now]
        return tuple(sorted(due, key=lambda timer: (timer.due_at, timer.key))[:limit])

    def next_due(self) -> datetime | None:
        return min((timer.due_at for timer in self._state.timers.values()), default=None)


class _Telemetry(_Group):
    def add(self, site: SiteId, batch: TelemetryBatch, received_at: datetime) -> Seen:
        del received_at
        self._writing()
        content = model_bytes(batch)
        known = self._state.batches.setdefault((site, batch.batch_id), content)
        if known is not content:
            return Seen.DUPLICATE if known == content else Seen.CONFLICT
        for reading in readings_of(batch):
            self._state.readings.append((site, replace(reading, flags=())))
        return Seen.NEW

    def readings(self, site: SiteId, meter: MeterId, span: Span) -> tuple[Reading, ...]:
        found = [
            reading
            for owner, reading in self._state.readings
            if owner == site and reading.meter == meter and span.contains(reading.start)
        ]
        return tuple(sorted(found, key=lambda reading: reading.start))

    def heard(self, status: SiteStatus) -> None:
        self._writing()
        known = self._state.heard.get(status.site)
        if known is None or known.heard_at <= status.heard_at:
            self._state.heard[status.site] = status

    def status(self, site: SiteId) -> SiteStatus | None:
        return self._state.heard.get(site)


class _Sessions(_Group):
    def state(self, utility: UtilityName) -> bytes | None:
        return self._state.sessions.get(utility)

    def put(self, utility: UtilityName, state: bytes) -> None:
        self._writing()
        self._state.sessions[utility] = state


class _Log(_Group):
    def append(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        self._writing()
        seq = sum((e.kind, e.subject) == (kind, subject) for e, _ in self._state.log)
        record = canonical(envelope(kind, subject, document, seq=seq, at=at))
        if len(record) > LARGEST_RECORD:
            raise MisuseError("TOO_LARGE", "too large a record")
        index = len(self._state.log)
        entry = LogEntry(index=index, kind=kind, subject=subject, record=record)
        self._state.log.append((entry, at))
        return index

    def entries(
        self,
        *,
        kinds: tuple[str, ...] = (),
        subject: str | None = None,
        since: datetime | None = None,
    ) -> tuple[LogEntry, ...]:
        return tuple(
            entry
            for entry, at in self._state.log
            if (not kinds or entry.kind in kinds)
            and subject in {None, entry.subject}
            and (since is None or at >= since)
        )

    def at(self, indexes: Collection[int]) -> tuple[LogEntry, ...]:
        return tuple(entry for entry, _ in self._state.log if entry.index in indexes)

    def leaf_hashes(self, size: int) -> tuple[bytes, ...]:
        return tuple(leaf_hash(entry.record) for entry, _ in self._state.log[:size])

    def size(self) -> int:
        return len(self._state.log)


class _Statements(_Group):
    def put(self, statement: SettlementStatement) -> None:
        self._writing()
        versions = self._state.statements.setdefault(statement.id, {})
        if versions and max(versions) >= statement.version:
            if versions.get(statement.version) == statement == versions[max(versions)]:
                return
            raise StoreError("STALE_REVISION", "make a newer one")
        versions[statement.version] = statement

    def get(self, statement_id: str) -> SettlementStatement | None:
        versions = self._state.statements.get(statement_id)
        return versions[max(versions)] if versions else None

    def of_site(self, site: SiteId | None) -> tuple[SettlementStatement, ...]:
        newest = [versions[max(versions)] for versions in self._state.statements.values()]
        mine = [one for one in newest if site in {None, one.site}]
        return tuple(sorted(mine, key=lambda one: (one.start, one.id)))


class _Tokens(_Group):
    def add(self, token: TokenRecord) -> None:
        self._writing()
        if token.name in self._state.tokens or self.by_digest(token.sha256):
            raise StoreError("NAME_TAKEN", "in use")
        self._state.tokens[token.name] = token

    def by_digest(self, sha256: str) -> TokenRecord | None:
        for token in self._state.tokens.values():
            if token.sha256 == sha256:
                return token
        return None

    def all(self) -> tuple[TokenRecord, ...]:
        return tuple(sorted(self._state.tokens.values(), key=lambda t: (t.created_at, t.name)))

    def revoke(self, name: str, at: datetime) -> bool:
        self._writing()
        known = self._state.tokens.get(name)
        if known is None or known.revoked_at is not None:
            return False
        self._state.tokens[name] = replace(known, revoked_at=at)
        return True


class _Deliveries(_Group):
    def endpoint(self, site: SiteId, name: str) -> Endpoint | None:
        return self._state.endpoints.get((site, name))

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self._writing()
        self._state.endpoints[endpoint.site, endpoint.name] = endpoint

    def get(self, site: SiteId, endpoint: str, sequence: int) -> Delivery | None:
        return self._state.deliveries.get((site, endpoint, sequence))

    def put(self, delivery: Delivery) -> None:
        self._writing()
        key = (delivery.site, delivery.endpoint, delivery.sequence)
        self._state.deliveries[key] = delivery

    def aside(self, site: SiteId, endpoint: str) -> tuple[Delivery, ...]:
        return self.listed(site=site, endpoint=endpoint, fates=(Fate.ASIDE,), limit=10**6)[::-1]

    def listed(
        self,
        *,
        site: SiteId | None = None,
        endpoint: str | None = None,
        fates: Collection[Fate] = (),
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        found = [
            one
            for one in self._state.deliveries.values()
            if site in {None, one.site}
            and endpoint in {None, one.endpoint}
            and (not fates or one.fate in fates)
        ]
        ordered = sorted(found, key=lambda one: (-one.sequence, one.site, one.endpoint))
        return tuple(ordered[:limit])

    def delivered(self, site: SiteId, endpoint: str, after: int) -> tuple[Delivery, ...]:
        found = self.listed(site=site, endpoint=endpoint, fates=(Fate.DELIVERED,), limit=10**6)
        return tuple(one for one in found if one.sequence > after)

    def superseded(self, item: OutboxItem) -> bool:
        others = self._state.outbox.get(item.site, {}).values()
        mine = (item.kind, item.subject)
        return any((o.kind, o.subject) == mine and o.revision > item.revision for o in others)

    def overdue(
        self, site: SiteId, endpoint: str, cursor: int, now: datetime
    ) -> tuple[OutboxItem, ...]:
        items = self._state.outbox.get(site, {})
        late = [items[place] for place in sorted(items) if place > cursor]
        late = [item for item in late if item.deliver_by is not None and item.deliver_by < now]
        fates = {item.sequence: self.get(site, endpoint, item.sequence) for item in late}
        open_ = {place for place, one in fates.items() if not one or one.fate is Fate.WAITING}
        return tuple(item for item in late if item.sequence in open_)[:100]

    def next_deadline(self, site: SiteId, cursor: int, now: datetime) -> datetime | None:
        items = self._state.outbox.get(site, {}).values()
        deadlines = [i.deliver_by for i in items if i.deliver_by and i.sequence > cursor]
        return min((at for at in deadlines if at >= now), default=None)

    def begin(self, attempt: Attempt) -> int:
        self._writing()
        number = len(self._state.attempts) + 1
        self._state.attempts[number] = replace(attempt, number=number)
        return number

    def end(self, attempt: Attempt) -> None:
        self._writing()
        self._state.attempts[attempt.number] = attempt

    def attempts(
        self, site: SiteId, endpoint: str, *, before: int | None = None, limit: int = 100
    ) -> tuple[Attempt, ...]:
        found = [
            one
            for number, one in reversed(self._state.attempts.items())
            if (one.site, one.endpoint) == (site, endpoint) and (not before or number < before)
        ]
        return tuple(found[:limit])


class MemoryWork:
    """One transaction on a snapshot."""

    def __init__(self, state: State, identity: StoreIdentity, *, writable: bool) -> None:
        self.state = state
        self.identity = identity
        self.writable = writable
        self.events = _Events(self)
        self.intents = _Intents(self)
        self.moves = _Moves(self)
        self.outbox = _Outbox(self)
        self.plans = _Plans(self)
        self.participations = _Participations(self)
        self.timers = _Timers(self)
        self.telemetry = _Telemetry(self)
        self.sessions = _Sessions(self)
        self.log = _Log(self)
        self.statements = _Statements(self)
        self.tokens = _Tokens(self)
        self.deliveries = _Deliveries(self)


@dataclass
class MemoryStore:
    """A store that forgets at the end of the test."""

    identity: StoreIdentity = field(
        default_factory=lambda: StoreIdentity(store_id="store-in-memory", epoch=1)
    )
    state: State = field(default_factory=State)
    refusal: StoreError | None = None
    """Set it to see what callers do when nothing can be written."""

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        """Run on a copy, which becomes the state when the job returns."""
        if self.refusal is not None:
            raise self.refusal
        copy = self.state.copy()
        value = job(MemoryWork(copy, self.identity, writable=True))
        self.state = copy
        return value

    async def read(self, job: Callable[[MemoryWork], T]) -> T:
        """Run on a copy that is thrown away."""
        return job(MemoryWork(self.state.copy(), self.identity, writable=False))

    async def raise_epoch(self, above: int = 0) -> StoreIdentity:
        """Begin a new epoch."""
        epoch = max(self.identity.epoch, above) + 1
        self.identity = StoreIdentity(store_id=self.identity.store_id, epoch=epoch)
        return self.identity

    async def close(self) -> None:
        """Do nothing."""
