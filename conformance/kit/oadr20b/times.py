"""Instants and durations as they stand in messages; what cannot be read is None, for the checks to say so."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?"
)


def at(text: str) -> datetime | None:
    """Return an instant; without a zone it is UTC (section 8.1)."""
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def lasting(text: str) -> timedelta | None:
    """Return a duration of weeks, days, hours, minutes and seconds."""
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        return None
    parts = {name: int(found[name] or 0) for name in "wdhms"}
    length = timedelta(
        weeks=parts["w"],
        days=parts["d"],
        hours=parts["h"],
        minutes=parts["m"],
        seconds=parts["s"],
    )
    return -length if found["sign"] == "-" else length
