"""The operator's envelope on one request: (what is asked, what was asked before, now) -> what a site is asked, and why.

Pure, and on one scale: *demand*, how far load is driven away from where it would be, kW, for a cap downward and for a
floor upward. What is granted never drives a site further than what is asked at that time, or is about to be while the
ramp leads there. Easing is free: no rule holds up or clips a release.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from gateway.domain.guard import Guard
from gateway.domain.quantity import Safe, round_safely
from gateway.domain.timespan import LATEST, Span
from gateway.intents.budget import Budget
from gateway.intents.case import Asked, Case, Level, Verdict
from gateway.intents.drive import Drive, Notes


def judge(asked: Asked, case: Case) -> Verdict:
    """Fit a request into the envelope.

    Args:
        asked: One version of one request at one site.
        case: The site's envelope and what it has been asked before. Granted ramps are booked at ``case.fleet``.
    """
    notes = Notes(case.guard)
    budget = Budget(case.guard, case.zone, case.others, case.own)
    ways = (
        Drive(asked, case, notes, budget, down=True),
        Drive(asked, case, notes, budget, down=False),
    )
    for way in ways:
        way.walk()
    eased_at = min((way.first_ease for way in ways if way.first_ease is not None), default=None)
    over = max(way.over for way in ways)
    return Verdict(
        levels=tuple(_levels(asked, case, ways)),
        findings=tuple(notes.found.values()),
        moves=tuple(
            replace(move, until=_open(move.until), over=_open(over))
            for way in ways
            for move in way.moves
        ),
        partial=any(way.short for way in ways),
        eased_at=_open(eased_at),
        over=_open(over),
    )


def _open(at: datetime | None) -> datetime | None:
    return None if at == LATEST else at


def _levels(asked: Asked, case: Case, ways: tuple[Drive, Drive]) -> Iterator[Level]:
    """Write both directions as one series of bounds, from the first instant at which anything is asked."""
    edges = {at for way in ways for at, _ in way.points}
    edges |= {max(each.start, case.now) for each in asked.levels}
    edges |= {max(each.end or LATEST, case.now) for each in asked.levels}
    for start, end in pairwise(sorted(edges)):
        yield _level(asked, case, ways, Span(start=start, end=end))


def _level(asked: Asked, case: Case, ways: tuple[Drive, Drive], span: Span) -> Level:
    (down, up), start = ways, span.start
    level = _asked_at(asked, start)
    cap = _cap(down, level, case.guard, down.granted(start))
    floor = _floor(up, level, case.guard, up.granted(start))
    if cap is not None and floor is not None and floor > cap:
        floor = None
    return Level(start=start, end=_open(span.end), import_max_kw=cap, import_min_kw=floor)


def _asked_at(asked: Asked, at: datetime) -> Level | None:
    place = bisect_right(asked.levels, at, key=lambda level: level.start)
    level = asked.levels[place - 1] if place else None
    return level if level is not None and at < (level.end or LATEST) else None


def _cap(way: Drive, level: Level | None, guard: Guard, granted: Decimal) -> Decimal | None:
    wanted = way.demand(level)
    if level is not None and level.import_max_kw is not None and granted == wanted:
        return max(level.import_max_kw, guard.lowest_kw)
    if not granted:
        return None
    return max(round_safely(way.asked.top_kw - granted, Safe.CAP), guard.lowest_kw)


def _floor(way: Drive, level: Level | None, guard: Guard, granted: Decimal) -> Decimal | None:
    wanted = way.demand(level)
    if level is not None and level.import_min_kw is not None and granted == wanted:
        return min(level.import_min_kw, guard.highest_kw)
    if not granted:
        return None
    return min(round_safely(way.asked.base_kw + granted, Safe.CAP), guard.highest_kw)
