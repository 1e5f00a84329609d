"""Which statements came before this one, and did what this one gives as its reason come about?"""

from collections.abc import Iterator
from typing import Final

from gateway.domain.settlement import CorrectionReason, SettlementStatement
from gateway.settlement.bundle import Bundle
from gateway.settlement.checks.log import late_batches, name_of
from gateway.settlement.evidence import RESULT
from gateway.settlement.finding import Finding, incomplete, mismatch
from gateway.settlement.records import (
    LateRecord,
    Logged,
    SettlementRecord,
    TelemetryRecord,
    statement_digest,
)

CLOSING: Final = frozenset({"vee", "baseline", "settlement"})
"""Kinds of record that close a statement."""


def closing_records(bundle: Bundle) -> list[Logged]:
    """Return the records that close this statement or an earlier version of it, in log order."""
    return [found for found in bundle.records if found.record.k in CLOSING]


def is_earlier(found: Logged, statement: SettlementStatement) -> bool:
    """Say whether a record holds an earlier version of a statement."""
    record = found.record
    return (
        isinstance(record, SettlementRecord)
        and record.statement.id == statement.id
        and record.statement.version < statement.version
    )


def earlier(bundle: Bundle) -> list[tuple[Logged, SettlementRecord]]:
    """Return the earlier versions of the statement that a bundle holds, oldest first."""
    found = [
        (one, one.record)
        for one in closing_records(bundle)
        if isinstance(one.record, SettlementRecord) and is_earlier(one, bundle.result.statement)
    ]
    return sorted(found, key=lambda pair: pair[1].statement.version)


def trail_is_whole(bundle: Bundle) -> Iterator[Finding]:
    """Check that each statement which was corrected is there, word for word as the correction names it."""
    known = {record.statement.version: (found, record) for found, record in earlier(bundle)}
    statement = bundle.result.statement
    while (correction := statement.correction) is not None:
        about = f"version {statement.version} corrects version {correction.corrects}"
        if correction.corrects != statement.version - 1:
            yield mismatch("trail", RESULT, f"{about}, which is not the one before it")
            return
        if correction.corrects not in known:
            yield incomplete("trail", RESULT, f"{about}, and the bundle lacks that")
            return
        found, record = known[correction.corrects]
        if statement_digest(found) != correction.sha256:
            yield mismatch("trail", name_of(found), f"{about}, which said something else")
            return
        statement = record.statement


def late_data_came_late(bundle: Bundle) -> Iterator[Finding]:
    """Check that what a correction gives as late was logged as such, about this event, and after what it corrects."""
    statement = bundle.result.statement
    correction = statement.correction
    own = f"late:{statement.intent_id}"
    late = [found for found in bundle.records if isinstance(found.record, LateRecord)]
    for found in late:
        if found.record.src != own:
            yield mismatch("trail", name_of(found), "it is about another event")
    batches = {found.index for found in bundle.records if isinstance(found.record, TelemetryRecord)}
    for index in sorted(late_batches(late) - batches):
        yield incomplete("trail", f"record {index}", "it came late, and the bundle lacks it")
    if correction is None or correction.reason is not CorrectionReason.LATE_DATA:
        return
    before = [
        found.index
        for found, record in earlier(bundle)
        if record.statement.version == correction.corrects
    ]
    if before and not any(found.index > before[0] for found in late):
        yield mismatch("trail", RESULT, "nothing came late after the statement that it corrects")
