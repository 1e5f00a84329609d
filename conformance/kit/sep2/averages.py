"""The readings that a client mirrors, each with what its ReadingType and its mirror say about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.kit.sep2.names import NAMES
from conformance.kit.sep2.reading import posts
from conformance.kit.transcript import Message, Transcript
from conformance.kit.xml import Element

SITE: Final = "0003"
"""roleFlags of the mirror of a site's meter."""
DEVICE: Final = "0049"
"""roleFlags of the mirror of a device."""
WATTS, VARS, VOLTS = "38", "63", "29"
"""Units of measure."""
_REVERSE: Final = "19"
_DOCUMENTS: Final = ("MirrorUsagePoint", "MirrorMeterReading", "MirrorMeterReadingList")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What was told once about the readings of one mRID."""

    message: Message
    mrid: str
    role: str
    """roleFlags of the mirror."""
    uom: str
    kind: str
    flow: str
    phase: str
    multiplier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """One reading with a period."""

    message: Message
    kind: Kind
    start: datetime
    lasts: timedelta
    value: float
    """Multiplier applied; forward positive, so import of a site."""

    @property
    def end(self) -> datetime:
        """Return when its period ends."""
        return self.start + self.lasts


def _text(element: Element, path: str) -> str:
    return (element.findtext(path, namespaces=NAMES) or "").strip()


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0


def kinds(transcript: Transcript) -> dict[str, Kind]:
    """Return what was told about readings, by mRID."""
    found = {}
    for message in posts(transcript, "MirrorUsagePoint"):
        role = message.text("s:roleFlags").upper()
        for one in message.elements("s:MirrorMeterReading[s:ReadingType]"):
            mrid = _text(one, "s:mRID").upper()
            found[mrid] = Kind(
                message=message,
                mrid=mrid,
                role=role,
                uom=_text(one, "s:ReadingType/s:uom"),
                kind=_text(one, "s:ReadingType/s:kind"),
                flow=_text(one, "s:ReadingType/s:flowDirection"),
                phase=_text(one, "s:ReadingType/s:phase"),
                multiplier=_number(_text(one, "s:ReadingType/s:powerOfTenMultiplier")),
            )
    return found


def averages(transcript: Transcript, role: str = "", uom: str = "") -> list[Average]:
    """Return the readings that have a period, in the order in which they were posted.

    Args:
        transcript: Of the case.
        role: roleFlags of the mirror; empty: any.
        uom: Unit of measure; empty: any.
    """
    known = kinds(transcript)
    found: list[Average] = []
    for message in posts(transcript, *_DOCUMENTS):
        for one in message.elements("descendant-or-self::s:MirrorMeterReading"):
            kind = known.get(_text(one, "s:mRID").upper())
            if kind and (not role or kind.role == role) and (not uom or kind.uom == uom):
                found += _of(message, kind, one)
    return found


def _of(message: Message, kind: Kind, one: Element) -> Iterator[Average]:
    for path in ("s:Reading", "s:MirrorReadingSet/s:Reading"):
        for reading in one.findall(path, NAMES):
            period = reading.find("s:timePeriod", NAMES)
            if period is not None and _text(reading, "s:value"):
                sign = -1 if kind.flow == _REVERSE else 1
                yield Average(
                    message=message,
                    kind=kind,
                    start=datetime.fromtimestamp(_number(_text(period, "s:start")), UTC),
                    lasts=timedelta(seconds=_number(_text(period, "s:duration"))),
                    value=sign * _number(_text(reading, "s:value")) * 10.0**kind.multiplier,
                )


def within(transcript: Transcript, rows: list[Average], first: str, last: str) -> list[Average]:
    """Return the readings whose whole period lies between the instants of two marks (their values ``at``)."""
    begins, ends = _instant(transcript, first), _instant(transcript, last)
    if begins is None or ends is None:
        return []
    return [row for row in rows if begins <= row.start and row.end <= ends]


def _instant(transcript: Transcript, mark: str) -> datetime | None:
    found = transcript.mark(mark)
    return datetime.fromisoformat(found.values["at"]) if found else None
