"""What one transaction writes down: intents, plans, timers and the log; what has to be told afterwards is collected.

A ``Board`` is made inside a store job and lives as long as its transaction. Nothing here waits, sends or reads a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.event import EventKey, GridEvent
from gateway.domain.guard import Move
from gateway.domain.identity import next_revision, revision_parts
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt, Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.ports import Signer
from gateway.domain.program import Program
from gateway.domain.site import Site
from gateway.intents.derive import actuates
from gateway.intents.envelope import intent_event, plan_event
from gateway.intents.fleet import Fleet
from gateway.intents.lifecycle import TERMINAL, Input, next_phase_at, step
from gateway.intents.plan import Claim, clear_at, make_plan
from gateway.pipeline.book import Book
from gateway.pipeline.ports import IntentRecord, OutboxItem, Timer, Work

_IN_FULL: Final = frozenset({"intent", "intent_held", "cancelled"})
"""Causes after which the log holds the whole intent, not only its new state."""

MOST_LIVE: Final = 100
"""Live intents of one site. More is no dispatch but a fault or an attack, and every plan would cost all of them."""
MOST_LIVE_INTERVALS: Final = 9000
"""Intervals of all live intents of one site together: three events of the greatest length, or a hundred of ninety."""


@dataclass
class Board:
    """One transaction's view of the story, and what it writes.

    Args:
        work: The open transaction.
        book: Sites and programs.
        signer: Signs what is published.
        now: The instant of this turn.
    """

    work: Work
    book: Book
    signer: Signer
    now: datetime
    touched: set[SiteId] = field(default_factory=set)
    """Sites that something new waits for."""
    decided: list[Participation] = field(default_factory=list)
    """Answers that wait for a utility's session."""
    answer_within: timedelta | None = None
    """What the utility leaves for answers to the events of this turn; None: what the programs say."""
    _live: dict[SiteId, dict[EventKey, int]] = field(default_factory=dict)
    """Intervals of each live intent, by the event that it is for."""
    counts: list[tuple[str, ...]] = field(default_factory=list)
    """What the metrics count after the commit: what, and its labels."""
    notices: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Words and fields for the log, told after the commit."""
    _fleet: Fleet | None = None
    _to_plan: dict[SiteId, None] = field(default_factory=dict)
    """Sites whose plan is made at the end; a set that keeps its order."""

    # --- what is known

    def program_of(self, record: IntentRecord) -> Program:
        """Return the program that an intent belongs to; one that is configured no longer counts with its defaults."""
        name = record.intent.provenance.authority.program
        known = self.book.programs.get((record.event.utility, name))
        return known or Program(utility=record.event.utility, name=name, sites=())

    def program_for(self, event: GridEvent) -> Program | None:
        """Return the program of an event; its utility may leave less time to answer than the program does."""
        found = self.book.programs.get((event.utility, event.program))
        within = self.answer_within
        if found is None or within is None or within >= found.opt_by:
            return found
        return replace(found, opt_by=within)

    def site_of(self, record: IntentRecord) -> Site | None:
        """Return the site of an intent, None when it is configured no longer."""
        return self.book.sites.get(SiteId(record.intent.site))

    def siblings(self, record: IntentRecord) -> Sequence[IntentRecord]:
        """Return the intents, this one too, that answer one version of an event together."""
        together = self.same_version(record)
        if len(together) == 1:
            return together
        apart = self.work.opting.apart(record.event)
        if record.intent.site in apart:
            return [record]
        return [sibling for sibling in together if sibling.intent.site not in apart]

    def same_version(self, record: IntentRecord) -> list[IntentRecord]:
        """Return the intents of one version of an event, those that are answered apart too."""
        cancelled = record.intent.cancelled_at is not None
        return [
            sibling
            for sibling in self.work.intents.of_event(record.event)
            if sibling.version == record.version
            and (sibling.intent.cancelled_at is not None) is cancelled
        ]

    def alone(self, record: IntentRecord) -> tuple[SiteId, ...]:
        """Return the site when its answer is told in its own name; empty: it is part of the event's answer."""
        site = SiteId(record.intent.site)
        return (site,) if site in self.work.opting.apart(record.event) else ()

    def upstream(self, record: IntentRecord) -> Opt | None:
        """Return the one answer that several sites' answers come to; None while one of them is missing."""
        return self.outcome(self.siblings(record))

    def outcome(self, siblings: Sequence[IntentRecord]) -> Opt | None:
        """Return what the answers of intents that answer together come to; None while one of them is missing."""
        opts = {_counting(sibling) for sibling in siblings}
        if None in opts:
            return None
        if opts == {Opt.IN}:
            return Opt.IN
        if opts == {Opt.OUT}:
            return Opt.OUT
        # Nobody is told about a standing limit: every site is bound for itself, and in part rather than not at all.
        standing = siblings[0].intent.timing.standing
        in_part = standing or self.program_of(siblings[0]).partial_policy == "opt_in"
        return Opt.IN if in_part else Opt.OUT

    def takes_part(self, record: IntentRecord) -> bool:
        """Say whether an intent obliges its site, or may yet: nobody is held to what the utility was told is off."""
        return record.opt is not Opt.OUT and self.upstream(record) is not Opt.OUT

    def over(self, intent: ComputeFlexIntent) -> bool:
        """Say whether the active period has ended."""
        end = end_of(intent)
        return end is not None and end <= self.now

    def fleet(self) -> Fleet | None:
        """Return what of the limit over all sites is booked from now on; None: there is no such limit."""
        limit = self.book.fleet_kw_per_min
        if limit is not None and self._fleet is None:
            self._fleet = Fleet(limit, self.work.moves.ramping(self.now))
        return self._fleet

    def put_moves(self, intent: IntentId, moves: Sequence[Move]) -> None:
        """Write down what an intent moves, in the place of all that was written about it."""
        fleet = self.fleet()
        if fleet is not None:
            for move in self.work.moves.of_intent(intent):
                if move.ramp_until > self.now:
                    fleet.drop(move)
            for move in moves:
                if move.ramp_until > self.now:
                    fleet.book(move)
        self.work.moves.replace(intent, moves)

    def crowded(self, event: GridEvent, sites: Sequence[SiteId], *, known: bool) -> bool:
        """Say whether an event is too much for any of its sites beside what lives there; counted once in a transaction.

        Args:
            event: To be taken in.
            sites: Where.
            known: Whether it makes no new intents but changes some: these may be as many as they are, but not longer.
        """
        key = EventKey(utility=event.utility, event_id=event.event_id)
        length = sum(len(signal.intervals) for signal in event.signals)
        beside = [self._lives_at(site) for site in sites]
        if any(not known and len(live) >= MOST_LIVE for live in beside):
            return True
        if any(
            length > live.get(key, 0)
            and length + sum(live.values()) - live.get(key, 0) > MOST_LIVE_INTERVALS
            for live in beside
        ):
            return True
        for live in beside:
            live[key] = length
        return False

    def _lives_at(self, site: SiteId) -> dict[EventKey, int]:
        if site not in self._live:
            self._live[site] = {
                record.event: sum(len(ask.segments) for ask in record.intent.asks)
                for record in self.work.intents.of_site(site, live=True)
            }
        return self._live[site]

    # --- what the site is to see

    def replan(self, site: SiteId) -> None:
        """Have the site's plan made anew when this turn ends: once, however much of it changes until then."""
        self._to_plan[site] = None

    def make_plans(self) -> None:
        """Make the plans that were asked for, and queue those that say something else than before."""
        for site in self._to_plan:
            self._make_plan(site)
        self._to_plan.clear()

    def _make_plan(self, site: SiteId) -> None:
        declared = self.book.sites.get(site)
        if declared is None:
            return
        before = self.work.plans.get(site)
        claims = [self.claim(record) for record in self.work.intents.of_site(site, live=True)]
        plan = make_plan(
            declared,
            [claim for claim in claims if not claim.intent.hold_reason],
            revision=next_revision(self.work.identity.epoch, before.revision if before else None),
            now=self.now,
            failsafe=self.book.terms[site].fail_safe,
        )
        if before is None or not _says_the_same(before, plan):
            self._publish_plan(plan)

    def _publish_plan(self, plan: EffectivePlan) -> None:
        site = SiteId(plan.site)
        sequence = self.work.outbox.next_sequence(site)
        signed, body = plan_event(
            plan, source=self.book.source, sequence=sequence, sign=self.signer.detached
        )
        self.work.plans.put(signed)
        self.work.outbox.add(
            OutboxItem(
                site=site,
                sequence=sequence,
                kind="plan",
                subject=site,
                revision=signed.revision,
                body=body,
                created_at=self.now,
                deliver_by=None,
            )
        )
        self.touched.add(site)

    def claim(self, record: IntentRecord) -> Claim:
        """Return what an intent claims of its site's plan."""
        intent = record.intent
        unanswered = record.opt is None or (
            record.opt is Opt.OUT and record.opt_reason == "default"
        )
        return Claim(
            intent=intent,
            open_question=unanswered and intent.cancelled_at is None and not self.over(intent),
            binding=self.takes_part(record) and actuates(intent, self.program_of(record)),
        )

    def clear(self, record: IntentRecord) -> datetime | None:
        """Return when the plan is rid of an intent; None when it never is, or never knew it."""
        site = self.site_of(record)
        return clear_at(self.claim(record), site) if site else None

    def publish(self, record: IntentRecord) -> IntentRecord:
        """Sign an intent's present revision and queue it for its site."""
        signed, body = intent_event(
            record.intent, source=self.book.source, sign=self.signer.detached
        )
        site = SiteId(signed.site)
        self.work.outbox.add(
            OutboxItem(
                site=site,
                sequence=signed.sequence,
                kind="intent",
                subject=signed.id,
                revision=signed.revision,
                body=body,
                created_at=self.now,
                deliver_by=signed.deliver_by,
            )
        )
        self.touched.add(site)
        return replace(record, intent=signed)

    # --- what is written down

    def put(self, record: IntentRecord, cause: str) -> None:
        """Store an intent as it stands now and say so in the log."""
        self.work.intents.put(record)
        intent = record.intent
        if cause in _IN_FULL:
            document: dict[str, object] = {"intent": intent.model_dump(mode="json", by_alias=True)}
        else:
            document = {
                "revision": intent.revision,
                "opt": record.opt.value if record.opt else None,
                "reason": record.opt_reason,
            }
        kind = "opt" if cause == "opt" else "intent"
        self.log(kind, intent.id, {**document, "cause": cause, "status": intent.status.value})

    def moved(self, record: IntentRecord, event: Input, cause: str) -> IntentRecord:
        """Take one step of the table and write it down."""
        record = stepped(record, event)
        self.put(record, cause)
        return record

    def log(self, kind: str, subject: str, document: Mapping[str, object]) -> None:
        """Append one record to the evidence log."""
        self.work.log.append(kind, subject, document, self.now)

    # --- what comes later

    def timer(self, kind: str, subject: str, due_at: datetime) -> None:
        """Set or move a timer."""
        self.work.timers.set(
            Timer(key=f"{kind}:{subject}", kind=kind, subject=subject, due_at=due_at)
        )

    def drop_timers(self, subject: str, *kinds: str) -> None:
        """Remove timers of one intent."""
        for kind in kinds:
            self.work.timers.drop(f"{kind}:{subject}")

    def schedule_phase(self, record: IntentRecord) -> None:
        """Set the timer of the next instant at which the clock changes an intent's state."""
        intent = record.intent
        if intent.status in TERMINAL:
            return
        at = next_phase_at(intent, self.now)
        if intent.cancelled_at is not None:
            ended = intent.cancelled_at <= self.now
            waits = [self.clear(record)] if ended else [at, intent.cancelled_at]
            at = min((wait for wait in waits if wait is not None), default=self.now)
        if at is not None:
            self.timer("phase", intent.id, at)

    def schedule_settlement(self, record: IntentRecord, end: datetime) -> None:
        """Set the timer of the statement: late data is in by then, and load is back where it was.

        A standing limit has none: nobody owes a reduction by it, and it may have stood for years.
        """
        if record.intent.timing.standing:
            return
        back = self.clear(record) or end
        settle_at = max(end + self.program_of(record).settle_after, back)
        self.timer("settle", record.intent.id, settle_at)


def _counting(record: IntentRecord) -> Opt | None:
    """Return what an answer counts for: who takes part in less than was asked takes part in part."""
    guarded = record.intent.guard
    return Opt.PARTIAL if record.opt is Opt.IN and guarded and guarded.partial else record.opt


def end_of(intent: ComputeFlexIntent) -> datetime | None:
    """Return the end of the active period, None while it is open."""
    timing = intent.timing
    return None if timing.duration is None else timing.start + timing.duration


def stepped(record: IntentRecord, event: Input) -> IntentRecord:
    """Take one step of the table of an intent's life."""
    status = step(record.intent.status, event)
    return replace(record, intent=record.intent.model_copy(update={"status": status}))


def _says_the_same(before: EffectivePlan, plan: EffectivePlan) -> bool:
    """Compare what two plans say from the newer one's first instant on."""
    if revision_parts(before.revision)[0] != revision_parts(plan.revision)[0]:
        return False
    kept = tuple(
        segment.model_copy(update={"start": max(segment.start, plan.made_at)})
        for segment in before.segments
        if segment.end is None or segment.end > plan.made_at
    )
    still = {
        "segments": kept,
        "revision": plan.revision,
        "made_at": plan.made_at,
        "signature": plan.signature,
    }
    return before.model_copy(update=still) == plan
