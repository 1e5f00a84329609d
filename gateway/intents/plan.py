"""Overlapping intents -> the one effective plan of a site.

Each intent that the site has not refused draws a profile over time:

    kW  pre-event ──┐ ramp-in: one-minute steps                  ┌── up by the site's ramp, step by step
                    └──┐                                     ┌───┘
                       └──── hold: the asked caps ───────────┘
                   start - ramp_in   start               end (or cancel)

Caps of several intents intersect: the lowest maximum and the highest minimum hold. The same inputs give the same plan.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from gateway.domain.event import TestKind
from gateway.domain.guard import Guard
from gateway.domain.intent import Ask, ComputeFlexIntent, FailSafe, Segment
from gateway.domain.names import IntentId
from gateway.domain.plan import EffectivePlan, OpenQuestion, Phase, PlanSegment, SiteEnvelope
from gateway.domain.quantity import Safe, round_safely
from gateway.domain.site import Site

STEP: Final = timedelta(minutes=1)
LONGEST_STAIRCASE: Final = 240
"""Steps of one ramp; a slower ramp takes wider steps instead of more of them."""
LONGEST_WAY_UP: Final = timedelta(days=2)
"""After that a recovery is over, however slow the site says it is."""
MOST_SEGMENTS: Final = 400
"""Segments of one plan; beyond that, neighbours are joined under the lower of their caps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One intent's claim on the plan."""

    intent: ComputeFlexIntent
    open_question: bool
    """True: the site has not answered this revision yet."""
    binding: bool
    """False: nothing is asked (refused, default out, test that does not actuate); only the question stands."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of the plan while it is being made: it may be one of very many, and is published only if it stays."""

    start: datetime
    end: datetime | None
    phase: Phase
    import_max_kw: Decimal | None
    import_min_kw: Decimal | None
    because: tuple[IntentId, ...]

    def published(self) -> PlanSegment:
        """Return it as the site is to see it."""
        cap, floor = self.import_max_kw, self.import_min_kw
        return PlanSegment(
            start=self.start,
            end=self.end,
            phase=self.phase,
            import_max_kw=cap,
            import_min_kw=floor,
            target_kw=cap if cap is not None and cap == floor else None,
            because=self.because,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one intent's profile."""

    start: datetime
    end: datetime | None
    phase: Phase
    import_max_kw: Decimal | None
    import_min_kw: Decimal | None
    intent: IntentId


def make_plan(
    site: Site, claims: Iterable[Claim], *, revision: int, now: datetime, failsafe: FailSafe
) -> EffectivePlan:
    """Make the plan that holds from ``now`` on.

    Args:
        site: Gives the contract, the ramps and the measurement point.
        claims: In any order.
        revision: Of the plan.
        now: The plan's first instant.
        failsafe: What the site does when the gateway is silent.
    """
    ordered = sorted(claims, key=lambda claim: (claim.intent.received_at, claim.intent.id))
    steps = [step for claim in ordered for step in _profile(claim, site)]
    pieces = _bounded(_merged(_cut(steps, now)), site.contracted_import_kw)
    questions = tuple(_question(claim.intent) for claim in ordered if claim.open_question)
    return EffectivePlan(
        site=site.site,
        revision=revision,
        made_at=now,
        measurement_point=site.contract_meter,
        contracted_import_kw=site.contracted_import_kw,
        segments=tuple(piece.published() for piece in pieces),
        open_questions=questions,
        max_down_kw_per_min=site.ramp_down_kw_per_min,
        max_up_kw_per_min=site.ramp_up_kw_per_min,
        failsafe=failsafe,
        envelope=_envelope(site.guard) if site.guard else None,
        notes=tuple(note for claim in ordered for note in _notes(claim)),
        test=any(claim.intent.test is not TestKind.NONE for claim in ordered if claim.binding),
    )


def level_at(claim: Claim, site: Site, at: datetime) -> Step | None:
    """Return what a claim asks at an instant; None when it asks nothing."""
    return next(
        (s for s in _profile(claim, site) if s.start <= at and (s.end is None or at < s.end)), None
    )


def _envelope(guard: Guard) -> SiteEnvelope:
    return SiteEnvelope(
        lowest_import_kw=guard.lowest_kw,
        highest_import_kw=guard.highest_kw,
        ramp_kw_per_min=guard.ramp_kw_per_min,
        events_per_hour=guard.events_per_hour,
        events_per_day=guard.events_per_day,
        reversals_per_hour=guard.reversals_per_hour,
        reversals_per_day=guard.reversals_per_day,
        min_hold=guard.min_hold,
        longest_event=guard.longest_event,
        re_arm=guard.re_arm,
    )


def _notes(claim: Claim) -> Iterable[str]:
    """Say in which points a binding intent is not followed as asked."""
    guarded = claim.intent.guard
    if guarded is None or not claim.binding:
        return ()
    short = claim.intent.id[:8]
    return [f"{short}: {note.rule}: {note.detail} ({note.action})" for note in guarded.notes]


def clear_at(claim: Claim, site: Site) -> datetime | None:
    """Return the instant from which a claim says nothing any more; None while open-ended or when it never did."""
    steps = _profile(claim, site)
    return steps[-1].end if steps else None


def _question(intent: ComputeFlexIntent) -> OpenQuestion:
    asked = intent.ask.segments if intent.ask else ()
    caps = [s.resolved_import_max_kw for s in asked]
    if intent.guard is not None:
        caps = [s.import_max_kw for s in intent.guard.steps]
    known = [cap for cap in caps if cap is not None]
    return OpenQuestion(
        intent_id=intent.id,
        revision=intent.revision,
        opt_by=intent.response.opt_by,
        asked_kw=min(known) if known else None,
    )


def _profile(claim: Claim, site: Site) -> list[Step]:
    """Draw one intent's steps: ramp-in, hold, recovery; nothing when it does not bind or caps nothing."""
    intent, ask = claim.intent, claim.intent.ask
    if ask is None or not claim.binding:
        return []
    top = present_kw(intent, site)
    steps = _guarded_steps(intent) if intent.guard else _asked_steps(intent, ask, top)
    if intent.cancelled_at is not None:
        steps = _ended(steps, intent.cancelled_at)
    if not steps or steps[-1].end is None:
        return steps
    return [*steps, *_recovery(steps[-1], top, site.ramp_up_kw_per_min)]


def _guarded_steps(intent: ComputeFlexIntent) -> list[Step]:
    """Follow the operator's envelope, to the last step that asks anything."""
    steps = [
        Step(
            s.start,
            s.end,
            Phase.RAMP_IN if s.start < intent.timing.start else Phase.HOLD,
            s.import_max_kw,
            s.import_min_kw,
            IntentId(intent.id),
        )
        for s in (intent.guard.steps if intent.guard else ())
    ]
    while steps and steps[-1].import_max_kw is None and steps[-1].import_min_kw is None:
        steps.pop()
    return steps


def _asked_steps(intent: ComputeFlexIntent, ask: Ask, top: Decimal) -> list[Step]:
    hold = [
        Step(
            s.start,
            None if s.duration is None else s.start + s.duration,
            Phase.HOLD,
            s.resolved_import_max_kw,
            s.resolved_import_min_kw,
            IntentId(intent.id),
        )
        for s in ask.segments
    ]
    return [*_ramp_in(intent, ask.segments[0], top), *hold]


def present_kw(intent: ComputeFlexIntent, site: Site) -> Decimal:
    """Return the level that load comes down from and goes back to."""
    resolution = intent.ask.resolution if intent.ask else None
    known = resolution.pre_event_kw if resolution else None
    return known if known is not None else site.contracted_import_kw


def _ramp_in(intent: ComputeFlexIntent, first: Segment, top: Decimal) -> list[Step]:
    """Come down in equal one-minute steps, so that the asked cap holds from the start on."""
    cap, ramp = first.resolved_import_max_kw, intent.timing.ramp_in
    if cap is None or not ramp or cap >= top:
        return []
    count = min(max(ramp // STEP, 1), LONGEST_STAIRCASE)
    begin = intent.timing.start - ramp
    # Each edge is computed from the whole ramp, so that no rounded length leaves a gap before the start.
    return [
        Step(
            begin + ramp * k / count,
            begin + ramp * (k + 1) / count,
            Phase.RAMP_IN,
            round_safely(top - (top - cap) * (k + 1) / count, Safe.CAP),
            None,
            IntentId(intent.id),
        )
        for k in range(count)
    ]


def _recovery(last: Step, top: Decimal, up_kw_per_min: Decimal) -> list[Step]:
    """Go back up by the site's ramp until the level before the event is reached; then the cap is gone."""
    if last.import_max_kw is None or last.end is None or last.import_max_kw >= top:
        return []
    minutes = min(math.ceil((top - last.import_max_kw) / up_kw_per_min), LONGEST_WAY_UP // STEP)
    width = math.ceil(minutes / LONGEST_STAIRCASE)
    return [
        Step(
            last.end + k * STEP,
            last.end + (k + width) * STEP,
            Phase.RECOVERY,
            round_safely(last.import_max_kw + (k + 1) * up_kw_per_min, Safe.CAP),
            None,
            last.intent,
        )
        for k in range(0, minutes - 1, width)
    ]


def _ended(steps: Sequence[Step], at: datetime) -> list[Step]:
    """Cut a profile off at an instant."""
    kept = [step for step in steps if step.start < at]
    return [
        Step(s.start, at, s.phase, s.import_max_kw, s.import_min_kw, s.intent)
        if s.end is None or s.end > at
        else s
        for s in kept
    ]


def _cut(steps: Sequence[Step], now: datetime) -> Iterable[Piece]:
    """Cut time where any profile changes, from ``now`` on, and intersect what holds in each piece."""
    edges = {step.start for step in steps} | {step.end for step in steps if step.end is not None}
    cuts = [now, *sorted(edge for edge in edges if edge > now)]
    coming = deque(sorted(steps, key=lambda step: step.start))
    holding: list[Step] = []
    for k, start in enumerate(cuts):
        while coming and coming[0].start <= start:
            holding.append(coming.popleft())
        holding = [step for step in holding if step.end is None or start < step.end]
        yield _intersect(start, cuts[k + 1] if k + 1 < len(cuts) else None, holding)


_RANK: Final = {Phase.HOLD: 0, Phase.RAMP_IN: 1, Phase.RECOVERY: 2, Phase.NORMAL: 3}


def _intersect(start: datetime, end: datetime | None, holding: Sequence[Step]) -> Piece:
    caps = [s.import_max_kw for s in holding if s.import_max_kw is not None]
    floors = [s.import_min_kw for s in holding if s.import_min_kw is not None]
    cap = min(caps) if caps else None
    floor = max(floors) if floors else None
    if cap is not None and floor is not None and floor > cap:
        floor = None  # an empty intersection: the cap protects the grid, the floor gives way
    because = [
        s
        for s in holding
        if (cap is not None and s.import_max_kw == cap)
        or (floor is not None and s.import_min_kw == floor)
    ]
    phase = min((s.phase for s in because), key=_RANK.__getitem__, default=Phase.NORMAL)
    return Piece(start, end, phase, cap, floor, tuple(sorted({s.intent for s in because})))


def _bounded(pieces: list[Piece], free_kw: Decimal) -> list[Piece]:
    """Join neighbours until there are few enough, those first whose caps differ least; never above any of them."""
    while len(pieces) > MOST_SEGMENTS:
        steps = [_step_kw(one, other, free_kw) for one, other in pairwise(pieces)]
        highest = sorted(steps)[len(pieces) - MOST_SEGMENTS - 1]
        joined: list[Piece] = []
        fresh = False
        for piece, step_kw in zip(pieces, [None, *steps], strict=True):
            # A piece that was just joined waits for the next round, so that joints spread over the plan.
            if joined and not fresh and step_kw is not None and step_kw <= highest:
                joined[-1], fresh = _joined(joined[-1], piece), True
            else:
                joined.append(piece)
                fresh = False
        pieces = joined
    return pieces


def _step_kw(one: Piece, other: Piece, free_kw: Decimal) -> Decimal:
    caps = [
        free_kw if piece.import_max_kw is None else piece.import_max_kw for piece in (one, other)
    ]
    return abs(caps[0] - caps[1])


def _joined(one: Piece, other: Piece) -> Piece:
    caps = [p.import_max_kw for p in (one, other) if p.import_max_kw is not None]
    cap = min(caps, default=None)
    # A floor counts only where it holds all the time: nobody shall be made to draw more than was asked.
    same_floor = one.import_min_kw == other.import_min_kw
    floor = one.import_min_kw if same_floor else None
    if cap is not None and floor is not None and floor > cap:
        floor = None
    phase = min(one.phase, other.phase, key=_RANK.__getitem__)
    because = tuple(sorted({*one.because, *other.because}))
    return Piece(one.start, other.end, phase, cap, floor, because)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Join neighbours that say the same."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and _says(joined[-1]) == _says(piece):
            joined[-1] = replace(joined[-1], end=piece.end)
        else:
            joined.append(piece)
    return joined


def _says(piece: Piece) -> tuple[object, ...]:
    return (piece.phase, piece.import_max_kw, piece.import_min_kw, piece.because)
