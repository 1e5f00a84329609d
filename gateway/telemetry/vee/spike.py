"""Rule 4: the highest value of a day must not tower over the third highest."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from gateway.telemetry.vee.series import Series


def spike(series: Series) -> Series:
    """Mark or refuse a day's highest value when (highest - third) / third exceeds the threshold.

    Days are local dates. A day with fewer values than ``spike_min_intervals``, or whose third highest is not positive,
    is not tested. Of equal highest values the earliest is meant.
    """
    options = series.options
    changes = {}
    for _, starts in series.by_day():
        at = _spike_of(
            [(start, series.slots[start].energy_kwh) for start in starts],
            threshold=options.spike_threshold,
            least=options.spike_min_intervals,
        )
        if at is not None:
            slot = series.slots[at]
            keep = options.spike_action == "flag"
            changes[at] = slot.flagged("spike") if keep else slot.invalid("spike")
    return series.changed(changes)


def _spike_of(
    day: Iterable[tuple[datetime, Decimal | None]], *, threshold: Decimal, least: int
) -> datetime | None:
    values = sorted(((-energy, at) for at, energy in day if energy is not None))
    if len(values) < least:
        return None
    highest, third = -Fraction(values[0][0]), -Fraction(values[2][0])
    if third <= 0 or (highest - third) / third <= Fraction(threshold):
        return None
    return values[0][1]
