"""What an operator says ahead about a site's availability: schedules that utilities are told and new events meet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    replaced: tuple[SiteId, ...] = ()
    """Sites that a newer schedule speaks for (rule 202)."""
    replaced_at: datetime | None = None
    """When a newer one replaced it for every site."""

    def concerns(self, site: SiteId, program: str) -> bool:
        """Say whether it is about a site, as far as a program asks, and nothing newer is."""
        named = (not self.sites or site in self.sites) and site not in self.replaced
        return named and self.program in {"", program}

    @property
    def until(self) -> datetime | None:
        """Return from when on nothing follows from it; None: it is open-ended."""
        gone = [at for at in (self.cancelled_at, self.replaced_at) if at is not None]
        end = self.windows[-1].end if self.windows else self.created_at
        return min([*gone, end] if end is not None else gone, default=None)

    def over(self, now: datetime) -> bool:
        """Say whether nothing follows from it any more."""
        return self.until is not None and self.until <= now

    def without(self, newer: "OptSchedule") -> "OptSchedule":
        """Return what is left of it once a newer one of its opt and program speaks for some sites, or for all."""
        if not newer.sites:
            return replace(self, replaced_at=newer.created_at)
        gone = tuple(dict.fromkeys((*self.replaced, *newer.sites)))
        every = bool(self.sites) and set(self.sites) <= set(gone)
        return replace(self, replaced=gone, replaced_at=newer.created_at if every else None)


Decision: TypeAlias = Participation | OptSchedule
"""What a utility's session is told of what was decided here; stored until it has made it its own."""


def utility_of(decision: Decision) -> UtilityName:
    """Return whose session a decision is for."""
    return decision.utility if isinstance(decision, OptSchedule) else decision.event.utility


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
        schedules: Of the event's utility; what was cancelled or replaced says nothing.
        site: Asked.
        program: Of the event.
        start: Of the event.
        end: Of the event, exclusive; None: open-ended.
    """
    for schedule in schedules:
        stands = schedule.cancelled_at is None and schedule.replaced_at is None
        if schedule.opt is not Opt.OUT or not stands or not schedule.concerns(site, program):
            continue
        if any(w.meets(start, end) for w in schedule.windows):
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
