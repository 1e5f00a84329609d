"""Coarser intervals from finer ones: only complete ones count.

Everything is UTC and elapsed time, so a change of the clocks changes nothing here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.errors import MeterDataError
from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading, Window
from gateway.domain.rounding import exact_sum, half_even
from gateway.domain.timespan import Span

_TRUST: Final = (
    Quality.ACTUAL,
    Quality.ESTIMATED,
    Quality.TIME_SUSPECT,
    Quality.MISSING,
)
"""From best to worst; a whole is as good as its worst part."""
INCOMPLETE: Final = "incomplete"


def aggregate(
    readings: Iterable[Reading], *, meter: MeterId, interval: timedelta, period: Span
) -> tuple[Reading, ...]:
    """Add readings up to one reading per ``interval`` of ``period``, counted from its start.

    Args:
        readings: One meter's, no two for the same start; order does not matter.
        meter: Whose readings these are; others are passed over.
        interval: A whole multiple of every reading's duration.
        period: A rest shorter than ``interval`` at its end is left out.

    Returns:
        One reading per interval, in order. One with an uncovered or missing part is missing as a whole, flagged
        ``incomplete``: energy is never invented by addition.

    Raises:
        MeterDataError: ``NOT_A_MULTIPLE`` when a reading's length does not divide ``interval``.
    """
    parts: dict[datetime, list[Reading]] = {}
    for reading in readings:
        if reading.meter != meter or not period.contains(reading.start):
            continue
        if reading.duration <= timedelta(0) or interval % reading.duration:
            raise MeterDataError(
                "NOT_A_MULTIPLE",
                f"{interval} is no whole multiple of a reading of {reading.duration}",
            )
        start = reading.start - (reading.start - period.start) % interval
        parts.setdefault(start, []).append(reading)
    whole = (step for step in period.steps(interval) if step.duration == interval)
    return tuple(_add(meter, step, parts.get(step.start, [])) for step in whole)


def _add(meter: MeterId, span: Span, parts: Sequence[Reading]) -> Reading:
    known = [part.energy_kwh for part in parts if part.energy_kwh is not None]
    covered = sum((part.duration for part in parts), timedelta(0))
    inside = all(part.end <= span.end for part in parts)
    flags = {flag for part in parts for flag in part.flags}
    if covered != span.duration or len(known) != len(parts) or not inside:
        return _missing(meter, span, flags | {INCOMPLETE})
    return Reading(
        meter=meter,
        start=span.start,
        duration=span.duration,
        energy_kwh=half_even(exact_sum(known)),
        quality=max((part.quality for part in parts), key=_TRUST.index),
        flags=tuple(sorted(flags)),
    )


def _missing(meter: MeterId, span: Span, flags: Iterable[str]) -> Reading:
    return Reading(
        meter=meter,
        start=span.start,
        duration=span.duration,
        energy_kwh=None,
        quality=Quality.MISSING,
        flags=tuple(sorted(flags)),
    )


def span_mean(readings: Iterable[Reading], span: Span) -> Window | None:
    """Mean power over the readings that lie wholly inside a span; None when there is none.

    Of readings that overlap, the one that starts first counts, of equal starts the one that arrived first.
    """
    found = _disjoint(reading for reading in readings if _usable(reading, span))
    energy = exact_sum(_energy(reading) for reading in found)
    microseconds = sum(reading.duration // timedelta(microseconds=1) for reading in found)
    if not microseconds:
        return None
    mean = half_even(energy * 3_600_000_000 / microseconds)
    return Window(span=span, mean_kw=mean, count=len(found))


def covered(readings: Iterable[Reading], span: Span) -> timedelta:
    """Say how much of a span its usable readings cover."""
    found = _disjoint(reading for reading in readings if _usable(reading, span))
    return sum((reading.duration for reading in found), timedelta(0))


def _usable(reading: Reading, span: Span) -> bool:
    trusted = reading.quality in (Quality.ACTUAL, Quality.ESTIMATED)
    inside = span.start <= reading.start < reading.end <= span.end
    return trusted and inside and reading.energy_kwh is not None


def _disjoint(readings: Iterable[Reading]) -> list[Reading]:
    taken: list[Reading] = []
    for reading in sorted(readings, key=lambda found: found.start):
        if not taken or reading.start >= taken[-1].end:
            taken.append(reading)
    return taken


def _energy(reading: Reading) -> Decimal:
    return reading.energy_kwh if reading.energy_kwh is not None else Decimal(0)
