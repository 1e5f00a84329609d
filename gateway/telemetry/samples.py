"""Turn a batch of samples, as a site sends it, into readings."""

from datetime import timedelta

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading

CLOCK_FLAG = "clock_offset"


def readings_of(batch: TelemetryBatch) -> tuple[Reading, ...]:
    """Read every sample of a batch, in its order.

    A clock that was off by more than a third of an interval makes an actual value time-suspect: part of its energy may
    belong to the neighbour.
    """
    offset = timedelta(milliseconds=abs(batch.clock_offset_ms or 0))
    return tuple(_reading(sample, offset) for sample in batch.samples)


def _reading(sample: Sample, offset: timedelta) -> Reading:
    suspect = 3 * offset > sample.duration
    quality = Quality(sample.quality)
    return Reading(
        meter=MeterId(sample.meter),
        start=sample.start,
        duration=sample.duration,
        energy_kwh=sample.energy_kwh,
        quality=Quality.TIME_SUSPECT if suspect and quality is Quality.ACTUAL else quality,
        flags=(CLOCK_FLAG,) if suspect else (),
    )
