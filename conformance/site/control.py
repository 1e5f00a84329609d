"""Control: from the plan to what each job may draw at one instant of a fixed grid.

Time here is whole seconds since the start of the run. Settings change on a fixed grid of ``GRID_S`` seconds, ordered
so much ahead of it that they work on it, from the plan known at that moment. So it makes no difference how long a plan
took to arrive as long as it came before it mattered.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from conformance.site.jobs import FULL, Mix, total_mw, uncapped
from conformance.site.outlook import Outlook, Step
from conformance.site.policies.policy import JobState, Need
from gateway.domain.plan import Phase

GRID_S: Final = 5
MARGIN_PERMILLE: Final = 42
"""Planned distance below a cap: 4.2 %. The noise of a one-minute mean is 0.04 %."""
FORESIGHT_PERMILLE: Final = 10
"""Distance below a cap that is reached by the time the cap begins; the rest of the margin follows."""
RAMP_PERMILLE: Final = 950
"""Share of an allowed ramp that is used: the rest is for 5 W steps and noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramps:
    """The site's own ramp limits in mW per minute; None: only the plan's hold."""

    down_mw_per_min: int | None
    up_mw_per_min: int | None


def site_ramps(mix: Mix) -> Ramps:
    """Return the limits of the reference site: 12 kW/min down and 15 kW/min up on 256 GPUs, in proportion."""
    gpus = sum(job.gpus for job in mix)
    return Ramps(down_mw_per_min=12_000_000 * gpus // 256, up_mw_per_min=15_000_000 * gpus // 256)


def binding(plan: Outlook, site: Ramps) -> Ramps:
    """Return the tighter of the plan's and the site's limits, less what is kept for noise."""
    return Ramps(
        down_mw_per_min=_tighter(plan.down_mw_per_min, site.down_mw_per_min),
        up_mw_per_min=_tighter(plan.up_mw_per_min, site.up_mw_per_min),
    )


def need_at(at: int, before_mw: int, plan: Outlook, ramps: Ramps | None, mix: Mix) -> Need:
    """Say what the site may draw from one grid instant to the next.

    Args:
        at: Grid instant from which the settings work, a multiple of ``GRID_S``.
        before_mw: Target of the instant before.
        plan: The plan valid at ``at``.
        ramps: Limits on how fast the target moves, from ``binding``; None: it jumps.
        mix: The jobs.

    Returns:
        The target: the lowest cap while these settings work, less the margin as far as a lower limit leaves room for
        it; low enough already for what comes when the ramp needs the time; never further from ``before_mw`` than a
        ramp allows, even if that is above the cap.
    """
    most = total_mw(mix, uncapped(mix))
    if plan.contract_mw < most:
        most = _below(plan.contract_mw, MARGIN_PERMILLE)
    last = at + GRID_S
    now = plan.within(at, last)
    deepest = min((_planned(step.deepest_mw, most) for step in now), default=most)
    target = min((_planned(step.cap_mw, most) for step in now), default=most)
    if ramps is not None:
        target = min(target, _foreseen(plan, last, most, ramps.down_mw_per_min))
        target = min(most, max(target, _asked_at_least(now)))
        target = _moved(before_mw, target, ramps)
    return Need(
        phase=now[0].phase if now else Phase.NORMAL,
        target_mw=target,
        deepest_mw=deepest,
    )


def least_parts(floor: Fraction, done: int, at: int, end: int, capped: tuple[int, int]) -> int:
    """Return the least throughput under the cap that keeps a job's run average at its floor.

    Args:
        floor: Least run average, 0 to 1.
        done: Parts times seconds achieved so far.
        at: Now, in seconds of the run.
        end: Length of the run.
        capped: From when until when caps hold, within ``[at, end)``; outside it the job runs uncapped.

    Returns:
        Parts, 0 to ``FULL``; 0 when no cap lies within the run.
    """
    first, last = capped
    if first >= last:
        return 0
    free = end - at - (last - first)
    missing = floor * end * FULL - done - free * FULL
    return min(FULL, max(0, ceil(missing / (last - first))))


def job_states(
    mix: Mix, done: tuple[int, ...], at: int, end: int, plan: Outlook
) -> tuple[JobState, ...]:
    """Say for each job what it may still lose, given what it did so far and how long the plan limits."""
    capped = plan.limited(at, total_mw(mix, uncapped(mix)), end)
    return tuple(
        JobState(
            job=job,
            least_parts=least_parts(job.tier.floor, done[place], at, end, capped),
        )
        for place, job in enumerate(mix)
    )


def _asked_at_least(now: tuple[Step, ...]) -> int:
    """Return the highest lower limit that the caps leave room for, 0 when there is none."""
    caps = [step.cap_mw for step in now if step.cap_mw is not None]
    floors = [step.least_mw for step in now if step.least_mw is not None]
    return max(0, min([max(floors), *caps])) if floors else 0


def _foreseen(plan: Outlook, last: int, most: int, down_mw_per_min: int | None) -> int:
    """Return the highest target from which every later cap can still be reached in time."""
    if down_mw_per_min is None:
        return most
    return min(
        (
            _below(step.cap_mw, FORESIGHT_PERMILLE) + down_mw_per_min * (step.start - last) // 60
            for step in plan.steps
            if step.cap_mw is not None and step.start >= last
        ),
        default=most,
    )


def _moved(before_mw: int, target_mw: int, ramps: Ramps) -> int:
    if ramps.down_mw_per_min is not None:
        target_mw = max(target_mw, before_mw - ramps.down_mw_per_min * GRID_S // 60)
    if ramps.up_mw_per_min is not None:
        target_mw = min(target_mw, before_mw + ramps.up_mw_per_min * GRID_S // 60)
    return target_mw


def _planned(cap_mw: int | None, most: int) -> int:
    return most if cap_mw is None else min(most, _below(cap_mw, MARGIN_PERMILLE))


def _below(cap_mw: int, permille: int) -> int:
    return cap_mw * (1000 - permille) // 1000


def _tighter(plan: int | None, site: int | None) -> int | None:
    limits = [each * RAMP_PERMILLE // 1000 for each in (plan, site) if each is not None]
    return min(limits, default=None)
