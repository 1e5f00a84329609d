"""One direction of a request, walked from now to its end: how far and how fast load is driven away."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import takewhile
from typing import Final

from gateway.domain.guard import ZERO, Guard, Move, Rule
from gateway.domain.quantity import plain
from gateway.domain.timespan import LATEST, duration_text
from gateway.intents.budget import Budget
from gateway.intents.case import Asked, Case, Finding, Level

MINUTE: Final = timedelta(minutes=1)
LONGEST_RAMP: Final = 240
"""Steps of one ramp; the configuration refuses envelopes that would need more."""
_SHARE: Final = Decimal("0.000001")


@dataclass
class Notes:
    """What was found; one finding per rule.

    Args:
        guard: Says what is done about each.
    """

    guard: Guard
    found: dict[Rule, Finding] = field(default_factory=dict)

    def add(self, rule: Rule, detail: str) -> None:
        """Keep the first finding of each rule."""
        self.found.setdefault(rule, Finding(rule, self.guard.action(rule), detail))


@dataclass(frozen=True, slots=True)
class _Piece:
    start: datetime
    end: datetime
    kw: Decimal


def step_after(move: Move, at: datetime) -> datetime:
    """Return when a ramp that is broken off at an instant would have taken its next step, or had ended by itself."""
    if at < move.at:
        return move.at
    taken = (at - move.at) // MINUTE + 1  # the one that is due at this very instant too
    return min(move.ramp_until, move.at + taken * MINUTE)


@dataclass
class Drive:
    """One direction of a request, walked from now to its end."""

    asked: Asked
    case: Case
    notes: Notes
    budget: Budget
    down: bool
    points: list[tuple[datetime, Decimal]] = field(default_factory=list)
    """Granted demand from each instant on."""
    moves: list[Move] = field(default_factory=list)
    short: bool = False
    """True: less is granted than is asked."""
    first_ease: datetime | None = None

    def demand(self, level: Level | None) -> Decimal:
        """Return how far a level drives load away, kW."""
        bound = None if level is None else self.bound(level)
        if bound is None:
            return ZERO
        away = self.asked.top_kw - bound if self.down else bound - self.asked.base_kw
        return max(away, ZERO)

    def bound(self, level: Level) -> Decimal | None:
        """Return the bound of this direction."""
        return level.import_max_kw if self.down else level.import_min_kw

    def walk(self) -> None:
        """Grant what may be granted, in order of time."""
        pieces = list(self._pieces())
        if pieces and pieces[0].start > self.case.now:
            # What the last version asked until then is asked no longer.
            pieces.insert(0, _Piece(self.case.now, pieces[0].start, ZERO))
        ends = (each.end or LATEST for each in self.asked.levels)
        self._asked_end = max(ends, default=self.case.now)
        level = self.demand(self.case.in_force)
        self._running = bool(level) and self.budget.running(self.case.now)
        self._level, self._eased_at = level, self.budget.eased_at(self.case.now)
        if level:
            self._mark(self.case.now, level)
        for place, piece in enumerate(pieces):
            if piece.kw < self._level:
                self._ease(piece.start, piece.kw)
            wanted = self._held_long_enough(pieces, place)
            if wanted > self._level:
                self._tighten(piece, wanted)
        if pieces and self._level:
            self._ease(pieces[-1].end, ZERO)
        self.short = self._falls_short()

    def _pieces(self) -> Iterator[_Piece]:
        """Cut what is asked at now, and at the bounds of the envelope that need no counting."""
        most_kw = self._most_kw()
        end_at = self._last_instant()
        for level in self.asked.levels:
            start, end = max(level.start, self.case.now), level.end or LATEST
            if end <= start:
                continue
            kw = self.demand(level)
            if kw > most_kw:
                self._note_bound(level)
                kw = most_kw
            if kw and end > end_at:
                text = f"asked until {_until(end)}, {duration_text(self._longest())} is the longest"
                self.notes.add(Rule.LONGEST_EVENT, text)
                if start < end_at:
                    yield _Piece(start, end_at, kw)
                start, kw = max(start, end_at), ZERO
            yield _Piece(start, end, kw)

    def _most_kw(self) -> Decimal:
        guard, asked = self.case.guard, self.asked
        away = asked.top_kw - guard.lowest_kw if self.down else guard.highest_kw - asked.base_kw
        return max(away, ZERO)

    def _note_bound(self, level: Level) -> None:
        guard, bound = self.case.guard, self.bound(level)
        limit = guard.lowest_kw if self.down else guard.highest_kw
        asked = plain(bound) if bound is not None else "?"
        rule = Rule.LOWEST if self.down else Rule.HIGHEST
        self.notes.add(rule, f"asked {asked} kW, {plain(limit)} kW is the bound")

    @property
    def over(self) -> datetime:
        """Return when this way's asking ends, granted or not."""
        ends = [each.end or LATEST for each in self.asked.levels if self.demand(each)]
        return max(min(max(ends, default=self.case.now), self._last_instant()), self.case.now)

    def _longest(self) -> timedelta:
        return self.case.guard.longest_event or timedelta(0)

    def _last_instant(self) -> datetime:
        """Return when whatever is asked must end at the latest."""
        if self.case.guard.longest_event is None:
            return LATEST
        first = next((each for each in self.asked.levels if self.demand(each)), None)
        if first is None:
            return LATEST
        begin = max(first.start - self._lead(self.demand(first), first=True), self.case.now)
        end = min((each.end or LATEST for each in self.asked.levels[-1:]), default=LATEST)
        return self.budget.last_instant(begin, end, self.case.guard.longest_event)

    def _held_long_enough(self, pieces: Sequence[_Piece], place: int) -> Decimal:
        """Return what is asked from here on for the shortest hold at least."""
        piece, least = pieces[place], self.case.guard.min_hold
        if least is None or piece.kw <= self._level:
            return piece.kw
        until = piece.start + least
        ahead = (pieces[k] for k in range(place, len(pieces)))
        coming = [each.kw for each in takewhile(lambda each: each.start < until, ahead)]
        if pieces[-1].end < until:
            coming.append(ZERO)
        kept = max(min(coming), self._level)
        if kept < piece.kw:
            text = f"asked for less than {duration_text(least)} from {_until(piece.start)} on"
            self.notes.add(Rule.MIN_HOLD, text)
        return kept

    def _rate(self) -> Decimal | None:
        rates = [self.case.guard.ramp_kw_per_min]
        rates.append(self.case.fleet.limit_kw_per_min if self.case.fleet else None)
        return min((rate for rate in rates if rate is not None), default=None)

    def _minutes(self, kw: Decimal) -> int:
        rate = self._rate()
        return 0 if rate is None else int((kw / rate).to_integral_value(ROUND_CEILING))

    def _lead(self, kw: Decimal, *, first: bool) -> timedelta:
        least = self._minutes(kw) * MINUTE
        return max(least, self.asked.ramp_in) if first else least

    def _tighten(self, piece: _Piece, wanted: Decimal) -> None:
        kw = wanted - self._level
        least = self._minutes(kw)
        opening = not self.moves
        earliest = self._earliest()
        ideal = piece.start - self._lead(kw, first=opening)
        begin = max(ideal, earliest)
        swings = not self._running
        if swings:
            granted = self._allowed(begin, piece)
            if granted is None:
                return
            begin = granted
        begin = self._slot(begin, least, kw)
        if begin >= piece.end:
            return
        minutes = max(least, (piece.start - begin) // MINUTE)
        if begin + max(minutes - 1, 0) * MINUTE > piece.start and begin == max(ideal, earliest):
            text = f"{plain(kw)} kW take {minutes} min, asked within {self._notice(piece)}"
            self.notes.add(Rule.RAMP, text)
        self._emit(begin, minutes, wanted, piece.end)
        self._book(begin, minutes, kw, swings=swings)

    def _earliest(self) -> datetime:
        """Return when the next step may be taken: a minute after the last one."""
        now = self.case.now
        known = [self.points[-1][0]] if self.points else []
        known += [move.ramp_until for move in self.moves[-1:]]
        for move in self.case.own:
            known.append(step_after(move, now))
        return max((now, *known))

    def _notice(self, piece: _Piece) -> str:
        return duration_text(max(piece.start - self.case.now, timedelta(0)))

    def _allowed(self, begin: datetime, piece: _Piece) -> datetime | None:
        """Ask the budget for one more swing; None: denied."""
        guard = self.case.guard
        if self._eased_at is not None and guard.min_hold is not None:
            rested = self._eased_at + guard.min_hold
            if begin < rested:
                text = (
                    f"asked again at {_until(begin)}, {duration_text(guard.min_hold)} after easing"
                )
                self.notes.add(Rule.MIN_HOLD, text)
                begin = rested
                if begin + guard.min_hold > piece.end:
                    return None
        granted, found = self.budget.swing(begin, piece.end, self._asked_end)
        for rule, detail in found:
            self.notes.add(rule, detail)
        return granted

    def _slot(self, begin: datetime, minutes: int, kw: Decimal) -> datetime:
        fleet = self.case.fleet
        if fleet is None or minutes == 0:
            return begin
        found = fleet.slot(begin, minutes, self._share(kw, minutes))
        if found > begin:
            text = (
                f"{plain(fleet.limit_kw_per_min)} kW/min over all sites; begins at {_until(found)}"
            )
            self.notes.add(Rule.FLEET, text)
        return found

    def _share(self, kw: Decimal, minutes: int) -> Decimal:
        """Return what a ramp takes of the fleet's limit, kW per minute; rounded up, but never above its own rate."""
        share = (kw / max(minutes, 1)).quantize(_SHARE, ROUND_CEILING)
        rate = self._rate()
        return share if rate is None else min(share, rate)

    def _emit(self, begin: datetime, minutes: int, wanted: Decimal, until: datetime) -> None:
        """Write the staircase; what does not fit before ``until`` is not reached."""
        start_kw, count = self._level, min(max(minutes, 1), LONGEST_RAMP)
        width = minutes * MINUTE / count
        for k in range(count):
            at = begin + k * width
            if at >= until:
                break
            part = (wanted - start_kw) * (k + 1) / count
            self._level = wanted if k + 1 == count else start_kw + part
            self._mark(at, self._level)

    def _book(self, begin: datetime, minutes: int, kw: Decimal, *, swings: bool) -> None:
        opens = swings and self.budget.opens(begin)
        move = Move(
            site=self.case.site,
            intent_id=self.case.intent_id,
            at=begin,
            ramp_until=begin + minutes * MINUTE,
            kw_per_min=self._share(kw, minutes),
            until=None,
            over=None,
            opens=opens,
            swings=swings,
        )
        self.moves.append(move)
        self._running = True
        self.budget.add(move)

    def _ease(self, at: datetime, kw: Decimal) -> None:
        self._mark(at, kw)
        self._level, self._running, self._eased_at = kw, False, at
        self.first_ease = at if self.first_ease is None else self.first_ease
        place = len(self.moves)
        while place and self.moves[place - 1].until is None:
            place -= 1
            self.moves[place] = replace(self.moves[place], until=at)

    def _mark(self, at: datetime, kw: Decimal) -> None:
        while self.points and self.points[-1][0] >= at:
            self.points.pop()
        self.points.append((at, kw))

    def granted(self, at: datetime) -> Decimal:
        """Return what is granted at an instant."""
        place = bisect_right(self.points, at, key=_when)
        return self.points[place - 1][1] if place else ZERO

    def _falls_short(self) -> bool:
        for level in self.asked.levels:
            start, end = max(level.start, self.case.now), level.end or LATEST
            first = bisect_right(self.points, start, key=_when)
            last = bisect_left(self.points, end, key=_when)
            inside = (self.points[k][1] for k in range(first, last))
            wanted = self.demand(level)
            if start < end and any(kw < wanted for kw in (self.granted(start), *inside)):
                return True
        return False


def _when(point: tuple[datetime, Decimal]) -> datetime:
    return point[0]


def _until(at: datetime) -> str:
    return "further notice" if at == LATEST else f"{at:%Y-%m-%dT%H:%MZ}"
