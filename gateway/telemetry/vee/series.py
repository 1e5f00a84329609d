"""The value that walks through the rules: arrivals become one slot per interval of the period.

    arrivals --alignment--> aligned arrivals --duplicates--> slots --range, spike, stuck, gaps, register--> slots

A slot without energy is missing or invalid; its flags say which. Raw arrivals are never changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span, local_day
from gateway.telemetry.vee.options import VeeOptions

INVALIDATING: Final = frozenset({"duplicate_conflict", "high", "low", "negative", "spike"})
"""Flags of a value that was there and was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which intervals there must be."""

    period: Span
    interval: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One interval of the period."""

    energy_kwh: Decimal | None = None
    """None: missing or invalid."""
    quality: Quality = Quality.MISSING
    flags: frozenset[str] = frozenset()

    def flagged(self, *names: str) -> "Slot":
        """Add flags, keep the value."""
        return replace(self, flags=self.flags.union(names))

    def invalid(self, name: str) -> "Slot":
        """Refuse the value: from here on it is missing, and the flag says why."""
        return Slot(flags=self.flags | {name})

    def estimated(self, energy_kwh: Decimal, *names: str) -> "Slot":
        """Put an estimate in place of nothing."""
        return Slot(
            energy_kwh=energy_kwh,
            quality=Quality.ESTIMATED,
            flags=self.flags.union(names),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOutcome:
    """What the sum check against the register found."""

    register_kwh: Decimal
    sum_kwh: Decimal
    """Before scaling; missing intervals count nothing."""
    verdict: str
    """``pass``, ``fail``, ``scaled`` or ``not_possible``."""
    estimate_scale: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One meter's stream between two rules."""

    frame: Frame
    options: VeeOptions
    arrivals: tuple[Reading, ...]
    """In arrival order."""
    slots: Mapping[datetime, Slot] = field(default_factory=dict)
    """By start, in order of time."""
    rejected: tuple[tuple[datetime, str], ...] = ()
    register: RegisterOutcome | None = None

    def changed(self, changes: Mapping[datetime, Slot]) -> "Series":
        """Replace some slots; the order of time is kept."""
        return replace(self, slots={**self.slots, **changes}) if changes else self

    def by_day(self) -> Iterator[tuple[date, list[datetime]]]:
        """Cut the period into local days: (date, starts), in order."""
        days: dict[date, list[datetime]] = {}
        for start in self.slots:
            days.setdefault(local_day(start, self.frame.zone), []).append(start)
        yield from days.items()
