"""The first start after a restore: nothing is sent before sites and utilities have told what they know (R-DUR-12).

    sites heard ──▶ utilities asked ──▶ each site's stream opens ──▶ answers told upstream again ──▶ over

A site names the revisions that it knows and hands back intents that this gateway signed and has forgotten; only then
is a utility asked for its events, so that what was frozen at their first intake (the present consumption) is found
again. A site that knows nothing more than the store does is let through at once. Every wait has an end: a utility or
a site that is down must not keep the others waiting for ever.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.domain.doorbell import Doorbell
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.points import Step
from gateway.pipeline.book import Office
from gateway.pipeline.inbound import tell
from gateway.pipeline.ports import Work
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning

SITE_PATIENCE: Final = timedelta(seconds=60)
"""How long a site that does not call is waited for; four heartbeats of the usual kind."""
UTILITY_PATIENCE: Final = timedelta(minutes=2)
"""How long a utility that does not answer holds its sites back."""

log = structlog.get_logger()


@dataclass
class Recovery:
    """Holds everything back until what happened after the backup is known.

    Args:
        office: The shared ports.
        sites: Utility -> sites that its programs name.
        active: False: no restore has gone before, nothing is held back.
        on_end: Writes down, for good, that the recovery is over.
    """

    office: Office
    sites: Mapping[UtilityName, frozenset[SiteId]]
    active: bool
    on_end: Callable[[], Awaitable[None]]
    _bell: Doorbell = field(init=False)
    _heard: set[SiteId] = field(default_factory=set, init=False)
    _behind: set[SiteId] = field(default_factory=set, init=False)
    """Sites that know more than the store does."""
    _asked: set[SiteId] = field(default_factory=set, init=False)
    _opened: set[SiteId] = field(default_factory=set, init=False)
    _synchronised: set[UtilityName] = field(default_factory=set, init=False)
    _began_at: datetime = field(init=False)
    _gives_up_at: datetime | None = field(default=None, init=False)
    """When utilities are waited for no longer; None while none has been asked."""

    def __post_init__(self) -> None:
        self._bell = Doorbell(self.office.clock)
        self._began_at = self.office.clock.now()

    # --- what others ask

    def open(self, site: SiteId) -> bool:
        """Say whether a site may be told what the store says."""
        return not self.active or site in self._opened

    def knows_all(self, site: SiteId) -> bool:
        """Say whether every utility of a site has told its present events since this process began."""
        return all(
            name in self._synchronised for name, sites in self.sites.items() if site in sites
        )

    def first_question(self, site: SiteId) -> bool:
        """Say whether a site may be asked for what it knows; True once."""
        if self.open(site) or site in self._asked:
            return False
        self._asked.add(site)
        return True

    # --- what others tell

    def heard(self, site: SiteId, *, knows_more: bool) -> None:
        """Note that a site has told all that it knows."""
        if knows_more:
            self._behind.add(site)
        self._heard.add(site)
        self._bell.ring()

    def synchronised(self, utility: UtilityName) -> None:
        """Note that a utility's present events are all stored."""
        self._synchronised.add(utility)
        self._bell.ring()

    # --- who waits

    async def sites_told(self) -> None:
        """Return once every site has been heard, or was waited for long enough."""
        until = self._began_at + SITE_PATIENCE
        clock = self.office.clock
        with clock.held():
            while self.active and not self._all_heard() and clock.now() < until:
                await self._bell.wait(self._bell.rings, until)

    async def over(self) -> None:
        """Return once nothing is held back any more."""
        with self.office.clock.held():
            while self.active:
                await self._bell.wait(self._bell.rings)

    async def run(self) -> None:
        """Let sites through as soon as it is safe, tell utilities again what was decided, and end.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        clock = self.office.clock
        with clock.held():
            if not self.active:
                return
            log.warning("recovery_begun", alarm=True, why="the store was restored from a backup")
            seen = self._bell.rings
            while not await self._step():
                await self._bell.wait(seen, self._next_at())
                seen = self._bell.rings
            for utility in sorted(self.sites):
                await self._tell_again(utility)
            await self.on_end()
            self.active = False
            self._bell.ring()
            silent = sorted(set(self.sites) - self._synchronised)
            log.warning("recovery_ended", silent_utilities=silent, silent_sites=self._silent())

    # --- one look

    def _all_heard(self) -> bool:
        return self._heard >= set(self.office.book.sites)

    def _silent(self) -> list[str]:
        return sorted(set(self.office.book.sites) - self._heard)

    async def _step(self) -> bool:
        """Let through who may pass; say whether everything is done."""
        now = self.office.clock.now()
        told = self._all_heard() or now >= self._began_at + SITE_PATIENCE
        if told and self._gives_up_at is None:
            self._gives_up_at = now + UTILITY_PATIENCE
        for site in self.office.book.sites:
            if site not in self._opened and self._may_pass(site, now):
                await self._let_through(site)
        return self._opened >= set(self.office.book.sites) and self._utilities_done(now)

    def _may_pass(self, site: SiteId, now: datetime) -> bool:
        if site in self._heard and site not in self._behind:
            return True
        if self._gives_up_at is None:
            return False
        return now >= self._gives_up_at or self.knows_all(site)

    def _utilities_done(self, now: datetime) -> bool:
        given_up = self._gives_up_at is not None and now >= self._gives_up_at
        return given_up or self._synchronised >= set(self.sites)

    def _next_at(self) -> datetime:
        return self._gives_up_at or self._began_at + SITE_PATIENCE

    async def _let_through(self, site: SiteId) -> None:
        """Open a site's stream, with a plan of the new epoch and with time to answer what is still open."""
        now = self.office.clock.now()

        def job(work: Work) -> Turn:
            with turning(self.office, work, now) as turn:
                _ask_again(turn, site)
            return turn

        turn = await self.office.store.write(job, Step.OTHER)
        self._opened.add(site)
        tell(self.office, turn)
        self.office.bell.ring(site)
        log.info("site_recovered", site=site, heard=site in self._heard)

    async def _tell_again(self, utility: UtilityName) -> None:
        """Tell a utility once more what was decided about its present events: its session has forgotten it."""
        now = self.office.clock.now()

        def job(work: Work) -> Turn:
            with turning(self.office, work, now) as turn:
                for event in work.events.open(utility, now):
                    turn.retell(event)
            return turn

        tell(self.office, await self.office.store.write(job, Step.OTHER))


def _ask_again(turn: Turn, site: SiteId) -> None:
    """Give a site time to answer what is open, and a plan that replaces all it had before."""
    for record in turn.work.intents.of_site(site, live=True):
        intent = record.intent
        if record.opt is None and not intent.hold_reason and not turn.over(intent):
            deadline = max(intent.response.opt_by, turn.now + turn.program_of(record).opt_by)
            turn.timer("opt_deadline", intent.id, deadline)
    turn.replan(site)
