"""Exact numbers: bounded at the door, scaled exactly, rounded to the safe side."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from gateway.domain.errors import WireError

MAX_DIGITS: Final = 18
MAX_EXPONENT: Final = 9
_NUMBER: Final = re.compile(
    r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,4})?", re.ASCII
)

SI_EXPONENT: Final = {
    "p": -12,
    "n": -9,
    "micro": -6,
    "m": -3,
    "c": -2,
    "d": -1,
    "none": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
}
"""Power of ten of each siScaleCode (OpenADR 2.0b schema, oadr_siscale)."""


class Safe(StrEnum):
    """Which way a limit is rounded."""

    CAP = "cap"
    """An upper limit: down."""
    FLOOR = "floor"
    """A lower limit: up."""


def exact(text: str) -> Decimal:
    """Read a number that came from outside.

    Args:
        text: Decimal digits with an optional fraction and exponent; no infinity, no NaN, no grouping.

    Returns:
        The exact value, at most 18 significant digits and exponents within -9..9 of the last digit.

    Raises:
        WireError: ``INVALID_NUMBER`` when the text is no number or lies outside those bounds, before any
            arithmetic is done with it.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise WireError("INVALID_NUMBER", "a number must be plain decimal digits, e.g. 12.5")
    number = Decimal(text.strip())
    if number == 0:
        return Decimal(0)
    sign, digits, exponent = number.normalize().as_tuple()
    if (
        not isinstance(exponent, int)
        or len(digits) > MAX_DIGITS
        or not -MAX_EXPONENT <= exponent <= MAX_EXPONENT
    ):
        raise WireError(
            "INVALID_NUMBER", f"a number may have {MAX_DIGITS} digits and exponents -9 to 9"
        )
    return Decimal((sign, digits, exponent))


def scaled(value: Decimal, si_scale_code: str, *, to: str = "k") -> Decimal:
    """Convert between SI prefixes exactly; ``scaled(Decimal(2), "M")`` is 2000 (kilo).

    Raises:
        WireError: ``INVALID_UNIT`` for an unknown prefix.
    """
    try:
        return value.scaleb(SI_EXPONENT[si_scale_code] - SI_EXPONENT[to])
    except KeyError:
        raise WireError("INVALID_UNIT", f"unknown siScaleCode {si_scale_code[:16]!r}") from None


def round_safely(limit_kw: Decimal, side: Safe, step_kw: Decimal = Decimal("0.001")) -> Decimal:
    """Round a limit to a step toward safety: a cap down, a floor up."""
    rounding = ROUND_FLOOR if side is Safe.CAP else ROUND_CEILING
    return (limit_kw / step_kw).to_integral_value(rounding) * step_kw


def plain(value: Decimal) -> str:
    """Write a number without exponent and without trailing zeros: the one text form of a value."""
    if value == 0:
        return "0"
    return f"{value.normalize():f}"


def _from_json(value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        text = str(value)
    elif isinstance(value, str):
        text = value
    else:
        raise ValueError('a decimal is a JSON string of digits, e.g. "12.5"')
    try:
        return exact(text)
    except WireError as error:
        raise ValueError(error.detail) from None


ExactNumber = Annotated[
    Decimal,
    BeforeValidator(_from_json),
    PlainSerializer(plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d{1,27}(\.\d{1,9})?$"}),
]
"""A Decimal in published JSON: a string in, a string out (product decision 2)."""
