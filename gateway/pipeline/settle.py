"""An event is over: its records are read back, a statement is computed from them alone, and stored.

Reading and computing happen outside the writer, so that a long event does not hold up the next one; only the result is
a transaction. Until that has committed the timer stays, so a crash in between settles again, with the same result.
What comes after that corrects it (``late``): a further version, which names the one before; none is ever changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.domain.errors import ConfigError, GatewayError, MeterDataError, WireError
from gateway.domain.intent import State
from gateway.domain.names import IntentId, MeterId
from gateway.domain.points import Step
from gateway.domain.settlement import (
    Correction,
    CorrectionReason,
    SettlementStatement,
    StatementStatus,
)
from gateway.domain.timespan import Span
from gateway.intents.lifecycle import Input, allowed
from gateway.pipeline.book import Office
from gateway.pipeline.late import correction_key, keep_open, late_records, named
from gateway.pipeline.ledger import OpenStatement
from gateway.pipeline.methods import METHODS
from gateway.pipeline.ports import Work
from gateway.pipeline.records import IntentRecord, LogEntry, Timer
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning
from gateway.settlement.evidence import closing_documents, result_of
from gateway.settlement.inputs import Header, SettlementInputs, inputs_from_records
from gateway.settlement.plan import evidence_span
from gateway.settlement.records import Logged, logged, statement_digest
from gateway.settlement.statement import Settled, settle
from gateway.settlement.terms import StatementTerms, terms_of

log = structlog.get_logger()

STORY: Final = ("event", "intent", "opt", "config")
"""Kinds of record that belong to one event at one site, besides its telemetry."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles events whose late-data window has closed."""

    office: Office

    async def settle(
        self, intent: IntentId, timer: Timer | None = None
    ) -> SettlementStatement | None:
        """Compute and store the next version of a statement.

        Args:
            intent: What to settle.
            timer: Dropped in the transaction that stores the result, so that a crash settles once. By its key it says
                whether late data is the reason.

        Returns:
            The statement, or None when there is none: nothing was owed (opted out, cancelled before the start), what
            was gathered cannot be settled, no figure changed, or the intent was revised meanwhile.

        Raises:
            StoreError: nothing was stored.
        """
        outcome: Settled | GatewayError
        revision, read_to = await self.office.store.read(
            lambda work: (_revision(work, intent), work.log.size())
        )
        late = timer is not None and timer.key == correction_key(intent)
        try:
            gathered = await self.office.store.read(
                lambda work: self._gather(work, intent, late=late)
            )
            self.office.watch("settle.read")
            outcome = settle(gathered, METHODS)
            self.office.watch("settle.computed")
        except (MeterDataError, ConfigError, WireError) as error:
            outcome = error
        now = self.office.clock.now()

        def job(work: Work) -> SettlementStatement | None:
            if _revision(work, intent) != revision:
                return None
            if timer is not None:
                work.timers.drop(timer.key)
            with turning(self.office, work, now) as turn:
                if isinstance(outcome, Settled):
                    known = work.statements.get(outcome.statement.id)
                    if known is not None and known.version >= outcome.statement.version:
                        return known  # an attempt that nobody heard of has done it
                    return _store(turn, intent, outcome, read_to, known if late else None)
                _give_up(turn, intent, outcome)
                return None

        return await self.office.store.write(job, Step.SETTLE)

    def _gather(self, work: Work, intent: IntentId, *, late: bool) -> SettlementInputs:
        known = work.statements.get(statement_id(intent))
        came = late_records(work, intent) if late else []
        header = Header(
            statement_id=statement_id(intent),
            version=known.version + 1 if known else 1,
            status=StatementStatus.RESETTLED if known else StatementStatus.INITIAL,
            software=self.office.book.software,
            correction=_correction(work, intent, known, came) if known else None,
        )
        if late and known is not None:
            batches = set(known.inputs.telemetry) | named(came)
            return inputs_from_records(corrected_story(work, intent, batches), header)
        return gather(work, intent, header)


def _correction(
    work: Work, intent: IntentId, known: SettlementStatement, came: Sequence[Logged]
) -> Correction | None:
    """Name the version that comes before, and why there is another one."""
    entries = work.log.entries(kinds=("settlement",), subject=intent)
    last = logged(entries[-1].index, entries[-1].record) if entries else None
    if last is None or last.document.get("version") != known.version:
        return None  # a ledger without its log; the store's own check says so
    return Correction(
        corrects=known.version,
        sha256=statement_digest(last),
        reason=CorrectionReason.LATE_DATA if came else CorrectionReason.EVENT_CHANGED,
        late=tuple(one.index for one in came),
    )


def _revision(work: Work, intent: IntentId) -> int:
    record = work.intents.get(intent)
    return record.intent.revision if record else 0


def _give_up(turn: Turn, intent: IntentId, error: GatewayError) -> None:
    """Close an intent that owed nothing; write down for the operator why anything else was not settled."""
    record = turn.work.intents.get(intent)
    if error.reason == "NOTHING_OWED":
        if record is not None and record.intent.status is State.COMPLETED:
            turn.settled(record)
        return
    log.warning("not_settled", intent_id=intent, reason=error.reason, detail=error.detail)
    turn.log("audit", intent, {"word": "not_settled", "reason": error.reason})


def statement_id(intent: IntentId) -> str:
    """Name the statement of an intent: one per event and site."""
    return f"st-{intent}"


def gather(work: Work, intent: IntentId, header: Header) -> SettlementInputs:
    """Collect the inputs of one statement from the log.

    Raises:
        MeterDataError: when records are missing or nothing was owed.
    """
    return inputs_from_records(story_of(work, intent), header)


def story_of(work: Work, intent: IntentId) -> list[Logged]:
    """Return the records of one event at one site in log order: terms, event, intent, answers, telemetry.

    Telemetry is read from the first window that the statement looks at; what was metered before does not matter.
    """
    record = _known(work, intent)
    told = _told(work, record)
    probe = Header(
        statement_id="probe", version=1, status=StatementStatus.INITIAL, software="probe"
    )
    span = evidence_span(inputs_from_records(told, probe), METHODS)
    metered = work.log.entries(kinds=("telemetry",), subject=record.intent.site, since=span.start)
    return sorted([*told, *_typed(metered)], key=lambda one: one.index)


def corrected_story(work: Work, intent: IntentId, batches: Collection[int]) -> list[Logged]:
    """Return the same with these batches alone, by their places in the log.

    What the meter told between a statement and what came late for it may be the data of months, and is none of it.
    """
    told = _told(work, _known(work, intent))
    return sorted([*told, *_typed(work.log.at(batches))], key=lambda one: one.index)


def _known(work: Work, intent: IntentId) -> IntentRecord:
    record = work.intents.get(intent)
    if record is None:
        raise MeterDataError("RECORDS_INCOMPLETE", "there is no such intent")
    return record


def _told(work: Work, record: IntentRecord) -> list[Logged]:
    """Return everything but telemetry."""
    site, intent = record.intent.site, record.intent.id
    program = record.intent.provenance.authority.program
    entries = [
        *work.log.entries(
            kinds=("config",), subject=terms_subject(record.event.utility, program, site)
        ),
        *work.log.entries(kinds=("event",), subject=record.event.event_id),
        *work.log.entries(kinds=("intent", "opt"), subject=intent),
    ]
    return _typed(entries)


def _typed(entries: list[LogEntry] | tuple[LogEntry, ...]) -> list[Logged]:
    return [logged(entry.index, entry.record) for entry in sorted(entries, key=lambda e: e.index)]


def terms_subject(utility: str, program: str, site: str) -> str:
    """Name what one ``config`` record is about."""
    return f"{utility}/{program}/{site}"


def _store(
    turn: Turn,
    intent: IntentId,
    settled: Settled,
    read_to: int,
    corrected: SettlementStatement | None,
) -> SettlementStatement | None:
    """Store a statement and what may still correct it; late data that changes no figure makes no version.

    Args:
        turn: The open turn.
        intent: What was settled.
        settled: The result.
        read_to: Length of the log when its records were read.
        corrected: The version that late data corrects; None: it is no matter of late data.
    """
    statement = settled.statement
    changed = corrected is None or _figures(statement, corrected) != corrected
    if changed:
        turn.work.statements.put(statement)
        for kind, document in closing_documents(result_of(settled)):
            turn.log(kind, intent, document)
    record = turn.work.intents.get(intent)
    if record is not None and allowed(record.intent.status, Input.SETTLE):
        turn.settled(record)
    if record is not None:
        version = statement.version if changed else statement.version - 1
        _leave_open(turn, record, settled, version, read_to)
    return statement if changed else None


def _figures(statement: SettlementStatement, like: SettlementStatement) -> SettlementStatement:
    """Return a statement as if it rested on what another one rests on, so that only figures and flags differ."""
    return statement.model_copy(
        update={
            "version": like.version,
            "status": like.status,
            "inputs": like.inputs,
            "software": like.software,
            "correction": like.correction,
        }
    )


def _leave_open(
    turn: Turn, record: IntentRecord, settled: Settled, version: int, read_to: int
) -> None:
    """Remember what may still correct a statement, for as long as its program says."""
    turn.work.open_statements.close_due(turn.now)
    site, statement = turn.site_of(record), settled.statement
    until = statement.end + turn.program_of(record).correct_within
    readings = settled.measured.readings
    if site is None or not readings or until <= turn.now:
        turn.work.open_statements.close(IntentId(record.intent.id))
        return
    last = readings[-1]
    known = OpenStatement(
        intent=IntentId(record.intent.id),
        site=site.site,
        meter=MeterId(statement.meter),
        span=Span(start=readings[0].start, end=last.start + last.duration),
        until=until,
        version=version,
        lacking=True,
    )
    keep_open(turn.work, site, known, read_to, turn.now)


def agree(turn: Turn) -> None:
    """Write down the terms of every program at every site, once and whenever they changed; called at start."""
    for program in turn.book.programs.values():
        for name in program.sites:
            site = turn.book.sites[name]
            terms = terms_of(program, site, simulated=turn.book.simulated, test=turn.book.test_mode)
            subject = terms_subject(program.utility, program.name, name)
            if _agreed(turn.work, subject) != terms:
                turn.log("config", subject, {"terms": terms.model_dump(mode="json")})


def _agreed(work: Work, subject: str) -> StatementTerms | None:
    known = work.log.entries(kinds=("config",), subject=subject)
    if not known:
        return None
    terms = logged(known[-1].index, known[-1].record).document["terms"]
    return StatementTerms.model_validate(terms)
