"""What the demonstration measured, from stored samples; each figure by its published definition.

hold          the samples that start in [16:30, 19:30)
ramp          from ramp-in start to the first sample from which all of the hold stay at or below the limit
recovery      from release to the first sample at 95 % of the power before the event
step          difference of neighbouring one-minute means
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from conformance.demo.scenario import Scenario
from gateway.domain.timespan import Span

MINUTE: Final = timedelta(minutes=1)
BACK: Final = Decimal("0.95")

Series = Mapping[datetime, Decimal]
"""Start of a minute -> mean kW; a minute that was not metered is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFigures:
    """How the site's power went; None where the samples do not tell."""

    hold_minutes: int
    samples: int
    """Expected in the hold."""
    samples_met: int
    missing: tuple[datetime, ...]
    """Minutes of the whole run without a sample."""
    max_kw_in_hold: Decimal | None
    mean_margin: Decimal | None
    """1 - mean power in the hold / limit."""
    ramp_minutes: int | None
    recovery_minutes: int | None
    step_down_kw: Decimal
    step_up_kw: Decimal
    overshoot: Decimal
    """Highest power after release over the power before, minus 1."""


def minutes(span: Span) -> list[datetime]:
    """Return the start of every minute in a span."""
    return [step.start for step in span.steps(MINUTE)]


def power_figures(
    scenario: Scenario, series: Series, limit_kw: Decimal, pre_event_kw: Decimal
) -> PowerFigures:
    """Judge one series of one-minute means; a missing sample counts as not met."""
    hold = minutes(scenario.hold)
    held = [series[at] for at in hold if at in series]
    mean = sum(held, Decimal(0)) / len(held) if held else None
    down, up = _steps(series, minutes(scenario.run))
    after = [kw for at, kw in series.items() if at >= scenario.hold.end]
    return PowerFigures(
        hold_minutes=len(hold),
        samples=len(hold),
        samples_met=sum(kw <= limit_kw for kw in held),
        missing=tuple(at for at in minutes(scenario.run) if at not in series),
        max_kw_in_hold=max(held, default=None),
        mean_margin=1 - mean / limit_kw if mean is not None and limit_kw else None,
        ramp_minutes=_ramp(scenario, series, limit_kw),
        recovery_minutes=_recovery(scenario, series, pre_event_kw),
        step_down_kw=down,
        step_up_kw=up,
        overshoot=max(after, default=Decimal(0)) / pre_event_kw - 1 if pre_event_kw else Decimal(0),
    )


def _ramp(scenario: Scenario, series: Series, limit_kw: Decimal) -> int | None:
    begin = scenario.hold.start - scenario.ramp_in
    settled: datetime | None = None
    for at in reversed(minutes(Span(start=begin, end=scenario.hold.end))):
        if at not in series or series[at] > limit_kw:
            break
        settled = at
    return None if settled is None else (settled - begin) // MINUTE


def _recovery(scenario: Scenario, series: Series, pre_event_kw: Decimal) -> int | None:
    release = scenario.hold.end
    for at in minutes(Span(start=release, end=scenario.run.end)):
        if at in series and series[at] >= BACK * pre_event_kw:
            return (at - release) // MINUTE
    return None


def _steps(series: Series, starts: Sequence[datetime]) -> tuple[Decimal, Decimal]:
    down = up = Decimal(0)
    for left, right in pairwise(starts):
        if left in series and right in series:
            down = max(down, series[left] - series[right])
            up = max(up, series[right] - series[left])
    return down, up


def misses(
    scenario: Scenario,
    found: PowerFigures,
    throughput: Decimal,
    throughput_pause_greedy: Decimal,
    *,
    floors_met: bool,
    verified: bool,
) -> list[str]:
    """Name every target that was missed; empty: success."""
    checks = {
        f"{found.samples - found.samples_met} samples of the hold not met": found.samples_met
        < scenario.lowest_met * found.samples,
        "the hold's mean margin lies below 4 %": found.mean_margin is None
        or found.mean_margin < Decimal("0.04"),
        f"ramp took longer than {scenario.longest_ramp_min} min": found.ramp_minutes is None
        or found.ramp_minutes > scenario.longest_ramp_min,
        f"recovery took longer than {scenario.longest_recovery_min} min": found.recovery_minutes
        is None
        or found.recovery_minutes > scenario.longest_recovery_min,
        f"a step down of {found.step_down_kw:.1f} kW": found.step_down_kw
        > scenario.largest_step_down_kw,
        f"a step up of {found.step_up_kw:.1f} kW": found.step_up_kw > scenario.largest_step_up_kw,
        f"overshoot of {found.overshoot:.1%}": found.overshoot > scenario.largest_overshoot,
        f"weighted throughput {throughput:.4f}": throughput < scenario.least_throughput,
        "pause greedy did better": throughput <= throughput_pause_greedy,
        "a job fell below its tier's floor": not floors_met,
        "the evidence does not verify": not verified,
    }
    return [what for what, missed in checks.items() if missed]
