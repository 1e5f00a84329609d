"""Metered energy: one reading, its quality, and what passes between telemetry and settlement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final

from gateway.domain.names import MeterId
from gateway.domain.timespan import Span

_WIDE: Final = Context(prec=40)
"""18 digits of energy times seconds per hour fit with room to spare, whatever the caller's context is."""


class Quality(StrEnum):
    """How far a value can be trusted."""

    ACTUAL = "A"
    ESTIMATED = "E"
    MISSING = "M"
    TIME_SUSPECT = "T"
    """Metered, but by a clock that was too far off: not settlement grade until validated again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Energy through one meter in one interval, half-open ``[start, start + duration)``; import is positive."""

    meter: MeterId
    start: datetime
    """Aware, UTC."""
    duration: timedelta
    """Positive."""
    energy_kwh: Decimal | None
    """None: missing."""
    quality: Quality = Quality.ACTUAL
    flags: tuple[str, ...] = ()
    """Rule ids that touched the value, in alphabetical order."""

    @property
    def end(self) -> datetime:
        """First instant after the interval."""
        return self.start + self.duration

    @property
    def span(self) -> Span:
        """The interval as a span."""
        return Span(start=self.start, end=self.end)

    @property
    def mean_kw(self) -> Decimal | None:
        """Mean power in the interval, kW: exact where the quotient has at most 40 digits."""
        if self.energy_kwh is None:
            return None
        microseconds = Decimal(self.duration // timedelta(microseconds=1))
        return _WIDE.divide(_WIDE.multiply(self.energy_kwh, Decimal(3_600_000_000)), microseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Mean power over the readings found in a stretch of time."""

    span: Span
    mean_kw: Decimal
    """Energy over elapsed time of the readings, kW, rounded half-even to 9 decimals."""
    count: int
    """Readings found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRequest:
    """Ask for a validated series of one meter at a settlement interval."""

    meter: MeterId
    readings: tuple[Reading, ...]
    """Raw, in the order they arrived; other meters are passed over."""
    period: Span
    """Every interval of this span gets a reading, missing ones included."""
    raw_interval: timedelta
    interval: timedelta
    """A whole multiple of ``raw_interval``."""
    timezone: str
    rules: Mapping[str, object]
    """Parameters of the VEE rules as stored in the configuration; empty: defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A validated series and what validation found."""

    readings: tuple[Reading, ...]
    """One per interval of the period, in order; incomplete ones are missing."""
    counts: Mapping[str, int]
    """Quality letter -> raw intervals of the period."""
    rejected: tuple[tuple[datetime, str], ...]
    """(start, reason) of raw rows that are no interval of the period."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """Rule flag -> raw intervals that carry it."""
