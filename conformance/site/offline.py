"""A whole run without sockets: the same plant, policy and plans, as fast as the machine can."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from conformance.site.minutes import Account, Minute, RunOptions
from conformance.site.run import Run
from gateway.domain.plan import EffectivePlan

PlanHistory = Sequence[tuple[datetime, EffectivePlan]]
"""When each plan reached the site, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """All minutes of a run and what the jobs got out of it."""

    minutes: tuple[Minute, ...]
    account: Account


def simulate(history: PlanHistory, options: RunOptions) -> RunResult:
    """Run a site from start to end against plans that arrive at known instants."""
    run = Run(options)
    minutes: list[Minute] = []
    for at, plan in history:
        minutes += run.minutes_until(at)
        run.adopt(plan, at)
    minutes += run.minutes_until(options.span.end)
    return RunResult(minutes=tuple(minutes), account=run.account())
