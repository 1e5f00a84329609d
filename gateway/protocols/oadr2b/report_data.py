"""Readings -> the intervals of an oadrReport; what was not metered says so.

Spec: OpenADR 2.0b section 8.3.2; rules 316, 318, 337, 342.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Final

from gateway.domain.names import SiteId
from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.protocols.actions import Readings
from gateway.protocols.oadr2b.messages import (
    OadrPayloadResourceStatus,
    OadrReport,
    OadrReportPayload,
    ReportInterval,
)
from gateway.protocols.oadr2b.metadata import DataPoint, Quantity, ReportName
from gateway.protocols.oadr2b.ven_state import Running

GOOD: Final = "Quality Good - Non Specific"
UNCERTAIN: Final = "Quality Uncertain - Non Specific"
BAD: Final = "Quality Bad - Non Specific"
UNCHANGED: Final = "No New Value - Previous Value Used"
QUALITIES: Final = {
    Quality.ACTUAL: GOOD,
    Quality.ESTIMATED: UNCERTAIN,
    Quality.TIME_SUSPECT: UNCERTAIN,
    Quality.MISSING: BAD,
}
PLACEHOLDER: Final = Decimal(0)
"""Value of an interval without data: a report has no holes (rule 318)."""
_WATT_PART: Final = Decimal("0.000001")
_ENERGY_PART: Final = Decimal("0.000000001")
_WIDE: Final = Context(prec=40)

_NOTHING: Final = timedelta(0)
Overridden = Callable[[SiteId, datetime], bool]
_ByStart = Mapping[tuple[str, str], Mapping[datetime, Reading]]


def report(
    running: Running,
    points: list[DataPoint],
    span: Span,
    readings: Readings,
    now: datetime,
    overridden: Overridden,
) -> OadrReport:
    """Write the report of a span.

    Args:
        running: The request.
        points: Its data points, in the order asked for.
        span: A whole number of values.
        readings: One per value; absent ones count as missing.
        now: createdDateTime.
        overridden: Tells whether a site was taken out by its operator at an instant.
    """
    by_start = {
        meter: {reading.start: reading for reading in series}
        for meter, series in readings.series.items()
    }
    steps = list(span.steps(running.schedule.step))
    if running.report_name == ReportName.HISTORY:
        steps = [step for step in steps if _recorded(points, step, by_start)] or steps[:1]
    is_status = running.report_name == ReportName.STATUS

    def told(step: Span) -> ReportInterval:
        if is_status:
            return _status_at(points, step, by_start, overridden)
        return _values_of(points, step, by_start)

    intervals = tuple(map(told, steps))
    if running.on_change:
        is_first = span.start <= running.schedule.covers(0).start
        length = running.schedule.step
        before = () if is_first else (told(Span(start=span.start - length, end=span.start)),)
        intervals = changes(before, intervals)
    start, end = (intervals[at].dtstart or span.start for at in (0, -1))
    return OadrReport(
        dtstart=start,
        duration=None if is_status else end + (intervals[-1].duration or _NOTHING) - start,
        intervals=intervals,
        report_request_id=running.report_request_id,
        report_specifier_id=running.specifier_id,
        report_name=running.report_name,
        created_date_time=now,
    )


def changes(
    before: Iterable[ReportInterval], intervals: Sequence[ReportInterval]
) -> tuple[ReportInterval, ...]:
    """Keep the values that differ from the one before; where none does, the last ones say that nothing is new.

    Args:
        before: The interval right before, if its values were told.
        intervals: In order, at least one.
    """
    known = {p.r_id: p for interval in before for p in interval.oadr_report_payloads}
    kept: list[ReportInterval] = []
    for interval in intervals:
        fresh = tuple(p for p in interval.oadr_report_payloads if known.get(p.r_id) != p)
        known.update({p.r_id: p for p in fresh})
        if fresh:
            kept.append(replace(interval, oadr_report_payloads=fresh))
    if kept:
        return tuple(kept)
    last = intervals[-1]
    same = tuple(
        p if p.oadr_data_quality == BAD else replace(p, oadr_data_quality=UNCHANGED)
        for p in last.oadr_report_payloads
    )
    return (replace(last, oadr_report_payloads=same),)


def apart(written: OadrReport) -> OadrReport:
    """Give every value an interval of its own: the same data for utilities that read one value per interval."""
    return replace(
        written,
        intervals=tuple(
            replace(interval, oadr_report_payloads=(payload,))
            for interval in written.intervals
            for payload in interval.oadr_report_payloads
        ),
    )


def _recorded(points: list[DataPoint], step: Span, by_start: _ByStart) -> bool:
    return any(
        reading.energy_kwh is not None
        for point in points
        for reading in _read(point, step, by_start)
    )


def _read(point: DataPoint, step: Span, by_start: _ByStart) -> Iterator[Reading]:
    for meter in point.meters:
        found = by_start.get((meter.site, meter.meter), {}).get(step.start)
        if found is not None:
            yield found


def _values_of(points: list[DataPoint], step: Span, by_start: _ByStart) -> ReportInterval:
    return ReportInterval(
        dtstart=step.start,
        duration=step.duration,
        oadr_report_payloads=tuple(_value(point, step, by_start) for point in points),
    )


def _value(point: DataPoint, step: Span, by_start: _ByStart) -> OadrReportPayload:
    reading = next(_read(point, step, by_start), None)
    value = None
    if reading is not None:
        value = reading.mean_kw if point.quantity is Quantity.POWER else reading.energy_kwh
    if reading is None or value is None:
        return OadrReportPayload(r_id=point.r_id, payload_float=PLACEHOLDER, oadr_data_quality=BAD)
    part = _WATT_PART if point.quantity is Quantity.POWER else _ENERGY_PART
    return OadrReportPayload(
        r_id=point.r_id,
        payload_float=value.quantize(part, context=_WIDE),
        oadr_data_quality=QUALITIES[reading.quality],
    )


def _status_at(
    points: list[DataPoint], step: Span, by_start: _ByStart, overridden: Overridden
) -> ReportInterval:
    """A status is a point in time: it has a start and no duration (rule 342)."""
    return ReportInterval(
        dtstart=step.start,
        oadr_report_payloads=tuple(
            OadrReportPayload(
                r_id=point.r_id,
                oadr_payload_resource_status=OadrPayloadResourceStatus(
                    oadr_online=_recorded([point], step, by_start),
                    oadr_manual_override=overridden(point.site, step.start),
                ),
            )
            for point in points
        ),
    )
