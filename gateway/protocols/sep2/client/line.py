"""One meter and its mirror at the server: what is known of it, and the documents that make it and tell its values.

Import is positive and flows forward (flowDirection 1); values are watts.

Spec: IEEE 2030.5-2018 clause 10.11 (metering mirror).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from pydantic import TypeAdapter

from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.protocols.actions import Readings
from gateway.protocols.entry import MeterPoint
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.gaps import Gaps
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import MeterMirror, Parts, plain, value_of
from gateway.protocols.sep2.identity import mrid_of

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SITE_METER: Final = 0x0003
"""roleFlags: a mirror, at the premises' aggregation point."""
ELECTRICITY: Final = 0
ON: Final = 1
WATTS: Final = 38
AVERAGE: Final = 2
POWER: Final = 37
SECONDARY_METERED: Final = 1
FORWARD: Final = 1
INDICATING: Final = 12
VALID: Final = 0b1
ESTIMATED: Final = 0b100
QUESTIONABLE: Final = 0b10000
FLAGS: Final = {
    Quality.ACTUAL: VALID,
    Quality.ESTIMATED: ESTIMATED,
    Quality.TIME_SUSPECT: QUESTIONABLE,
}
_STORED: Final = TypeAdapter(MeterMirror)


@dataclass(slots=True, kw_only=True)
class Line:
    """One meter of one device, and its mirror."""

    device: Device
    point: MeterPoint
    mrid: str
    """Of the MirrorUsagePoint."""
    kind_mrid: str
    """Of its MirrorMeterReading."""
    href: str = ""
    """Of the mirror at the server; empty: it is not there yet, or was lost."""
    rate: timedelta
    """Length of one average."""
    covered_until: datetime | None = None
    gaps: Gaps = field(default_factory=Gaps)
    """Intervals before that which the meter has not told yet."""
    collecting: Span | None = None
    looking: tuple[Span, ...] = ()
    """Gaps that are being asked for."""
    due_at: datetime | None = None
    """When it is to be asked for something next; None: it is being asked, or there is no mirror."""

    @property
    def key(self) -> str:
        """Return what names its readings on their way."""
        return f"mirror {self.mrid}"

    @property
    def part(self) -> str:
        """Return the name of its part of the stored state."""
        return f"meter {self.mrid}"

    def recall(self, parts: Parts) -> None:
        """Take what is stored of it; from now on it is kept."""
        found = parts.found(self.part)
        if found is not None:
            old = value_of(_STORED, found)
            self.href, self.covered_until = old.href, old.covered_until
            self.gaps.recall(old.gaps, old.covered_until or EPOCH)
        parts.keep(self.part, self._document)

    def _document(self) -> object:
        if not (self.href or self.covered_until):
            return None
        found = MeterMirror(
            mrid=self.mrid,
            href=self.href,
            covered_until=self.covered_until,
            gaps=self.gaps.runs,
        )
        return plain(_STORED, found)

    def fresh(self, readings: Readings) -> bool:
        """Say whether what came tells how the meter stands, rather than how it once stood."""
        if not self.looking:
            return True
        last = self.looking[-1]
        return last.end == self.covered_until and last in told_by(self, readings)


def mirror_of(line: Line) -> sep.MirrorUsagePoint:
    """Return the document that makes a mirror, with the type of its readings."""
    kind = sep.ReadingType(
        accumulation_behaviour=INDICATING,
        commodity=SECONDARY_METERED,
        data_qualifier=AVERAGE,
        flow_direction=FORWARD,
        interval_length=int(line.rate.total_seconds()),
        kind=POWER,
        power_of_ten_multiplier=0,
        uom=WATTS,
    )
    reading = sep.MirrorMeterReading(
        mrid=line.kind_mrid, description="average active power", reading_type=kind
    )
    return sep.MirrorUsagePoint(
        mrid=line.mrid,
        description=f"{line.point.site} {line.point.meter}"[:32],
        role_flags=SITE_METER,
        service_category_kind=ELECTRICITY,
        status=ON,
        device_lfdi=line.device.lfdi,
        mirror_meter_reading=(reading,),
    )


def readings_of(
    line: Line, span: Span, told: list[Reading], setting: Setting
) -> sep.MirrorMeterReading:
    """Return the document that tells an interval, in the server's time."""
    offset = setting.clock.offset
    options = setting.options
    seed = f"{line.kind_mrid}/{span.start:%Y%m%dT%H%M%SZ}".encode()
    values = tuple(
        sep.Reading(
            quality_flags=FLAGS[one.quality],
            time_period=_period(one.span, offset),
            value=_watts(one.mean_kw or Decimal(0)),
            local_id=place,
        )
        for place, one in enumerate(told)
    )
    whole = sep.MirrorReadingSet(
        mrid=mrid_of(seed, options.pen, options.pen_encoding),
        time_period=_period(span, offset),
        reading=values,
    )
    return sep.MirrorMeterReading(mrid=line.kind_mrid, mirror_reading_set=(whole,))


def told_by(line: Line, readings: Readings) -> dict[Span, list[Reading]]:
    """Return what a meter has told, by interval."""
    found: dict[Span, list[Reading]] = {}
    for one in readings.series.get((line.point.site, line.point.meter), ()):
        if one.mean_kw is not None and one.quality in FLAGS:
            found.setdefault(one.span, []).append(one)
    return found


def _period(span: Span, offset: timedelta) -> sep.DateTimeInterval:
    return sep.DateTimeInterval(
        start=int((span.start + offset).timestamp()),
        duration=int(span.duration.total_seconds()),
    )


def _watts(kw: Decimal) -> int:
    return int((kw * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))
