"""The site answers: seen, in, out, in part, cannot, how it goes, done."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
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
from gateway.domain.errors import SessionError
from gateway.domain.intent import State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.intents.lifecycle import TERMINAL, Input, allowed
from gateway.pipeline.book import Office
from gateway.pipeline.guarding import counted, refuses
from gateway.pipeline.inbound import committed, tell
from gateway.pipeline.measure import store_batch
from gateway.pipeline.ports import IntentRecord, Lease, Seen, SiteStatus, Work
from gateway.pipeline.turn import Turn
from gateway.settlement.records import logged

GATEWAYS_WORDS: Final = frozenset(
    {"default", "held", "guard", "late", "advisory", "cancelled", "not_mine"}
)
"""Reasons by which the gateway itself answers."""
MOST_COMPARED: Final = 256
"""Intents of one heartbeat that are looked up."""
_INTENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Feedback:
    """The desk at which a site's answers arrive (``SiteDesk``)."""

    office: Office

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
        """Renew the site's lease; revisions that only the site knows are written down for the operator."""
        now = self.office.clock.now()
        terms = self.office.book.terms.get(site)
        if terms is None:
            raise SessionError("NOT_FOUND", "this site is configured no longer")

        def job(work: Work) -> Lease:
            work.telemetry.heard(SiteStatus(site=site, heard_at=now, heartbeat=heartbeat))
            plan = work.plans.get(site)
            _compare(work, site, heartbeat, now)
            return Lease(
                lease_s=terms.lease_s,
                plan_revision=plan.revision if plan else 0,
                server_time=now,
            )

        return await self.office.store.write(job, Step.HEARTBEAT)

    async def _at(
        self,
        site: SiteId,
        intent: IntentId,
        act: Callable[[Turn, IntentRecord], Seen],
        step: Step,
    ) -> Seen:
        now = self.office.clock.now()

        def job(work: Work) -> tuple[Turn, Seen]:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=now)
            return turn, act(turn, _record(work, site, intent))

        turn, seen = await committed(self.office, job, step, (site,))
        tell(self.office, turn)
        return seen


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


def _compare(work: Work, site: SiteId, heartbeat: Heartbeat, now: datetime) -> None:
    """Write down what a site knows that this store does not: the store was restored from an older copy (R-DUR-12)."""
    named = [item for item in sorted(heartbeat.known.items()) if _INTENT_ID.fullmatch(item[0])]
    for intent, revision in named[:MOST_COMPARED]:
        record = work.intents.get(IntentId(intent))
        ours = record.intent.revision if record and record.intent.site == site else 0
        if revision > ours and not work.log.entries(kinds=("audit",), subject=intent):
            document = {"word": "ahead", "site": site, "theirs": revision, "ours": ours}
            work.log.append("audit", intent, document, now)
