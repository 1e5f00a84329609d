"""Compute ``same_day``: the mean of the windows, constant through the event, without adjustment."""

from datetime import timedelta

from gateway.baselines.method import by_start, event_starts, result_of
from gateway.baselines.same_day.options import MeterWindow, SameDayOptions
from gateway.domain.errors import ConfigError
from gateway.domain.rounding import exact_sum, half_even
from gateway.domain.settlement import BaselineRequest, BaselineResult, BaselineRow
from gateway.domain.timespan import Span


def reach(event: Span, options: SameDayOptions) -> Span:
    """Return the span from the first window, or the event, to the last."""
    spans = [event, *(_span(window, event) for window in options.windows)]
    return Span(start=min(span.start for span in spans), end=max(span.end for span in spans))


def compute(request: BaselineRequest, options: SameDayOptions) -> BaselineResult:
    """Average the window intervals that were metered.

    Returns:
        ``insufficient_data`` when none was; flag ``window_partial`` when some were not.

    Raises:
        ConfigError: when a window edge is no whole multiple of the interval length.
    """
    _check_edges(request.interval, options)
    known = by_start(request)
    starts = sorted(
        {
            step.start
            for window in options.windows
            for step in _span(window, request.event).steps(request.interval)
        }
    )
    used = [known[start] for start in starts if start in known]
    partial = ("window_partial",) if len(used) < len(starts) else ()
    if not used:
        return result_of(request, options, (), flags=partial)
    energies = [reading.energy_kwh for reading in used if reading.energy_kwh is not None]
    mean = half_even(exact_sum(energies) / len(energies))
    rows = []
    for start in event_starts(request):
        metered = known[start].energy_kwh if start in known else None
        rows.append(
            BaselineRow(
                start=start,
                duration=request.interval,
                baseline_kwh=mean,
                metered_kwh=metered,
                reduction_kwh=None if metered is None else mean - metered,
            )
        )
    return result_of(request, options, rows, windows=used, flags=partial)


def _span(window: MeterWindow, event: Span) -> Span:
    anchor = event.start if window.anchor == "start" else event.end
    return Span(
        start=anchor + timedelta(minutes=window.from_min),
        end=anchor + timedelta(minutes=window.to_min),
    )


def _check_edges(interval: timedelta, options: SameDayOptions) -> None:
    faults = tuple(
        f"baseline.windows.{position}.{name}: {edge} min is no whole multiple of {interval}"
        for position, window in enumerate(options.windows)
        for name, edge in (("from_min", window.from_min), ("to_min", window.to_min))
        if timedelta(minutes=edge) % interval
    )
    if faults:
        raise ConfigError(faults)
