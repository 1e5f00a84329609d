"""Opt schedules and what utilities told, in memory."""

from collections.abc import Sequence
from datetime import datetime

from conformance.simulation.state import Group
from gateway.domain.event import EventKey
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import OptSchedule
from gateway.pipeline.opting import StoredValue
from gateway.protocols.actions import Fact, FactKind, ReceivedValue


class Opting(Group):
    """See ``gateway.pipeline.opting``."""

    def put(self, schedule: OptSchedule) -> None:
        """Store a schedule, or that it was taken back; the utility's session has not taken it yet."""
        self._writing()
        self._state.schedules[schedule.opt_id] = (schedule, False)

    def get(self, opt_id: str) -> OptSchedule | None:
        """Return one schedule."""
        found = self._state.schedules.get(opt_id)
        return found[0] if found else None

    def of(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return every schedule towards a utility, oldest first."""
        found = [one for one, _ in self._state.schedules.values() if one.utility == utility]
        return tuple(sorted(found, key=lambda one: (one.created_at, one.opt_id)))

    def open(self, utility: UtilityName, now: datetime) -> tuple[OptSchedule, ...]:
        """Return the schedules towards a utility that are not over, oldest first."""
        return tuple(one for one in self.of(utility) if not one.over(now))

    def forget(self, before: datetime) -> None:
        """Remove what was over, and taken by its session, before an instant."""
        self._writing()
        for opt_id, (one, taken) in list(self._state.schedules.items()):
            if taken and one.until is not None and one.until < before:
                del self._state.schedules[opt_id]

    def pending(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return what no session has taken yet, oldest first."""
        return tuple(one for one in self.of(utility) if not self._state.schedules[one.opt_id][1])

    def taken(self, schedule: OptSchedule) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        self._writing()
        if self.get(schedule.opt_id) == schedule:
            self._state.schedules[schedule.opt_id] = (schedule, True)

    def apart(self, event: EventKey) -> frozenset[SiteId]:
        """Return the sites whose answer to an event is told in their own name."""
        return self._state.apart.get(event, frozenset())

    def set_apart(self, event: EventKey, site: SiteId) -> None:
        """Have a site's answers to an event told in its own name from now on."""
        self._writing()
        self._state.apart[event] = self.apart(event) | {site}


class Told(Group):
    """See ``gateway.pipeline.opting``."""

    def note(self, utility: UtilityName, fact: Fact) -> None:
        """Keep a fact in the place of an older one under its kind and key."""
        self._writing()
        self._state.facts[utility, fact.kind, fact.key] = fact

    def facts(self, utility: UtilityName, kind: FactKind) -> tuple[Fact, ...]:
        """Return the facts of a kind, by key."""
        found = self._state.facts.items()
        kept = [fact for (whose, what, _), fact in found if (whose, what) == (utility, kind)]
        return tuple(sorted(kept, key=lambda fact: fact.key))

    def add(
        self, utility: UtilityName, request: str, at: datetime, values: Sequence[ReceivedValue]
    ) -> None:
        """Keep values; a value of a point and start that is known is replaced."""
        self._writing()
        for each in values:
            key = (utility, each.specifier, each.point, each.start)
            self._state.values[key] = StoredValue(
                utility=utility, request=request, received_at=at, value=each
            )

    def values(
        self, utility: UtilityName | None, since: datetime, limit: int
    ) -> tuple[StoredValue, ...]:
        """Return the newest values that start at or after an instant, by time; None: of every utility."""
        found = [
            one
            for one in self._state.values.values()
            if utility in {None, one.utility} and one.value.start >= since
        ]
        found.sort(
            key=lambda one: (one.value.start, one.utility, one.value.specifier, one.value.point)
        )
        return tuple(found[-limit:])
