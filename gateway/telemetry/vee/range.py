"""Rule 3: a value must be physically possible."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from gateway.telemetry.vee.series import Series


def range_(series: Series) -> Series:
    """Refuse more than ``max_kw`` over the interval (``high``, exactly on it is fine) and wrong signs.

    On a one-way meter less than zero is ``negative``; on a two-way meter less than ``-max_kw`` is ``low``.
    """
    options = series.options
    hours = Fraction(series.frame.interval // timedelta(microseconds=1), 3_600_000_000)
    most = None if options.max_kw is None else Fraction(options.max_kw) * hours
    changes = {}
    for start, slot in series.slots.items():
        if slot.energy_kwh is None:
            continue
        flag = _fault(slot.energy_kwh, most, bidirectional=options.bidirectional)
        if flag:
            changes[start] = slot.invalid(flag)
    return series.changed(changes)


def _fault(energy_kwh: Decimal, most: Fraction | None, *, bidirectional: bool) -> str:
    if energy_kwh < 0 and not bidirectional:
        return "negative"
    if most is None:
        return ""
    exact = Fraction(energy_kwh)
    if exact > most:
        return "high"
    return "low" if exact < -most else ""
