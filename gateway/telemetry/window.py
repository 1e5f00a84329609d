"""What a site draws at present: the mean that freezes ``pre_event_kw`` when an event is taken in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.domain.reading import Reading, Window
from gateway.domain.timespan import Span
from gateway.telemetry.aggregate import covered, span_mean


def present_consumption(
    readings: Sequence[Reading], until: datetime, minutes: int = 60, least: int = 45
) -> Window | None:
    """Mean power of one meter over the last minutes before an instant.

    Args:
        readings: Raw readings of one meter in the order they arrived; of two for one interval the first counts.
        until: End of the window, exclusive; a reading that ends later is left out.
        minutes: Length of the window.
        least: Minutes that must be covered by trusted readings (actual or estimated by the site).

    Returns:
        The mean with the number of readings behind it; None when too little is covered: no limit may be frozen then.
    """
    span = Span(start=until - timedelta(minutes=minutes), end=until)
    near = [reading for reading in readings if span.start <= reading.start < span.end]
    if covered(near, span) < timedelta(minutes=least):
        return None
    return span_mean(near, span)
