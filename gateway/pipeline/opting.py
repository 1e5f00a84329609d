"""What the pipeline asks of the store for opt schedules, answers told per site, and what utilities told us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.domain.event import EventKey
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import OptSchedule
from gateway.protocols.actions import Fact, FactKind, ReceivedValue


class Opting(Protocol):
    """What the operator said ahead, and which sites answer an event apart from the others."""

    def put(self, schedule: OptSchedule) -> None:
        """Store a schedule, or that it was taken back; the utility's session has not taken it yet."""
        ...

    def get(self, opt_id: str) -> OptSchedule | None:
        """Return one schedule."""
        ...

    def of(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return every schedule towards a utility, oldest first."""
        ...

    def open(self, utility: UtilityName, now: datetime) -> tuple[OptSchedule, ...]:
        """Return the schedules towards a utility that are not over, oldest first."""
        ...

    def forget(self, before: datetime) -> None:
        """Remove what was over, and taken by its session, before an instant."""
        ...

    def pending(self, utility: UtilityName) -> tuple[OptSchedule, ...]:
        """Return what no session has taken yet, oldest first."""
        ...

    def taken(self, schedule: OptSchedule) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        ...

    def apart(self, event: EventKey) -> frozenset[SiteId]:
        """Return the sites whose answer to an event is told in their own name."""
        ...

    def set_apart(self, event: EventKey, site: SiteId) -> None:
        """Have a site's answers to an event told in its own name from now on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValue:
    """One value that a utility reported."""

    utility: UtilityName
    request: str
    received_at: datetime
    value: ReceivedValue


class Told(Protocol):
    """What utilities told us, for people."""

    def note(self, utility: UtilityName, fact: Fact) -> None:
        """Keep a fact in the place of an older one under its kind and key."""
        ...

    def facts(self, utility: UtilityName, kind: FactKind) -> tuple[Fact, ...]:
        """Return the facts of a kind, by key."""
        ...

    def add(
        self, utility: UtilityName, request: str, at: datetime, values: Sequence[ReceivedValue]
    ) -> None:
        """Keep values; a value of a point and start that is known is replaced (a correction, rule 346)."""
        ...

    def values(
        self, utility: UtilityName | None, since: datetime, limit: int
    ) -> tuple[StoredValue, ...]:
        """Return the newest values that start at or after an instant, by time; None: of every utility."""
        ...
