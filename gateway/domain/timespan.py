"""Half-open spans of UTC time, ISO 8601 texts, and the one place where local days are cut."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

from gateway.domain.errors import WireError

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST: Final = timedelta(days=400)
_DURATION: Final = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<weeks>\d{1,4})W|(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})(?:\.\d{1,9})?S)?)?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A stretch of time, half-open: ``[start, end)``; both aware UTC, never negative."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a span must not end before it starts")

    @classmethod
    def lasting(cls, start: datetime, duration: timedelta) -> "Span":
        """Build ``[start, start + duration)``."""
        return cls(start=start, end=start + duration)

    @property
    def duration(self) -> timedelta:
        """Elapsed length."""
        return self.end - self.start

    def contains(self, at: datetime) -> bool:
        """Say whether ``at`` lies in ``[start, end)``."""
        return self.start <= at < self.end

    def overlaps(self, other: "Span") -> bool:
        """Say whether both spans share an instant."""
        return self.start < other.end and other.start < self.end

    def shifted(self, offset: timedelta) -> "Span":
        """Move both ends."""
        return Span(start=self.start + offset, end=self.end + offset)

    def steps(self, length: timedelta) -> Iterator["Span"]:
        """Cut into steps of ``length`` from the start; the last one may be shorter."""
        at = self.start
        while at < self.end:
            yield Span(start=at, end=min(at + length, self.end))
            at += length


def floor_to(at: datetime, step: timedelta) -> datetime:
    """Return the latest whole multiple of ``step`` since 1970 (UTC) not after ``at``."""
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % step


def bounded(at: datetime) -> datetime:
    """Refuse instants outside 2000-2200 (R-IN-5); return the instant in UTC.

    Raises:
        WireError: ``INVALID_TIME``.
    """
    try:
        utc = at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise WireError("INVALID_TIME", "an instant must lie between 2000 and 2200") from None
    if not EARLIEST <= utc < LATEST:
        raise WireError("INVALID_TIME", "an instant must lie between 2000 and 2200")
    return utc


def instant(text: str) -> datetime:
    """Read an RFC 3339 instant; a text without zone is read as UTC (OpenADR 2.0b schema allows it).

    Raises:
        WireError: ``INVALID_TIME`` when it is no instant or lies outside 2000-2200.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise WireError("INVALID_TIME", "an instant looks like 2026-05-03T16:30:00Z") from None
    return bounded(at if at.tzinfo else at.replace(tzinfo=UTC))


def instant_text(at: datetime) -> str:
    """Write an instant as RFC 3339 UTC with ``Z``; a fraction only when there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duration(text: str, *, since: datetime | None = None) -> timedelta:
    """Read an ISO 8601 duration; years and months are added to ``since`` by the calendar.

    Args:
        text: e.g. ``PT15M``, ``-PT5M``, ``P2W``, ``P1M``; fractions of a second are cut off.
        since: Instant that years and months count from; 30-day months without it.

    Raises:
        WireError: ``INVALID_DURATION`` when malformed or longer than 400 days either way.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(
        match.group(name)
        for name in ("weeks", "years", "months", "days", "hours", "minutes", "seconds")
    ):
        raise WireError("INVALID_DURATION", "a duration looks like PT15M")
    part = {
        name: int(found) for name, found in match.groupdict().items() if found and name != "sign"
    }
    months = part.get("years", 0) * 12 + part.get("months", 0)
    length = timedelta(
        days=part.get("weeks", 0) * 7 + part.get("days", 0),
        hours=part.get("hours", 0),
        minutes=part.get("minutes", 0),
        seconds=part.get("seconds", 0),
    )
    if months > 24 or length > LONGEST:
        raise WireError("INVALID_DURATION", "a duration may be 400 days at most")
    length += _months_after(since, months) if since else timedelta(days=30 * months)
    if length > LONGEST:
        raise WireError("INVALID_DURATION", "a duration may be 400 days at most")
    return -length if match.group("sign") == "-" else length


def _months_after(since: datetime, months: int) -> timedelta:
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return since.replace(year=year, month=month + 1, day=min(since.day, last)) - since


def duration_text(length: timedelta) -> str:
    """Write a whole-second duration without years and months: ``PT3H``, ``P1DT2H``, ``-PT5M``, ``PT0S``."""
    total = int(length.total_seconds())
    sign, total = ("-" if total < 0 else ""), abs(total)
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the civil date of an instant in a zone."""
    return at.astimezone(zone).date()


def day_span(day: date, zone: ZoneInfo) -> Span:
    """Return the UTC span of a civil day: 23, 24 or 25 hours (or half an hour off those)."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return Span(start=start.astimezone(UTC), end=end.astimezone(UTC))


def _instant_from_json(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("an instant is a JSON string such as 2026-05-03T16:30:00Z")
    try:
        return instant(value)
    except WireError as error:
        raise ValueError(error.detail) from None


def _duration_from_json(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("a duration is a JSON string such as PT15M")
    try:
        return duration(value)
    except WireError as error:
        raise ValueError(error.detail) from None


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_instant_from_json),
    AfterValidator(lambda at: at.astimezone(UTC)),
    PlainSerializer(instant_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in published JSON: RFC 3339, UTC, ``Z``."""

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration_from_json),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
"""A duration in published JSON: ISO 8601, whole seconds."""
