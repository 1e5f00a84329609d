"""Meter data that comes after the statement: noted with the batch, and settled anew once no more seems to come.

    a batch counts for a statement that stands    a ``late`` record names it in the log, and a timer is set
    every interval is there now                   the timer is due at once
    else                                          after a quiet time, put off by each further batch, yet not for ever
    the timer is due                              the next version, or none when no figure changed

All of it is in the transaction of the batch: a crash loses neither or both. Each version doubles the quiet time, so
whoever sends other values for ever is answered ever more rarely; after the program's ``correct_within`` not at all.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.answers import TelemetryBatch
from gateway.domain.names import IntentId
from gateway.domain.site import Site
from gateway.domain.timespan import Span
from gateway.pipeline.ledger import OpenStatement
from gateway.pipeline.ports import Timer, Work
from gateway.settlement.records import LateRecord, Logged, TelemetryRecord, logged

LATE: Final = "late"
QUIET: Final = timedelta(minutes=5)
"""Without a further batch for so long, what came late is settled; the first correction of a statement."""
MOST_QUIET: Final = timedelta(days=1)
DOUBLINGS: Final = 9
"""Enough to pass ``MOST_QUIET``."""
PATIENCE: Final = 12
"""Quiet times after which no further batch puts a correction off."""


def correction_key(intent: IntentId) -> str:
    """Name the timer of a correction; an event that is not over yet has one beside it for its own end."""
    return f"correct:{intent}"


def note(work: Work, site: Site, batch: TelemetryBatch, index: int, at: datetime) -> None:
    """Note a batch that was just stored for every statement that it comes too late for.

    Args:
        work: The transaction that stores the batch.
        site: Declared site.
        batch: Stored for the first time.
        index: Where it stands in the log.
        at: When it came.
    """
    whole = Span(
        start=min(sample.start for sample in batch.samples),
        end=max(sample.start + sample.duration for sample in batch.samples),
    )
    for statement in work.open_statements.over(site.site, whole, at):
        if counts_for(statement, batch):
            work.log.append(LATE, statement.intent, {"telemetry": index}, at)
            expect(work, site, statement, at)


def counts_for(statement: OpenStatement, batch: TelemetryBatch) -> bool:
    """Say whether a batch holds anything that a statement is about."""
    return any(
        sample.meter == statement.meter
        and sample.start < statement.span.end
        and statement.span.start < sample.start + sample.duration
        for sample in batch.samples
    )


def expect(work: Work, site: Site, statement: OpenStatement, at: datetime) -> None:
    """Set or move the timer of a correction."""
    since = statement.late_since or at
    quiet = min(QUIET * 2 ** min(statement.version - 1, DOUBLINGS), MOST_QUIET)
    due_at = min(at + quiet, since + PATIENCE * quiet)
    if statement.lacking and not lacks(work, site, statement):
        due_at = at
    if statement.late_since is None:
        work.open_statements.put(replace(statement, late_since=since))
    key = correction_key(statement.intent)
    work.timers.set(Timer(key=key, kind="settle", subject=statement.intent, due_at=due_at))


def lacks(work: Work, site: Site, statement: OpenStatement) -> bool:
    """Say whether an interval of a statement's span was not told yet; of a meter that is gone, nothing is expected."""
    intervals = [meter.interval for meter in site.meters if meter.meter == statement.meter]
    if not intervals:
        return False
    told = work.telemetry.metered(site.site, statement.meter, statement.span)
    return told < statement.span.duration // intervals[0]


def late_records(work: Work, intent: IntentId) -> list[Logged]:
    """Return what the log names as late for one event at one site, in order."""
    return [
        logged(entry.index, entry.record)
        for entry in work.log.entries(kinds=(LATE,), subject=intent)
    ]


def named(records: Iterable[Logged]) -> set[int]:
    """Return where the batches stand that such records name."""
    return {one.record.telemetry for one in records if isinstance(one.record, LateRecord)}


def keep_open(work: Work, site: Site, statement: OpenStatement, read_to: int, at: datetime) -> None:
    """Remember what may still correct a statement, and what came while it was computed.

    Args:
        work: The transaction that stores the statement.
        site: Declared site.
        statement: To be remembered.
        read_to: Length of the log when its records were read.
        at: Now.
    """
    statement = replace(statement, lacking=lacks(work, site, statement), late_since=None)
    work.open_statements.put(statement)
    grown = work.log.at(range(read_to, work.log.size()))
    since = [
        logged(entry.index, entry.record)
        for entry in grown
        if (entry.kind, entry.subject) in {("telemetry", site.site), (LATE, statement.intent)}
    ]
    known = named(since)
    for one in since:
        record = one.record
        if isinstance(record, TelemetryRecord) and counts_for(statement, record.batch):
            if one.index not in known:
                work.log.append(LATE, statement.intent, {"telemetry": one.index}, at)
            expect(work, site, statement, at)
