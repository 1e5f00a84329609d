"""Which intervals of an event are settled, and how far back and forth a statement looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import MeterDataError
from gateway.domain.timespan import Span, floor_to
from gateway.settlement.inputs import SettlementInputs
from gateway.settlement.methods import Methods
from gateway.settlement.obligations import Owed, obligation
from gateway.settlement.terms import StatementTerms

MOST_INTERVALS: Final = 1_000_000
"""Raw intervals of one statement: 694 days of minutes; more is no event but an attack on whoever verifies it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settled intervals of an event and what was owed in each."""

    planned: Span
    event: Span
    """From the first interval of the grid to the end of the last one that was owed."""
    owed: Mapping[datetime, Owed]
    """By interval start, in order."""
    flags: frozenset[str]


def plan_of(inputs: SettlementInputs) -> Plan:
    """Cut an event into settlement intervals.

    They are counted from the event's start, moved up to the meter's grid (whole multiples of its interval since 1970);
    one that was not owed as a whole is left out.

    Raises:
        MeterDataError: ``EVENT_STILL_OPEN``; ``NOTHING_OWED`` when no interval was ever owed (opted out, cancelled
            before the start, no cap); ``TOO_LONG``.
    """
    terms, found = inputs.terms, obligation(inputs.revisions, inputs.answers)
    if found is None:
        raise MeterDataError("NOTHING_OWED", "no revision of the intent obliged to anything")
    if found.planned.duration // terms.meter_interval > MOST_INTERVALS:
        raise MeterDataError("TOO_LONG", f"the event has more than {MOST_INTERVALS} intervals")
    floor = floor_to(found.planned.start, terms.meter_interval)
    origin = floor if floor == found.planned.start else floor + terms.meter_interval
    grid = Span(start=origin, end=max(origin, found.planned.end))
    whole = [step for step in grid.steps(terms.interval) if step.duration == terms.interval]
    owed = {step.start: piece for step in whole if (piece := found.at(step)) is not None}
    if not owed:
        raise MeterDataError("NOTHING_OWED", "no whole interval of the event was owed")
    trimmed = origin != found.planned.start or bool(grid.duration % terms.interval)
    partial = len(owed) < len(whole)
    return Plan(
        planned=found.planned,
        event=Span(start=origin, end=max(owed) + terms.interval),
        owed=owed,
        flags=frozenset(
            name
            for name, holds in (("edge_trimmed", trimmed), ("obligation_partial", partial))
            if holds
        ),
    )


def evidence_span(inputs: SettlementInputs, methods: Methods) -> Span:
    """Return the stretch of telemetry that a statement and its verification need.

    Args:
        inputs: Without telemetry is enough.
        methods: As for ``settle``.

    Returns:
        From the window that the present consumption was frozen from, or the first window of a baseline, to the last
        instant that any method looks at. Every batch from the first one that reaches into it goes into the bundle.

    Raises:
        MeterDataError: as ``settle``.
    """
    plan = plan_of(inputs)
    period = period_of(inputs.terms, plan.event, methods)
    windows = [
        intent.ask.resolution.window_start
        for intent in inputs.intents
        if intent.ask and intent.ask.resolution
    ]
    return Span(start=min([period.start, *windows]), end=period.end)


def period_of(terms: StatementTerms, event: Span, methods: Methods) -> Span:
    """Return the period to validate: what the methods need, on the event's grid."""
    spans = [methods.reach(method, event) for method in (terms.baseline, *terms.alternatives)]
    before = event.start - min(event.start, *(span.start for span in spans))
    after = max(event.end, *(span.end for span in spans)) - event.start
    return Span(
        start=event.start - _whole(before, terms.interval),
        end=event.start + _whole(after, terms.interval),
    )


def _whole(length: timedelta, interval: timedelta) -> timedelta:
    """Round a length up to whole intervals, so that period and event share one grid."""
    return -(-length // interval) * interval
