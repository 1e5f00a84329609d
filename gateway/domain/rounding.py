"""The one rounding of settlement arithmetic: exact fractions inside, half-even decimals at the edge."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

ENERGY_PLACES: Final = 9
"""Decimals of a published energy or power: 1e-9 kWh, the finest that published decimals carry."""
MONEY_PLACES: Final = 2
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def half_even(value: Fraction, places: int = ENERGY_PLACES) -> Decimal:
    """Round an exact value to ``places`` decimals, ties to the even digit."""
    return Decimal(round(value * 10**places)).scaleb(-places, context=_WIDE)


def exact_sum(values: Iterable[Decimal]) -> Fraction:
    """Add decimals without rounding; an empty sum is zero."""
    return sum(map(Fraction, values), Fraction(0))
