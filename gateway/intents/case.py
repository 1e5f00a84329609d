"""What the operator's envelope judges, what by, and what it says; see ``gateway.intents.guard``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.domain.guard import Guard, Move, Outside, Rule
from gateway.domain.names import IntentId, SiteId
from gateway.intents.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What is asked, or granted, for one stretch, kW at the contract meter; None: no such bound."""

    start: datetime
    end: datetime | None
    import_max_kw: Decimal | None
    import_min_kw: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One version of a request, in kilowatts."""

    levels: tuple[Level, ...]
    """As resolved, in order."""
    ramp_in: timedelta
    """Time before the start in which load shall come down."""
    top_kw: Decimal
    """Where load comes down from."""
    base_kw: Decimal
    """Where load rises from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a request is judged by."""

    site: SiteId
    intent_id: IntentId
    guard: Guard
    zone: ZoneInfo
    now: datetime
    others: Sequence[Move] = ()
    """Moves of the site's other intents, a day and a half around the request at least."""
    own: Sequence[Move] = ()
    """Moves that earlier versions of this intent began."""
    in_force: Level | None = None
    """What this intent asks now, by its last version; None: nothing."""
    fleet: Fleet | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a request is against."""

    rule: Rule
    action: Outside
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the envelope leaves of a request."""

    levels: tuple[Level, ...]
    """The whole profile from now on, ramps included."""
    findings: tuple[Finding, ...]
    moves: tuple[Move, ...]
    partial: bool
    """True: less is granted than was asked."""
    eased_at: datetime | None
    """When what is granted is eased for the first time; None: never."""
    over: datetime | None
    """From when on nothing is asked within the envelope, whether or not it was granted; None: open."""

    @property
    def held(self) -> str:
        """Why the operator must decide; empty when nothing waits for that."""
        waiting = [f for f in self.findings if f.action is Outside.HOLD]
        return "; ".join(f"{f.rule}: {f.detail}" for f in waiting)

    @property
    def nothing(self) -> bool:
        """Say whether nothing is left of it."""
        return (
            self.partial
            and not self.moves
            and all(
                level.import_max_kw is None and level.import_min_kw is None for level in self.levels
            )
        )


def told(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Write findings for people."""
    return tuple(f"{found.rule}: {found.detail} ({found.action})" for found in findings)
