"""The Phoenix field demonstration of 2025-05-03 as data: when, how much, how long (demo values are labelled so)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.timespan import Span

OFFSET: Final = timedelta(hours=-7)
"""Phoenix keeps UTC-7 all year."""
ZONE: Final = "America/Phoenix"


def local(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Return an instant of 2025-05-03 by the site's wall clock, as UTC."""
    return datetime(2025, 5, 3, hour, minute, second, tzinfo=UTC) - OFFSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One event on one site, and what counts as success."""

    run: Span
    published_at: datetime
    ramp_in: timedelta
    hold: Span
    recovery: timedelta
    multiplier: Decimal
    """Share of the present consumption that may be drawn."""
    lowest_met: Decimal = Decimal(1)
    """Share of hold samples that must be at or below the limit."""
    longest_ramp_min: int = 15
    longest_recovery_min: int = 15
    largest_step_down_kw: Decimal = Decimal(12)
    largest_step_up_kw: Decimal = Decimal(15)
    largest_overshoot: Decimal = Decimal("0.01")
    least_throughput: Decimal = Decimal("0.93")


PHOENIX: Final = Scenario(
    run=Span(start=local(14, 40), end=local(21, 20)),
    published_at=local(16, 0, 30),
    ramp_in=timedelta(minutes=15),
    hold=Span(start=local(16, 30), end=local(19, 30)),
    recovery=timedelta(minutes=30),
    multiplier=Decimal("0.75"),
)

UTILITY: Final = "salt-river"
VTN_ID: Final = "VTN-DEMO"
VEN_NAME: Final = "gridgate-demo"
MARKET_CONTEXT: Final = "http://utility.example/programs/fast-dr"
EVENT_ID: Final = "phoenix-2025-05-03"
SITE: Final = "phoenix-1"
CONTRACT_METER: Final = "it_load"
HOST_METER: Final = "poc"
CONTRACTED_KW: Final = Decimal(130)
RAMP_DOWN_KW_PER_MIN: Final = Decimal(10)
RAMP_UP_KW_PER_MIN: Final = Decimal(6)
PRICE_PER_KWH: Final = Decimal("1.00")
"""Demo value."""
PENALTY_PER_KWH: Final = Decimal("2.00")
"""Demo value."""
