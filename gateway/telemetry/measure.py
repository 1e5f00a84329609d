"""From raw readings to the series that settlement uses: validate, estimate, add up."""

from collections import Counter
from zoneinfo import ZoneInfo

from gateway.domain.reading import Measured, MeasureRequest
from gateway.telemetry.aggregate import aggregate
from gateway.telemetry.vee.options import vee_options
from gateway.telemetry.vee.series import Frame
from gateway.telemetry.vee.validate import validate


def measure(request: MeasureRequest) -> Measured:
    """Validate one meter's raw readings and add them up to settlement intervals.

    Raises:
        ConfigError: for unknown or impossible rule parameters.
        MeterDataError: ``NOT_A_MULTIPLE`` when the settlement interval is no multiple of the raw one.
    """
    frame = Frame(
        period=request.period, interval=request.raw_interval, zone=ZoneInfo(request.timezone)
    )
    valid = validate(
        request.readings, meter=request.meter, frame=frame, options=vee_options(request.rules)
    )
    flags = Counter(valid.flags)
    if valid.register is not None:
        flags[f"register_{valid.register.verdict}"] += 1
    return Measured(
        readings=aggregate(
            valid.readings, meter=request.meter, interval=request.interval, period=request.period
        ),
        counts=valid.counts,
        rejected=valid.rejected,
        flags=dict(sorted(flags.items())),
    )
