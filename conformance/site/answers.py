"""Whether the site takes part: it does when it can hold what is asked without breaking a tier."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from conformance.site.jobs import host_mw, kw, total_mw, uncapped
from conformance.site.outlook import IT_LOAD
from conformance.site.run import Run
from gateway.domain.answers import RejectionReason
from gateway.domain.plan import EffectivePlan

_NOISE: Final = Decimal("0.995")
"""A cap is held only below this share of it: one-minute means scatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class In:
    """Take part, and draw no more than ``kw`` at the plan's meter."""

    kw: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """Do not take part."""

    reason: RejectionReason
    detail: str


def answer(plan: EffectivePlan, run: Run) -> In | Out | None:
    """Decide on the open questions of a plan; None when there are none."""
    if not plan.open_questions:
        return None
    mix = run.options.mix
    hosts = Decimal(0) if plan.measurement_point == IT_LOAD else kw(host_mw(mix))
    asked = [
        *(segment.import_max_kw for segment in plan.segments),
        *(question.asked_kw for question in plan.open_questions),
    ]
    limit = min((each for each in asked if each is not None), default=plan.contracted_import_kw)
    lowest = run.reachable_kw(plan) + hosts
    if lowest > limit * _NOISE:
        return Out(reason="infeasible", detail=f"{lowest} kW is the least this site can hold")
    most = kw(total_mw(mix, uncapped(mix))) + hosts
    least = [
        segment.import_min_kw for segment in plan.segments if segment.import_min_kw is not None
    ]
    if least and max(least) > most:
        return Out(reason="infeasible", detail=f"{most} kW is the most this site can draw")
    return In(kw=limit)
