"""An oadrReport as received -> the points that it offers, or the values that it carries.

Spec: OpenADR 2.0b section 8.3.2; rules 316, 318, 342, 346.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.quantity import plain
from gateway.protocols.actions import ReceivedValue
from gateway.protocols.oadr2b.messages import (
    ItemBase,
    OadrReport,
    OadrReportPayload,
    ReportInterval,
)
from gateway.protocols.oadr2b.ven_state import VtnPoint

_NOTHING: Final = timedelta(0)
_NO_SCALE: Final = frozenset({"", "none"})


def offered_points(report: OadrReport) -> tuple[VtnPoint, ...]:
    """Return what a metadata report offers."""
    return tuple(
        VtnPoint(r_id=each.r_id, unit=unit_of(each.item_base))
        for each in report.oadr_report_descriptions
    )


def unit_of(item: ItemBase | None) -> str:
    """Write a unit with its scale: ``kW``; empty where none is told."""
    if item is None:
        return ""
    scale = item.si_scale_code or ""
    return f"{'' if scale in _NO_SCALE else scale}{item.item_units}"


def values_of(
    report: OadrReport, specifier_id: str, units: Mapping[str, str]
) -> Iterator[ReceivedValue]:
    """Yield the values of a report; intervals without dtstart follow each other from the report's own.

    Args:
        report: Data.
        specifier_id: Of the request that it answers.
        units: rID -> unit as offered.
    """
    at = report.dtstart or report.created_date_time
    for interval in report.intervals:
        start = interval.dtstart or at
        at = start + (interval.duration or _NOTHING)
        yield from _values(interval, start, specifier_id, units)


def _values(
    interval: ReportInterval, start: datetime, specifier_id: str, units: Mapping[str, str]
) -> Iterator[ReceivedValue]:
    for payload in interval.oadr_report_payloads:
        yield ReceivedValue(
            specifier=specifier_id,
            point=payload.r_id,
            start=start,
            duration=interval.duration or None,
            value=_text(payload),
            unit=units.get(payload.r_id, ""),
            quality=payload.oadr_data_quality or "",
        )


def _text(payload: OadrReportPayload) -> str:
    if payload.payload_float is not None:
        return plain(payload.payload_float)
    status = payload.oadr_payload_resource_status
    if status is None:
        return ""
    online = "online" if status.oadr_online else "offline"
    return f"{online}, overridden" if status.oadr_manual_override else online
