"""Readings of ours mirrored at the server: one MirrorUsagePoint per meter, one average per post interval.

A mirror is created once and recognised by its mRID, which follows from device and meter; afterwards readings go to the
address that the server gave it, without ReadingType. What was not metered is not invented: its interval stays out, and
follows when the site tells it within a day.
Import is positive and flows forward (flowDirection 1); values are watts.

Spec: IEEE 2030.5-2018 clause 10.11 (metering mirror); CSIP-AUS ALL-06, ALL-10.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.timespan import Span
from gateway.protocols.actions import Collect, Readings
from gateway.protocols.entry import MeterPoint
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.gaps import KEPT_FOR
from gateway.protocols.sep2.client.line import EPOCH, Line, mirror_of, readings_of, told_by
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import (
    Outgoing,
    Purpose,
)
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.identity import mrid_of

GRACE: Final = timedelta(seconds=5)
"""After the end of an interval, before its readings are asked for; what comes later is a gap first."""
AGAIN_AFTER: Final = timedelta(minutes=15)
"""Between attempts at a mirror that the server refuses."""
BACKLOG: Final = KEPT_FOR
"""Older intervals that were never told are let go."""


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
    _of_device: dict[str, list[Line]] = field(default_factory=dict)
    """LFDI -> its lines."""
    _by_value: dict[int, Line] = field(default_factory=dict)
    """mRID as a number -> line: some servers write it otherwise than we do."""
    _missing: dict[str, None] = field(default_factory=dict)
    """mRIDs of mirrors that may have to be created."""
    _refused: list[tuple[datetime, str]] = field(default_factory=list)
    """(instant, mRID) of those that the server refused, and is asked for again then."""
    _dues: list[tuple[datetime, str]] = field(default_factory=list)
    """(instant, mRID) of intervals to be collected, the earliest first."""

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
                    made._by_value[int(line.mrid, 16)] = line
                    made._of_device.setdefault(device.lfdi, []).append(line)
        return made

    def moved(self, device: Device, now: datetime) -> None:
        """Take that a device may, or may not, take part now."""
        for line in self._of_device.get(device.lfdi, ()):
            self._timed(line, now)

    def _timed(self, line: Line, now: datetime) -> None:
        """Note what is to be done next about a mirror."""
        if not line.href:
            self._missing[line.mrid] = None
        asked = line.collecting is not None or line.looking
        span = None if asked else self._next(line, now)
        dues = () if span is None else (span.end + GRACE, line.gaps.look_at)
        line.due_at = min(filter(None, dues), default=None)
        if line.due_at is not None:
            heapq.heappush(self._dues, (line.due_at, line.mrid))

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

    def listed(self, found: tuple[sep.Resource, ...], hrefs: dict[str, str], now: datetime) -> None:
        """Take the server's list of our mirrors.

        Args:
            found: Its members.
            hrefs: mRID as listed -> address of the mirror.
            now: Current instant.
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
                    self._timed(line, now)

    def line_of(self, readings: Readings) -> Line | None:
        """Return whose readings came; None: they are of no mirror."""
        return self.lines.get(readings.key.removeprefix("mirror "))

    def _of(self, mrid: str) -> Line | None:
        return self.lines.get(mrid) or self._by_value.get(int(mrid, 16))

    def created(self, mrid: str, location: str, now: datetime) -> None:
        """Take that the server has made a mirror."""
        if mrid in self.lines:
            self.lines[mrid].href = location
            self.setting.parts.touch(self.lines[mrid].part)
            self._timed(self.lines[mrid], now)

    def refused(self, mrid: str, now: datetime) -> None:
        """Take that the server refuses to make a mirror: it is asked again after a while."""
        if mrid in self.lines:
            heapq.heappush(self._refused, (now + AGAIN_AFTER, mrid))

    def lost(self, mrid: str, now: datetime) -> None:
        """Take that nothing stands where a mirror was: it is made anew."""
        if mrid in self.lines:
            self.lines[mrid].href = ""
            self.setting.parts.touch(self.lines[mrid].part)
            self._timed(self.lines[mrid], now)

    def to_create(self, now: datetime) -> Iterator[Outgoing]:
        """Yield the documents that create what is missing, each once until it is refused or lost."""
        while self._refused and self._refused[0][0] <= now:
            self._missing[heapq.heappop(self._refused)[1]] = None
        if not (self.target and self.known):
            return
        missing, self._missing = self._missing, {}
        for line in map(self.lines.__getitem__, missing):
            if line.device.ready and not line.href:  # one that is not ready comes back when it is
                yield Outgoing(
                    key=f"{Purpose.MIRROR} {line.mrid}",
                    purpose=Purpose.MIRROR,
                    method="POST",
                    href=self.target,
                    body=encode(mirror_of(line), self.setting.flavour).decode(),
                    subject=line.mrid,
                )

    # --- readings

    def due(self, now: datetime) -> Iterator[Collect]:
        """Yield what is to be asked of the meters now: one interval at a time per mirror, then its gaps."""
        while self._first() is not None and self._dues[0][0] <= now:
            line = self.lines[heapq.heappop(self._dues)[1]]
            asked = self._ask(line, now)
            if not asked:
                self._timed(line, now)
                continue
            line.due_at = None
            yield Collect(
                key=line.key,
                meters=((line.point.site, line.point.meter),),
                span=Span(start=asked[0].start, end=asked[-1].end),
                step=asked[0].duration,
            )

    def _ask(self, line: Line, now: datetime) -> tuple[Span, ...]:
        """Return the intervals that a meter is asked for now, and note that it is."""
        span = self._next(line, now)
        if span is None:
            return ()
        if span.end + GRACE <= now:
            line.collecting = span
            return (span,)
        line.looking = line.gaps.take(now)
        return line.looking

    def next_at(self) -> datetime | None:
        """Return when an interval ends whose readings are to be told; None: none will."""
        return self._first()

    def _first(self) -> datetime | None:
        while self._dues:
            at, mrid = self._dues[0]
            if self.lines[mrid].due_at == at:
                return at
            heapq.heappop(self._dues)
        return None

    def _next(self, line: Line, now: datetime) -> Span | None:
        """Return the interval after the last one told; the first one is the one that runs when the mirror is there."""
        if not (line.device.ready and line.href):
            return None
        running = _floor(now, line.rate)
        start = line.covered_until
        if start is None or start < now - BACKLOG:
            line.covered_until = start = running
            self.setting.parts.touch(line.part)
        if (start - EPOCH) % line.rate:
            start = _floor(
                start, line.rate
            )  # the rate was changed: begin where the new one has a boundary
        return Span.lasting(start, line.rate)

    def collected(self, readings: Readings, now: datetime) -> Iterator[Outgoing]:
        """Yield the documents that tell intervals; a gap yields none, and is asked for again."""
        line = self.line_of(readings)
        if line is None:
            return
        told = told_by(line, readings)
        if line.collecting is not None:
            span, line.collecting = line.collecting, None
            line.covered_until = span.end
            told = {span: [one for found in told.values() for one in found]} if told else {}
            if told:
                line.gaps.heard(now)
            else:
                line.gaps.missed(span, now)
        elif line.looking:
            told = {span: told[span] for span in line.looking if span in told}
            line.looking = ()
            line.gaps.found(told, now)
        else:
            return
        self.setting.parts.touch(line.part)
        self._timed(line, now)
        for span, values in told.items():
            yield Outgoing(
                key=f"{Purpose.READING} {line.mrid} {span.start:%Y%m%dT%H%M%SZ}",
                purpose=Purpose.READING,
                method="POST",
                href=line.href,
                body=encode(
                    readings_of(line, span, values, self.setting), self.setting.flavour
                ).decode(),
                subject=line.mrid,
            )


def _whole(wanted: timedelta, interval: timedelta) -> timedelta:
    """Return the smallest whole number of meter intervals that is at least what is wanted."""
    count = max(1, -(-wanted // interval))
    return count * interval


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - EPOCH) % step
