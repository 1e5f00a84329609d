"""An event is over: its records are read back, a statement is computed from them alone, and stored.

Reading and computing happen outside the writer, so that a long event does not hold up the next one; only the result is
a transaction. Until that has committed the timer stays, so a crash in between settles again, with the same result.
"""

from dataclasses import dataclass
from typing import Final

import structlog

from gateway.domain.errors import ConfigError, GatewayError, MeterDataError, WireError
from gateway.domain.intent import State
from gateway.domain.names import IntentId
from gateway.domain.points import Step
from gateway.domain.settlement import SettlementStatement, StatementStatus
from gateway.intents.lifecycle import Input, allowed
from gateway.pipeline.book import Office
from gateway.pipeline.methods import METHODS
from gateway.pipeline.ports import Work
from gateway.pipeline.records import LogEntry, Timer
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning
from gateway.settlement.evidence import closing_documents, result_of
from gateway.settlement.inputs import Header, SettlementInputs, inputs_from_records
from gateway.settlement.plan import evidence_span
from gateway.settlement.records import Logged, logged
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
            timer: Dropped in the transaction that stores the result, so that a crash settles once.

        Returns:
            The statement, or None when there is none: nothing was owed (opted out, cancelled before the start), what
            was gathered cannot be settled, or the intent was revised meanwhile.

        Raises:
            StoreError: nothing was stored.
        """
        outcome: Settled | GatewayError
        revision = await self.office.store.read(lambda work: _revision(work, intent))
        try:
            gathered = await self.office.store.read(lambda work: self._gather(work, intent))
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
                    return _store(turn, intent, outcome)
                _give_up(turn, intent, outcome)
                return None

        return await self.office.store.write(job, Step.SETTLE)

    def _gather(self, work: Work, intent: IntentId) -> SettlementInputs:
        known = work.statements.get(statement_id(intent))
        header = Header(
            statement_id=statement_id(intent),
            version=known.version + 1 if known else 1,
            status=StatementStatus.RESETTLED if known else StatementStatus.INITIAL,
            software=self.office.book.software,
        )
        return gather(work, intent, header)


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
    record = work.intents.get(intent)
    if record is None:
        raise MeterDataError("RECORDS_INCOMPLETE", "there is no such intent")
    site = record.intent.site
    program = record.intent.provenance.authority.program
    entries = [
        *work.log.entries(
            kinds=("config",), subject=terms_subject(record.event.utility, program, site)
        ),
        *work.log.entries(kinds=("event",), subject=record.event.event_id),
        *work.log.entries(kinds=("intent", "opt"), subject=intent),
    ]
    told = _typed(entries)
    probe = Header(
        statement_id="probe", version=1, status=StatementStatus.INITIAL, software="probe"
    )
    span = evidence_span(inputs_from_records(told, probe), METHODS)
    metered = work.log.entries(kinds=("telemetry",), subject=site, since=span.start)
    return sorted([*told, *_typed(metered)], key=lambda one: one.index)


def _typed(entries: list[LogEntry] | tuple[LogEntry, ...]) -> list[Logged]:
    return [logged(entry.index, entry.record) for entry in sorted(entries, key=lambda e: e.index)]


def terms_subject(utility: str, program: str, site: str) -> str:
    """Name what one ``config`` record is about."""
    return f"{utility}/{program}/{site}"


def _store(turn: Turn, intent: IntentId, settled: Settled) -> SettlementStatement:
    statement = settled.statement
    turn.work.statements.put(statement)
    for kind, document in closing_documents(result_of(settled)):
        turn.log(kind, intent, document)
    record = turn.work.intents.get(intent)
    if record is not None and allowed(record.intent.status, Input.SETTLE):
        turn.settled(record)
    return statement


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
