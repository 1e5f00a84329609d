"""Checks about the mirror of a client's meter (IEEE 2030.5 clause 10.11)."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.checks.reporting import gaps
from conformance.kit.sep2.reading import posts, same_hex
from conformance.kit.transcript import Message, Transcript

READINGS = ("MirrorMeterReading", "MirrorMeterReadingList")
_ALL = "descendant-or-self::s:MirrorMeterReading"


def _types(transcript: Transcript) -> dict[str, str]:
    """Return the unit of measure of every mRID that was told with a type."""
    found = {}
    for message in posts(transcript, "MirrorUsagePoint"):
        for one in message.elements("s:MirrorMeterReading"):
            found[(one.findtext("{*}mRID") or "").upper()] = (
                one.findtext("{*}ReadingType/{*}uom") or ""
            )
    return found


def mirrors(*, requirement: str) -> Check:
    """Demand that readings come under mRIDs that were told with their types, and without the types."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        created = posts(transcript, "MirrorUsagePoint")
        yield from _created_twice(created, requirement)
        known = _types(transcript)
        for message in posts(transcript, *READINGS):
            for one in message.elements(_ALL):
                mrid = (one.findtext("{*}mRID") or "").upper()
                if not any(same_hex(mrid, other) for other in known):
                    yield wrong(requirement, message, "s:mRID", "one that was created", mrid)
                if one.find("{*}ReadingType") is not None:
                    yield wrong(requirement, message, "s:ReadingType", "none", "one")

    return Check("readings follow under the mRIDs of their mirror", judge)


def _created_twice(created: list[Message], requirement: str) -> Iterator[Finding]:
    owners = [m.text("s:deviceLFDI") for m in created]
    for place, message in enumerate(created):
        same = [n for n in range(place) if same_hex(owners[n], owners[place])]
        roles = {created[n].text("s:roleFlags") for n in same}
        if message.text("s:roleFlags") in roles:
            yield wrong(
                requirement, message, "s:deviceLFDI", "one mirror for each role", "one more"
            )


def reading_types(units: set[str], *, requirement: str) -> Check:
    """Demand that a client mirrors quantities of these units of measure."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        created = posts(transcript, "MirrorUsagePoint")
        missing = units - set(_types(transcript).values())
        if created and missing:
            found = ", ".join(sorted(missing))
            yield wrong(requirement, created[-1], "s:MirrorMeterReading", f"uom {found}", "none")

    return Check(f"mirrors uom {', '.join(sorted(units))}", judge)


def readings_every(
    every: timedelta, *, requirement: str, after: str = "case.prepared", until: str = ""
) -> Check:
    """Demand readings at a rate between two marks: no gap above half as much again, none below half of it."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first, last = transcript.mark(after), transcript.mark(until) if until else None
        if first is None:
            return
        rows = [
            m
            for m in posts(transcript, *READINGS)
            if m.number > first.number and (last is None or m.number < last.number)
        ]
        starts = [m for n, m in enumerate(rows) if not n or m.at - rows[n - 1].at > every / 10]
        yield from gaps(transcript, starts, every, requirement, "readings", whole=last is None)
        for earlier, later in pairwise(starts):
            if later.at - earlier.at < every / 2:
                told = f"readings every {every.total_seconds():g} s"
                found = f"{(later.at - earlier.at).total_seconds():g} s"
                yield wrong(requirement, later, "time", told, found)

    return Check(f"posts readings every {every.total_seconds():g} s", judge)
