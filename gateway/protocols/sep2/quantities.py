"""Numbers of the wire and exact ones: ``{multiplier, value}``, hundredths of a percent, seconds since 1970.

A value of 16 bits holds 32 767 or 65 535 at most, so 300 MW needs a multiplier and rounding. Which way is safe depends
on what the number is, so every caller says it: limits down, needs up.

Spec: IEEE 2030.5-2018 ActivePower, IEEE 2030.5-2018 PerCent, IEEE 2030.5-2018 TimeType, IEEE 2030.5-2018
TargetReduction.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import ceil, floor
from typing import Final, Protocol, TypeVar

from gateway.domain.errors import MisuseError, WireError
from gateway.domain.quantity import MAX_EXPONENT
from gateway.protocols.sep2._generated.model import TargetReduction
from gateway.protocols.sep2._generated.rows import ROWS, SIMPLES
from gateway.protocols.sep2.enums_device import ReductionUnit

HUNDREDTHS: Final = 10_000
"""Of a percent, in one."""
FINEST: Final = 0
"""Multiplier of whole watts, volts, watt-hours: the finest that is written unless asked for."""
COARSEST: Final = 9
"""Giga; peers need not read more."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KILO: Final = 3
_MOST_DIGITS: Final = 30
"""Before the decimal point; nothing has as many."""
_MOST_REDUCTION: Final = 0xFFFF


class Toward(Enum):
    """Which way a number is rounded."""

    DOWN = "down"
    """To the lesser number: limits."""
    UP = "up"
    """To the greater number: what is needed at least."""
    ZERO = "zero"
    """To the smaller amount, whatever its sign: a target that may not be exceeded in either direction."""
    NEAREST = "nearest"
    """Measurements."""


class Scaled(Protocol):
    """Any type of the model with a value and its power of ten: ActivePower, ApparentPower, WattHour and so on."""

    def __init__(self, *, multiplier: int, value: int) -> None:
        """Make one."""

    @property
    def multiplier(self) -> int:
        """Return the power of ten."""

    @property
    def value(self) -> int:
        """Return the number before it."""


S = TypeVar("S", bound=Scaled)


def _bounds() -> dict[type[object], tuple[int, int]]:
    """Return the least and greatest value of every scaled type."""
    simples = {simple.name: simple for simple in SIMPLES}
    found: dict[type[object], tuple[int, int]] = {}
    for row in ROWS:
        parts = {part.field: part.type for part in row.elements}
        if {"multiplier", "value"} == parts.keys():
            simple = simples[parts["value"]]
            found[row.make] = (simple.low, simple.high)
    return found


_BOUNDS: Final = _bounds()


def scaled(kind: type[S], amount: Decimal, toward: Toward, *, finest: int = FINEST) -> S:
    """Write an amount with the smallest multiplier whose value fits.

    Args:
        kind: ``ActivePower`` and its like.
        amount: In the plain unit: W, var, VA, V, A, Wh.
        toward: Which way to round what does not fit exactly.
        finest: The smallest multiplier to use, e.g. -1 for tenths of a volt.

    Raises:
        MisuseError: ``INVALID_NUMBER`` when the amount is not finite, negative where only positive ones can be told, or
            beyond any multiplier.
    """
    low, high = _BOUNDS[kind]
    if amount.is_finite() and amount.adjusted() < _MOST_DIGITS and not amount < 0 <= low:
        exact = Fraction(amount)
        for multiplier in range(finest, COARSEST + 1):
            value = _rounded(exact / Fraction(10) ** multiplier, toward)
            if low <= value <= high:
                return kind(multiplier=multiplier, value=value)
    raise MisuseError("INVALID_NUMBER", f"{kind.__name__} cannot hold {amount:.3g}")


def scaled_kw(kind: type[S], kw: Decimal, toward: Toward) -> S:
    """Write kilowatts (kvar, kVA, kWh) as ``scaled`` does."""
    return scaled(kind, kw.scaleb(_KILO), toward)


def amount(quantity: Scaled) -> Decimal:
    """Return the exact amount in the plain unit.

    Raises:
        WireError: ``INVALID_NUMBER`` for a multiplier outside -9..9: no such thing is meant in earnest.
    """
    return _times_ten(quantity.value, quantity.multiplier)


def amount_kw(quantity: Scaled) -> Decimal:
    """Return the exact amount in kilowatts (kvar, kVA, kWh); raises as ``amount`` does."""
    return amount(quantity).scaleb(-_KILO)


def reading(value: int, multiplier: int | None) -> Decimal:
    """Return a meter's value in the unit of its ReadingType; raises as ``amount`` does.

    Args:
        value: Of the Reading.
        multiplier: ``powerOfTenMultiplier`` of the ReadingType; None: 0.
    """
    return _times_ten(value, multiplier or 0)


def _times_ten(value: int, multiplier: int) -> Decimal:
    if not -MAX_EXPONENT <= multiplier <= MAX_EXPONENT:
        raise WireError(
            "INVALID_NUMBER",
            f"multiplier must be -{MAX_EXPONENT} to {MAX_EXPONENT}, not {multiplier}",
        )
    return Decimal(value).scaleb(multiplier)


def share(hundredths: int) -> Decimal:
    """Return ``PerCent`` or ``SignedPerCent`` as a share: 10000 is 1."""
    return Decimal(hundredths).scaleb(-4)


def hundredths(part: Decimal, whole: Decimal, toward: Toward) -> int:
    """Write ``part`` as hundredths of a percent of ``whole``, within -10000..10000.

    Raises:
        MisuseError: ``INVALID_NUMBER`` when the whole is not positive or the part is larger.
    """
    if not (part.is_finite() and whole.is_finite() and whole > 0):
        raise MisuseError("INVALID_NUMBER", f"{part} of {whole} is no percentage")
    exact = Fraction(part) * HUNDREDTHS / Fraction(whole)
    found = _rounded(exact, toward)
    if abs(found) > HUNDREDTHS:
        raise MisuseError("INVALID_NUMBER", f"{part} of {whole} is more than the whole")
    return found


def _rounded(exact: Fraction, toward: Toward) -> int:
    match toward:
        case Toward.DOWN:
            return floor(exact)
        case Toward.UP:
            return ceil(exact)
        case Toward.ZERO:
            return int(exact)
        case Toward.NEAREST:
            return round(exact)


def target_reduction(kw: Decimal, toward: Toward) -> TargetReduction:
    """Write a target reduction, which has no multiplier: in W up to 65 535 W, else in whole kW.

    Raises:
        MisuseError: ``INVALID_NUMBER`` when it is negative or above 65 535 kW.
    """
    if kw.is_finite() and 0 <= kw < 2 * _MOST_REDUCTION:
        for unit, factor in ((ReductionUnit.W, 1000), (ReductionUnit.KW, 1)):
            value = _rounded(Fraction(kw) * factor, toward)
            if value <= _MOST_REDUCTION:
                return TargetReduction(type=int(unit), value=value)
    raise MisuseError("INVALID_NUMBER", f"a target reduction cannot hold {kw:.3g} kW")


def reduction_kw(reduction: TargetReduction) -> Decimal | None:
    """Return a target reduction in kW; None when it is in a unit that is no power."""
    match reduction.type:
        case ReductionUnit.KW:
            return Decimal(reduction.value)
        case ReductionUnit.W:
            return Decimal(reduction.value).scaleb(-_KILO)
        case _:
            return None


def instant(seconds: int) -> datetime:
    """Return the instant of a ``TimeType``.

    Raises:
        WireError: ``INVALID_TIME`` outside the years 1 to 9999.
    """
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise WireError("INVALID_TIME", f"{seconds} is no second of the years 1 to 9999") from None


def seconds(at: datetime) -> int:
    """Return the ``TimeType`` of an instant; what is less than a second is dropped."""
    return (at - EPOCH) // timedelta(seconds=1)
