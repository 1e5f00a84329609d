"""The statement: one pure function of the inputs, run by the gateway and again by every verifier."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from pydantic import ValidationError

from gateway.domain.errors import MeterDataError, WireError
from gateway.domain.names import MeterId
from gateway.domain.reading import Measured, MeasureRequest, Quality, Reading
from gateway.domain.rounding import MONEY_PLACES, exact_sum, half_even
from gateway.domain.settlement import (
    BaselineRequest,
    BaselineResult,
    BaselineRow,
    IntervalRow,
    MethodSummary,
    SettlementStatement,
    Totals,
)
from gateway.domain.timespan import Span
from gateway.settlement.inputs import SettlementInputs
from gateway.settlement.methods import Methods
from gateway.settlement.obligations import Owed
from gateway.settlement.performance import Score, obligation_kwh, performance, score
from gateway.settlement.plan import Plan, period_of, plan_of
from gateway.settlement.terms import StatementTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A statement and what it was computed from."""

    statement: SettlementStatement
    baselines: tuple[BaselineResult, ...]
    """The paid one first, then the alternatives."""
    measured: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One interval before it is written down."""

    owed: Owed
    row: BaselineRow | None
    reading: Reading
    score: Score


def settle(inputs: SettlementInputs, methods: Methods) -> Settled:
    """Compute one statement.

    Without a baseline nothing is owed and nothing is paid, and the statement says so.

    Raises:
        MeterDataError: ``EVENT_STILL_OPEN``, ``NOTHING_OWED`` (there is nothing to state), ``TOO_LONG``,
            ``OUT_OF_RANGE`` (a figure has more digits than published decimals carry).
        ConfigError: when the baseline or validation parameters cannot be used.
    """
    try:
        return _settled(inputs, methods)
    except (ValidationError, WireError):
        text = "a figure has more digits than a statement can carry; check the meter and the prices"
        raise MeterDataError("OUT_OF_RANGE", text) from None


def _settled(inputs: SettlementInputs, methods: Methods) -> Settled:
    terms = inputs.terms
    plan = plan_of(inputs)
    measured = methods.measure(_measure_request(inputs, plan.event, methods))
    frozen = _frozen(inputs, plan)
    results = tuple(
        methods.baseline(
            BaselineRequest(
                method=method,
                event=plan.event,
                interval=terms.interval,
                readings=measured.readings,
                timezone=terms.timezone,
                frozen=frozen,
            )
        )
        for method in (terms.baseline, *terms.alternatives)
    )
    judged = _judge(plan, results[0], measured.readings, terms)
    return Settled(
        statement=_write(inputs, plan, judged, results, frozen),
        baselines=results,
        measured=measured,
    )


def _measure_request(inputs: SettlementInputs, event: Span, methods: Methods) -> MeasureRequest:
    terms = inputs.terms
    period = period_of(terms, event, methods)
    return MeasureRequest(
        meter=MeterId(terms.meter),
        readings=tuple(
            reading for reading in inputs.readings(methods.read) if reading.span.overlaps(period)
        ),
        period=period,
        raw_interval=terms.meter_interval,
        interval=terms.interval,
        timezone=terms.timezone,
        rules=terms.vee,
    )


def _frozen(inputs: SettlementInputs, plan: Plan) -> dict[str, Decimal]:
    """Collect the powers that were frozen at intake: by the newest revision that carries them."""
    found = {}
    limits = [piece.limit_kw for piece in plan.owed.values() if piece.limit_kw is not None]
    if limits:
        found["limit_kw"] = min(limits)
    for intent in inputs.intents:
        resolution = intent.ask.resolution if intent.ask else None
        if resolution is not None and resolution.pre_event_kw is not None:
            found["pre_event_kw"] = resolution.pre_event_kw
    return found


def _judge(
    plan: Plan, baseline: BaselineResult, readings: Iterable[Reading], terms: StatementTerms
) -> list[_Judged]:
    rows = {row.start: row for row in baseline.intervals}
    by_start = {reading.start: reading for reading in readings}
    nothing = Score(obligation_kwh=Fraction(0), shortfall_kwh=Fraction(0), payment=Fraction(0))
    judged = []
    for start, owed in plan.owed.items():
        row = rows.get(start)
        found = (
            nothing
            if row is None
            else score(owed, row.baseline_kwh, row.reduction_kwh, terms.interval, terms)
        )
        judged.append(_Judged(owed=owed, row=row, reading=by_start[start], score=found))
    return judged


def _write(
    inputs: SettlementInputs,
    plan: Plan,
    judged: Sequence[_Judged],
    results: Sequence[BaselineResult],
    frozen: Mapping[str, Decimal],
) -> SettlementStatement:
    header, terms, event = inputs.header, inputs.terms, inputs.event
    intent = inputs.intent
    summaries = [_summary(result, plan, terms) for result in results]
    return SettlementStatement(
        id=header.statement_id,
        version=header.version,
        status=header.status,
        utility=terms.utility,
        program=terms.program,
        event_id=event.event_id,
        intent_id=intent.id,
        site=terms.site,
        meter=terms.meter,
        measurement_point=intent.ask.measurement_point if intent.ask else terms.meter,
        start=plan.planned.start,
        end=plan.planned.end,
        currency=terms.currency,
        price_per_kwh=terms.price_per_kwh,
        penalty_per_kwh=terms.penalty_per_kwh,
        pre_event_kw=frozen.get("pre_event_kw"),
        limit_kw=frozen.get("limit_kw"),
        intervals=tuple(_interval(one, terms) for one in judged),
        totals=_totals(judged),
        performance=_performance(judged),
        baseline_method=results[0].method,
        baseline=summaries[0],
        alternatives=tuple(summaries[1:]),
        quality_counts=_counts(judged),
        flags=tuple(sorted(_flags(plan, judged, results[0], terms))),
        inputs=inputs.indexes,
        software=header.software,
        simulated=terms.simulated,
        test=inputs.test,
        correction=header.correction,
    )


def _interval(one: _Judged, terms: StatementTerms) -> IntervalRow:
    missing = ("event_data_missing",) if one.reading.energy_kwh is None else ()
    return IntervalRow(
        start=one.reading.start,
        duration=terms.interval,
        baseline_kwh=one.row.baseline_kwh if one.row else None,
        metered_kwh=one.reading.energy_kwh,
        reduction_kwh=one.row.reduction_kwh if one.row else None,
        obligation_kwh=half_even(one.score.obligation_kwh),
        shortfall_kwh=half_even(one.score.shortfall_kwh),
        payment=half_even(one.score.payment),
        quality=one.reading.quality,
        flags=tuple(sorted({*one.reading.flags, *missing})),
    )


def _totals(judged: Sequence[_Judged]) -> Totals:
    metered = [one.row for one in judged if one.row and one.row.reduction_kwh is not None]
    scores = [one.score for one in judged]
    return Totals(
        baseline_kwh=half_even(exact_sum(row.baseline_kwh for row in metered)),
        metered_kwh=half_even(
            exact_sum(
                one.reading.energy_kwh for one in judged if one.reading.energy_kwh is not None
            )
        ),
        reduction_kwh=half_even(
            exact_sum(row.reduction_kwh for row in metered if row.reduction_kwh is not None)
        ),
        obligation_kwh=half_even(sum((one.obligation_kwh for one in scores), Fraction(0))),
        shortfall_kwh=half_even(sum((one.shortfall_kwh for one in scores), Fraction(0))),
        payment=half_even(sum((one.payment for one in scores), Fraction(0)), MONEY_PLACES),
    )


def _performance(judged: Sequence[_Judged]) -> Decimal | None:
    rows = [one.row for one in judged if one.row is not None]
    reduction = exact_sum(row.reduction_kwh for row in rows if row.reduction_kwh is not None)
    owed = sum((one.score.obligation_kwh for one in judged), Fraction(0))
    return performance(reduction, owed)


def _summary(result: BaselineResult, plan: Plan, terms: StatementTerms) -> MethodSummary:
    """Add one method's result up over the intervals that were owed."""
    rows = [row for row in result.intervals if row.start in plan.owed]
    metered = [row for row in rows if row.reduction_kwh is not None]
    owed = sum(
        (
            obligation_kwh(plan.owed[row.start], row.baseline_kwh, row.duration, terms)
            for row in rows
            if row.reduction_kwh is not None or terms.missing == "shortfall"
        ),
        Fraction(0),
    )
    reduction = exact_sum(row.reduction_kwh for row in metered if row.reduction_kwh is not None)
    return MethodSummary(
        method=result.method,
        parameters=result.parameters,
        status=result.status,
        baseline_kwh=half_even(exact_sum(row.baseline_kwh for row in metered)) if rows else None,
        metered_kwh=half_even(
            exact_sum(row.metered_kwh for row in metered if row.metered_kwh is not None)
        )
        if rows
        else None,
        reduction_kwh=half_even(reduction) if rows else None,
        performance=result.figures.get("performance", performance(reduction, owed)),
        figures=result.figures,
        flags=result.flags,
        source=result.source,
        verified=result.verified,
        unverified=result.unverified,
    )


def _counts(judged: Sequence[_Judged]) -> dict[str, int]:
    found = Counter(one.reading.quality for one in judged)
    return {quality.value: found[quality] for quality in Quality}


def _flags(
    plan: Plan, judged: Sequence[_Judged], paid: BaselineResult, terms: StatementTerms
) -> set[str]:
    doubtful = sum(one.reading.quality is not Quality.ACTUAL for one in judged)
    checks = {
        "baseline_insufficient": not paid.intervals,
        "baseline_unverified": not paid.verified,
        "event_data_missing": any(one.reading.energy_kwh is None for one in judged),
        "event_quality_insufficient": doubtful > terms.quality_limit * len(judged),
    }
    own = {name for name, holds in checks.items() if holds}
    # The method speaks of every interval of the event; which owed ones are missing is said above.
    return own | plan.flags | (set(paid.flags) - {"event_data_missing"})
