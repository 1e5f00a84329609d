"""What devices mirrored, as the utility's metering serves it: usage points, their meters, and the newest values.

Nothing of this is kept a second time: a usage point follows from its mirror, a ReadingSet holds the values of one hour.

    /upt/{mirror} /mr/{n} /rt            type
                          /r             newest value
                          /rs/{hour} /r  values of an hour

Spec: IEEE 2030.5-2018 clause 10.3 (metering), 10.11 (mirrors); Table of lists, clause 4.6.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import mrid_of
from gateway.protocols.sep2.server.asking import Page
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.kinds import LISTS
from gateway.protocols.sep2.server.mirrors import MIRRORS, USAGE
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Posted, RefusedError

MOST_SERVED: Final = 2000
"""The newest values of one meter that are served; the operator reads all of them."""
_HOUR: Final = 3600
_KINDS: Final[dict[tuple[str, ...], type[sep.Resource]]] = {
    ("*",): sep.UsagePoint,
    ("*", "mr"): sep.MeterReadingList,
    ("*", "mr", "*"): sep.MeterReading,
    ("*", "mr", "*", "rt"): sep.ReadingType,
    ("*", "mr", "*", "r"): sep.Reading,
    ("*", "mr", "*", "rs"): sep.ReadingSetList,
    ("*", "mr", "*", "rs", "*"): sep.ReadingSet,
    ("*", "mr", "*", "rs", "*", "r"): sep.ReadingList,
    ("*", "mr", "*", "rs", "*", "r", "*"): sep.Reading,
}
_METER: Final = 2
_HOUR_AT: Final = 4
_READING_AT: Final = 6
_VALUES: Final = 4
"""Parts of a path from which on it tells values."""
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Whose values are asked for."""

    lfdi: str
    mirror: str
    """mRID."""
    meter_reading: str


class Usage:
    """Serves usage points.

    Args:
        book: What is kept.
        options: Of the utility.
    """

    def __init__(self, book: Book, options: ServerOptions) -> None:
        self._book = book
        self._options = options

    def place(self, path: str) -> Kept | None:
        """Return an address of ours, of the scope of its mirror; None: it is none."""
        if path == USAGE:
            return Kept(href=USAGE, kind=sep.UsagePointList, value=None, at=self._since())
        parts = _parts(path)
        shape = tuple("*" if number % 2 == 0 else part for number, part in enumerate(parts))
        kind, mirror = _KINDS.get(shape), self._mirror(parts)
        if kind is None or mirror is None:
            return None
        if len(parts) > _METER and self._meter(path) is None:
            return None
        return Kept(href=path, kind=kind, scope=mirror.scope, value=None, at=mirror.at)

    def meter(self, path: str) -> Meter | None:
        """Return the meter whose values are needed to tell what stands at an address; None: none are."""
        parts, meter = _parts(path), self._meter(path)
        mirror = self._mirror(parts)
        if len(parts) < _VALUES or meter is None or mirror is None:
            return None
        mrid = getattr(mirror.value, "mrid", "")
        return Meter(lfdi=mirror.scope, mirror=mrid, meter_reading=meter.mrid)

    def shown(self, one: Kept, peer: str, page: Page, values: Sequence[Posted]) -> sep.Resource:
        """Return what stands at an address.

        Args:
            one: As of ``place``.
            peer: Who asks.
            page: Of a list.
            values: Of the meter, newest first.

        Raises:
            RefusedError: 404 where there is no value.
        """
        if one.kind in LISTS:
            return self._list(one, peer, page, values)
        return self._single(one.kind, one.href, values)

    # --- inside

    def _since(self) -> Any:
        """Return when there was first something. ``Any``: an instant, of the list of mirrors."""
        return self._book.entries[MIRRORS].at

    def _mirror(self, parts: Sequence[str]) -> Kept | None:
        one = self._book.entry(f"{MIRRORS}/{parts[0]}") if parts else None
        return one if one is not None and one.kind is sep.MirrorUsagePoint else None

    def _meter(self, path: str) -> sep.MirrorMeterReading | None:
        parts = _parts(path)
        mirror = self._mirror(parts)
        number = _number(parts[_METER]) if len(parts) > _METER else 0
        if mirror is None or not isinstance(mirror.value, sep.MirrorUsagePoint) or number < 1:
            return None
        meters = mirror.value.mirror_meter_reading
        return meters[number - 1] if number <= len(meters) else None

    def _list(self, one: Kept, peer: str, page: Page, values: Sequence[Posted]) -> sep.Resource:
        listing = LISTS[one.kind]
        members = sorted(self._members(one, peer, values), key=listing.order)
        total = len(members)
        if page.after is not None and listing.time is not None:
            time, after = listing.time, page.after
            members = [member for member in members if time(member) > after]
        end = page.start + min(page.limit, self._options.most_members)
        part = tuple(members[page.start : end])
        told: dict[str, Any] = {"href": one.href, "all": total, "results": len(part)}
        told[listing.field] = part
        if one.kind is sep.UsagePointList:
            told["poll_rate"] = self._options.poll_rate
        return one.kind(**told)

    def _members(self, one: Kept, peer: str, values: Sequence[Posted]) -> Iterable[sep.Resource]:
        if one.kind is sep.UsagePointList:
            scopes = self._book.acts_for(peer)
            mirrors = (each for lfdi in scopes for each in self._book.children(MIRRORS, lfdi))
            hrefs = [USAGE + mirror.href.removeprefix(MIRRORS) for mirror in mirrors]
            return [self._usage_point(href) for href in hrefs]
        if one.kind is sep.MeterReadingList:
            count = len(getattr(self._value(one.href), "mirror_meter_reading", ()))
            return [self._meter_reading(f"{one.href}/{n}") for n in range(1, count + 1)]
        if one.kind is sep.ReadingSetList:
            hours = dict.fromkeys(value.start // _HOUR for value in values)
            return [self._reading_set(f"{one.href}/{hour}", values) for hour in hours]
        return [_reading(f"{one.href}/{_key(value)}", value) for value in _within(one.href, values)]

    def _single(
        self, kind: type[sep.Resource], href: str, values: Sequence[Posted]
    ) -> sep.Resource:
        if kind is sep.UsagePoint:
            return self._usage_point(href)
        if kind is sep.MeterReading:
            return self._meter_reading(href)
        if kind is sep.ReadingType:
            meter = self._meter(href)
            found = (meter.reading_type if meter is not None else None) or sep.ReadingType()
            return replace(found, href=href)
        if kind is sep.ReadingSet:
            return self._reading_set(href, values)
        wanted = _parts(href)[_READING_AT] if len(_parts(href)) > _READING_AT else ""
        for value in values:
            if not wanted or (_key(value) == wanted and value in _within(href, values)):
                return _reading(href, value)
        raise RefusedError(404)

    def _usage_point(self, href: str) -> sep.UsagePoint:
        mirror = self._value(href)
        return sep.UsagePoint(
            href=href,
            mrid=self._mrid(href),
            description=mirror.description,
            version=mirror.version,
            role_flags=mirror.role_flags,
            service_category_kind=mirror.service_category_kind,
            status=mirror.status,
            device_lfdi=mirror.device_lfdi,
            meter_reading_list_link=sep.ListLink(
                href=f"{href}/mr", all=len(mirror.mirror_meter_reading)
            ),
        )

    def _meter_reading(self, href: str) -> sep.MeterReading:
        meter = self._meter(href)
        return sep.MeterReading(
            href=href,
            mrid=self._mrid(href),
            description=meter.description if meter is not None else None,
            reading_link=sep.Link(href=f"{href}/r"),
            reading_set_list_link=sep.ListLink(href=f"{href}/rs"),
            reading_type_link=sep.Link(href=f"{href}/rt"),
        )

    def _reading_set(self, href: str, values: Sequence[Posted]) -> sep.ReadingSet:
        found = _within(href, values)
        if not found:
            raise RefusedError(404)
        period = sep.DateTimeInterval(start=_hour(href) * _HOUR, duration=_HOUR)
        return sep.ReadingSet(
            href=href,
            mrid=self._mrid(href),
            time_period=period,
            reading_list_link=sep.ListLink(href=f"{href}/r", all=len(found)),
        )

    def _value(self, path: str) -> sep.MirrorUsagePoint:
        mirror = self._mirror(_parts(path))
        if mirror is None or not isinstance(mirror.value, sep.MirrorUsagePoint):
            raise RefusedError(404)
        return mirror.value

    def _mrid(self, href: str) -> str:
        return mrid_of(href.encode(), self._options.pen, self._options.pen_encoding)


def _parts(path: str) -> list[str]:
    return path.removeprefix(f"{USAGE}/").split("/") if path.startswith(f"{USAGE}/") else []


def _number(text: str) -> int:
    """Return a number that is written as we write it; 0: it is none."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _DIGITS and text[0] != "0"
    return int(text) if plain else 0


def _hour(path: str) -> int:
    parts = _parts(path)
    return _number(parts[_HOUR_AT]) if len(parts) > _HOUR_AT else 0


def _within(path: str, values: Sequence[Posted]) -> list[Posted]:
    hour = _hour(path)
    return [value for value in values if value.start // _HOUR == hour]


def _key(value: Posted) -> str:
    return f"{value.start}-{value.duration}-{value.local_id + 1}"


def _reading(href: str, value: Posted) -> sep.Reading:
    return sep.Reading(
        href=href,
        quality_flags=value.quality,
        time_period=sep.DateTimeInterval(start=value.start, duration=value.duration),
        value=value.value,
        local_id=None if value.local_id < 0 else value.local_id,
    )
