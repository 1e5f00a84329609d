"""Delivered against owed, one interval at a time: nothing is netted between intervals.

obligation = (1 - fraction) * baseline       where the utility asked for a fraction of the baseline
           = max(0, baseline - limit * h)    else
shortfall  = max(0, obligation - reduction)
payment    = min(reduction, obligation) * price - shortfall * penalty
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from gateway.domain.rounding import half_even
from gateway.settlement.obligations import Owed
from gateway.settlement.terms import StatementTerms

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One interval, exact; kWh and money."""

    obligation_kwh: Fraction
    shortfall_kwh: Fraction
    payment: Fraction


def hours(length: timedelta) -> Fraction:
    """Return a duration in hours, exactly."""
    return Fraction(length // timedelta(microseconds=1), 3_600_000_000)


def obligation_kwh(
    owed: Owed, baseline_kwh: Decimal, length: timedelta, terms: StatementTerms
) -> Fraction:
    """Return the energy that had to be saved in one interval; never negative, zero without any cap."""
    baseline = Fraction(baseline_kwh)
    if owed.fraction is not None and (terms.obligation == "fraction" or owed.limit_kw is None):
        return max(_NOTHING, (1 - Fraction(owed.fraction)) * baseline)
    if owed.limit_kw is None:
        return _NOTHING
    return max(_NOTHING, baseline - Fraction(owed.limit_kw) * hours(length))


def score(
    owed: Owed,
    baseline_kwh: Decimal,
    reduction_kwh: Decimal | None,
    length: timedelta,
    terms: StatementTerms,
) -> Score:
    """Judge one interval.

    Args:
        owed: What was owed in it.
        baseline_kwh: What would have been used.
        reduction_kwh: As credited by the baseline method; negative when more was used; None: not metered.
        length: Of the interval.
        terms: Prices and the rule for missing intervals.
    """
    obligation = obligation_kwh(owed, baseline_kwh, length, terms)
    if reduction_kwh is None:
        counts = terms.missing == "shortfall"
        obligation = obligation if counts else _NOTHING
        earned, shortfall = _NOTHING, obligation
    else:
        reduction = Fraction(reduction_kwh)
        earned = min(reduction, obligation)
        shortfall = max(_NOTHING, obligation - reduction)
    return Score(
        obligation_kwh=obligation,
        shortfall_kwh=shortfall,
        payment=earned * Fraction(terms.price_per_kwh)
        - shortfall * Fraction(terms.penalty_per_kwh),
    )


def performance(reduction_kwh: Fraction, owed_kwh: Fraction) -> Decimal | None:
    """Return delivered over owed; None when nothing was owed."""
    return half_even(reduction_kwh / owed_kwh) if owed_kwh > 0 else None
