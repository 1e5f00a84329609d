"""What an operator says ahead about a site's availability: schedules that utilities are told and new events meet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from gateway.domain.names import SiteId, UtilityName
from gateway.domain.participation import Opt, Participation

REASONS: Final = (
    "economic",
    "emergency",
    "mustRun",
    "notParticipating",
    "outageRunStatus",
    "overrideStatus",
    "participating",
    "x-schedule",
)
"""Reasons that utilities know; others begin with ``x-``."""
MOST_WINDOWS: Final = 100
"""Windows of one schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time, half-open."""

    start: datetime
    end: datetime | None
    """Exclusive; None: until the schedule is cancelled."""

    def meets(self, start: datetime, end: datetime | None) -> bool:
        """Say whether it shares an instant with ``[start, end)``; an ``end`` of None never comes."""
        return (self.end is None or start < self.end) and (end is None or self.start < end)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptSchedule:
    """When sites will, or will not, take part in what a utility may ask.

    Spec: OpenADR 2.0b section 8.5, rules 201-211.
    """

    opt_id: str
    """Ours, unguessable; the utility repeats it."""
    utility: UtilityName
    opt: Opt
    """``in`` or ``out``."""
    reason: str
    """One of ``REASONS``, or ``x-…``."""
    windows: tuple[Window, ...]
    """In order, at least one."""
    sites: tuple[SiteId, ...] = ()
    """Empty: every site of the utility's programs."""
    program: str = ""
    """Market context that it is limited to; empty: all programs."""
    device_class: str = ""
    """Device class that it is limited to, told to the utility; empty: none is named."""
    created_at: datetime
    by: str
    """``operator:<user>``."""
    cancelled_at: datetime | None = None
    """When it was taken back."""

    def concerns(self, site: SiteId, program: str) -> bool:
        """Say whether it is about a site, as far as a program asks."""
        return (not self.sites or site in self.sites) and self.program in {"", program}

    def over(self, now: datetime) -> bool:
        """Say whether nothing follows from it any more."""
        ends = [window.end for window in self.windows]
        return self.cancelled_at is not None or all(e is not None and e <= now for e in ends)


Decision: TypeAlias = Participation | OptSchedule
"""What a utility's session is told of what was decided here; stored until it has made it its own."""


def utility_of(decision: Decision) -> UtilityName:
    """Return whose session a decision is for."""
    return decision.utility if isinstance(decision, OptSchedule) else decision.event.utility


def in_force(
    schedules: Iterable[OptSchedule], site: SiteId, program: str
) -> tuple[OptSchedule, ...]:
    """Return what holds for a site in a program: of each opt the newest for all programs and the newest for this one.

    A schedule replaces the earlier ones of its opt for the sites that it names, within its market context; what was
    replaced does not come back when the newer one is cancelled (rules 202, 203, 205).
    """
    newest: dict[tuple[Opt, str], OptSchedule] = {}
    for schedule in sorted(schedules, key=lambda each: each.created_at):
        if schedule.concerns(site, program):
            newest[schedule.opt, schedule.program] = schedule
    return tuple(each for each in newest.values() if each.cancelled_at is None)


def scheduled_out(
    schedules: Sequence[OptSchedule],
    site: SiteId,
    program: str,
    start: datetime,
    end: datetime | None,
) -> OptSchedule | None:
    """Return the schedule by which a site is not available for an event; None: nothing speaks against it.

    Out wins where in and out overlap (rule 201 leaves it open).

    Args:
        schedules: Of the event's utility, cancelled ones too.
        site: Asked.
        program: Of the event.
        start: Of the event.
        end: Of the event, exclusive; None: open-ended.
    """
    for schedule in in_force(schedules, site, program):
        if schedule.opt is Opt.OUT and any(w.meets(start, end) for w in schedule.windows):
            return schedule
    return None


def replaced_by(
    fresh: OptSchedule, known: Iterable[OptSchedule], now: datetime
) -> tuple[OptSchedule, ...]:
    """Return the schedules that a new one replaces, for some of their sites or all of them (rule 202)."""
    return tuple(
        one
        for one in known
        if (one.utility, one.opt, one.program) == (fresh.utility, fresh.opt, fresh.program)
        and not one.over(now)
        and (not fresh.sites or not one.sites or set(fresh.sites) & set(one.sites))
    )
