"""Checks about storage: what energy it tells, and whether its settings fit each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from conformance.kit.case import Observation
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.averages import DEVICE, kinds
from conformance.kit.sep2.names import NAMES
from conformance.kit.sep2.reading import posts, puts
from conformance.kit.transcript import Message, Transcript

WATT_HOURS = "72"
"""Unit of measure."""
_DOCUMENTS = ("MirrorUsagePoint", "MirrorMeterReading", "MirrorMeterReadingList")
_VALUE = "s:Reading/s:value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One reading of stored energy."""

    message: Message
    wh: float


def levels(transcript: Transcript, first: str = "", last: str = "") -> list[Level]:
    """Return the readings of stored energy of the device, perhaps those between two marks, oldest first."""
    begins, ends = (transcript.mark(name) if name else None for name in (first, last))
    if (first and begins is None) or (last and ends is None):
        return []
    return [
        row
        for row in _levels(transcript)
        if (begins is None or begins.number < row.message.number)
        and (ends is None or row.message.number < ends.number)
    ]


def _levels(transcript: Transcript) -> Iterator[Level]:
    known = {m: k for m, k in kinds(transcript).items() if (k.role, k.uom) == (DEVICE, WATT_HOURS)}
    for message in posts(transcript, *_DOCUMENTS):
        for one in message.elements("descendant-or-self::s:MirrorMeterReading"):
            kind = known.get((one.findtext("s:mRID", "", NAMES)).upper())
            for found in one.iterfind(f".//{_VALUE}", NAMES) if kind else ():
                if kind and (found.text or "").strip().lstrip("-").isdigit():
                    yield Level(message=message, wh=int(found.text or 0) * 10.0**kind.multiplier)


def levels_seen(first: str, last: str, at_least: int = 2) -> Observation:
    """Demand that stored energy was told between two marks."""
    what = f"readings of stored energy between {first} and {last}"
    return Observation(what, at_least, lambda t: len(levels(t, first, last)))


def moves(first: str, last: str, *, up: bool, requirement: str) -> Check:
    """Demand that the stored energy goes one way between two marks."""
    way = "more" if up else "less"

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = levels(transcript, first, last)
        if len(rows) > 1 and (rows[-1].wh > rows[0].wh) is not up:
            told = f"{way} than {rows[0].wh:g} Wh, as at first"
            yield wrong(requirement, rows[-1].message, _VALUE, told, f"{rows[-1].wh:g} Wh")

    return Check(f"stored energy is {way} at {last} than at {first}", judge)


def _energy(message: Message, path: str) -> float | None:
    value = message.text(f"{path}/s:value")
    return int(value) * 10.0 ** int(message.text(f"{path}/s:multiplier") or 0) if value else None


def holds_no_more(*, requirement: str) -> Check:
    """Demand that no reading of stored energy is below nothing, or above what the storage is rated for."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rated = {m.path: _energy(m, "s:rtgMaxWh") for m in puts(transcript, "DERCapability")}
        most = sum(one for one in rated.values() if one) or inf
        for row in levels(transcript):
            if not 0 <= row.wh <= most:
                yield wrong(requirement, row.message, _VALUE, f"0 to {most:g} Wh", f"{row.wh:g} Wh")

    return Check("stored energy is within the rating", judge)


def energies_fit(*, requirement: str) -> Check:
    """Demand setMinWh, below setMaxWh, and that below rtgMaxWh."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in puts(transcript, "DERSettings"):
            least, most = (_energy(message, path) for path in ("beta:setMinWh", "s:setMaxWh"))
            if least is None:
                yield wrong(requirement, message, "beta:setMinWh", "an energy", "none")
            elif most is not None and least > most:
                yield wrong(
                    requirement, message, "beta:setMinWh", f"at most {most:g}", f"{least:g}"
                )

    return Check("the least energy of a storage is told, and below the greatest", judge)
