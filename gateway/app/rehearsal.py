"""What this gateway would do: the real configuration and the present state, in a store that ends with the process.

Nothing is sent, nothing is told to a site, nothing is written where the gateway keeps its things. There is no way from
here to a site: what shall move load comes from a utility.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.app.access import looking
from gateway.app.book import make_book
from gateway.app.bootstrap import SOFTWARE
from gateway.app.ids import SystemIds
from gateway.app.secrets import log_key
from gateway.app.simulated_message import Read
from gateway.app.virtual import VirtualClock
from gateway.config.load import Loaded
from gateway.domain.answers import Commitment, Sample, TelemetryBatch
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.event import EventKey, GridEvent
from gateway.domain.guard import Move
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt, Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.points import Step
from gateway.domain.reading import Reading
from gateway.domain.site import Site
from gateway.domain.timespan import Span
from gateway.pipeline.book import Book, Office
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.ports import IntentRecord, Work
from gateway.pipeline.settle import agree
from gateway.pipeline.timetable import Timetable
from gateway.pipeline.turning import turning
from gateway.protocols.actions import Emit
from gateway.settlement.records import logged
from gateway.southbound.signer import KeyFileSigner
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore

_SEED: Final = hashlib.sha256(b"a simulation signs nothing that counts").digest()
_LOOK_BACK: Final = timedelta(hours=1)
_MOVES: Final = timedelta(days=3)
_ANSWERED_AFTER: Final = timedelta(seconds=5)
_KINDS: Final = ("intent", "opt", "audit")
_MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=2)
"""An event without an end is followed for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happens besides the event."""

    answer: Opt | None
    """The site's, seconds after it was asked; None: it stays silent."""
    cancel_at: datetime | None = None
    present_kw: str = ""
    """Assumed consumption of the past half hour; empty: what the store holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that the gateway did, from its log."""

    at: datetime
    kind: str
    site: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    asked_at: datetime
    records: tuple[IntentRecord, ...]
    """As the sites were asked."""
    plans: tuple[EffectivePlan, ...]
    """As the sites were first told."""
    later: tuple[EffectivePlan, ...]
    """After the cancellation, or else after the site's answer, where they differ."""
    told: tuple[Participation, ...]
    """What the utility would have been told, in order."""
    moments: tuple[Moment, ...]
    copied: int
    """Intents of other events that were under way."""


@dataclass
class Known:
    """What is copied from the gateway's own store."""

    readings: dict[SiteId, tuple[Reading, ...]] = field(default_factory=dict)
    intents: list[IntentRecord] = field(default_factory=list)
    plans: list[EffectivePlan] = field(default_factory=list)
    moves: dict[IntentId, list[Move]] = field(default_factory=dict)


async def rehearse(loaded: Loaded, read: Read, course: Course, now: datetime) -> Outcome:
    """Play one message through to the end of its events."""
    signer = KeyFileSigner.seeded(_SEED)
    book = make_book(
        loaded,
        installation_key=_SEED,
        source="urn:gridgate:simulation",
        software=SOFTWARE,
    )
    known = await _known(loaded, book, read, now)
    async with AsyncExitStack() as stack:
        store = await open_store("sqlite://", ids=SystemIds())
        await stack.enter_async_context(store)
        stage = _Stage(loaded, book, store, VirtualClock(now), signer)
        return await stage.play(read, course, known)


async def _known(loaded: Loaded, book: Book, read: Read, now: datetime) -> Known:
    """Copy what counts for a plan: consumption, events under way, and what the envelopes have counted."""
    keys = {EventKey(utility=event.utility, event_id=event.event_id) for event in read.events}

    def job(work: Work) -> Known:
        known = Known()
        for site in book.sites.values():
            span = Span(start=now - _LOOK_BACK, end=now)
            known.readings[site.site] = work.telemetry.readings(
                site.site, site.contract_meter, span
            )
            live = work.intents.of_site(site.site, live=True)
            known.intents += [record for record in live if record.event not in keys]
            plan = work.plans.get(site.site)
            known.plans += [plan] if plan else []
            for move in work.moves.of_site(site.site, now - _MOVES):
                known.moves.setdefault(move.intent_id, []).append(move)
        return known

    with suppress(StoreError):  # no store yet: nothing is under way
        async with looking(loaded) as store:
            return await store.read(job)
    return Known()


class _Stage:
    def __init__(
        self,
        loaded: Loaded,
        book: Book,
        store: SqliteStore,
        clock: VirtualClock,
        signer: KeyFileSigner,
    ) -> None:
        self.clock = clock
        self.told: list[Participation] = []
        self.store = store
        self.book = book
        self.timetable: Timetable | None = None
        self.office = Office(
            book=book,
            store=store,
            clock=clock,
            signer=signer,
            log_key=log_key(loaded.folder, _SEED),
            bell=_Nobody(),
            decided=self.told.append,
            timers_changed=self._changed,
        )

    def _changed(self) -> None:
        if self.timetable is not None:
            self.timetable.changed()

    async def play(self, read: Read, course: Course, known: Known) -> Outcome:
        await self.store.write(lambda work: self._lay(work, known, course), Step.OTHER)
        began = self.clock.now()
        with self.clock.held():
            self.timetable = Timetable(self.office)
            task = asyncio.create_task(self.timetable.run(), name="timetable")
            try:
                await self._deliver(read.events, read)
                records, plans = await self._state(read)
                later = await self._go_on(read, course)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        changed = tuple(plan for plan in later if plan not in plans)
        return Outcome(
            asked_at=began,
            records=records,
            plans=plans,
            later=changed,
            told=tuple(self.told),
            moments=await self._moments(read, began),
            copied=len(known.intents),
        )

    def _lay(self, work: Work, known: Known, course: Course) -> None:
        now = self.clock.now()
        for site in self.book.sites.values():
            readings = known.readings.get(site.site, ())
            samples = _assumed(site, course, now) if course.present_kw else _samples(readings)
            if samples:
                batch = TelemetryBatch(batch_id="copied", samples=samples)
                work.telemetry.add(site.site, batch, now)
        with turning(self.office, work, now) as turn:
            agree(turn)
        for record in known.intents:
            work.intents.put(record)
        for plan in known.plans:
            work.plans.put(plan)
        for intent_id, moves in known.moves.items():
            work.moves.replace(intent_id, moves)

    async def _deliver(self, events: Sequence[GridEvent], read: Read) -> None:
        for event in events:
            emit = Emit(events=(event,), raw=read.raw)
            await Inbound(self.office).accept(event.utility, [emit], b"{}", ())

    async def _state(
        self, read: Read
    ) -> tuple[tuple[IntentRecord, ...], tuple[EffectivePlan, ...]]:
        keys = [EventKey(utility=e.utility, event_id=e.event_id) for e in read.events]

        def job(work: Work) -> tuple[tuple[IntentRecord, ...], tuple[EffectivePlan, ...]]:
            records = tuple(record for key in keys for record in work.intents.of_event(key))
            sites = dict.fromkeys(SiteId(record.intent.site) for record in records)
            plans = tuple(plan for site in sites if (plan := work.plans.get(site)))
            return records, plans

        return await self.store.read(job)

    async def _go_on(self, read: Read, course: Course) -> tuple[EffectivePlan, ...]:
        """Let time pass; return the plans after the cancellation, or else after the answer."""
        if course.answer is not None:
            await self.clock.sleep_until(self.clock.now() + _ANSWERED_AFTER)
            await self._answer(read, course.answer)
        if course.cancel_at is not None:
            await self.clock.sleep_until(course.cancel_at)
            await self._deliver(
                [_cancelled(event, self.clock.now()) for event in read.events], read
            )
        _, plans = await self._state(read)
        for event in read.events:
            end = event.end or event.start + LONGEST
            await self.clock.sleep_until(end + max(event.recovery, timedelta(0)) + _MINUTE)
        return plans

    async def _answer(self, read: Read, opt: Opt) -> None:
        records, _ = await self._state(read)
        for record in records:
            intent = record.intent
            answer = Commitment(revision=intent.revision, opt=opt, reason="simulated")
            with suppress(SessionError):  # held, or over already: its own line says so
                await Feedback(self.office).commit(SiteId(intent.site), IntentId(intent.id), answer)

    async def _moments(self, read: Read, began: datetime) -> tuple[Moment, ...]:
        records, _ = await self._state(read)
        subjects = {record.intent.id: record.intent.site for record in records}
        subjects |= {str(event.event_id): "" for event in read.events}

        def job(work: Work) -> list[Moment]:
            found = []
            for subject, site in subjects.items():
                for entry in work.log.entries(kinds=_KINDS, subject=subject, since=began):
                    one = logged(entry.index, entry.record)
                    text = _text(one.document)
                    at, kind = one.record.t, one.record.k
                    found.append(Moment(at=at, kind=kind, site=site, text=text))
            return found

        return tuple(sorted(await self.store.read(job), key=lambda moment: moment.at))


class _Nobody:
    def ring(self, site: SiteId) -> None:
        """Do nothing: no site listens here."""


def _text(document: Mapping[str, object]) -> str:
    words = [str(document.get(name, "")) for name in ("cause", "word", "opt", "reason", "status")]
    return " ".join(dict.fromkeys(word for word in words if word and word != "None"))


def _cancelled(event: GridEvent, now: datetime) -> GridEvent:
    version = event.version + 1
    return replace(event, version=version, cancelled_at=now, received_at=now)


def _samples(readings: Sequence[Reading]) -> tuple[Sample, ...]:
    return tuple(
        Sample(meter=r.meter, start=r.start, duration=r.duration, energy_kwh=r.energy_kwh)
        for r in readings
        if r.energy_kwh is not None
    )


def _assumed(site: Site, course: Course, now: datetime) -> tuple[Sample, ...]:
    """Draw the assumed consumption for the past hour, in the contract meter's own intervals."""
    meter = next(one for one in site.meters if one.meter == site.contract_meter)
    hours = meter.interval / timedelta(hours=1)
    last = now.replace(second=0, microsecond=0)
    count = int(_LOOK_BACK / meter.interval)
    energy = (Decimal(course.present_kw) * Decimal(str(hours))).quantize(Decimal("1e-9"))
    return tuple(
        Sample(
            meter=meter.meter,
            start=last - (k + 1) * meter.interval,
            duration=meter.interval,
            energy_kwh=energy,
        )
        for k in range(count)
    )
