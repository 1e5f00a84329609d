"""The report of a demonstration: one HTML file that opens from disk and asks nothing of the network."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.demo.chart import Band, Chart, Line, Point
from conformance.demo.figures import Series
from conformance.demo.outcome import Outcome
from conformance.demo.scenario import OFFSET, ZONE
from gateway.domain.timespan import instant_text

_CSS_OF_STATE = {
    "ramping_in": "move",
    "holding": "on",
    "breached": "on",
    "ramping_out": "move",
    "recovering": "end",
    "completed": "end",
}
_MINUTE = timedelta(minutes=1)


def write_report(outcome: Outcome, file: Path) -> Path:
    """Write the report and return its path."""
    environment = Environment(
        loader=PackageLoader("conformance.demo", "."), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("report.html.j2")
    # The chart escapes its own texts; everything else is escaped by the template.
    page = template.render(**_content(outcome)).replace("@@chart@@", _chart(outcome).svg())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    return file


def _content(outcome: Outcome) -> dict[str, object]:
    kw = outcome.limit_kw
    return {
        "title": "Phoenix demonstration, 3 May 2025",
        "flags": ["TEST", "simulated site", "test certificates", "demo prices"],
        "summary": (
            f"The utility asked for {outcome.scenario.multiplier:.0%} of the present consumption of "
            f"{outcome.pre_event_kw:.1f} kW GPU power (it_load), at most {kw:.1f} kW, from 16:30 to 19:30. "
            f"The site opted {outcome.opt}."
        ),
        "chart": "@@chart@@",
        "targets": list(_targets(outcome)),
        "statement": list(_statement(outcome)),
        "intervals": list(_intervals(outcome)),
        "verify": outcome.verify_command,
        "story": [
            (f"{h.at + OFFSET:%H:%M:%S}", instant_text(h.at.replace(microsecond=0)), h.what)
            for h in outcome.story
        ],
    }


def _targets(outcome: Outcome) -> Iterable[dict[str, object]]:
    power, scenario = outcome.power, outcome.scenario
    asked = scenario.least_throughput
    rows: list[tuple[str, str, str, bool]] = [
        (
            "Minutes of the hold at or below the limit",
            f"{power.samples} of {power.samples}",
            f"{power.samples_met} of {power.samples}",
            power.samples_met == power.samples,
        ),
        (
            "Mean margin in the hold",
            "≥ 4 %",
            f"{power.mean_margin or 0:.1%}",
            (power.mean_margin or 0) >= Decimal("0.04"),
        ),
        _minutes("Ramp", scenario.longest_ramp_min, power.ramp_minutes),
        _minutes("Recovery to 95 %", scenario.longest_recovery_min, power.recovery_minutes),
        _kw("Largest step down", scenario.largest_step_down_kw, power.step_down_kw),
        _kw("Largest step up", scenario.largest_step_up_kw, power.step_up_kw),
        (
            "Overshoot after release",
            f"≤ {scenario.largest_overshoot:.0%}",
            f"{power.overshoot:.2%}",
            power.overshoot <= scenario.largest_overshoot,
        ),
        (
            "Weighted throughput over the run",
            f"≥ {asked:.2f}",
            f"{outcome.throughput:.4f}",
            outcome.throughput >= asked,
        ),
        (
            "Pause greedy on the same plan, below it",
            f"< {outcome.throughput:.4f}",
            f"{outcome.throughput_pause_greedy:.4f}",
            outcome.throughput_pause_greedy < outcome.throughput,
        ),
        ("Every job above its tier's floor", "yes", _yes(outcome.floors_met), outcome.floors_met),
        ("Evidence verifies", "yes", _yes(outcome.evidence_verified), outcome.evidence_verified),
    ]
    for name, wanted, seen, met in rows:
        yield {"name": name, "asked": wanted, "seen": seen, "met": met}


def _minutes(name: str, longest: int, seen: int | None) -> tuple[str, str, str, bool]:
    text = "not reached" if seen is None else f"{seen} min"
    return name, f"≤ {longest} min", text, seen is not None and seen <= longest


def _kw(name: str, largest: Decimal, seen: Decimal) -> tuple[str, str, str, bool]:
    return name, f"≤ {largest} kW/min", f"{seen:.1f} kW/min", seen <= largest


def _yes(claim: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if claim else "no"


def _statement(outcome: Outcome) -> Iterable[tuple[str, str]]:
    statement, totals = outcome.statement, outcome.statement.totals
    money = statement.currency
    yield "Statement", statement.id
    yield "Utility, program", f"{statement.utility}, {statement.program}"
    yield "Event, intent", f"{statement.event_id}, {statement.intent_id}"
    yield "Measurement point", statement.measurement_point
    yield "Baseline method", statement.baseline_method
    yield "Baseline", f"{totals.baseline_kwh:.3f} kWh"
    yield "Metered", f"{totals.metered_kwh:.3f} kWh"
    yield "Reduction", f"{totals.reduction_kwh:.3f} kWh"
    yield "Obligation", f"{totals.obligation_kwh:.3f} kWh"
    yield "Shortfall", f"{totals.shortfall_kwh:.3f} kWh"
    performance = statement.performance
    yield "Performance", "none" if performance is None else f"{performance:.1%}"
    yield (
        "Price, penalty",
        (f"{statement.price_per_kwh} and {statement.penalty_per_kwh} {money}/kWh (demo values)"),
    )
    yield "Payment", f"{totals.payment} {money}"
    for other in statement.alternatives:
        reduction = "none" if other.reduction_kwh is None else f"{other.reduction_kwh:.3f} kWh"
        yield f"Beside it, by {other.method}", reduction
    yield "Status, flags", f"{statement.status.value}; {', '.join(statement.flags) or 'none'}"
    yield "Evidence root", outcome.evidence_root


def _intervals(outcome: Outcome) -> Iterable[list[str]]:
    for row in outcome.statement.intervals:
        yield [
            f"{row.start + OFFSET:%H:%M}",
            *(
                "missing" if value is None else f"{value:.3f}"
                for value in (
                    row.baseline_kwh,
                    row.metered_kwh,
                    row.reduction_kwh,
                    row.obligation_kwh,
                    row.shortfall_kwh,
                )
            ),
            f"{row.payment:.2f}",
            " ".join((row.quality.value, *row.flags)),
        ]


def _chart(outcome: Outcome) -> Chart:
    scenario = outcome.scenario
    run, hold = scenario.run, scenario.hold
    return Chart(
        title="Site power against the utility's limit",
        description=(
            f"GPU power falls from {outcome.pre_event_kw:.1f} kW to below {outcome.limit_kw:.1f} kW between 16:15 "
            "and 16:30, stays there until 19:30 and returns."
        ),
        start=run.start,
        end=run.end,
        offset=OFFSET,
        zone=ZONE,
        lines=[
            Line(name="it_load (contract meter)", css="power", points=_points(outcome.it_load)),
            Line(name="poc (with hosts)", css="poc", points=_points(outcome.poc)),
            Line(name="plan's cap", css="limit", points=outcome.caps),
            Line(name="baseline", css="base", points=_baseline(outcome)),
        ],
        bands=[
            Band(name="ramp-in", css="ramp", start=hold.start - scenario.ramp_in, end=hold.start),
            Band(name="event", css="hold", start=hold.start, end=hold.end),
            Band(name="recovery", css="back", start=hold.end, end=hold.end + scenario.recovery),
        ],
        states=_states(outcome),
    )


def _points(series: Series) -> list[Point]:
    points: list[Point] = []
    for at, kw in sorted(series.items()):
        if points and points[-1][0] == at:
            points.pop()
        # The trailing None stays, as a gap, when the next minute was not metered.
        points += [(at, kw), (at + _MINUTE, None)]
    return points


def _baseline(outcome: Outcome) -> list[Point]:
    points: list[Point] = []
    for row in outcome.statement.intervals:
        hours = Decimal(row.duration // timedelta(seconds=1)) / 3600
        points.append((row.start, None if row.baseline_kwh is None else row.baseline_kwh / hours))
    end = outcome.scenario.hold.end
    return [*points, (end, None)]


def _states(outcome: Outcome) -> Sequence[Band]:
    ends = [*outcome.phases, (outcome.scenario.run.end, "")]
    return [
        Band(name=name.replace("_", " "), css=_CSS_OF_STATE.get(name, ""), start=at, end=until)
        for (at, name), (until, _) in pairwise(ends)
        if until > at
    ]
