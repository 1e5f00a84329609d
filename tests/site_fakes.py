"""Plans and spans for tests of the reference site: the demonstration's day, and the staircase a gateway would send."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.domain.intent import FailSafe
from gateway.domain.plan import EffectivePlan, OpenQuestion, Phase, PlanSegment
from gateway.domain.timespan import Span

RUN_START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)
"""14:40 local (UTC-7)."""
RUN = Span(start=RUN_START, end=RUN_START + timedelta(minutes=400))
MINUTE = timedelta(minutes=1)
RAMP_IN = datetime(2025, 5, 3, 23, 15, tzinfo=UTC)
EVENT = Span(
    start=datetime(2025, 5, 3, 23, 30, tzinfo=UTC), end=datetime(2025, 5, 4, 2, 30, tzinfo=UTC)
)
HOLD = range(110, 290)
"""Numbers of the 180 one-minute samples in the hold."""
PRE_EVENT_KW = Decimal("94.84")
LIMIT_KW = Decimal("71.13")
FAILSAFE = FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60)


def segment(
    start: datetime, end: datetime | None, phase: Phase, cap_kw: Decimal | None
) -> PlanSegment:
    because = () if phase is Phase.NORMAL else ("intent-1",)
    return PlanSegment(start=start, end=end, phase=phase, import_max_kw=cap_kw, because=because)


def staircase(
    *,
    event: Span = EVENT,
    pre_event_kw: Decimal = PRE_EVENT_KW,
    limit_kw: Decimal = LIMIT_KW,
    ramp_minutes: int = 15,
    up_kw: Decimal = Decimal(15),
    known_from: datetime = RUN_START,
) -> tuple[PlanSegment, ...]:
    """Cut one event into segments: a minute each on the way down and up, the hold, and no cap at either end."""
    begin = event.start - ramp_minutes * MINUTE
    parts = [segment(known_from, begin, Phase.NORMAL, None)] if known_from < begin else []
    for step in range(ramp_minutes):
        start = begin + step * MINUTE
        cap = pre_event_kw - (pre_event_kw - limit_kw) * (step + 1) / ramp_minutes
        if start >= known_from:
            parts.append(segment(start, start + MINUTE, Phase.RAMP_IN, round(cap, 3)))
    parts.append(segment(max(event.start, known_from), event.end, Phase.HOLD, limit_kw))
    start, cap = event.end, limit_kw + up_kw
    while cap <= pre_event_kw:
        parts.append(segment(start, start + MINUTE, Phase.RECOVERY, cap))
        start, cap = start + MINUTE, cap + up_kw
    return (*parts, segment(start, None, Phase.NORMAL, None))


def plan(
    segments: tuple[PlanSegment, ...],
    *,
    revision: int = 1,
    made_at: datetime = RUN_START,
    questions: tuple[OpenQuestion, ...] = (),
    measurement_point: str = "it_load",
    contracted_kw: Decimal = Decimal(150),
    max_down_kw: Decimal | None = Decimal(12),
    max_up_kw: Decimal | None = Decimal(15),
) -> EffectivePlan:
    return EffectivePlan(
        site="phx-1",
        revision=revision,
        made_at=made_at,
        measurement_point=measurement_point,
        contracted_import_kw=contracted_kw,
        segments=segments,
        open_questions=questions,
        max_down_kw_per_min=max_down_kw,
        max_up_kw_per_min=max_up_kw,
        failsafe=FAILSAFE,
    )
