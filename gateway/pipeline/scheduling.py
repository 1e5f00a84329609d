"""The operator says ahead when sites take part: stored, told to the utility, and met by its new events."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.names import UtilityName
from gateway.domain.opting import (
    MOST_WINDOWS,
    REASONS,
    OptSchedule,
    Window,
    replaced_by,
)
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.domain.timespan import instant_text
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning

KEPT_FOR: Final = timedelta(days=400)
"""How long a schedule that is over stays listed."""
MOST_OPEN: Final = 1000
"""Schedules of one utility that are not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A schedule, and what it replaces."""

    schedule: OptSchedule
    replaces: tuple[OptSchedule, ...]
    """Earlier ones that end for the sites that it names (OpenADR 2.0b rule 202)."""


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Takes an operator's schedules."""

    office: Office

    async def preview(self, wanted: OptSchedule) -> Scheduled:
        """Say what a schedule would come to; nothing is written.

        Raises:
            SessionError: as ``create``.
        """
        return await self.office.store.read(lambda work: self._judged(work, wanted))

    async def create(self, wanted: OptSchedule) -> Scheduled:
        """Store a schedule; the utility's session tells it.

        Raises:
            SessionError: ``NOT_FOUND`` for a utility, site or program that there is not; ``REFUSED`` for windows or a
                reason that cannot be told; ``TOO_LATE`` when every window is over.
        """

        def job(work: Work) -> Scheduled:
            scheduled = self._judged(work, wanted)
            for old in scheduled.replaces:
                work.opting.put(old.without(scheduled.schedule))
            self._put(work, scheduled.schedule, "opt_scheduled")
            work.opting.forget(self.office.clock.now() - KEPT_FOR)
            return scheduled

        scheduled = await self.office.store.write(job, Step.SCHEDULING)
        self.office.scheduled(scheduled.schedule)
        return scheduled

    async def cancel(self, opt_id: str, by: str) -> OptSchedule:
        """Take a schedule back; taking it back twice changes nothing.

        Args:
            opt_id: Whole, or so much of its beginning that it means one alone.
            by: ``operator:<user>``.

        Raises:
            SessionError: ``NOT_FOUND``, ``AMBIGUOUS``, or ``TOO_LATE`` for one that is over.
        """

        def job(work: Work) -> OptSchedule:
            known = self._named(work, opt_id)
            if known.cancelled_at is not None:
                return known
            now = self.office.clock.now()
            if (
                known.over(now) and known.replaced_at is None
            ):  # rule 211: what is superseded may be cancelled
                raise SessionError("TOO_LATE", f"schedule {known.opt_id} is over")
            gone = replace(known, cancelled_at=now)
            self._put(work, gone, "opt_schedule_cancelled", by)
            return gone

        gone = await self.office.store.write(job, Step.SCHEDULING)
        self.office.scheduled(gone)
        return gone

    def _put(self, work: Work, schedule: OptSchedule, word: str, by: str = "") -> None:
        work.opting.put(schedule)
        with turning(self.office, work, self.office.clock.now()) as turn:
            _log(turn, schedule, word, by or schedule.by)

    def _judged(self, work: Work, wanted: OptSchedule) -> Scheduled:
        self._check_names(wanted)
        now = self.office.clock.now()
        _check_windows(wanted)
        if work.opting.get(wanted.opt_id) is not None:
            raise SessionError("REFUSED", f"there is a schedule {wanted.opt_id[:40]!r} already")
        if wanted.over(now):
            raise SessionError("TOO_LATE", "every window of the schedule is over already")
        known = work.opting.open(wanted.utility, now)
        if len(known) >= MOST_OPEN:
            detail = f"utility {wanted.utility} has {len(known)} schedules that are not over"
            raise SessionError("REFUSED", f"{detail}; cancel some")
        return Scheduled(schedule=wanted, replaces=replaced_by(wanted, known, now))

    def _check_names(self, wanted: OptSchedule) -> None:
        programs = {
            name: program
            for (utility, name), program in self.office.book.programs.items()
            if utility == wanted.utility
        }
        if not programs:
            raise SessionError("NOT_FOUND", f"utility {wanted.utility} has no program here")
        if wanted.program and wanted.program not in programs:
            listed = ", ".join(programs)
            raise SessionError(
                "NOT_FOUND", f"utility {wanted.utility} has no such program; it has {listed}"
            )
        meant = [programs[wanted.program]] if wanted.program else list(programs.values())
        sites = {site for program in meant for site in program.sites}
        missing = [site for site in wanted.sites if site not in sites]
        if missing:
            raise SessionError(
                "NOT_FOUND",
                f"site {missing[0]} is in none of these programs of utility {wanted.utility}",
            )

    def _named(self, work: Work, opt_id: str) -> OptSchedule:
        whole = work.opting.get(opt_id)
        if whole is not None:
            return whole
        utilities = dict.fromkeys(UtilityName(name) for name, _ in self.office.book.programs)
        found = [
            one
            for utility in utilities
            for one in work.opting.of(utility)
            if opt_id and one.opt_id.startswith(opt_id)
        ]
        if len(found) > 1:
            raise SessionError("AMBIGUOUS", f"{len(found)} schedules begin with {opt_id[:40]!r}")
        if not found:
            detail = (
                f"there is no schedule {opt_id[:40]!r}; `gridgate opt schedule list` lists them"
            )
            raise SessionError("NOT_FOUND", detail)
        return found[0]


def _check_windows(wanted: OptSchedule) -> None:
    windows = wanted.windows
    if wanted.opt is Opt.PARTIAL:
        raise SessionError("REFUSED", "a schedule says in or out")
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise SessionError("REFUSED", f"a schedule has 1 to {MOST_WINDOWS} windows")
    for before, after in zip((None, *windows), windows, strict=False):
        if after.end is not None and after.end <= after.start:
            raise SessionError("REFUSED", "a window must end after its start")
        if before is not None and (before.end is None or after.start < before.end):
            raise SessionError("REFUSED", "windows must be in order and not overlap")
    if any(_fraction(window) for window in windows):
        raise SessionError("REFUSED", "windows begin and end on whole seconds")
    known = wanted.reason in REASONS or (wanted.reason.startswith("x-") and len(wanted.reason) > 2)
    if not known or any(sign.isspace() for sign in wanted.reason):
        raise SessionError("REFUSED", f"the reason must be one of {', '.join(REASONS)} or x-…")


def _fraction(window: Window) -> bool:
    return bool(window.start.microsecond or (window.end and window.end.microsecond))


def _log(turn: Turn, schedule: OptSchedule, word: str, by: str) -> None:
    document = {
        "word": word,
        "by": by,
        "utility": schedule.utility,
        "opt": schedule.opt.value,
        "reason": schedule.reason,
        "sites": list(schedule.sites),
        "program": schedule.program,
        "windows": [
            [instant_text(w.start), instant_text(w.end) if w.end else ""] for w in schedule.windows
        ],
    }
    turn.log("audit", schedule.opt_id, document)
