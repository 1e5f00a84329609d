"""The site answers: seen, in, out, in part, cannot, how it goes, done."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

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
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.intent import State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.intents.lifecycle import TERMINAL, Input, allowed
from gateway.pipeline.book import Office
from gateway.pipeline.comparison import Difference, compare, remember
from gateway.pipeline.guarding import counted, refuses
from gateway.pipeline.inbound import committed, tell
from gateway.pipeline.measure import store_batch
from gateway.pipeline.ports import IntentRecord, Lease, Seen, SiteStatus, Work
from gateway.pipeline.recovery import Recovery
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning
from gateway.settlement.records import logged

GATEWAYS_WORDS: Final = frozenset(
    {
        "default",
        "held",
        "guard",
        "late",
        "advisory",
        "cancelled",
        "not_mine",
        "unusable",
        "scheduled",
    }
)
"""Reasons by which the gateway itself answers."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """The desk at which a site's answers arrive (``SiteDesk``)."""

    office: Office
    recovery: Recovery | None = None
    """None: the store was never restored."""

    async def acknowledge(self, site: SiteId, intent: IntentId, ack: Ack) -> Seen:
        """Note that the site has seen a revision; ack is not opt."""

        def act(turn: Turn, record: IntentRecord) -> Seen:
            if ack.revision > record.intent.revision:
                raise SessionError("STALE_REVISION", "this revision was never sent")
            seen = turn.work.outbox.acknowledge(site, intent, ack, turn.now)
            if ack.revision > record.acked_revision:
                _note_ack(turn, replace(record, acked_revision=ack.revision))
            return seen

        return await self._at(site, intent, act, Step.ACK)

    async def commit(self, site: SiteId, intent: IntentId, commitment: Commitment) -> Seen:
        """Take the site's in, out or partial, and send the answer on to the utility."""

        def act(turn: Turn, record: IntentRecord) -> Seen:
            _current(record, commitment.revision)
            reason = _own_word(commitment.reason)
            document = _document("commitment", site, commitment)
            counts = counted(record.intent, commitment.opt, reason)
            decided = (record.opt, record.opt_reason) == counts
            if decided and _last(turn, "opt", intent, "answer") == document["answer"]:
                return Seen.DUPLICATE  # in time the first time: the repetition may come late
            _open(turn, record)
            if not decided and commitment.opt is not Opt.OUT:
                _inside(turn, record)
            turn.log("opt", intent, document)
            if not decided:
                turn.decide(record, commitment.opt, reason, f"site:{site}")
            return Seen.NEW

        return await self._at(site, intent, act, Step.COMMITMENT)

    async def reject(self, site: SiteId, intent: IntentId, rejection: Rejection) -> Seen:
        """Take the site's refusal with its reason."""

        def act(turn: Turn, record: IntentRecord) -> Seen:
            _current(record, rejection.revision)
            document = _document("rejection", site, rejection)
            decided = (record.opt, record.opt_reason) == (Opt.OUT, rejection.reason)
            if decided and _last(turn, "opt", intent, "answer") == document["answer"]:
                return Seen.DUPLICATE
            _open(turn, record)
            if decided:
                return Seen.DUPLICATE
            turn.log("opt", intent, document)
            turn.decide(record, Opt.OUT, rejection.reason, f"site:{site}")
            return Seen.NEW

        return await self._at(site, intent, act, Step.REJECTION)

    async def progress(self, site: SiteId, intent: IntentId, progress: Progress) -> Seen:
        """Take a report on how it goes; the site's word, never a measurement."""

        def act(turn: Turn, record: IntentRecord) -> Seen:
            document = _document("progress", site, progress)
            if _last(turn, "progress", intent, "answer") == document["answer"]:
                return Seen.DUPLICATE
            turn.log("progress", intent, document)
            word = {"breached": Input.BREACH, "holding": Input.CURE}.get(progress.state)
            now_running = record.intent.revision == progress.revision
            if word is not None and now_running and allowed(record.intent.status, word):
                turn.moved(record, word, "progress")
            return Seen.NEW

        return await self._at(site, intent, act, Step.PROGRESS)

    async def complete(self, site: SiteId, intent: IntentId, completion: Completion) -> Seen:
        """Take the site's own account of a finished event."""

        def act(turn: Turn, record: IntentRecord) -> Seen:
            document = _document("completion", site, completion)
            if _last(turn, "completion", intent, "answer") == document["answer"]:
                return Seen.DUPLICATE
            turn.log("completion", intent, document)
            return Seen.NEW

        return await self._at(site, intent, act, Step.COMPLETION)

    async def telemetry(self, site: SiteId, batch: TelemetryBatch) -> Seen:
        """Store a batch once by its id.

        Raises:
            MeterDataError: ``UNKNOWN_METER``, ``WRONG_INTERVAL``, ``OUT_OF_RANGE``, ``NOT_METERED_YET`` or
                ``CLOCKS_DIFFER``: nothing of the batch is stored.
            SessionError: ``CONFLICT``: the id is known with other content; ``NOT_FOUND``.
        """
        at = self.office.clock.now()
        declared = self.office.book.sites.get(site)
        if declared is None:
            raise SessionError("NOT_FOUND", "this site is configured no longer")
        return await self.office.store.write(
            lambda work: store_batch(work, declared, batch, at), Step.TELEMETRY
        )

    async def heartbeat(self, site: SiteId, heartbeat: Heartbeat) -> Lease:
        """Renew the site's lease; what only the site knows is written down, and after a restore asked for."""
        now = self.office.clock.now()
        terms = self.office.book.terms.get(site)
        if terms is None:
            raise SessionError("NOT_FOUND", "this site is configured no longer")
        recovering = self._recovering(site)

        def job(work: Work) -> tuple[Turn, Difference, int]:
            kept = heartbeat.model_copy(update={"documents": ()})
            work.telemetry.heard(SiteStatus(site=site, heard_at=now, heartbeat=kept))
            with turning(self.office, work, now) as turn:
                for document in heartbeat.documents if recovering else ():
                    if self.office.recognise(document):
                        remember(turn, site, document)
                found = compare(turn, site, heartbeat, recovering=recovering)
            plan = work.plans.get(site)
            return turn, found, plan.revision if plan else 0

        turn, found, plan_revision = await self.office.store.write(job, Step.HEARTBEAT)
        tell(self.office, turn)
        return Lease(
            lease_s=terms.lease_s,
            plan_revision=plan_revision,
            server_time=now,
            wanted=self._asks(site, found),
            void=found.lost if self.recovery and self._void(site) else (),
        )

    def _recovering(self, site: SiteId) -> bool:
        return self.recovery is not None and not self.recovery.open(site)

    def _void(self, site: SiteId) -> bool:
        """Say whether an intent that the store does not know holds no longer: every utility was asked again."""
        return (
            self.recovery is not None and not self.recovery.active and self.recovery.knows_all(site)
        )

    def _asks(self, site: SiteId, found: Difference) -> tuple[IntentId, ...]:
        """After a restore, ask a site once for what it knows; the answer comes with its next heartbeat."""
        if self.recovery is None or self.recovery.open(site):
            return ()
        if found.newer and self.recovery.first_question(site):
            return found.newer
        self.recovery.heard(site, knows_more=bool(found.newer) or found.newer_plan)
        return ()

    async def _at(
        self,
        site: SiteId,
        intent: IntentId,
        act: Callable[[Turn, IntentRecord], Seen],
        step: Step,
    ) -> Seen:
        now = self.office.clock.now()

        def job(work: Work) -> tuple[Turn, Seen]:
            if self._recovering(site):
                _refuse_unknown(work, site, intent)
            with turning(self.office, work, now) as turn:
                return turn, act(turn, _record(work, site, intent))

        turn, seen = await committed(self.office, job, step, (site,))
        tell(self.office, turn)
        return seen


def _refuse_unknown(work: Work, site: SiteId, intent: IntentId) -> None:
    """Put an answer off whose intent may come back with what the utility tells.

    Raises:
        StoreError: ``RECOVERING``: it is to be sent again.
    """
    record = work.intents.get(intent)
    if record is None or record.intent.site != site:
        raise StoreError("RECOVERING", "the store was restored and does not know this intent yet")


def _record(work: Work, site: SiteId, intent: IntentId) -> IntentRecord:
    record = work.intents.get(intent)
    if record is None or record.intent.site != site:
        raise SessionError("NOT_FOUND", "there is no such intent for this site")
    return record


def _current(record: IntentRecord, revision: int) -> None:
    if revision != record.intent.revision:
        detail = f"revision {record.intent.revision} is the newest; answer that one"
        raise SessionError("STALE_REVISION", detail)


def _open(turn: Turn, record: IntentRecord) -> None:
    intent = record.intent
    if intent.hold_reason:
        raise SessionError("REFUSED", "this revision is held for the operator; nothing is asked")
    closed = intent.status in TERMINAL or intent.status is State.COMPLETED
    # The clock counts, not the last timer: after a restart the state may lag behind.
    if closed or intent.cancelled_at is not None or turn.over(intent):
        raise SessionError("TOO_LATE", "the event is over or was cancelled")


def _inside(turn: Turn, record: IntentRecord) -> None:
    why = refuses(turn, record)
    if why:
        raise SessionError("REFUSED", f"outside the operator's envelope by now: {why}")


def _own_word(reason: str) -> str:
    """Keep the gateway's own words for itself, so that no site can speak in its name."""
    return f"site_{reason}"[:256] if reason in GATEWAYS_WORDS else reason


def _note_ack(turn: Turn, record: IntentRecord) -> None:
    newest = record.acked_revision == record.intent.revision
    if newest and allowed(record.intent.status, Input.ACK):
        turn.moved(record, Input.ACK, "ack")
    else:
        turn.work.intents.put(record)


def _last(turn: Turn, kind: str, intent: IntentId, key: str) -> object:
    """Return one part of the newest log record of a kind that has it; None without one."""
    entries = turn.work.log.entries(kinds=(kind,), subject=intent)
    documents = (logged(entry.index, entry.record).document for entry in reversed(entries))
    return next((document[key] for document in documents if key in document), None)


def _document(cause: str, site: SiteId, answer: Answer) -> dict[str, object]:
    return {"cause": cause, "site": site, "answer": answer.model_dump(mode="json")}
