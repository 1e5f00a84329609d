"""Everything that one transaction does to intents: an event comes in, a site answers, time passes.

A ``Turn`` is made inside a store job and lives as long as its transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from gateway.domain.event import EventKey, GridEvent
from gateway.domain.identity import intent_id, next_revision
from gateway.domain.intent import ComputeFlexIntent, Resolution, State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
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
from gateway.intents.lifecycle import TERMINAL, Input, allowed, phase_at, step
from gateway.pipeline.apart import GATEWAY, SCHEDULED, decline, names, scheduled, tell
from gateway.pipeline.board import Board, end_of, stepped
from gateway.pipeline.guarding import (
    GUARD,
    counted,
    falls_short,
    guarded,
    record_end,
    rejoin,
    say,
    why_silent,
)
from gateway.pipeline.late import correction_key
from gateway.pipeline.memory import remembered
from gateway.pipeline.ports import IntentRecord
from gateway.settlement.records import IntentRecord as LoggedIntent
from gateway.settlement.records import logged
from gateway.telemetry.window import present_consumption

_ACTIVE: Final = frozenset({State.RAMPING_IN, State.HOLDING, State.BREACHED})
TOOK_PART: Final = _ACTIVE | {State.RAMPING_OUT, State.RECOVERING}


@dataclass
class Turn(Board):
    """One transaction of the story."""

    # --- an event comes in

    def admit(self, event: GridEvent) -> None:
        """Make, revise or cancel the intents of one version of an event.

        Sites that an event no longer names are released, whatever the reason: the list of sites changed, or the
        program was taken out of the configuration.
        """
        key = EventKey(utility=event.utility, event_id=event.event_id)
        before = {SiteId(r.intent.site): r for r in self.work.intents.of_event(key)}
        program = self.program_for(event)
        addressed: list[SiteId] = []
        if event.cancelled_at is None and program is not None:
            addressed = [site for site in _addressed(event, program) if site in self.book.sites]
        for site, record in before.items():
            if site not in addressed:
                self._cancel(record, event)
        if event.cancelled_at is not None:
            return
        if program is None or not addressed:
            decline(self, event, "no_program" if program is None else "no_site")
        elif self.crowded(event, addressed, known=bool(before)):
            for record in before.values():  # the utility has replaced them, by what is too much
                self._cancel(record, event)
            decline(self, event, "crowded", GUARD)
        else:
            sites = [self.book.sites[site] for site in addressed]
            made = [self._admit_at(event, program, site, before.get(site.site)) for site in sites]
            if not any(made):
                decline(self, event, "unusable")
            for record in scheduled(self, key, event.version):
                self.decide(record, Opt.OUT, SCHEDULED, GATEWAY)

    def repeat(self, event: GridEvent) -> None:
        """Answer a version again that was taken in before: its session has forgotten what was decided."""
        key = EventKey(utility=event.utility, event_id=event.event_id)
        told: set[tuple[SiteId, ...]] = set()
        for record in self.work.intents.of_event(key):
            opt = self.upstream(record) if record.version == event.version else None
            if opt is None or record.intent.cancelled_at is not None:
                continue
            fresh = [sites for sites in names(self, record) if sites not in told]
            tell(self, record, opt, GATEWAY, fresh)
            told.update(fresh)

    def retell(self, event: GridEvent) -> None:
        """Answer an open event once more after a restore: whoever was told what before, this is what holds."""
        key = EventKey(utility=event.utility, event_id=event.event_id)
        if self.work.intents.of_event(key):
            self.repeat(event)
        else:
            decline(self, event, "retold")

    def withdrawn(self, event: GridEvent) -> bool:
        """Say whether every intent of an event has been taken back."""
        key = EventKey(utility=event.utility, event_id=event.event_id)
        return all(r.intent.cancelled_at is not None for r in self.work.intents.of_event(key))

    def _admit_at(
        self, event: GridEvent, program: Program, site: Site, before: IntentRecord | None
    ) -> bool:
        if before is not None:
            before = self.advance(before)
        made = intent_id(self.book.installation_key, event.utility, event.event_id, site.site)
        frozen = self.frozen(event, program, site, before)
        envelope = self.envelope(made, site.site, event)
        try:
            intent = derive(event, program, site, self.book.terms[site.site], envelope, frozen)
        except ValidationError as error:
            # Authenticated is not sane: one event that cannot be written down must not stop the others.
            fault = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            self.log("audit", made, {"word": "unusable", "where": where, "why": fault["msg"]})
            if before is not None:
                self._cancel(before, event)
            return False
        if before is not None:
            step(before.intent.status, Input.REVISE)
        asks = not self.over(intent) and actuates(intent, program)
        intent, verdict = guarded(self, intent, site, before, asks=asks)
        key = EventKey(utility=event.utility, event_id=event.event_id)
        record = IntentRecord(
            intent=intent,
            event=key,
            version=event.version,
            acked_revision=before.acked_revision if before else 0,
        )
        say(self, record, verdict, GATEWAY)
        self.drop_timers(made, "opt_deadline", "phase")
        if self.over(intent):
            self._admit_late(record, before)
        else:
            self.ask(record, before)
        self.replan(site.site)
        return True

    def ask(self, record: IntentRecord, before: IntentRecord | None) -> None:
        """Put the question to the site; what it answered about an older version does not count for this one."""
        intent = record.intent
        # A site that knows an older revision must learn that it does not hold any more.
        known = before is not None and not before.intent.hold_reason
        if not intent.hold_reason or known:
            record = self.publish(record)
        self.put(record, "intent_held" if intent.hold_reason else "intent")
        self._settle_again(record, before)
        self.schedule_phase(record)
        if intent.ask is None and not intent.hold_reason:
            self.decide(record, Opt.IN, "advisory", GATEWAY)
            return
        if falls_short(self, record):
            self.decide(record, Opt.OUT, GUARD, GATEWAY)
            return
        deadline = min(intent.response.opt_by, intent.expires_at)
        self.timer("opt_deadline", intent.id, deadline)

    def _admit_late(self, record: IntentRecord, before: IntentRecord | None) -> None:
        """Take in a version that is over already: nothing is asked, and nobody is said to have complied."""
        joined = before is not None and before.opt in {Opt.IN, Opt.PARTIAL}
        if before is not None and joined and not record.intent.hold_reason:
            kept = replace(
                record, opt=before.opt, opt_reason=before.opt_reason, opt_at=before.opt_at
            )
            record = self.publish(stepped(kept, Input.COMMIT))
            self.put(record, "intent")
            self._settle_again(record, before)
            record = self.advance(record)
        else:
            late = replace(record, opt=Opt.OUT, opt_reason="late", opt_at=self.now)
            record = stepped(late, Input.EXPIRE)
            record = self.publish(record) if before else record
            self.put(record, "intent")
            self.put(record, "opt")
            self._settle_again(record, before)
        self._conclude(record, GATEWAY)

    def _settle_again(self, record: IntentRecord, before: IntentRecord | None) -> None:
        """Move the statement to the new end; what was owed under an older version is settled then."""
        if before is not None:  # the settlement to come takes account of all that came late
            self.work.open_statements.close(IntentId(record.intent.id))
            self.work.timers.drop(correction_key(IntentId(record.intent.id)))
        end = end_of(record.intent)
        began = before is not None and before.intent.timing.start < self.now
        if began and end is not None:
            self.schedule_settlement(record, max(end, self.now))
        else:
            self.drop_timers(record.intent.id, "settle")

    def frozen(
        self, event: GridEvent, program: Program, site: Site, before: IntentRecord | None
    ) -> Resolution | None:
        """Return the present consumption, frozen when the event was first taken in."""
        if not needs_present(event):
            return None
        if before is not None:
            known = before.intent.ask.resolution if before.intent.ask else None
            known = known or self._first_resolution(before)
            if known is not None:
                return known
        key = self.book.installation_key
        told = remembered(self.work, intent_id(key, event.utility, event.event_id, site.site))
        if told is not None:
            return told
        span = present_span(event, program.present_minutes)
        readings = self.work.telemetry.readings(site.site, site.contract_meter, span)
        window = present_consumption(
            readings, span.end, program.present_minutes, program.present_least
        )
        return resolution(event, program, site, window)

    def _first_resolution(self, before: IntentRecord) -> Resolution | None:
        """Look further back: a version between may have stood on nothing relative."""
        for entry in self.work.log.entries(kinds=("intent",), subject=before.intent.id):
            record = logged(entry.index, entry.record).record
            intent = record.intent if isinstance(record, LoggedIntent) else None
            if intent is not None and intent.ask is not None and intent.ask.resolution is not None:
                return intent.ask.resolution
        return None

    def envelope(self, made: IntentId, site: SiteId, event: GridEvent) -> Envelope:
        """Return identity and order of an intent's next revision."""
        before = self.work.intents.get(made)
        # The event as such, at no site: unguessable, shared by its siblings, and the same after a restore.
        shared = intent_id(self.book.installation_key, event.utility, event.event_id, SiteId(""))
        return Envelope(
            intent_id=made,
            revision=next_revision(
                self.work.identity.epoch, before.intent.revision if before else None
            ),
            sequence=self.work.outbox.next_sequence(site),
            event_ref=shared,
            now=self.now,
        )

    # --- an event is taken back

    def _cancel(self, record: IntentRecord, event: GridEvent) -> None:
        """End an obligation: at once, or after the drawn delay while it is running."""
        if record.intent.status in TERMINAL or record.intent.cancelled_at is not None:
            return
        # The clock may be ahead of the last timer: what counts is where the event stands now.
        record = self.advance(record)
        intent = record.intent
        if intent.status in TERMINAL or self.over(intent):
            return
        running = intent.status in _ACTIVE and self.takes_part(record)
        ends_at = self._ends_at(intent, event) if running else self.now
        record = replace(record, version=event.version)
        if not running:
            record = stepped(record, Input.CANCEL)
        elif ends_at <= self.now:
            record = stepped(record, Input.RAMP_OUT)
        envelope = self.envelope(IntentId(intent.id), SiteId(intent.site), event)
        told: Mapping[str, object] = {
            "revision": envelope.revision,
            "sequence": envelope.sequence,
            "issued_at": self.now,
            "cancelled_at": ends_at,
        }
        record = replace(record, intent=record.intent.model_copy(update=told))
        record = self.publish(record)
        self.put(record, "cancelled")
        record_end(self, IntentId(intent.id), ends_at)
        self.drop_timers(intent.id, "opt_deadline", "phase", "settle")
        self.schedule_phase(record)
        if ends_at > intent.timing.start:
            self.schedule_settlement(record, ends_at)
        self.replan(SiteId(intent.site))

    def _ends_at(self, intent: ComputeFlexIntent, event: GridEvent) -> datetime:
        ends_at = max(event.cancelled_at or self.now, self.now)
        end = end_of(intent)
        return ends_at if end is None else min(ends_at, end)

    # --- a site answers, or stays silent

    def decide(self, record: IntentRecord, opt: Opt, reason: str, by: str) -> IntentRecord:
        """Take one site's answer; tell the utility once every sibling has answered."""
        was_out = Opt.OUT in {record.opt, self.upstream(record)}
        opt, reason = counted(record.intent, opt, reason)
        record = replace(record, opt=opt, opt_reason=reason, opt_at=self.now)
        self.put(record, "opt")
        self._conclude(record, by, again=was_out)
        return self.work.intents.get(IntentId(record.intent.id)) or record

    def _conclude(self, decider: IntentRecord, by: str, *, again: bool = False) -> None:
        """Lead every sibling on from what all of them come to, and tell the utility.

        Args:
            decider: Who answered.
            by: On whose behalf.
            again: True: what was off may be on again, and then counts again.
        """
        outcome = self.upstream(decider)
        for sibling in self.siblings(decider):
            counts = Opt.OUT if outcome is Opt.OUT else sibling.opt
            same = counts is sibling.opt and sibling.intent.id == decider.intent.id
            if outcome is not None and sibling.opt is not Opt.OUT and not same:
                self._count(sibling, counts)
            if counts is Opt.OUT:
                record_end(self, IntentId(sibling.intent.id))
            elif sibling.opt is not None:
                if again:
                    rejoin(self, sibling)
                self._join(sibling)
            self.replan(SiteId(sibling.intent.site))
        if outcome is not None:
            tell(self, decider, outcome, by, names(self, decider))

    def _count(self, record: IntentRecord, opt: Opt | None) -> None:
        """Write down that a site's answer counts for something else, by what its siblings and the program say."""
        document = {
            "revision": record.intent.revision,
            "opt": opt.value if opt else None,
            "reason": "partial_policy",
            "cause": "policy",
            "status": record.intent.status.value,
        }
        self.log("opt", record.intent.id, document)

    def _join(self, record: IntentRecord) -> None:
        if record.intent.status in TERMINAL:
            return
        if allowed(record.intent.status, Input.COMMIT):
            record = self.moved(record, Input.COMMIT, "commit")
        record = self.advance(record)
        end = end_of(record.intent)
        if end is not None:
            self.schedule_settlement(record, end)

    # --- time passes

    def advance(self, record: IntentRecord) -> IntentRecord:
        """Move an intent to the phase that the clock says, and set the timer of the next one."""
        intent = record.intent
        if intent.status in TERMINAL:
            return record
        if intent.cancelled_at is not None and intent.cancelled_at <= self.now:
            return self._wind_down(record)
        phase = phase_at(intent, self.now)
        if record.opt is None or not self.takes_part(record):
            if self.over(intent):
                return self._expire(record)
        elif allowed(intent.status, phase):
            record = self.moved(record, phase, "phase")
        self.schedule_phase(record)
        return record

    def _expire(self, record: IntentRecord) -> IntentRecord:
        """Close an intent whose event is over and whose site took no part to the end."""
        self.drop_timers(record.intent.id, "opt_deadline")
        if record.opt is None:
            reason = why_silent(record.intent)
            record = self.decide(record, Opt.OUT, reason, GATEWAY)
        if record.intent.status is State.COMPLETED:
            return record
        took_part = record.intent.status in TOOK_PART
        record = self.moved(record, Input.COMPLETE if took_part else Input.EXPIRE, "phase")
        self.replan(SiteId(record.intent.site))
        return record

    def _wind_down(self, record: IntentRecord) -> IntentRecord:
        if record.intent.status in _ACTIVE:
            record = self.moved(record, Input.RAMP_OUT, "phase")
        clear = self.clear(record)
        if clear is not None and clear > self.now:
            self.schedule_phase(record)
            return record
        record = self.moved(record, Input.CANCEL, "phase")
        self.replan(SiteId(record.intent.site))
        return record

    def settled(self, record: IntentRecord) -> None:
        """Close an intent that has been settled."""
        self.moved(record, Input.SETTLE, "settled")


def _addressed(event: GridEvent, program: Program) -> Iterable[SiteId]:
    named = set(event.targets.sites)
    return [site for site in program.sites if not named or site in named]
