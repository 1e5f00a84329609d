"""What was wrong with a day: the history's verdicts, and what only the store can tell."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from conformance.simulation.day import Played
from conformance.soak.history import judge
from conformance.soak.marks import Fault, Verdict
from gateway.domain.errors import WireError
from gateway.domain.intent import ComputeFlexIntent, State
from gateway.domain.timespan import instant
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.records import IntentRecord
from gateway.settlement.merkle import Tree, leaf_hash
from gateway.settlement.records import Logged, logged

PATIENCE: Final = timedelta(minutes=20)
"""Something must have got through once everybody that it needs was up for so long, though exchanges fail at times."""
CLOCK_JUMPS: Final = timedelta(hours=3)
"""Longer than any step of a clock in a script."""


def verdicts(played: Played) -> tuple[Verdict, ...]:
    """Return everything that is wrong with a day."""
    try:
        log = [logged(entry.index, entry.record) for entry, _ in played.store.state.log]
    except WireError as error:
        return (Verdict(fault=Fault.WRONG, key="the log", why=str(error)),)
    return (
        *judge(played.marks, PATIENCE),
        *_alive(played),
        *_log(played),
        *_phases(log),
        *_settlements(log),
        *_early(played, log),
        *_stuck(played),
    )


def _alive(played: Played) -> Iterator[Verdict]:
    for crash in played.crashes:
        yield Verdict(fault=Fault.WRONG, key="a task", why=f"ended by a bug: {crash}")
    for key in played.late:
        yield Verdict(fault=Fault.LOST, key=key, why="not drained when faults had stopped")


def _log(played: Played) -> Iterator[Verdict]:
    tree = Tree(leaf_hash(entry.record) for entry, _ in played.store.state.log)
    for size, root in played.roots:
        if tree.root(size) != root:
            yield Verdict(fault=Fault.WRONG, key=f"log of {size}", why="its past has changed")


def _phases(log: list[Logged]) -> Iterator[Verdict]:
    entered: Counter[tuple[str, object, object]] = Counter()
    for one in log:
        document = one.document
        if one.record.k == "intent" and document.get("cause") == "phase":
            entered[one.record.src, document["revision"], document["status"]] += 1
    for (intent, revision, status), times in entered.items():
        if times > 1:
            why = f"revision {revision} became {status} {times} times"
            yield Verdict(fault=Fault.DOUBLED, key=intent, why=why)


def _settlements(log: list[Logged]) -> Iterator[Verdict]:
    """Look for one statement per obligation: only a newer revision, another answer or late data asks for another."""
    settled: set[str] = set()
    for one in log:
        subject, document = one.record.src.partition(":")[2], one.document
        told = one.record.k == "intent" and "intent" in document
        if told or one.record.k in {"opt", "late"}:
            settled.discard(subject)
        elif one.record.k == "settlement":
            if subject in settled:
                yield Verdict(fault=Fault.DOUBLED, key=subject, why="settled again for no reason")
            settled.add(subject)


def _early(played: Played, log: list[Logged]) -> Iterator[Verdict]:
    """Look for what was concluded before its time, by the gateway's own clock; not where that was set on purpose."""
    if any(stretch.by for stretch in played.script.clocks):
        return
    newest: dict[str, ComputeFlexIntent] = {}
    for one in log:
        subject = one.record.src.partition(":")[2]
        document = one.document
        if one.record.k == "intent" and "intent" in document:
            newest[subject] = ComputeFlexIntent.model_validate(document["intent"])
        intent = newest.get(subject)
        if intent is None:
            continue
        at = instant(str(document["t"]))
        end = _end(intent)
        if one.record.k == "settlement" and end is not None and at < end:
            yield Verdict(fault=Fault.WRONG, key=subject, why=f"settled at {at}, over at {end}")
        defaulted = one.record.k == "opt" and document.get("reason") == "default"
        if defaulted and at < min(intent.expires_at, end or intent.expires_at):
            why = f"the default at {at}, the site had until {intent.expires_at}"
            yield Verdict(fault=Fault.WRONG, key=subject, why=why)


def _stuck(played: Played) -> Iterator[Verdict]:
    """Look for obligations that nothing leads on any more."""
    now = played.marks[-1].at if played.marks else played.script.start
    waits = {timer.subject for timer in played.store.state.timers.values()}
    for intent, revisions in played.store.state.intents.items():
        record = revisions[max(revisions)]
        end = _end(record.intent)
        over = end is not None and end + CLOCK_JUMPS < now
        if over and intent not in waits and not _closed(played, record):
            yield Verdict(fault=Fault.LOST, key=intent, why=f"left {record.intent.status}")


def _closed(played: Played, record: IntentRecord) -> bool:
    if record.intent.status in TERMINAL:
        return True
    given_up = any(
        entry.subject == record.intent.id and b'"not_settled"' in entry.record
        for entry, _ in played.store.state.log
    )
    return record.intent.status is State.COMPLETED and given_up


def _end(intent: ComputeFlexIntent) -> datetime | None:
    timing = intent.timing
    end = None if timing.duration is None else timing.start + timing.duration
    if intent.cancelled_at is not None:
        return intent.cancelled_at if end is None else min(end, intent.cancelled_at)
    return end
