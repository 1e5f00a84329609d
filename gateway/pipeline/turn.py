"""Everything that one transaction does to intents; what has to be told afterwards is collected on the way.

A ``Turn`` is made inside a store job and lives as long as its transaction. Nothing here waits, sends or reads a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.domain.event import EventKey, GridEvent
from gateway.domain.identity import intent_id, next_revision
from gateway.domain.intent import ComputeFlexIntent, Resolution, State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt, Participation
from gateway.domain.ports import Signer
from gateway.domain.program import Program
from gateway.domain.site import Site
from gateway.intents.derive import (
    Envelope,
    actuates,
    derive,
    needs_present,
    present_span,
    resolution,
)
from gateway.intents.envelope import intent_event, plan_event
from gateway.intents.lifecycle import TERMINAL, Input, allowed, next_phase_at, phase_at, step
from gateway.intents.plan import Claim, clear_at, make_plan
from gateway.pipeline.book import Book
from gateway.pipeline.ports import IntentRecord, OutboxItem, Timer, Work
from gateway.telemetry.window import present_consumption

_ACTIVE = frozenset({State.RAMPING_IN, State.HOLDING, State.BREACHED})


@dataclass
class Turn:
    """One transaction's view of the story.

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

    # --- an event comes in

    def admit(self, event: GridEvent) -> None:
        """Make, revise or cancel the intents of one event that is new to the store."""
        program = self.book.programs.get((event.utility, event.program))
        if program is None:
            self.log("audit", event.event_id, {"word": "no_program", "program": event.program})
            return
        for site in _addressed(event, program):
            self._admit_at(event, program, self.book.sites[site])

    def _admit_at(self, event: GridEvent, program: Program, site: Site) -> None:
        key = EventKey(utility=event.utility, event_id=event.event_id)
        made = intent_id(self.book.installation_key, event.utility, event.event_id, site.site)
        before = self.work.intents.get(made)
        if event.cancelled_at is not None:
            if before is not None and before.intent.status not in TERMINAL:
                self._cancel(before, event, event.cancelled_at)
            return
        frozen = self._frozen(event, program, site, before)
        envelope = self._envelope(made, site.site, before)
        intent = derive(event, program, site, self.book.terms[site.site], envelope, frozen)
        if before is not None:
            step(before.intent.status, Input.REVISE)
        record = IntentRecord(intent=intent, event=key, version=event.version)
        if not intent.hold_reason:
            record = self._publish(record)
        self._put(record, "intent_held" if intent.hold_reason else "intent")
        deadline = min(intent.response.opt_by, intent.expires_at)
        self._timer("opt_deadline", intent.id, deadline)
        self.replan(site.site)

    def _frozen(
        self, event: GridEvent, program: Program, site: Site, before: IntentRecord | None
    ) -> Resolution | None:
        if not needs_present(event):
            return None
        if before is not None and before.intent.ask and before.intent.ask.resolution:
            return before.intent.ask.resolution
        span = present_span(event, program.present_minutes)
        readings = self.work.telemetry.readings(site.site, site.contract_meter, span)
        window = present_consumption(
            readings, span.end, program.present_minutes, program.present_least
        )
        return resolution(event, program, site, window)

    def _envelope(self, made: IntentId, site: SiteId, before: IntentRecord | None) -> Envelope:
        last = before.intent.revision if before else None
        return Envelope(
            intent_id=made,
            revision=next_revision(self.work.identity.epoch, last),
            sequence=self.work.outbox.next_sequence(site),
            event_ref=before.intent.event_ref if before else self._event_ref(made),
            now=self.now,
        )

    def _event_ref(self, made: IntentId) -> str:
        # The first sibling's id names the event towards every site: unguessable, and the same after a restore.
        return made

    def _cancel(self, before: IntentRecord, event: GridEvent, ends_at: datetime) -> None:
        intent = before.intent
        active = intent.status in _ACTIVE
        ends_at = max(ends_at, self.now)
        envelope = self._envelope(IntentId(intent.id), SiteId(intent.site), before)
        status = State.RAMPING_OUT if active else step(intent.status, Input.CANCEL)
        revised = intent.model_copy(
            update={
                "revision": envelope.revision,
                "sequence": envelope.sequence,
                "issued_at": self.now,
                "status": status,
                "cancelled_at": ends_at,
            }
        )
        record = replace(before, intent=revised, version=event.version)
        self._put(self._publish(record), "cancelled")
        self.work.timers.drop(f"opt_deadline:{intent.id}")
        self._schedule_phase(record)
        if active and before.opt is not Opt.OUT:
            self._schedule_settlement(record, ends_at)
        self._answer(record, Opt.IN, "cancelled", "gateway")
        self.replan(SiteId(intent.site))

    # --- a site answers, or stays silent

    def decide(self, record: IntentRecord, opt: Opt, reason: str, by: str) -> IntentRecord:
        """Take one site's answer; tell the utility once every sibling has answered."""
        changed = replace(record, opt=opt, opt_reason=reason, opt_at=self.now)
        if opt is not Opt.OUT and allowed(record.intent.status, Input.COMMIT):
            changed = _moved(changed, Input.COMMIT)
        self._put(changed, "opt")
        if opt is not Opt.OUT:
            changed = self.advance(changed)
            end = _end_of(changed.intent)
            if end is not None:
                self._schedule_settlement(changed, end)
        self._answer(changed, opt, reason, by)
        self.replan(SiteId(changed.intent.site))
        return changed

    def _answer(self, record: IntentRecord, opt: Opt, reason: str, by: str) -> None:
        siblings = self.work.intents.of_event(record.event)
        if reason != "cancelled":
            opts = {sibling.opt for sibling in siblings}
            if None in opts:
                return
            opt = self._upstream(opts - {None}, record)
        answer = Participation(
            event=record.event,
            version=record.version,
            opt=opt,
            reason=reason,
            decided_at=self.now,
            by=by,
        )
        self.work.participations.queue(answer)
        self.decided.append(answer)

    def _upstream(self, opts: set[Opt | None], record: IntentRecord) -> Opt:
        if opts == {Opt.IN}:
            return Opt.IN
        if opts == {Opt.OUT}:
            return Opt.OUT
        program = self.program_of(record)
        return Opt.IN if program.partial_policy == "opt_in" else Opt.OUT

    # --- time passes

    def advance(self, record: IntentRecord) -> IntentRecord:
        """Move an intent to the phase that the clock says, and set the timer of the next one."""
        if record.intent.status in TERMINAL or record.opt is Opt.OUT:
            return record
        if record.intent.cancelled_at is not None:
            return self._wind_down(record)
        phase = phase_at(record.intent, self.now)
        if allowed(record.intent.status, phase):
            record = _moved(record, phase)
            self._put(record, "phase")
        self._schedule_phase(record)
        return record

    def _wind_down(self, record: IntentRecord) -> IntentRecord:
        clear = clear_at(self._claim(record), self.book.sites[SiteId(record.intent.site)])
        if clear is not None and clear > self.now:
            self._schedule_phase(record)
            return record
        record = _moved(record, Input.CANCEL)
        self._put(record, "phase")
        return record

    def _schedule_phase(self, record: IntentRecord) -> None:
        intent = record.intent
        if intent.cancelled_at is not None:
            site = self.book.sites[SiteId(intent.site)]
            at = clear_at(self._claim(record), site) if intent.status not in TERMINAL else None
        else:
            at = next_phase_at(intent, self.now)
        if at is not None:
            self._timer("phase", intent.id, at)

    def _schedule_settlement(self, record: IntentRecord, end: datetime) -> None:
        program = self.program_of(record)
        self._timer("settle", record.intent.id, end + program.settle_after)

    # --- what the site is to see

    def replan(self, site: SiteId) -> None:
        """Make the site's plan anew and queue it when it says something else than before."""
        before = self.work.plans.get(site)
        claims = [self._claim(record) for record in self.work.intents.of_site(site, live=True)]
        plan = make_plan(
            self.book.sites[site],
            [claim for claim in claims if not claim.intent.hold_reason],
            revision=next_revision(self.work.identity.epoch, before.revision if before else None),
            now=self.now,
            failsafe=self.book.terms[site].fail_safe,
        )
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

    def _claim(self, record: IntentRecord) -> Claim:
        program = self.program_of(record)
        open_question = record.opt is None or (
            record.opt is Opt.OUT and record.opt_reason == "default"
        )
        return Claim(
            intent=record.intent,
            open_question=open_question and record.intent.cancelled_at is None,
            binding=record.opt is not Opt.OUT and actuates(record.intent, program),
        )

    def program_of(self, record: IntentRecord) -> Program:
        """Return the program that an intent belongs to."""
        name = record.intent.provenance.authority.program
        return self.book.programs[record.event.utility, name]

    def _publish(self, record: IntentRecord) -> IntentRecord:
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

    def _put(self, record: IntentRecord, cause: str) -> None:
        self.work.intents.put(record)
        intent = record.intent
        if cause in {"intent", "intent_held", "cancelled"}:
            document: dict[str, object] = {"intent": intent.model_dump(mode="json", by_alias=True)}
        else:
            document = {
                "revision": intent.revision,
                "opt": record.opt.value if record.opt else None,
                "reason": record.opt_reason,
            }
        kind = "opt" if cause == "opt" else "intent"
        self.log(kind, intent.id, {**document, "cause": cause, "status": intent.status.value})

    def _timer(self, kind: str, subject: str, due_at: datetime) -> None:
        self.work.timers.set(
            Timer(key=f"{kind}:{subject}", kind=kind, subject=subject, due_at=due_at)
        )

    def settled(self, record: IntentRecord) -> None:
        """Close an intent whose statement is stored."""
        self._put(_moved(record, Input.SETTLE), "settled")

    def log(self, kind: str, subject: str, document: Mapping[str, object]) -> None:
        """Append one record to the evidence log."""
        self.work.log.append(kind, subject, document, self.now)


def _addressed(event: GridEvent, program: Program) -> Sequence[SiteId]:
    named = set(event.targets.sites)
    return [site for site in program.sites if not named or site in named]


def _end_of(intent: ComputeFlexIntent) -> datetime | None:
    timing = intent.timing
    return None if timing.duration is None else timing.start + timing.duration


def _moved(record: IntentRecord, event: Input) -> IntentRecord:
    status = step(record.intent.status, event)
    return replace(record, intent=record.intent.model_copy(update={"status": status}))
