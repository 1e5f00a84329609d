"""Rule 2: one value per interval; two different ones are none."""

from dataclasses import replace
from datetime import datetime

from gateway.domain.reading import Reading
from gateway.telemetry.vee.series import Series, Slot


def duplicates(series: Series) -> Series:
    """Lay arrivals on the slots of the period.

    Equal values: the first is kept, ``duplicate``. Different values: none can be preferred, ``duplicate_conflict``.
    An arrival without energy says nothing and takes part in neither.
    """
    found: dict[datetime, list[Reading]] = {}
    for reading in series.arrivals:
        if reading.energy_kwh is not None:
            found.setdefault(reading.start, []).append(reading)
    frame = series.frame
    whole = (step for step in frame.period.steps(frame.interval) if step.duration == frame.interval)
    return replace(series, slots={step.start: _slot(found.get(step.start, [])) for step in whole})


def _slot(arrivals: list[Reading]) -> Slot:
    if not arrivals:
        return Slot()
    first = arrivals[0]
    slot = Slot(energy_kwh=first.energy_kwh, quality=first.quality, flags=frozenset(first.flags))
    if len(arrivals) == 1:
        return slot
    if any(other.energy_kwh != first.energy_kwh for other in arrivals):
        return Slot().invalid("duplicate_conflict")
    return slot.flagged("duplicate")
