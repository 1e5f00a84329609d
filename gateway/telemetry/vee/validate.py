"""Run the rules over one meter's readings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading
from gateway.telemetry.vee.options import VeeOptions
from gateway.telemetry.vee.registry import RULES
from gateway.telemetry.vee.series import Frame, RegisterOutcome, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """One reading per interval of the period, and what was found."""

    readings: tuple[Reading, ...]
    rejected: tuple[tuple[datetime, str], ...]
    """(start, reason), in order."""
    register: RegisterOutcome | None

    @property
    def counts(self) -> Mapping[str, int]:
        """Quality letter -> intervals."""
        found = Counter(reading.quality for reading in self.readings)
        return {quality.value: found[quality] for quality in Quality}

    @property
    def flags(self) -> Mapping[str, int]:
        """Flag -> intervals that carry it."""
        return dict(sorted(Counter(f for reading in self.readings for f in reading.flags).items()))


def validate(
    arrivals: Iterable[Reading], *, meter: MeterId, frame: Frame, options: VeeOptions
) -> Validated:
    """Validate and estimate one meter's period.

    Args:
        arrivals: Raw readings in arrival order; other meters are passed over.
        meter: Whose stream this is.
        frame: Period, interval and zone of local days.
        options: Parameters of the rules.

    Returns:
        The same whatever the arrival order, except that of equal duplicates the first one's quality is kept.
    """
    own = tuple(reading for reading in arrivals if reading.meter == meter)
    series = Series(frame=frame, options=options, arrivals=own)
    for rule in RULES.values():
        series = rule(series)
    return Validated(
        readings=tuple(
            Reading(
                meter=meter,
                start=start,
                duration=frame.interval,
                energy_kwh=slot.energy_kwh,
                quality=slot.quality,
                flags=tuple(sorted(slot.flags)),
            )
            for start, slot in series.slots.items()
        ),
        rejected=series.rejected,
        register=series.register,
    )
