"""What a run consists of and what comes out of it: minutes, and what the jobs got."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from conformance.site.control import Ramps
from conformance.site.jobs import PHOENIX, Mix, Settings
from gateway.domain.plan import Phase
from gateway.domain.timespan import Span

MINUTE_S: Final = 60
ENERGY_PLACES: Final = 6
"""Samples are exact to 1e-6 kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run consists of."""

    span: Span
    """First and last instant; whole minutes."""
    seed: int = 1
    policy: str = "dvfs_greedy"
    """Name in ``POLICIES``."""
    mix: Mix = PHOENIX
    ramps: Ramps | None = None
    """The site's own limits; None: those of ``site_ramps``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One reported minute, ``[start, start + 1 min)``."""

    number: int
    start: datetime
    it_kwh: Decimal
    """GPU energy, rounded half-even to 1e-6 kWh."""
    poc_kwh: Decimal
    """GPUs and hosts."""
    phase: Phase
    """Of the plan at its end, so that a plan that came within the minute is in it."""
    target_kw: Decimal | None
    """Lowest cap of the plan in this minute, at the GPUs; None: no cap."""
    because: tuple[str, ...]
    """Intents behind the plan's step at its end."""
    settings: Settings
    """In force in the last second."""
    throughput: tuple[Decimal, ...]
    """Mean of each job, 1 is uncapped."""

    @property
    def end(self) -> datetime:
        """First instant after it."""
        return self.start + timedelta(seconds=MINUTE_S)

    @property
    def it_kw(self) -> Decimal:
        """Mean GPU power."""
        return self.it_kwh * 60

    @property
    def poc_kw(self) -> Decimal:
        """Mean power at the point of connection."""
        return self.poc_kwh * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the jobs got out of the run so far."""

    throughput: dict[str, Decimal]
    """Job -> average, 1 is uncapped."""
    floors_met: dict[str, bool]
    """Job -> average at or above its tier's floor."""
    weighted_throughput: Decimal
    """Mean over the jobs with the weights of their tiers."""
