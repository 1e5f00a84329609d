"""Text of a leaf element to a bounded value, and back: one pair of functions per simple type of the schema.

Readers run on schema-valid text and add the bounds that a schema does not know; they raise ``WireError``. Writers
refuse what those readers would refuse, as ``MisuseError``: we would not send what we would not take.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, TypeVar

from gateway.domain.errors import MisuseError, WireError
from gateway.domain.quantity import MAX_DIGITS, plain
from gateway.domain.text import clean
from gateway.domain.timespan import (
    LONGEST,
    bounded,
    duration,
    duration_text,
    instant,
    instant_text,
)

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LONGEST_ID: Final = 1024
LONGEST_TEXT: Final = 16 * 1024
_FINEST: Final = Decimal("1e-9")
_PLAIN_NUMBER: Final = re.compile(r"(?:0|-?[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?")
"""What nearly every number looks like; within all bounds, so that the general check is skipped."""
_INSTANT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_PLAIN_NUMBERS: Final = re.compile(rf"{_PLAIN_NUMBER.pattern}(?:\0{_PLAIN_NUMBER.pattern})*")
"""A column of such, joined by the one character that no XML text holds."""
_LONG_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?"
)
_PLAIN_DURATION: Final = re.compile(r"PT([0-9]{1,3})([HMS])")
"""What nearly every duration looks like; 999 hours are below the bound too."""
_SECONDS: Final = {"H": 3600, "M": 60, "S": 1}
_PLAIN_INSTANTS: Final = re.compile(
    rf"{_INSTANT}(?:\0{_INSTANT})*",
)
"""A column of what nearly every instant looks like."""
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_BARE_WEEKS: Final = re.compile(r"\d+W")


@dataclass(frozen=True, slots=True)
class Lexical(Generic[T]):
    """A simple type: how its text is read and written."""

    read: Callable[[str], T]
    write: Callable[[T], str]


def _read_id(text: str) -> str:
    return clean(text, LONGEST_ID)


def _write_id(text: str) -> str:
    return _checked(text, LONGEST_ID)


def _read_given_id(text: str) -> str | None:
    return clean(text, LONGEST_ID) or None


def _write_given_id(text: str | None) -> str:
    return _checked(text or "", LONGEST_ID)


def _read_text(text: str) -> str:
    return clean(text, LONGEST_TEXT)


def _write_text(text: str) -> str:
    return _checked(text, LONGEST_TEXT)


def _checked(text: str, longest: int) -> str:
    try:
        return clean(text, longest)
    except WireError as error:
        raise MisuseError(error.reason, error.detail) from None


def _read_token(text: str) -> str:
    # The schema collapses these four only; str.split would also swallow a no-break space.
    return clean(_BLANKS.sub(" ", text).strip(" "), LONGEST_ID)


def _read_flag(text: str) -> bool:
    return text.strip() in {"true", "1"}


def _write_flag(flag: bool) -> str:  # noqa: FBT001 - the value itself is the flag
    return "true" if flag else "false"


def read_number(text: str) -> Decimal:
    """Read an xs:float or xs:decimal.

    Reading: a peer that prints binary floats sends up to 17 digits (``0.30000000000000004``), though xs:float carries
    nine; digits beyond the ninth decimal are rounded away (half to even) instead of refusing the message. Whole
    numbers are taken up to 18 digits however they are spelled (``3.0E11`` watt-hours is a month of a large site).

    Raises:
        WireError: ``INVALID_NUMBER`` for infinities, NaN, or more than 18 digits before or after rounding.
    """
    if _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    bare = text.strip()
    if _LONG_NUMBER.fullmatch(bare):
        number = _fitted(Decimal(bare))
        if number is not None:
            return number
    raise WireError(
        "INVALID_NUMBER", f"a number may have {MAX_DIGITS} digits, nine of them decimals"
    )


def read_numbers(texts: Sequence[str]) -> list[Decimal]:
    """Read a column of numbers; as ``read_number``, without a call for each."""
    if _PLAIN_NUMBERS.fullmatch("\0".join(texts)):
        return list(map(Decimal, texts))
    return [read_number(text) for text in texts]


def read_instants(texts: Sequence[str]) -> list[datetime]:
    """Read a column of instants; as ``instant``, without a call for each where all are plain UTC.

    Raises:
        WireError: ``INVALID_TIME``.
    """
    if not _PLAIN_INSTANTS.fullmatch("\0".join(texts)):
        return [instant(text) for text in texts]
    try:
        found = list(map(datetime.fromisoformat, texts))
    except ValueError:
        return [instant(text) for text in texts]  # which says what is wrong
    bounded(min(found))
    bounded(max(found))
    return found


def read_ids(texts: Sequence[str]) -> Sequence[str]:
    """Read a column of ids; as ``ID.read``, without a call for each.

    Raises:
        WireError: ``INVALID_TEXT``.
    """
    distinct = set(texts)  # few: a report repeats the ids of its points
    clean(max(distinct, key=len, default=""), LONGEST_ID)
    clean("".join(distinct), LONGEST_ID * len(distinct))
    return texts


def _fitted(number: Decimal) -> Decimal | None:
    """Round to nine decimals; ``None`` when the number is not finite or needs more than 18 digits even so."""
    if not number.is_finite() or number.adjusted() >= MAX_DIGITS:
        return None
    rounded = number.quantize(_FINEST)
    needed = len(rounded.normalize().as_tuple().digits)
    return (rounded.normalize() or Decimal(0)) if needed <= MAX_DIGITS else None


def _write_number(number: Decimal) -> str:
    fitted = _fitted(number)
    if fitted is None:
        raise MisuseError("INVALID_NUMBER", f"a number on the wire may have {MAX_DIGITS} digits")
    return plain(fitted)


def _write_instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise MisuseError("INVALID_TIME", "an instant on the wire must be aware")
    try:
        return instant_text(bounded(at))
    except WireError as error:
        raise MisuseError(error.reason, error.detail) from None


def read_duration(text: str, since: datetime | None = None) -> timedelta:
    """Read a duration; years and months count from ``since``.

    The schema's pattern takes weeks without the leading ``P`` (``2W``) and only so; both forms are read.

    Raises:
        WireError: ``INVALID_DURATION``.
    """
    plain_one = _PLAIN_DURATION.fullmatch(text)
    if plain_one:
        count, unit = plain_one.groups()
        return timedelta(0, int(count) * _SECONDS[unit])
    bare = text.strip()
    return duration(f"P{bare}" if _BARE_WEEKS.fullmatch(bare) else bare, since=since)


def _write_duration(length: timedelta) -> str:
    if length.microseconds or abs(length) > LONGEST:
        raise MisuseError(
            "INVALID_DURATION", "a duration on the wire has whole seconds, 400 days at most"
        )
    return duration_text(length)


def one_of(choices: type[E]) -> Lexical[E]:
    """Build the simple type of a closed enumeration."""
    return Lexical(lambda text: choices(text.strip()), str)


ID: Final = Lexical(_read_id, _write_id)
"""xs:string that names something; kept verbatim, case and space included (OpenADR 2.0b rule 512)."""
GIVEN_ID: Final = Lexical(_read_given_id, _write_given_id)
"""An optional id; peers write an empty element where they have none, which reads as absent."""
TEXT: Final = Lexical(_read_text, _write_text)
"""xs:string for people."""
TOKEN: Final = Lexical(_read_token, _write_id)
"""xs:token of an open enumeration."""
FLAG: Final = Lexical(_read_flag, _write_flag)
WHOLE: Final = Lexical(int, str)
"""xs:unsignedInt."""
NUMBER: Final = Lexical(read_number, _write_number)
INSTANT: Final = Lexical(instant, _write_instant)
DURATION: Final = Lexical(read_duration, _write_duration)
