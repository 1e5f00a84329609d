"""Rule 6: estimate what is missing, from actual values only.

A gap is a maximal run of missing or refused intervals. A short one between two actual neighbours becomes a straight
line; any other interval the mean of the same wall-clock slot on the newest like days before it; what has none stays
missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from gateway.domain.reading import Quality
from gateway.domain.rounding import exact_sum, half_even
from gateway.telemetry.vee.series import INVALIDATING, Series, Slot


def gaps(series: Series) -> Series:
    """Fill every gap of the period, or say that it stays open."""
    changes: dict[datetime, Slot] = {}
    reference: _Reference | None = None
    for run in _runs(series):
        line = _line(series, run)
        if line is not None:
            for at, energy in zip(run, line, strict=True):
                changes[at] = _named(series.slots[at]).estimated(energy, "est_linear")
            continue
        reference = reference or _Reference.of(series)
        for at in run:
            slot, mean = _named(series.slots[at]), reference.mean(at)
            changes[at] = slot if mean is None else slot.estimated(mean, "est_like_day")
    return series.changed(changes)


def _runs(series: Series) -> Iterator[list[datetime]]:
    for empty, run in groupby(series.slots.items(), key=lambda item: item[1].energy_kwh is None):
        if empty:
            yield [start for start, _ in run]


def _named(slot: Slot) -> Slot:
    return slot if slot.flags & INVALIDATING else slot.flagged("missing")


def _line(series: Series, run: Sequence[datetime]) -> list[Decimal] | None:
    interval = series.frame.interval
    before = _actual(series, run[0] - interval)
    after = _actual(series, run[-1] + interval)
    if before is None or after is None or len(run) * interval > series.options.linear_gap:
        return None
    first, last = Fraction(before), Fraction(after)
    step = (last - first) / (len(run) + 1)
    return [half_even(first + step * k) for k in range(1, len(run) + 1)]


def _actual(series: Series, at: datetime) -> Decimal | None:
    slot = series.slots.get(at)
    return slot.energy_kwh if slot is not None and slot.quality is Quality.ACTUAL else None


@dataclass(frozen=True, slots=True)
class _Reference:
    """Actual values by local date and wall-clock slot: one list per slot, two values where the clock goes back."""

    series: Series
    days: Mapping[date, Mapping[time, Sequence[Decimal]]]

    @classmethod
    def of(cls, series: Series) -> "_Reference":
        options = series.options
        barred = set(options.event_days)
        if options.exclude_outage_days_from_reference:
            barred |= set(options.outage_days)
        days: dict[date, dict[time, list[Decimal]]] = {}
        for start in series.slots:
            energy, local = _actual(series, start), start.astimezone(series.frame.zone)
            if energy is not None and local.date() not in barred:
                slots = days.setdefault(local.date(), {})
                slots.setdefault(local.time(), []).append(energy)
        return cls(series=series, days=days)

    def mean(self, at: datetime) -> Decimal | None:
        local = at.astimezone(self.series.frame.zone)
        found: list[Fraction] = []
        for offset in range(1, self.series.options.like_within_days + 1):
            day = local.date() - timedelta(days=offset)
            values = self.days.get(day, {}).get(local.time(), ())
            if values and self._is_weekend(day) == self._is_weekend(local.date()):
                found.append(exact_sum(values) / len(values))
            if len(found) == self.series.options.like_days:
                break
        return half_even(sum(found, Fraction(0)) / len(found)) if found else None

    def _is_weekend(self, day: date) -> bool:
        return day.weekday() >= 5 or day in self.series.options.holidays
