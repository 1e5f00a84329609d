"""Documents of the 2030.5 benches: a mirror with one meter, and what it posts."""

import hashlib
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.tables import Edition, Flavour

PLAIN: Final = Flavour(edition=Edition.Y2018)
SET: Final = 3
"""Values of one post."""


def _mrid(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32].upper()


def mirror(lfdi: str) -> bytes:
    """Return a mirror of a device, with one meter of energy."""
    meter = sep.MirrorMeterReading(
        mrid=_mrid("meter"),
        reading_type=sep.ReadingType(uom=38, power_of_ten_multiplier=3, interval_length=300),
    )
    made = sep.MirrorUsagePoint(
        mrid=_mrid(lfdi),
        role_flags=3,
        service_category_kind=0,
        status=1,
        device_lfdi=lfdi,
        mirror_meter_reading=(meter,),
    )
    return encode(made, PLAIN)


def values(number: int) -> bytes:
    """Return a post of three values, of a time of its own."""
    start = 1_800_000_000 + number * 900
    values = tuple(
        sep.Reading(
            local_id=place,
            value=4200 + number,
            quality_flags=1,
            time_period=sep.DateTimeInterval(start=start + 300 * place, duration=300),
        )
        for place in range(SET)
    )
    period = sep.DateTimeInterval(start=start, duration=300 * SET)
    whole = sep.MirrorReadingSet(mrid=_mrid(f"set {number}"), time_period=period, reading=values)
    told = sep.MirrorMeterReading(mrid=_mrid("meter"), mirror_reading_set=(whole,))
    return encode(told, PLAIN)
