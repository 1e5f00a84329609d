"""Checks of what a server takes from its clients and keeps: Responses, readings, what it refuses.

What is kept is read back behind the driver, as the marks ``stored.<what>`` (``serving_acts.read_back``): flat names
with the place of each entry in front, ``0.status``.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import same_hex
from conformance.kit.sep2.serving import asked
from conformance.kit.sep2.shown import mrid_shown
from conformance.kit.transcript import Mark, Message, Side, Transcript

_READINGS: Final = ("MirrorUsagePoint", "MirrorMeterReading", "MirrorMeterReadingList")
_GOOD: Final = range(200, 300)
_BAD: Final = range(400, 500)


def takes(*names: str, requirement: str) -> Check:
    """Demand that what the suite's clients post of these names is taken: by 201 with a Location, or 200 or 204."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for exchange in transcript.exchanges(Side.SUITE):
            asked, answer = exchange.request, exchange.response
            if asked.method not in ("POST", "PUT") or asked.name not in names or asked.wrong:
                continue
            if answer is None:
                continue
            if answer.status not in _GOOD:
                yield wrong(requirement, answer, "status", "success", str(answer.status))
            elif answer.status == 201 and not answer.header("Location"):
                yield wrong(requirement, answer, "Location", "an address", "none")

    return Check(f"takes {' '.join(names)}", judge)


def refuses(*, requirement: str, statuses: Sequence[int] = _BAD) -> Check:
    """Demand that what is wrong on purpose is refused by a status of the 4xx."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for exchange in transcript.exchanges(Side.SUITE):
            answer = exchange.response
            if exchange.request.wrong and answer is not None and answer.status not in statuses:
                expected = f"refused: {exchange.request.wrong}"
                yield wrong(requirement, answer, "status", expected, str(answer.status))

    return Check("refuses what is wrong", judge)


def explains(wrong_in: str, reason: int, *, requirement: str) -> Check:
    """Demand that what is wrong on purpose in this way is refused by 400 with an Error of this reasonCode."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for exchange in transcript.exchanges(Side.SUITE):
            answer = exchange.response
            if exchange.request.wrong != wrong_in or answer is None:
                continue
            found = answer.text("s:reasonCode")
            if answer.status != 400 or found != str(reason):
                seen = f"status {answer.status}, {found or 'none'}"
                yield wrong(requirement, answer, "s:reasonCode", f"400 with {reason}", seen)

    return Check(f"explains {wrong_in} by reason {reason}", judge)


def explained(part: str, *, requirement: str) -> Check:
    """Demand that what is refused in a part of a script is refused by an Error document."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in asked(transcript, after=part, before=f"{part}.over"):
            if one.answer is not None and one.status in _BAD and one.name != "Error":
                yield wrong(requirement, one.answer, "", "an Error", one.name or "no document")

    return Check(f"explains refusals of {part}", judge)


def entries(mark: Mark) -> list[dict[str, str]]:
    """Return what a mark ``stored.<what>`` tells, entry by entry."""
    found: dict[int, dict[str, str]] = {}
    for key, value in mark.values.items():
        place, _, name = key.partition(".")
        if place.isdigit():
            found.setdefault(int(place), {})[name] = value
    return [found[place] for place in sorted(found)]


def stores_responses(
    control: str, *statuses: int, requirement: str, mark: str = "stored.Response"
) -> Check:
    """Demand that the server keeps the Responses to a control: each of these statuses, once."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for here in transcript.all_marks(mark)[-1:]:
            mrid = mrid_shown(transcript, control)
            rows = [one for one in entries(here) if same_hex(one.get("subject", ""), mrid)]
            found = sorted(one.get("status", "") for one in rows)
            wanted = sorted(str(one) for one in statuses)
            if found != wanted:
                yield Finding(
                    requirement=requirement,
                    message=here.number,
                    path="status",
                    expected=" ".join(wanted),
                    observed=" ".join(found) or "none",
                )

    return Check(f"keeps the Responses to {control}", judge)


def stores_readings(*, requirement: str, mark: str = "stored.Reading") -> Check:
    """Demand that the server keeps every reading with its value, whatever the multiplier says."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for here in transcript.all_marks(mark)[-1:]:
            kept = [one for one in map(_kept, entries(here)) if one is not None]
            for message, start, value in _posted(transcript):
                if message.number > here.number or (start, value) in kept:
                    continue
                near = [str(v) for s, v in kept if s == start]
                yield wrong(
                    requirement, message, "s:value", f"{value} kept", " ".join(near) or "none"
                )

    return Check("keeps readings", judge)


def stored_count(count: int, *, requirement: str, mark: str = "stored.Reading") -> Check:
    """Demand that the server keeps so many entries of a kind, no more and no fewer."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for here in transcript.all_marks(mark)[-1:]:
            found = len(entries(here))
            if found != count:
                yield Finding(
                    requirement=requirement,
                    message=here.number,
                    path=mark,
                    expected=str(count),
                    observed=str(found),
                )

    return Check(f"{mark} has {count}", judge)


def _posted(transcript: Transcript) -> Iterator[tuple[Message, int, Decimal]]:
    """Yield each value that the suite's clients posted and the server took: start and value, multiplier applied."""
    exponents: dict[str, int] = {}
    for exchange in transcript.exchanges(Side.SUITE):
        asked, answer = exchange.request, exchange.response
        if asked.name not in _READINGS or answer is None or answer.status not in _GOOD:
            continue
        for one in asked.elements("descendant-or-self::s:MirrorMeterReading"):
            mrid = (one.findtext("{*}mRID") or "").upper()
            if one.find("{*}ReadingType") is not None:
                told = one.findtext("{*}ReadingType/{*}powerOfTenMultiplier") or "0"
                exponents[mrid] = int(told)
            for reading in one.iter("{*}Reading"):
                value = reading.findtext("{*}value")
                start = reading.findtext("{*}timePeriod/{*}start")
                if value and start:
                    yield asked, int(start), Decimal(value).scaleb(exponents.get(mrid, 0))


def _kept(entry: Mapping[str, str]) -> tuple[int, Decimal] | None:
    def last(name: str) -> str:
        rows = (value for key, value in entry.items() if key.rpartition(".")[2] == name)
        return next(rows, "")

    try:
        value = Decimal(last("value"))
        return int(last("start")), value.scaleb(int(last("powerOfTenMultiplier") or 0))
    except (InvalidOperation, ValueError):
        return None
