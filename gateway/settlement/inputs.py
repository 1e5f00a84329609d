"""The inputs of a statement, rebuilt from log records alone: the gateway and the verifier both start here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.domain.answers import TelemetryBatch
from gateway.domain.errors import MeterDataError
from gateway.domain.event import TestKind
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.reading import Reading
from gateway.domain.settlement import Correction, InputIndexes, StatementStatus
from gateway.settlement.obligations import Answer, Revision
from gateway.settlement.records import (
    ConfigRecord,
    EventRecord,
    IntentRecord,
    Logged,
    OptRecord,
    TelemetryRecord,
)
from gateway.settlement.terms import StatementTerms

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a statement says of itself and nobody can compute."""

    statement_id: str
    version: int
    """1 for the first; a resettlement counts up."""
    status: StatementStatus
    software: str
    """Name and version of what computed it."""
    correction: Correction | None = None
    """What it corrects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementInputs:
    """Everything that a statement is a function of."""

    header: Header
    terms: StatementTerms
    event: EventRecord
    """Its highest version."""
    intents: tuple[ComputeFlexIntent, ...]
    """Every published revision in log order, at least one."""
    revisions: tuple[Revision, ...]
    """What they and later changes of state oblige to, in log order."""
    answers: tuple[Answer, ...]
    batches: tuple[TelemetryBatch, ...]
    """As received, in log order."""
    indexes: InputIndexes

    @property
    def intent(self) -> ComputeFlexIntent:
        """The newest revision."""
        return self.intents[-1]

    @property
    def test(self) -> bool:
        """Say whether the event or the installation is a test."""
        return self.terms.test or self.intent.test is not TestKind.NONE

    def readings(
        self, read: Callable[[TelemetryBatch], tuple[Reading, ...]]
    ) -> tuple[Reading, ...]:
        """Return all readings of the contract meter in the order they arrived."""
        return tuple(
            reading
            for batch in self.batches
            for reading in read(batch)
            if reading.meter == self.terms.meter
        )


def inputs_from_records(records: Sequence[Logged], header: Header) -> SettlementInputs:
    """Sort log records into the inputs of one statement.

    Args:
        records: In log order: terms, the event's versions, the intent's revisions, answers, telemetry. Other kinds are
            passed over. Of several terms those logged last before the event's first version count: later ones came
            too late for it.
        header: What the statement shall be called.

    Raises:
        MeterDataError: ``RECORDS_INCOMPLETE`` when terms, event or intent is not there, or ``WRONG_RECORDS`` when they
            do not belong together.
    """
    states = _of(records, IntentRecord)
    intents = tuple(found.intent for _, found in states if found.intent is not None)
    # Event ids are the utilities' own: another one may have used the same.
    authority = intents[0].provenance.authority.name if intents else None
    events = [found for found in _of(records, EventRecord) if found[1].utility == authority]
    if not events or not intents:
        raise MeterDataError(
            "RECORDS_INCOMPLETE", "a statement needs an event and an intent record"
        )
    configs = [found for found in _of(records, ConfigRecord) if found[0] < events[0][0]]
    if not configs:
        raise MeterDataError("RECORDS_INCOMPLETE", "no config record was logged before the event")
    opts, telemetry = _of(records, OptRecord), _of(records, TelemetryRecord)
    words = (Revision.logged(found.t, found.intent, found.status) for _, found in states)
    inputs = SettlementInputs(
        header=header,
        terms=configs[-1][1].terms,
        event=max(events, key=lambda found: (found[1].version, found[0]))[1],
        intents=intents,
        revisions=tuple(word for word in words if word is not None),
        answers=tuple(Answer(at=found.t, opt=found.opt) for _, found in opts if found.opt),
        batches=tuple(found.batch for _, found in telemetry),
        indexes=InputIndexes(
            config=(configs[-1][0],),
            event=tuple(found.index for found in records if found.record.k == "event"),
            intent=_indexes(states),
            opt=_indexes(opts),
            telemetry=_indexes(telemetry),
        ),
    )
    _belong_together(inputs, telemetry, [found.src for _, found in (*states, *opts)])
    return inputs


def _of(records: Sequence[Logged], kind: type[R]) -> list[tuple[int, R]]:
    return [(found.index, found.record) for found in records if isinstance(found.record, kind)]


def _indexes(found: Sequence[tuple[int, object]]) -> tuple[int, ...]:
    return tuple(index for index, _ in found)


def _belong_together(
    inputs: SettlementInputs,
    telemetry: Sequence[tuple[int, TelemetryRecord]],
    about: Sequence[str],
) -> None:
    terms, event, intent = inputs.terms, inputs.event, inputs.intent
    subjects = {src.partition(":")[2] for src in about}
    checks = (
        ("the terms' utility is not the event's", terms.utility == event.utility),
        ("the terms' program is not the event's", terms.program == event.program),
        (
            "the intent's utility is not the event's",
            intent.provenance.authority.name == event.utility,
        ),
        ("the intent's site is not the terms'", intent.site == terms.site),
        ("the intent's meter is not the terms'", _meter_of(intent) in (None, terms.meter)),
        ("the revisions are of several intents", {i.id for i in inputs.intents} == {intent.id}),
        ("an answer or state is about another intent", subjects == {intent.id}),
        (
            "a batch is of another site",
            all(found.src == f"telemetry:{terms.site}" for _, found in telemetry),
        ),
    )
    wrong = "; ".join(text for text, holds in checks if not holds)
    if wrong:
        raise MeterDataError("WRONG_RECORDS", wrong)


def _meter_of(intent: ComputeFlexIntent) -> str | None:
    return intent.ask.measurement_point if intent.ask else None
