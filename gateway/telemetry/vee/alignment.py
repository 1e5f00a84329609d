"""Rule 1: a reading must be one of the period's intervals."""

from dataclasses import replace
from datetime import datetime

from gateway.domain.reading import Reading
from gateway.telemetry.vee.series import Frame, Series


def alignment(series: Series) -> Series:
    """Reject what starts off the grid (``misaligned``), has another length, or lies outside the period."""
    kept: list[Reading] = []
    rejected: list[tuple[datetime, str]] = []
    for reading in series.arrivals:
        reason = _reason(reading, series.frame)
        if reason:
            rejected.append((reading.start, reason))
        else:
            kept.append(reading)
    return replace(
        series, arrivals=tuple(kept), rejected=tuple(sorted([*series.rejected, *rejected]))
    )


def _reason(reading: Reading, frame: Frame) -> str:
    if (reading.start - frame.period.start) % frame.interval:
        return "misaligned"
    if not frame.period.start <= reading.start <= frame.period.end - frame.interval:
        return "out_of_period"
    return "" if reading.duration == frame.interval else "wrong_length"
