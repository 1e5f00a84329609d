"""Rule 7: the intervals must add up to what the register counted."""

from dataclasses import replace
from fractions import Fraction

from gateway.domain.reading import Quality
from gateway.domain.rounding import exact_sum, half_even
from gateway.telemetry.vee.series import RegisterOutcome, Series


def register(series: Series) -> Series:
    """Compare with the register reads, if there are any, and scale estimates to meet them.

    Without estimates the sum passes within two steps of the register or fails. With estimates and nothing missing they
    take up the whole difference; a negative factor fails. With something missing nothing can be said.
    """
    reads = series.options.register_reads
    if reads is None:
        return series
    multiplier = Fraction(reads.multiplier)
    target = (Fraction(reads.end) - Fraction(reads.start)) * multiplier
    tolerance = 2 * Fraction(reads.resolution) * multiplier
    energies = [(slot.quality, slot.energy_kwh) for slot in series.slots.values()]
    estimated = exact_sum(e for q, e in energies if e is not None and q is Quality.ESTIMATED)
    fixed = exact_sum(e for q, e in energies if e is not None and q is not Quality.ESTIMATED)
    outcome = RegisterOutcome(
        register_kwh=half_even(target), sum_kwh=half_even(fixed + estimated), verdict=""
    )
    if any(energy is None for _, energy in energies):
        return replace(series, register=replace(outcome, verdict="not_possible"))
    if not any(quality is Quality.ESTIMATED for quality, _ in energies):
        fits = abs(fixed - target) <= tolerance
        return replace(series, register=replace(outcome, verdict="pass" if fits else "fail"))
    factor = (target - fixed) / estimated if estimated else Fraction(-1)
    if factor < 0:
        return replace(series, register=replace(outcome, verdict="fail"))
    outcome = replace(outcome, verdict="scaled", estimate_scale=half_even(factor))
    return replace(_scaled(series, factor), register=outcome)


def _scaled(series: Series, factor: Fraction) -> Series:
    return series.changed(
        {
            start: replace(slot, energy_kwh=half_even(Fraction(slot.energy_kwh) * factor))
            for start, slot in series.slots.items()
            if slot.quality is Quality.ESTIMATED and slot.energy_kwh is not None
        }
    )
