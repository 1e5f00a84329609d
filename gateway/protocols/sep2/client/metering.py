"""Readings of ours mirrored at the server: one MirrorUsagePoint per meter, one average per post interval.

A mirror is created once and recognised by its mRID, which follows from device and meter; afterwards readings go to the
address that the server gave it, without ReadingType. What was not metered is not invented: its interval stays out.
Import is positive and flows forward (flowDirection 1); values are watts.

Spec: IEEE 2030.5-2018 clause 10.11 (metering mirror); CSIP-AUS ALL-06, ALL-10.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from pydantic import TypeAdapter

from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.protocols.actions import Collect, Readings
from gateway.protocols.entry import MeterPoint
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import (
    MeterMirror,
    Outgoing,
    Parts,
    Purpose,
    plain,
    value_of,
)
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.identity import mrid_of, same_hex

GRACE: Final = timedelta(seconds=5)
"""After the end of an interval, for late readings."""
AGAIN_AFTER: Final = timedelta(minutes=15)
"""Between attempts at a mirror that the server refuses."""
BACKLOG: Final = timedelta(days=1)
"""Older intervals that were never told are let go."""
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
_FLAGS: Final = {
    Quality.ACTUAL: VALID,
    Quality.ESTIMATED: ESTIMATED,
    Quality.TIME_SUSPECT: QUESTIONABLE,
}
_STORED: Final = TypeAdapter(MeterMirror)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    collecting: Span | None = None
    not_before: datetime | None = None
    """The server refused the mirror, and is not asked before this instant."""

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
        parts.keep(self.part, self._document)

    def _document(self) -> object:
        if not (self.href or self.covered_until):
            return None
        found = MeterMirror(mrid=self.mrid, href=self.href, covered_until=self.covered_until)
        return plain(_STORED, found)


@dataclass(slots=True, kw_only=True)
class Metering:
    """The mirrors of one session.

    Args:
        setting: The utility.
        lines: One per meter and device.
    """

    setting: Setting
    lines: dict[str, Line] = field(default_factory=dict)
    target: str = ""
    """Where mirrors are created; empty: the server offers no mirroring."""
    known: bool = False
    """The server's list was read: what is not in it may be created."""

    @classmethod
    def of(cls, setting: Setting, devices: list[Device]) -> "Metering":
        """Make the mirrors of the meters behind some devices, with what is stored of them."""
        made = cls(setting=setting)
        for device in devices:
            sites = device.sites or setting.scope.sites
            for point in setting.scope.points:
                if point.site in sites:
                    line = made._line(device, point)
                    line.recall(setting.parts)
                    made.lines[line.mrid] = line
        return made

    def _line(self, device: Device, point: MeterPoint) -> Line:
        options = self.setting.options
        seed = f"{device.lfdi}/{point.site}/{point.meter}".encode()
        return Line(
            device=device,
            point=point,
            mrid=mrid_of(seed, options.pen, options.pen_encoding),
            kind_mrid=mrid_of(seed + b"/W", options.pen, options.pen_encoding),
            rate=_whole(options.post_rate, point.interval),
        )

    # --- mirrors at the server

    def listed(self, found: tuple[sep.Resource, ...], hrefs: dict[str, str]) -> None:
        """Take the server's list of our mirrors.

        Args:
            found: Its members.
            hrefs: mRID as listed -> address of the mirror.
        """
        for member in found:
            if isinstance(member, sep.MirrorUsagePoint):
                line = self._of(member.mrid)
                if line is not None:
                    line.href = hrefs.get(member.mrid, line.href)
                    self.setting.parts.touch(line.part)
                    if member.post_rate:
                        told = timedelta(seconds=member.post_rate)
                        line.rate = _whole(told, line.point.interval)

    def line_of(self, readings: Readings) -> Line | None:
        """Return whose readings came; None: they are of no mirror."""
        return self.lines.get(readings.key.removeprefix("mirror "))

    def _of(self, mrid: str) -> Line | None:
        exact = self.lines.get(mrid)
        return exact or next((o for o in self.lines.values() if same_hex(o.mrid, mrid)), None)

    def created(self, mrid: str, location: str) -> None:
        """Take that the server has made a mirror."""
        if mrid in self.lines:
            self.lines[mrid].href = location
            self.setting.parts.touch(self.lines[mrid].part)

    def refused(self, mrid: str, now: datetime) -> None:
        """Take that the server refuses to make a mirror: it is asked again after a while."""
        if mrid in self.lines:
            self.lines[mrid].not_before = now + AGAIN_AFTER

    def lost(self, mrid: str) -> None:
        """Take that nothing stands where a mirror was: it is made anew."""
        if mrid in self.lines:
            self.lines[mrid].href = ""
            self.setting.parts.touch(self.lines[mrid].part)

    def to_create(self, now: datetime) -> Iterator[Outgoing]:
        """Yield the documents that create what is missing; asking twice yields the same ones."""
        if not (self.target and self.known):
            return
        for line in self.lines.values():
            later = line.not_before is not None and line.not_before > now
            if line.device.ready and not line.href and not later:
                yield Outgoing(
                    key=f"{Purpose.MIRROR} {line.mrid}",
                    purpose=Purpose.MIRROR,
                    method="POST",
                    href=self.target,
                    body=encode(self._mirror(line), self.setting.flavour).decode(),
                    subject=line.mrid,
                )

    def _mirror(self, line: Line) -> sep.MirrorUsagePoint:
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

    # --- readings

    def due(self, now: datetime) -> Iterator[Collect]:
        """Yield what is to be asked of the meters now: per mirror one interval at a time, the oldest first."""
        for line in self.lines.values():
            span = self._next(line, now)
            if span is None or line.collecting is not None or span.end + GRACE > now:
                continue
            line.collecting = span
            yield Collect(
                key=line.key,
                meters=((line.point.site, line.point.meter),),
                span=span,
                step=span.duration,
            )

    def next_at(self, now: datetime) -> datetime | None:
        """Return when an interval ends whose readings are to be told; None: none will."""
        spans = [
            span.end + GRACE
            for line in self.lines.values()
            if line.collecting is None and (span := self._next(line, now)) is not None
        ]
        return min(spans, default=None)

    def _next(self, line: Line, now: datetime) -> Span | None:
        """Return the interval after the last one told; the first one is the one that runs when the mirror is there."""
        if not (line.device.ready and line.href):
            return None
        running = _floor(now, line.rate)
        start = line.covered_until
        if start is None or start < now - BACKLOG:
            line.covered_until = start = running
            self.setting.parts.touch(line.part)
        if (start - _EPOCH) % line.rate:
            start = _floor(
                start, line.rate
            )  # the rate was changed: begin where the new one has a boundary
        return Span.lasting(start, line.rate)

    def collected(self, readings: Readings) -> Iterator[Outgoing]:
        """Yield the document that tells an interval; a gap yields none and is passed over."""
        line = next((one for one in self.lines.values() if one.key == readings.key), None)
        if line is None or line.collecting is None:
            return
        span, line.collecting = line.collecting, None
        line.covered_until = span.end
        self.setting.parts.touch(line.part)
        series = readings.series.get((line.point.site, line.point.meter), ())
        told = [one for one in series if one.mean_kw is not None and one.quality in _FLAGS]
        if told:
            yield Outgoing(
                key=f"{Purpose.READING} {line.mrid} {span.start:%Y%m%dT%H%M%SZ}",
                purpose=Purpose.READING,
                method="POST",
                href=line.href,
                body=encode(self._readings(line, span, told), self.setting.flavour).decode(),
                subject=line.mrid,
            )

    def _readings(self, line: Line, span: Span, told: list[Reading]) -> sep.MirrorMeterReading:
        offset = self.setting.clock.offset
        options = self.setting.options
        seed = f"{line.kind_mrid}/{span.start:%Y%m%dT%H%M%SZ}".encode()
        values = tuple(
            sep.Reading(
                quality_flags=_FLAGS[one.quality],
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


def _whole(wanted: timedelta, interval: timedelta) -> timedelta:
    """Return the smallest whole number of meter intervals that is at least what is wanted."""
    count = max(1, -(-wanted // interval))
    return count * interval


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - _EPOCH) % step


def _period(span: Span, offset: timedelta) -> sep.DateTimeInterval:
    return sep.DateTimeInterval(
        start=int((span.start + offset).timestamp()),
        duration=int(span.duration.total_seconds()),
    )


def _watts(kw: Decimal) -> int:
    return int((kw * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))
