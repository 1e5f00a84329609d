"""The operator's envelope in a turn: history is read, a request is judged, what was granted is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.guard import Guard, Move, Rule
from gateway.domain.intent import ComputeFlexIntent, Guarded, GuardNote, GuardStep, Ramp, State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
from gateway.domain.site import Site
from gateway.intents.budget import LOOK_AROUND
from gateway.intents.case import Asked, Case, Level, Verdict
from gateway.intents.drive import step_after
from gateway.intents.guard import judge
from gateway.intents.plan import level_at, present_kw
from gateway.pipeline.board import Board, end_of
from gateway.pipeline.ports import IntentRecord

KEPT: Final = timedelta(days=3)
"""Moves of events that were over before that are forgotten: no rule looks back further."""
_OF_EVENTS: Final = frozenset(
    {
        *(Rule.EVENTS_PER_HOUR, Rule.EVENTS_PER_DAY, Rule.MIN_HOLD, Rule.LONGEST_EVENT),
        Rule.RE_ARM,
    }
)
"""Rules that are about events with a beginning and an end."""
GUARD: Final = "guard"
"""The reason upstream, and the word in the audit log."""


def guarded(
    board: Board,
    intent: ComputeFlexIntent,
    site: Site,
    before: IntentRecord | None,
    *,
    waived: bool = False,
    asks: bool = True,
) -> tuple[ComputeFlexIntent, Verdict | None]:
    """Fit a fresh revision into the site's envelope, and write down what it moves.

    Args:
        board: The open transaction.
        intent: As derived; not yet published.
        site: With its envelope.
        before: The revision that holds now.
        waived: True: the operator lets pass what would be held for him.
        asks: False: it is over already, or only tells.

    Returns:
        The intent as the site is to see it, and the verdict; None where no envelope is set or nothing is asked.
    """
    guard = site.guard
    if guard is None:
        return intent, None
    if intent.ask is None or intent.hold_reason or not asks:
        _record_nothing(board, intent)
        return intent, None
    guard = guard.without(guard.holding) if waived else guard
    guard = replace(guard, actions={}) if waived else guard
    case = _case(board, intent, site, guard, before)
    verdict = _judged(intent, site, case)
    if verdict.held:
        _record_nothing(board, intent)
    else:
        _record(board, case, verdict)
    shown = _declared(intent, site, guard).model_copy(update={"guard": _published(verdict)})
    if verdict.held:
        why = f"the operator's envelope: {verdict.held}"[:1024]
        shown = shown.model_copy(update={"hold_reason": why, "status": State.RECEIVED})
    return shown, verdict


def _judged(intent: ComputeFlexIntent, site: Site, case: Case) -> Verdict:
    """Judge a request.

    A standing limit is no event: it is not counted as one, may last, and does not keep others waiting. How far and how
    fast it drives load away is bounded all the same, and so is how often, as reversals.
    """
    if not intent.timing.standing:
        return judge(_asked(intent, site), case)
    eased = replace(case, guard=case.guard.without(_OF_EVENTS))
    verdict = judge(_asked(intent, site), eased)
    return replace(verdict, moves=tuple(replace(move, opens=False) for move in verdict.moves))


def _case(
    board: Board,
    intent: ComputeFlexIntent,
    site: Site,
    guard: Guard,
    before: IntentRecord | None,
) -> Case:
    moves, now = board.work.moves, board.now
    intent_id = IntentId(intent.id)
    near = moves.of_site(site.site, min(now, intent.timing.start) - LOOK_AROUND)
    own = [move for move in moves.of_intent(intent_id) if move.at <= now]
    board.put_moves(intent_id, [replace(move, ramp_until=step_after(move, now)) for move in own])
    return Case(
        site=site.site,
        intent_id=intent_id,
        guard=guard,
        zone=ZoneInfo(site.timezone),
        now=now,
        others=[move for move in near if move.intent_id != intent_id],
        own=own,
        in_force=_in_force(board, site, before),
        fleet=board.fleet(),
    )


def _in_force(board: Board, site: Site, before: IntentRecord | None) -> Level | None:
    """Return what the version that holds now asks at this instant."""
    if before is None or before.intent.hold_reason:
        return None
    step = level_at(board.claim(before), site, board.now)
    if step is None:
        return None
    return Level(
        start=step.start,
        end=step.end,
        import_max_kw=step.import_max_kw,
        import_min_kw=step.import_min_kw,
    )


def _asked(intent: ComputeFlexIntent, site: Site) -> Asked:
    ask = intent.ask
    segments = sorted(ask.segments if ask else (), key=lambda segment: segment.start)
    top = present_kw(intent, site)
    known = ask.resolution.pre_event_kw if ask and ask.resolution else None
    return Asked(
        levels=tuple(
            Level(
                start=s.start,
                end=None if s.duration is None else s.start + s.duration,
                import_max_kw=s.resolved_import_max_kw,
                import_min_kw=s.resolved_import_min_kw,
            )
            for s in segments
        ),
        ramp_in=intent.timing.ramp_in,
        top_kw=top,
        base_kw=known if known is not None else top * 0,
    )


def _declared(intent: ComputeFlexIntent, site: Site, guard: Guard) -> ComputeFlexIntent:
    """Say in the intent's own fields what the site should keep to by itself."""
    slowest = [site.ramp_down_kw_per_min]
    slowest += [guard.ramp_kw_per_min] if guard.ramp_kw_per_min is not None else []
    ramp = Ramp(
        max_up_kw_per_min=site.ramp_up_kw_per_min,
        max_down_kw_per_min=min(slowest),
        max_step_kw=guard.ramp_kw_per_min,
    )
    timing = intent.timing.model_copy(update={"min_hold": guard.min_hold})
    return intent.model_copy(update={"ramp": ramp, "timing": timing})


def _published(verdict: Verdict) -> Guarded:
    return Guarded(
        steps=tuple(
            GuardStep(
                start=level.start,
                end=level.end,
                import_max_kw=level.import_max_kw,
                import_min_kw=level.import_min_kw,
            )
            for level in _merged(verdict.levels)
        ),
        partial=verdict.partial,
        notes=tuple(
            GuardNote(rule=found.rule.value, action=found.action.value, detail=found.detail)
            for found in verdict.findings
        ),
    )


def _merged(levels: Sequence[Level]) -> list[Level]:
    """Join neighbours that say the same."""
    joined: list[Level] = []
    for level in levels:
        last = joined[-1] if joined else None
        if last and replace(last, start=level.start, end=level.end) == level:
            joined[-1] = replace(last, end=level.end)
        else:
            joined.append(level)
    return joined


def _record(board: Board, case: Case, verdict: Verdict) -> None:
    """Write down what an intent has moved and will move."""
    begun = [
        replace(
            move,
            ramp_until=step_after(move, board.now),
            until=move.until if _before(move.until, board.now) else verdict.eased_at or move.until,
            over=move.over if _before(move.over, board.now) else verdict.over,
        )
        for move in case.own
    ]
    board.put_moves(case.intent_id, [*begun, *verdict.moves])
    board.work.moves.forget(case.site, board.now - KEPT)


def _before(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def record_end(board: Board, intent_id: IntentId, at: datetime | None = None) -> None:
    """Write down that an intent moves nothing any more: what was to begin later never counts.

    Args:
        board: The open transaction.
        intent_id: Whose moves.
        at: From when on the event is over; None: it goes on, without this site.
    """
    known = board.work.moves.of_intent(intent_id)
    ends = at or board.now
    kept = [
        replace(
            move,
            ramp_until=step_after(move, ends),
            until=_sooner(move.until, ends),
            over=move.over if at is None else _sooner(move.over, ends),
        )
        for move in known
        if move.at < ends
    ]
    if kept != list(known):
        board.put_moves(intent_id, kept)


def _record_nothing(board: Board, intent: ComputeFlexIntent) -> None:
    """Write down that a fresh revision moves nothing: what the one before has moved ends now, its event with this one.

    A later end is not taken over, nor one in the past: nobody frees or blocks others by asking for nothing.
    """
    intent_id, ends = IntentId(intent.id), end_of(intent)
    record_end(board, intent_id)
    if ends is None:
        return
    over = max(ends, board.now)
    known = board.work.moves.of_intent(intent_id)
    kept = [replace(move, over=_sooner(move.over, over)) for move in known]
    if kept != list(known):
        board.put_moves(intent_id, kept)


def _sooner(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def falls_short(board: Board, record: IntentRecord) -> bool:
    """Say whether the envelope leaves so little of a request that there is nothing to ask the site."""
    guard, policy = record.intent.guard, board.program_of(record).partial_policy
    if guard is None or record.intent.hold_reason or not guard.partial:
        return False
    whole = policy == "opt_out" and not record.intent.timing.standing
    return whole or not any(asks_anything(step) for step in guard.steps)


def say(board: Board, record: IntentRecord, verdict: Verdict | None, by: str) -> None:
    """Write down what the envelope made of a request, for whoever asks later and for the log of now."""
    if verdict is not None and verdict.findings:
        board.log("audit", record.intent.id, audit_document(record, verdict, by=by))
        board.counts += [("guard", f.rule.value, f.action.value) for f in verdict.findings]
        board.notices.append((GUARD, _notice(SiteId(record.intent.site), verdict)))


def audit_document(record: IntentRecord, verdict: Verdict, *, by: str) -> Mapping[str, object]:
    """Say in the audit log what the envelope made of a request."""
    return {
        "word": GUARD,
        "by": by,
        "utility": record.event.utility,
        "event_id": record.event.event_id,
        "version": record.version,
        "revision": record.intent.revision,
        "partial": verdict.partial,
        "held": bool(verdict.held),
        "findings": [
            {"rule": found.rule.value, "action": found.action.value, "detail": found.detail}
            for found in verdict.findings
        ],
    }


def _notice(site: SiteId, verdict: Verdict) -> Mapping[str, str]:
    """Return the fields of the log line about a verdict."""
    return {
        "site": site,
        "held": "yes" if verdict.held else "no",
        "rules": ", ".join(found.rule.value for found in verdict.findings),
    }


def counted(intent: ComputeFlexIntent, opt: Opt, reason: str) -> tuple[Opt, str]:
    """Return what an answer is written down as: in, to less than was asked, is in part."""
    clipped = intent.guard is not None and intent.guard.partial
    return (Opt.PARTIAL, GUARD) if clipped and opt is Opt.IN else (opt, reason)


def why_silent(intent: ComputeFlexIntent) -> str:
    """Return the reason upstream when nobody answered: held by the envelope, held for another cause, or silent."""
    if not intent.hold_reason:
        return "default"
    return GUARD if intent.guard is not None else "held"


def asks_anything(step: GuardStep) -> bool:
    """Say whether a step bounds anything."""
    return step.import_max_kw is not None or step.import_min_kw is not None


def _under_way(board: Board, moves: Sequence[Move]) -> bool:
    return any(move.until is None or move.until > board.now for move in moves)


def rejoin(board: Board, record: IntentRecord) -> None:
    """Count an intent again that had been opted out and is taken up after all."""
    site, intent = board.site_of(record), record.intent
    known = board.work.moves.of_intent(IntentId(intent.id))
    asked = intent.guard and any(asks_anything(step) for step in intent.guard.steps)
    if site is None or site.guard is None or not asked or _under_way(board, known):
        return
    case = _case(board, intent, site, replace(site.guard, actions={}), None)
    _record(board, case, _judged(intent, site, case))


def _ramp_has_begun(board: Board, record: IntentRecord) -> bool:
    """Say whether taking an intent up now would drop load by more than one step."""
    site, guarded = board.site_of(record), record.intent.guard
    slow = board.book.fleet_kw_per_min or (site and site.guard and site.guard.ramp_kw_per_min)
    if not slow or guarded is None:
        return False
    if _under_way(board, board.work.moves.of_intent(IntentId(record.intent.id))):
        return False
    first = next((step for step in guarded.steps if asks_anything(step)), None)
    return first is not None and first.start <= board.now


def refuses(board: Board, record: IntentRecord) -> str:
    """Say why a site may not take up again what it had been opted out of; empty when it may.

    Meanwhile others may have used up what the envelope allows.
    """
    site, intent = board.site_of(record), record.intent
    known = board.work.moves.of_intent(IntentId(intent.id))
    if record.opt is not Opt.OUT or site is None or site.guard is None or intent.guard is None:
        return ""
    if _under_way(board, known):
        return ""
    if any(_ramp_has_begun(board, sibling) for sibling in board.siblings(record)):
        return f"{Rule.RAMP}: the way down has begun meanwhile"
    verdict = _judged(intent, site, _case(board, intent, site, site.guard, None))
    told = {note.rule for note in intent.guard.notes}
    fresh = [found for found in verdict.findings if found.rule.value not in told]
    return "; ".join(f"{found.rule}: {found.detail}" for found in fresh)
