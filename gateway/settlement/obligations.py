"""What a site owed at each instant, by what the log knew at that instant.

    revisions   1: cap 75 kW from 16:30 to 19:30                2: cancelled
    log     ----|-----------------------------------------------|----------->
    owed                         [16:30 ....................... 17:42)

A revision speaks from the instant it was logged until the next one; an answer likewise. So nothing that was logged
after the fact can change what was owed before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Final

from gateway.domain.errors import MeterDataError
from gateway.domain.event import Basis
from gateway.domain.intent import ComputeFlexIntent, State
from gateway.domain.participation import Opt
from gateway.domain.timespan import EARLIEST, LATEST, Span

ENDED: Final = frozenset(
    {State.CANCELLED, State.SUPERSEDED, State.REJECTED, State.EXPIRED, State.FAILED}
)
"""States in which nothing is owed any more; a completed intent owed what it owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What an intent says from an instant on."""

    at: datetime
    """When it was logged; of a cancellation: when it takes effect, if that is later."""
    intent: ComputeFlexIntent | None
    """None: nothing is owed from here on."""

    @classmethod
    def logged(
        cls, at: datetime, intent: ComputeFlexIntent | None, status: State | None
    ) -> "Revision | None":
        """Read one record of an intent; None when it changes nothing about what is owed."""
        if intent is not None and intent.cancelled_at is not None:
            return cls(at=max(at, intent.cancelled_at), intent=None)
        if (status or (intent and intent.status)) in ENDED:
            return cls(at=at, intent=None)
        return cls(at=at, intent=intent) if intent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer and when it was logged."""

    at: datetime
    opt: Opt


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A stretch in which one cap was owed."""

    span: Span
    limit_kw: Decimal | None
    """The cap frozen at intake; None: it could not be resolved."""
    fraction: Decimal | None
    """Share of the baseline that may be drawn, where the utility asked for one."""
    event_start: datetime
    """Where the revision that asked for it put the start of the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """Everything that was owed for one intent."""

    planned: Span
    """From the event's start to the end that was last asked for."""
    owed: tuple[Owed, ...]
    """In order, without overlap; may cover less than ``planned``: late, cancelled, opted out."""

    def at(self, interval: Span) -> Owed | None:
        """Return what was owed at the start of an interval; None unless something was owed in all of it."""
        touching = [piece for piece in self.owed if piece.span.overlaps(interval)]
        covered = sum((_common(p.span, interval).duration for p in touching), timedelta(0))
        return touching[0] if touching and covered == interval.duration else None


def obligation(revisions: Sequence[Revision], answers: Sequence[Answer]) -> Obligation | None:
    """Lay revisions and answers over each other.

    Args:
        revisions: In log order.
        answers: In log order. None at all means that nobody was asked, and the obligation stands by itself, unless the
            intent was held for the operator.

    Returns:
        None when no revision ever obliged to anything.

    Raises:
        MeterDataError: ``EVENT_STILL_OPEN`` when the event has neither an end nor a cancellation.
    """
    found: list[Owed] = []
    planned: list[Span] = []
    for position, revision in enumerate(revisions):
        until = revisions[position + 1].at if position + 1 < len(revisions) else LATEST
        intent = revision.intent
        if intent is None or until <= revision.at or (intent.hold_reason and not answers):
            continue
        steps = _steps(intent)
        if steps:
            planned.append(Span(start=steps[0].span.start, end=steps[-1].span.end))
        found.extend(_clipped(steps, Span(start=revision.at, end=until)))
    if not planned:
        return None
    taken = [piece for span in _taken_part(answers) for piece in _clipped(found, span)]
    taken.sort(key=lambda piece: piece.span)
    # The first word of the last end counts: what follows it (ramped out, cancelled) only says so again.
    endings = takewhile(lambda revision: revision.intent is None, reversed(revisions))
    ended_at = min((revision.at for revision in endings), default=None)
    return Obligation(planned=_plan(planned, taken, ended_at), owed=tuple(taken))


def _steps(intent: ComputeFlexIntent) -> list[Owed]:
    ask = intent.ask
    if ask is None or not ask.segments:
        return []
    found = []
    event_start = min(segment.start for segment in ask.segments)
    for segment in ask.segments:
        relative = ask.basis is Basis.FRACTION_OF_BASELINE and segment.value <= 1
        if segment.resolved_import_max_kw is None and not relative:
            continue
        end = LATEST if segment.duration is None else segment.start + segment.duration
        found.append(
            Owed(
                span=Span(start=segment.start, end=max(segment.start, end)),
                limit_kw=segment.resolved_import_max_kw,
                fraction=segment.value if relative else None,
                event_start=event_start,
            )
        )
    return sorted(found, key=lambda piece: piece.span)


def _taken_part(answers: Sequence[Answer]) -> list[Span]:
    """Return the stretches in which the last answer was in, or in part."""
    if not answers:
        return [Span(start=EARLIEST, end=LATEST)]
    ends = [answer.at for answer in answers[1:]] + [LATEST]
    return [
        Span(start=answer.at, end=max(answer.at, end))
        for answer, end in zip(answers, ends, strict=True)
        if answer.opt is not Opt.OUT
    ]


def _clipped(pieces: Iterable[Owed], span: Span) -> list[Owed]:
    return [
        replace(piece, span=_common(piece.span, span))
        for piece in pieces
        if piece.span.overlaps(span)
    ]


def _common(one: Span, other: Span) -> Span:
    return Span(start=max(one.start, other.start), end=min(one.end, other.end))


def _plan(planned: Sequence[Span], taken: Sequence[Owed], ended_at: datetime | None) -> Span:
    # The event began where the revision that took hold first put it, even if notice came after that.
    start = taken[0].event_start if taken else planned[-1].start
    end = planned[-1].end
    if end == LATEST:
        if ended_at is None:
            raise MeterDataError(
                "EVENT_STILL_OPEN", "the event has no end yet; settle it once it has been closed"
            )
        end = ended_at
    return Span(start=start, end=max(start, end))
