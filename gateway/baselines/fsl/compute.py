"""Compute ``fsl``: reduction is what the load stays below the peak load contribution, losses included.

nominated   = (PLC - FSL) * LF
reduction_t = max(0, (PLC - load_t) * LF)
"""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from gateway.baselines.fsl.options import FslOptions
from gateway.baselines.method import by_start, event_starts, result_of
from gateway.domain.rounding import half_even
from gateway.domain.settlement import BaselineRequest, BaselineResult, BaselineRow
from gateway.domain.timespan import Span


def reach(event: Span, options: FslOptions) -> Span:
    """Return the event alone: history plays no part."""
    return event


def compute(request: BaselineRequest, options: FslOptions) -> BaselineResult:
    """Credit every interval against the peak load contribution; an interval above it is credited nothing.

    Returns:
        Figures ``nominated_kw``, ``average_kw`` (mean credited power of the metered intervals), ``shortfall_kw``
        and ``performance`` (average over nominated; left out when nothing is nominated). ``insufficient_data`` with
        ``frozen_power_unknown`` when a frozen power is asked for and was never frozen.
    """
    plc, fsl = (_power(value, request) for value in (options.plc_kw, options.fsl_kw))
    if plc is None or fsl is None:
        return result_of(request, options, (), flags=("frozen_power_unknown",))
    hours = Fraction(request.interval // timedelta(microseconds=1), 3_600_000_000)
    loss, most, known = Fraction(options.loss_factor), plc * hours, by_start(request)
    rows, credited = [], []
    for start in event_starts(request):
        metered = known[start].energy_kwh if start in known else None
        credit = None if metered is None else max(Fraction(0), (most - Fraction(metered)) * loss)
        if credit is not None:
            credited.append(credit)
        rows.append(
            BaselineRow(
                start=start,
                duration=request.interval,
                baseline_kwh=half_even(most),
                metered_kwh=metered,
                reduction_kwh=None if credit is None else half_even(credit),
            )
        )
    figures = _figures((plc - fsl) * loss, [credit / hours for credit in credited])
    return result_of(request, options, rows, figures=figures)


def _power(value: Decimal | str, request: BaselineRequest) -> Fraction | None:
    found = request.frozen.get(value) if isinstance(value, str) else value
    return None if found is None else Fraction(found)


def _figures(nominated: Fraction, credited_kw: list[Fraction]) -> dict[str, Decimal]:
    figures = {"nominated_kw": half_even(nominated)}
    if credited_kw:
        average = sum(credited_kw, Fraction(0)) / len(credited_kw)
        figures["average_kw"] = half_even(average)
        figures["shortfall_kw"] = half_even(max(Fraction(0), nominated - average))
        if nominated > 0:
            figures["performance"] = half_even(average / nominated)
    return figures
