"""How often a site may be driven away: events, reversals, pauses and the longest stretch, counted over its history.

Only driving away is counted and refused; easing never is. Between two times that load comes back there is one at which
it was driven away, so what is counted here bounds how often load turns round at all: at most twice, and once more.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.guard import Guard, Move, Rule
from gateway.domain.timespan import LATEST, Span, day_span, duration_text, local_day

HOUR: Final = timedelta(hours=1)
LOOK_AROUND: Final = timedelta(hours=26)
"""Moves this far around a request decide about it: a local day has 25 hours at most."""


@dataclass
class Budget:
    """What is left for one intent of a site.

    Args:
        guard: The site's envelope.
        zone: The site's; its days count.
        others: Moves of the site's other intents.
        own: Moves of this intent that have begun.
    """

    guard: Guard
    zone: ZoneInfo
    others: Sequence[Move]
    own: Sequence[Move]
    _events: list[datetime] = field(init=False)
    _swings: list[datetime] = field(init=False)
    _began: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        known = (*self.others, *self.own)
        self._events = sorted(move.at for move in known if move.opens)
        self._swings = sorted(move.at for move in known if move.swings)

    def add(self, move: Move) -> None:
        """Count one more."""
        self._began = True
        if move.opens:
            insort(self._events, move.at)
        if move.swings:
            insort(self._swings, move.at)

    def opens(self, at: datetime) -> bool:
        """Say whether the next swing of this intent begins an event: its first, or one after it had ended."""
        return not self._began and not any(move.opens and _over(move) >= at for move in self.own)

    def running(self, now: datetime) -> bool:
        """Say whether the last thing that happened in this intent was a tightening."""
        return any(move.at <= now and (move.until is None or move.until > now) for move in self.own)

    def eased_at(self, now: datetime) -> datetime | None:
        """Return when this intent was last eased."""
        ends = (move.until for move in self.own)
        return max((end for end in ends if end is not None and end <= now), default=None)

    def swing(
        self, begin: datetime, until: datetime, over: datetime
    ) -> tuple[datetime | None, list[tuple[Rule, str]]]:
        """Ask for one more swing.

        Args:
            begin: When it could start.
            until: When it would be of no use any more.
            over: When the event is asked to end.

        Returns:
            When it may start, or None, and the rules that it is against.
        """
        found: list[tuple[Rule, str]] = []
        at: datetime | None = begin
        if self.opens(begin):
            at = self._re_armed(begin, over)
            if at != begin:
                pause = duration_text(self.guard.re_arm or timedelta(0))
                found.append((Rule.RE_ARM, f"less than {pause} after the site's last event"))
            if at is None or at >= until:
                return None, found
        crowded = list(self._crowded(at if at is not None else begin))
        return (None if crowded else at), [*found, *crowded]

    def _re_armed(self, begin: datetime, end: datetime) -> datetime | None:
        """Return when the site is ready for another event; None when one that is granted comes too soon after."""
        pause = self.guard.re_arm
        if pause is None:
            return begin
        events = [move for move in self.others if move.opens]
        for over in sorted(map(_over, events)):
            if begin - pause < over <= begin:
                begin = over + pause
        too_close = any(end <= move.at < end + pause for move in events if end < LATEST)
        return None if too_close else begin

    def _crowded(self, at: datetime) -> Iterator[tuple[Rule, str]]:
        if self.opens(at):
            events = self._events
            yield from self._full(events, at, Rule.EVENTS_PER_HOUR, self.guard.events_per_hour)
            yield from self._full(events, at, Rule.EVENTS_PER_DAY, self.guard.events_per_day)
        turns = self._swings
        yield from self._full(turns, at, Rule.REVERSALS_PER_HOUR, self.guard.reversals_per_hour)
        yield from self._full(turns, at, Rule.REVERSALS_PER_DAY, self.guard.reversals_per_day)

    def _full(
        self, times: Sequence[datetime], at: datetime, rule: Rule, most: int | None
    ) -> Iterator[tuple[Rule, str]]:
        if most is None:
            return
        hourly = rule in {Rule.EVENTS_PER_HOUR, Rule.REVERSALS_PER_HOUR}
        day = day_span(local_day(at, self.zone), self.zone)
        spans = _hours(times, at) if hourly else [day]
        counted = max(_inside(times, span) for span in spans) + 1
        if counted > most:
            where = "within an hour" if hourly else f"on {local_day(at, self.zone)}"
            yield rule, f"this would be number {counted} {where}, {most} are allowed"

    def last_instant(self, begin: datetime, end: datetime, longest: timedelta) -> datetime:
        """Return when an event must end so that no stretch without a pause is longer than it may be.

        Args:
            begin: When it would begin to move load, if it has not yet.
            end: When it is asked to end.
            longest: The longest stretch.
        """
        started = min((move.at for move in self.own if _over(move) >= begin), default=begin)
        others = [move for move in self.others if move.opens]
        chained = True
        while chained:
            before = [move.at for move in others if move.at < started <= _over(move)]
            chained = bool(before)
            started = min(before, default=started)
        last = started + longest
        pause = self.guard.re_arm or timedelta(0)
        for move in others:
            if begin < move.at <= end and _over(move) > last:
                last = min(last, move.at - pause)
        return last


def _over(move: Move) -> datetime:
    return LATEST if move.over is None else move.over


def _inside(times: Sequence[datetime], span: Span) -> int:
    return bisect_left(times, span.end) - bisect_left(times, span.start)


def _hours(times: Sequence[datetime], at: datetime) -> list[Span]:
    """Return every hour that matters: those that begin at one of these instants and hold this one too."""
    begins = times[bisect_right(times, at - HOUR) : bisect_right(times, at)]
    return [Span.lasting(begin, HOUR) for begin in (*begins, at)]
