"""Mirrors of meters: made once by their mRID, then readings by the mRIDs of what was made.

Spec: IEEE 2030.5-2018 clause 10.11.3 (2023 lettering: e only the owner posts, h.1 the same mRID updates, a new one
needs its ReadingType).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Answer, Kept, Posted, RefusedError, Turn
from gateway.protocols.sep2.tables import Edition

MIRRORS: Final = "/mup"
USAGE: Final = "/upt"
"""Of the usage points that follow from mirrors."""
MOST_METERS: Final = 64
"""MirrorMeterReadings of one mirror."""
LARGEST_POST: Final = 20_000
"""Values of one request."""
_UNNUMBERED: Final = -1


def post_mirror(
    turn: Turn, told: sep.MirrorUsagePoint, token: str, book: Book, options: ServerOptions
) -> None:
    """Make a mirror, or bring the one of the same mRID and device up to date.

    Raises:
        RefusedError: 400 for readings without their type, 413 beyond what one device may have.
    """
    name = mrid(told.mrid)
    mine = book.children(MIRRORS, told.device_lfdi)
    old = next((one for one in mine if getattr(one.value, "mrid", "") == name), None)
    if old is None and len(mine) >= options.most_mirrors:
        raise RefusedError(413, 2)
    href = old.href if old is not None else f"{MIRRORS}/{token}"
    before = old.value if old is not None else None
    known = before.mirror_meter_reading if isinstance(before, sep.MirrorUsagePoint) else ()
    meters = merged(known, told.mirror_meter_reading)
    rate = before.post_rate if isinstance(before, sep.MirrorUsagePoint) else options.post_rate
    value = replace(
        told,
        href=href,
        mrid=name,
        mirror_meter_reading=meters,
        post_rate=rate,
        subscribable=None,
        usage_point_link=_usage_point(href) if options.flavour.edition is Edition.Y2023 else None,
    )
    turn.keep(
        Kept(
            href=href,
            kind=sep.MirrorUsagePoint,
            place=MIRRORS,
            scope=told.device_lfdi,
            value=value,
            at=old.at if old is not None else turn.at,
        )
    )
    _note(turn, value, told.mirror_meter_reading)
    turn.answer = Answer(status=201 if old is None else 204, location=href)


def _usage_point(href: str) -> sep.Link:
    return sep.Link(href=USAGE + href.removeprefix(MIRRORS))


def post_readings(turn: Turn, one: Kept, told: Iterable[sep.MirrorMeterReading]) -> None:
    """Take readings of a mirror.

    Raises:
        RefusedError: 400 for a new mRID without its type.
    """
    mirror = one.value
    if not isinstance(mirror, sep.MirrorUsagePoint):
        raise RefusedError(404)
    found = tuple(told)
    meters = merged(mirror.mirror_meter_reading, found)
    if meters != mirror.mirror_meter_reading:
        mirror = replace(mirror, mirror_meter_reading=meters)
        turn.keep(replace(one, value=mirror))
    _note(turn, mirror, found)
    turn.answer = Answer(status=201, location=one.href)


def merged(
    known: tuple[sep.MirrorMeterReading, ...], told: Iterable[sep.MirrorMeterReading]
) -> tuple[sep.MirrorMeterReading, ...]:
    """Return the meters of a mirror, without their values, after a post.

    Raises:
        RefusedError: 400 for a new one without ReadingType, 413 for too many.
    """
    found = {one.mrid: one for one in known}
    for each in told:
        name = mrid(each.mrid)
        old = found.get(name)
        kind = each.reading_type or (old.reading_type if old is not None else None)
        if kind is None:
            raise RefusedError(400, 1)
        found[name] = sep.MirrorMeterReading(
            mrid=name,
            description=each.description or (old.description if old is not None else None),
            version=each.version,
            reading_type=kind,
        )
    if len(found) > MOST_METERS:
        raise RefusedError(413, 2)
    return tuple(found.values())


def _note(turn: Turn, mirror: sep.MirrorUsagePoint, told: Iterable[sep.MirrorMeterReading]) -> None:
    kinds = {one.mrid: one.reading_type for one in mirror.mirror_meter_reading}
    for each in told:
        name = mrid(each.mrid)
        kind = kinds[name] or sep.ReadingType()
        for period, reading in _values(each, int(turn.at.timestamp())):
            turn.readings.append(
                Posted(
                    mirror=mirror.mrid,
                    meter_reading=name,
                    lfdi=mirror.device_lfdi,
                    start=period.start,
                    duration=period.duration,
                    local_id=_UNNUMBERED if reading.local_id is None else reading.local_id,
                    value=reading.value,
                    multiplier=kind.power_of_ten_multiplier or 0,
                    uom=kind.uom,
                    quality=reading.quality_flags,
                    at=turn.at,
                )
            )
    if len(turn.readings) > LARGEST_POST:
        raise RefusedError(413, 2)


def _values(
    told: sep.MirrorMeterReading, now: int
) -> Iterator[tuple[sep.DateTimeInterval, sep.Reading]]:
    """Yield each value with the time that it is of; an instant without one is that of its post."""
    if told.reading is not None:
        instant = sep.DateTimeInterval(start=told.last_update_time or now, duration=0)
        yield told.reading.time_period or instant, told.reading
    for whole in told.mirror_reading_set:
        for reading in whole.reading:
            yield reading.time_period or whole.time_period, reading
