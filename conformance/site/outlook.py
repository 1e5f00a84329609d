"""A plan seen from the plant: whole seconds of the run, milliwatts at the GPUs, and what is coming."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Final

from conformance.site.jobs import Mix, host_mw
from gateway.domain.plan import EffectivePlan, Phase, PlanSegment

IT_LOAD: Final = "it_load"
"""The GPU meter: the contract meter of the reference site."""
POC: Final = "poc"
"""The meter at the point of connection: GPUs and their hosts."""
_SHED: Final = frozenset({Phase.RAMP_IN, Phase.HOLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One segment of a plan, ``[start, end)`` in seconds since the start of the run."""

    start: int
    end: int | None
    phase: Phase
    cap_mw: int | None
    """At the GPUs; None: nothing limits."""
    least_mw: int | None
    """Lower limit at the GPUs; None: no one asks for more load."""
    deepest_mw: int | None
    """Lowest cap of the shed that this step belongs to, from here on; its own cap outside ramp-in and hold."""
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """All steps of a plan, and how fast load may move."""

    steps: tuple[Step, ...]
    contract_mw: int
    """Standing cap at the GPUs."""
    down_mw_per_min: int | None
    up_mw_per_min: int | None

    def within(self, first: int, last: int) -> tuple[Step, ...]:
        """Return the steps that touch the seconds ``[first, last)``."""
        return tuple(
            step
            for step in self.steps
            if step.start < last and (step.end is None or step.end > first)
        )

    def at(self, second: int) -> Step | None:
        """Return the step that holds in a second, None before the first."""
        return next(iter(self.within(second, second + 1)), None)

    def limited(self, second: int, most_mw: int, end: int) -> tuple[int, int]:
        """Return from when until when caps below ``most_mw`` hold in ``[second, end)``; ``(end, end)`` if never."""
        binding = [
            step
            for step in self.steps
            if step.cap_mw is not None
            and step.cap_mw < most_mw
            and step.start < end
            and (step.end is None or step.end > second)
        ]
        if not binding:
            return end, end
        last = binding[-1].end
        return max(second, binding[0].start), end if last is None else min(last, end)


def outlook(plan: EffectivePlan, mix: Mix, start: datetime) -> Outlook:
    """Read a plan for a site whose run began at ``start``.

    Caps that count at another meter than the GPUs' are lowered by what the hosts draw. Caps are rounded down to whole
    milliwatts, the seconds of a step outwards.
    """
    hosts = 0 if plan.measurement_point == IT_LOAD else host_mw(mix)
    steps: list[Step] = []
    for segment in reversed(plan.segments):
        steps.append(_step(segment, hosts, start, steps[-1] if steps else None))
    return Outlook(
        steps=tuple(reversed(steps)),
        contract_mw=_milliwatts(plan.contracted_import_kw) - hosts,
        down_mw_per_min=_limit(plan.max_down_kw_per_min),
        up_mw_per_min=_limit(plan.max_up_kw_per_min),
    )


def _step(segment: PlanSegment, hosts: int, start: datetime, after: Step | None) -> Step:
    cap = None if segment.import_max_kw is None else _milliwatts(segment.import_max_kw) - hosts
    least = None if segment.import_min_kw is None else _milliwatts(segment.import_min_kw) - hosts
    deepest = cap
    if segment.phase in _SHED and after is not None and after.phase in _SHED:
        deepest = _lower(cap, after.deepest_mw)
    return Step(
        start=floor((segment.start - start) / timedelta(seconds=1)),
        end=None if segment.end is None else ceil((segment.end - start) / timedelta(seconds=1)),
        phase=segment.phase,
        cap_mw=cap,
        least_mw=least,
        deepest_mw=deepest,
        because=segment.because,
    )


def _lower(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _milliwatts(kilowatts: Decimal) -> int:
    return floor(kilowatts.scaleb(6))


def _limit(kw_per_min: Decimal | None) -> int | None:
    return None if kw_per_min is None else _milliwatts(kw_per_min)
