"""Whether a report that is asked for can be given, and when it falls due.

Spec: OpenADR 2.0b section 8.3.2.2; rules 317, 321, 324, 325, 340; code 461 for reports we do not give.
"""

from datetime import datetime, timedelta
from typing import Final

from gateway.domain.canonical import digest
from gateway.domain.errors import SessionError, SignalError
from gateway.domain.timespan import Span, duration_text, floor_to, instant_text
from gateway.protocols.oadr2b.messages import (
    OadrReportRequest,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.metadata import (
    NOT_APPLICABLE,
    DataPoint,
    Offer,
    Offers,
    ReportName,
    common_interval,
    item_name,
    reading_type,
)
from gateway.protocols.oadr2b.reports import Schedule
from gateway.protocols.oadr2b.ven_state import Running

METADATA: Final = "METADATA"
"""reportSpecifierID that asks for the offer itself."""
MOST_VALUES: Final = 20_000
"""Values in one report."""
_NOTHING: Final = timedelta(0)


def fingerprint(request: OadrReportRequest) -> str:
    """Return a digest of what is asked, to know a repetition from a change."""
    specifier = request.report_specifier
    interest = specifier.report_interval
    return digest(
        [
            specifier.report_specifier_id,
            duration_text(specifier.granularity),
            duration_text(specifier.report_back_duration),
            "" if interest is None else instant_text(interest.dtstart),
            "" if interest is None else duration_text(interest.duration),
            [payload.r_id for payload in specifier.specifier_payloads],
        ]
    )


def check_metadata_request(request: OadrReportRequest) -> str:
    """Check a request for the offer; return its id.

    Raises:
        SignalError: ``REPORT_NOT_SUPPORTED`` for metadata to be repeated.
    """
    if request.report_specifier.report_back_duration:
        raise SignalError("REPORT_NOT_SUPPORTED", "metadata is given once per request")
    return request.report_request_id


def read_request(request: OadrReportRequest, offers: Offers, now: datetime) -> Running:
    """Judge a request and plan its reports.

    Args:
        request: As received.
        offers: What we offer.
        now: Instant of receipt.

    Raises:
        SessionError: ``INVALID_ID`` (452), ``INVALID_DATA`` (454) or ``COMPLIANCE`` (459).
        SignalError: ``REPORT_NOT_SUPPORTED`` (461) for another kind of reading or unit than offered.
    """
    specifier = request.report_specifier
    if request.report_request_id in {"", "0"}:
        raise SessionError("COMPLIANCE", "a reportRequestID must be chosen, and not be 0")
    offer = offers.by_specifier.get(specifier.report_specifier_id)
    if offer is None:
        raise SessionError("INVALID_ID", "no report with this reportSpecifierID is offered")
    asked = {payload.r_id: payload for payload in specifier.specifier_payloads}
    points = [_point(offer, payload) for payload in asked.values()]
    if min(specifier.granularity, specifier.report_back_duration) < _NOTHING:
        raise SessionError("INVALID_DATA", "durations of a report must not be negative")
    unit = common_interval(tuple(meter for point in points for meter in point.meters))
    window = None
    if offer.name is ReportName.HISTORY:
        window = _history(specifier, offers.options.report_buffer, unit, now)
        _check_size(window.duration // unit, points)
        schedule = Schedule(start=now, end=None, step=unit, every=_NOTHING, unit=unit)
    elif not specifier.report_back_duration:
        # Late readings are not waited for: the last value that is surely there is sent at once.
        start = now - offers.options.report_grace
        schedule = Schedule(start=start, end=None, step=unit, every=_NOTHING, unit=unit)
    else:
        schedule = _periodic(specifier, offers, points, now)
    return Running(
        report_request_id=request.report_request_id,
        report_name=offer.name,
        specifier_id=offer.specifier_id,
        r_ids=tuple(point.r_id for point in points),
        schedule=schedule,
        window=window,
        covered_until=floor_to(schedule.start, unit),
        on_change=bool(schedule.every) and not specifier.granularity,
        fingerprint=fingerprint(request),
    )


def _point(offer: Offer, asked: SpecifierPayload) -> DataPoint:
    point = offer.points.get(asked.r_id)
    if point is None:
        raise SessionError("INVALID_ID", "no data point of this report has such an rID")
    offered = reading_type(point)
    if asked.reading_type not in {NOT_APPLICABLE, offered}:
        raise SignalError("REPORT_NOT_SUPPORTED", f"this data point is read as {offered} only")
    if asked.item_base is not None and asked.item_base.name != item_name(point):
        raise SignalError("REPORT_NOT_SUPPORTED", "this data point is not offered in such a unit")
    return point


def _interest(specifier: ReportSpecifier) -> WsCalendarInterval:
    interest = specifier.report_interval
    if interest is None:
        raise SessionError("COMPLIANCE", "this report needs a reportInterval (rule 324)")
    extras = (
        interest.startafter,
        interest.x_ei_notification,
        interest.x_ei_ramp_up,
        interest.x_ei_recovery,
    )
    if any(extra is not None for extra in extras):
        raise SessionError("COMPLIANCE", "a reportInterval has a start and a duration only")
    if interest.duration < _NOTHING:
        raise SessionError("INVALID_DATA", "a reportInterval must not be negative")
    return interest


def _history(specifier: ReportSpecifier, buffer: timedelta, unit: timedelta, now: datetime) -> Span:
    if specifier.granularity or specifier.report_back_duration:
        raise SessionError("INVALID_DATA", "a history needs granularity and reportBackDuration 0")
    interest = _interest(specifier)
    latest = floor_to(now, unit)
    end = interest.dtstart + interest.duration if interest.duration else latest
    start = max(interest.dtstart, now - buffer)
    span_end = min(floor_to(end, unit), latest)
    # A point belongs to the window when it starts inside it.
    span_start = floor_to(start + unit - timedelta(microseconds=1), unit)
    if span_start >= span_end:
        raise SessionError("INVALID_DATA", "nothing is stored for this reportInterval")
    return Span(start=span_start, end=span_end)


def _periodic(
    specifier: ReportSpecifier, offers: Offers, points: list[DataPoint], now: datetime
) -> Schedule:
    unit = common_interval(tuple(meter for point in points for meter in point.meters))
    # Rule 324 demands a reportInterval; VTNs in the field leave it out and mean from now on, until cancelled.
    always = WsCalendarInterval(dtstart=floor_to(now, unit), duration=_NOTHING)
    interest = _interest(specifier) if specifier.report_interval else always
    step = specifier.granularity or unit
    every = specifier.report_back_duration
    if step % unit:
        text = f"granularity must be a multiple of {duration_text(unit)}"
        raise SessionError("INVALID_DATA", text)
    if step > min(offers.longest(point) for point in points):
        raise SessionError("INVALID_DATA", "granularity is longer than oadrMaxPeriod")
    if step > every:
        raise SessionError(
            "INVALID_DATA", "granularity is longer than reportBackDuration (rule 317)"
        )
    if every > offers.options.report_buffer:
        raise SessionError("INVALID_DATA", "reportBackDuration is longer than the data is kept")
    if interest.duration and interest.duration < step:
        raise SessionError("INVALID_DATA", "reportInterval is shorter than one value")
    _check_size(every // step, points)
    end = interest.dtstart + interest.duration if interest.duration else None
    return Schedule(start=interest.dtstart, end=end, step=step, every=every, unit=unit)


def _check_size(steps: int, points: list[DataPoint]) -> None:
    if steps * len(points) > MOST_VALUES:
        raise SessionError("INVALID_DATA", f"a report may have {MOST_VALUES} values")
