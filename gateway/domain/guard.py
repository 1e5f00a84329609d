"""The operator's envelope: what a utility may do to a site, however well it proves who it is (R-GUARD-1).

An authenticated peer may be broken or bought, and many large loads that move together harm the grid. So the operator
says how far, how fast and how often a site may be driven, and what happens to a request that asks for more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from gateway.domain.names import IntentId, SiteId

ZERO: Final = Decimal(0)


class Rule(StrEnum):
    """What can lie outside the envelope; the word is published and configured."""

    LOWEST = "lowest_import_kw"
    HIGHEST = "highest_import_kw"
    RAMP = "ramp_kw_per_min"
    EVENTS_PER_HOUR = "events_per_hour"
    EVENTS_PER_DAY = "events_per_day"
    REVERSALS_PER_HOUR = "reversals_per_hour"
    REVERSALS_PER_DAY = "reversals_per_day"
    MIN_HOLD = "min_hold"
    LONGEST_EVENT = "longest_event"
    RE_ARM = "re_arm"
    FLEET = "fleet_kw_per_min"


class Outside(StrEnum):
    """What is done with a request outside the envelope."""

    CLIP = "clip"
    """Follow as much of it as lies inside; the utility is told by the program's partial policy."""
    HOLD = "hold"
    """Ask nothing of the site until the operator decides; the utility is told out at the answer's deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The envelope of one site; None: no such limit. Power is kW at the contract meter, import positive."""

    lowest_kw: Decimal = ZERO
    """No cap of a utility goes below it."""
    highest_kw: Decimal
    """No utility makes the site draw more than this."""
    ramp_kw_per_min: Decimal | None = None
    """How fast what is asked may move away from what is drawn, down or up."""
    events_per_hour: int | None = None
    """In any 60 minutes; an event counts at the instant at which load is first moved for it."""
    events_per_day: int | None = None
    """In a day of the site's own calendar, be it of 23 or 25 hours."""
    reversals_per_hour: int | None = None
    """How often load is driven away again after it was eased; the first time of each event counts too."""
    reversals_per_day: int | None = None
    min_hold: timedelta | None = None
    """Shortest time for which something is asked, and for which load is left alone after it was eased."""
    longest_event: timedelta | None = None
    """Longest time without a pause in which something is asked, by however many overlapping events."""
    re_arm: timedelta | None = None
    """Pause between the end of one event and the next one's start."""
    actions: Mapping[Rule, Outside] = field(default_factory=dict)
    """What is done per rule; a rule that is not named is clipped."""

    def action(self, rule: Rule) -> Outside:
        """Return what is done with a request that a rule is against."""
        return self.actions.get(rule, Outside.CLIP)

    @property
    def holding(self) -> frozenset[Rule]:
        """Rules that wait for the operator."""
        return frozenset(rule for rule, action in self.actions.items() if action is Outside.HOLD)

    def without(self, rules: Collection[Rule]) -> "Guard":
        """Return the envelope as it is once the operator has waived some rules for one request."""
        gone: dict[str, object] = {_FIELDS[rule]: None for rule in rules if rule in _FIELDS}
        if Rule.LOWEST in rules:
            gone["lowest_kw"] = ZERO
        return replace(self, **gone)  # type: ignore[arg-type]  # every field in the table may be None


_FIELDS: Final = {
    Rule.RAMP: "ramp_kw_per_min",
    Rule.EVENTS_PER_HOUR: "events_per_hour",
    Rule.EVENTS_PER_DAY: "events_per_day",
    Rule.REVERSALS_PER_HOUR: "reversals_per_hour",
    Rule.REVERSALS_PER_DAY: "reversals_per_day",
    Rule.MIN_HOLD: "min_hold",
    Rule.LONGEST_EVENT: "longest_event",
    Rule.RE_ARM: "re_arm",
}
"""Rules that the operator can waive altogether; above ``highest_kw`` nobody lets a site draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One stretch in which a utility drives a site's load away from where it was; what the counts are made of."""

    site: SiteId
    intent_id: IntentId
    at: datetime
    """Where the ramp begins."""
    ramp_until: datetime
    kw_per_min: Decimal
    """How much of the fleet's limit it takes from ``at`` to ``ramp_until``."""
    until: datetime | None
    """When it is eased for the first time; None: open."""
    over: datetime | None
    """When this event asks nothing more; None: open."""
    opens: bool
    """True: the event's first; it counts as an event."""
    swings: bool
    """True: load was left alone, or eased, right before; it counts as a reversal."""
