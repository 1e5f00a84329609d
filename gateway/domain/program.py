"""The scheme an event belongs to, as agreed between a utility and the operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from gateway.domain.intent import Firmness
from gateway.domain.names import SiteId, UtilityName


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time relative to an event, ``[from_min, to_min)`` in elapsed minutes."""

    anchor: Literal["start", "end"]
    from_min: int
    to_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the operator settled for one market context of one utility."""

    utility: UtilityName
    name: str
    """Market context, verbatim."""
    sites: tuple[SiteId, ...]
    firmness: Firmness = Firmness.COMMITTED
    opt_by: timedelta = timedelta(seconds=30)
    """Time for the site's answer after receipt; never later than half the notice that is left."""
    opt_default: Literal["in", "out"] = "out"
    """Answer for a silent site; ``in`` counts only where the site declares a local fail-safe cap."""
    partial_policy: Literal["opt_out", "opt_in"] = "opt_out"
    """What a partial commitment becomes where the protocol knows only in and out."""
    present_minutes: int = 60
    """Whole minutes before the event was made whose mean is the present consumption."""
    present_least: int = 45
    """Fewer stored samples than this: no limit is computed."""
    levels: Mapping[int, Decimal] = field(default_factory=dict)
    """Ordinal level -> share of the present consumption that may be drawn; level 0 releases."""
    actuate_tests: bool = False
    """True: test events move load too."""
    baseline_method: str = "same_day"
    baseline_windows: tuple[Window, ...] = (Window(anchor="start", from_min=-90, to_min=-30),)
    settlement_interval: timedelta = timedelta(minutes=5)
    settle_after: timedelta = timedelta(minutes=45)
    """Time after the event's end in which late meter data still counts."""
    correct_within: timedelta = timedelta(days=60)
    """Time after the event's end in which meter data that comes later still corrects the statement."""
    price_per_kwh: Decimal = Decimal("1.00")
    penalty_per_kwh: Decimal = Decimal("2.00")
    currency: str = "USD"
