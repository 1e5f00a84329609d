"""Messages that a VEN sends about events, reports and opts, for cases that judge a VTN."""

import copy
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.oadr20b.build import (
    answer,
    duration,
    instant,
    item_base,
    make,
    message,
    number,
    optional,
    response,
    span,
    target,
)
from conformance.kit.oadr20b.event import KILOWATT, Event, Target, Unit
from conformance.kit.xml import Element

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResponse:
    """One ``eventResponse``."""

    event_id: str
    version: int
    request_id: str
    """Of the distribution that it answers."""
    opt: str = "optIn"
    code: str = "200"


def created_event(
    ven_id: str, responses: Iterable[EventResponse], *, code: str = "200", request_id: str = ""
) -> Element:
    """Make an ``oadrCreatedEvent``."""
    rows = [_event_response(one) for one in responses]
    inner = make(
        "pyld:eiCreatedEvent",
        response(request_id, code),
        make("ei:eventResponses", rows) if rows else None,
        make("ei:venID", ven_id),
    )
    return message("oadr:oadrCreatedEvent", inner)


def _event_response(one: EventResponse) -> Element:
    return make(
        "ei:eventResponse",
        make("ei:responseCode", one.code),
        make("pyld:requestID", one.request_id),
        make(
            "ei:qualifiedEventID",
            make("ei:eventID", one.event_id),
            make("ei:modificationNumber", str(one.version)),
        ),
        make("ei:optType", one.opt),
    )


def usage_metadata(
    resource: str, now: datetime, *, specifier: str = "usage", unit: Unit = KILOWATT
) -> Element:
    """Make the ``oadrReport`` that offers TELEMETRY_USAGE of one data point, rID ``power``."""
    point = make(
        "oadr:oadrReportDescription",
        make("ei:rID", "power"),
        make("ei:reportDataSource", make("ei:resourceID", resource)),
        make("ei:reportType", "usage"),
        item_base(unit),
        make("ei:readingType", "Direct Read"),
        _sampling(),
    )
    return _metadata(specifier, "METADATA_TELEMETRY_USAGE", now, point)


def status_metadata(resource: str, now: datetime, *, specifier: str = "status") -> Element:
    """Make the ``oadrReport`` that offers TELEMETRY_STATUS, rID ``status``."""
    point = make(
        "oadr:oadrReportDescription",
        make("ei:rID", "status"),
        make("ei:reportDataSource", make("ei:resourceID", resource)),
        make("ei:reportType", "x-resourceStatus"),
        make("ei:readingType", "x-notApplicable"),
        _sampling(),
    )
    return _metadata(specifier, "METADATA_TELEMETRY_STATUS", now, point)


def _sampling() -> Element:
    return make(
        "oadr:oadrSamplingRate",
        make("oadr:oadrMinPeriod", duration(MINUTE)),
        make("oadr:oadrMaxPeriod", duration(MINUTE)),
        make("oadr:oadrOnChange", "false"),
    )


def _metadata(specifier: str, name: str, now: datetime, point: Element) -> Element:
    return make(
        "oadr:oadrReport",
        make("xcal:duration", make("xcal:duration", duration(DAY))),
        point,
        make("ei:reportRequestID", "0"),
        make("ei:reportSpecifierID", specifier),
        make("ei:reportName", name),
        make("ei:createdDateTime", instant(now)),
    )


def update_report(  # noqa: PLR0913 - the fields of the message
    request_id: str,
    ven_id: str,
    *,
    report_request: str,
    specifier: str,
    name: str,
    start: datetime,
    step: timedelta,
    values: Sequence[tuple[str, Decimal]],
    now: datetime,
) -> Element:
    """Make an ``oadrUpdateReport`` with one report, one interval per value.

    Args:
        request_id: Of the message.
        ven_id: Of the sender.
        report_request: reportRequestID that it fulfils.
        specifier: reportSpecifierID.
        name: ``TELEMETRY_USAGE`` and the like.
        start: Of the first interval.
        step: Length of each.
        values: rID and value of each, oldest first.
        now: createdDateTime.
    """
    report = make(
        "oadr:oadrReport",
        make("xcal:dtstart", make("xcal:date-time", instant(start))),
        make("strm:intervals", _readings(start, step, values)),
        make("ei:reportRequestID", report_request),
        make("ei:reportSpecifierID", specifier),
        make("ei:reportName", name),
        make("ei:createdDateTime", instant(now)),
    )
    return message(
        "oadr:oadrUpdateReport",
        make("pyld:requestID", request_id),
        report,
        make("ei:venID", ven_id),
    )


def _readings(
    start: datetime, step: timedelta, values: Sequence[tuple[str, Decimal]]
) -> list[Element]:
    rows = []
    pattern = make(
        "ei:interval",
        make("xcal:dtstart", make("xcal:date-time")),
        make("xcal:duration", make("xcal:duration", duration(step))),
        make(
            "oadr:oadrReportPayload",
            make("ei:rID"),
            make("ei:payloadFloat", make("ei:value")),
        ),
    )
    for place, (point, value) in enumerate(values):
        row = copy.deepcopy(pattern)
        row[0][0].text = instant(start + place * step)
        row[2][0].text = point
        row[2][1][0].text = number(value)
        rows.append(row)
    return rows


def pending_answer(
    name: str, request_id: str, code: str, ids: Iterable[str], ven_id: str
) -> Element:
    """Make an ``oadr:oadrCreatedReport`` or ``oadr:oadrCanceledReport`` with its pending reports."""
    pending = make("oadr:oadrPendingReports", [make("ei:reportRequestID", x) for x in ids])
    return answer(name, request_id, code, pending, ven_id=ven_id)


def create_opt(  # noqa: PLR0913 - the fields of the message
    opt_id: str,
    opt: str,
    *,
    ven_id: str,
    request_id: str,
    now: datetime,
    event: tuple[str, int] | None = None,
    windows: Sequence[tuple[datetime, timedelta]] = (),
    context: str | None = None,
    reason: str = "economic",
    to: Target | None = None,
) -> Element:
    """Make an ``oadrCreateOpt``: of an event (id and version), or a schedule of windows."""
    availability = make(
        "xcal:vavailability", make("xcal:components", [_window(w) for w in windows])
    )
    qualified = None
    if event is not None:
        qualified = make(
            "ei:qualifiedEventID",
            make("ei:eventID", event[0]),
            make("ei:modificationNumber", str(event[1])),
        )
    return message(
        "oadr:oadrCreateOpt",
        make("ei:optID", opt_id),
        make("ei:optType", opt),
        make("ei:optReason", reason),
        optional("emix:marketContext", context),
        make("ei:venID", ven_id),
        availability if windows else None,
        make("ei:createdDateTime", instant(now)),
        make("pyld:requestID", request_id),
        qualified,
        target(to or Target()),
    )


def _window(window: tuple[datetime, timedelta]) -> Element:
    start, lasts = window
    return make(
        "xcal:available",
        make(
            "xcal:properties",
            make("xcal:dtstart", make("xcal:date-time", instant(start))),
            span_of(lasts),
        ),
    )


def span_of(lasts: timedelta) -> Element:
    """Make an ``xcal:duration`` with its inner one."""
    return make("xcal:duration", make("xcal:duration", duration(lasts)))


def cancel_opt(opt_id: str, *, ven_id: str, request_id: str) -> Element:
    """Make an ``oadrCancelOpt``."""
    return message(
        "oadr:oadrCancelOpt",
        make("pyld:requestID", request_id),
        make("ei:optID", opt_id),
        make("ei:venID", ven_id),
    )


def event_json(event: Event) -> str:
    """Write an event for the operator of a VTN: the fields of ``Event``; times ISO, numbers as texts."""
    return json.dumps(_plain(asdict(event)), sort_keys=True)


def _plain(value: object) -> object:
    match value:
        case dict():
            return {str(k): _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case datetime():
            return instant(value)
        case timedelta():
            return duration(value)
        case Decimal():
            return number(value)
        case _:
            return value


__all__ = ["EventResponse", "cancel_opt", "create_opt", "created_event", "event_json", "span"]
