"""The reports of this VTN as messages: its metadata, and the values of one span.

Spec: OpenADR 2.0b section 8.3.2; rules 312, 316-318, 324, 337.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.protocols.oadr2b.messages import (
    OadrRegisterReport,
    OadrReport,
    OadrReportPayload,
    OadrUpdateReport,
    ReportInterval,
)
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_records import (
    OwnReportRecord,
    OwnValueRecord,
    QueueRecord,
    SupplyRecord,
    VenRecord,
)

GOOD: Final = "Quality Good - Non Specific"
UNCHANGED: Final = "No New Value - Previous Value Used"
MISSING: Final = "Quality Bad - Not Connected"
_MOST_INTERVALS: Final = 10_000


def register_report(page: Page, ven: VenRecord, item: QueueRecord) -> OadrRegisterReport:
    """Write our metadata, empty when there is none; under a VEN's reportRequestID when it asked."""
    reports = tuple(
        replace(record.report, report_request_id=item.subject or "0", created_date_time=page.now)
        for record in page.all(OwnReportRecord)
    )
    return OadrRegisterReport(
        request_id=item.request_id,
        oadr_reports=reports,
        ven_id=ven.ven_id,
        report_request_id=item.subject or None,
    )


def update_report(page: Page, ven: VenRecord, item: QueueRecord) -> OadrUpdateReport | None:
    """Write the values of a span; None when the request has ended meanwhile."""
    record = page.find(SupplyRecord, ven.ven_id, (item.subject,))
    if record is None or item.since is None or item.until is None:
        return None
    own = page.find(OwnReportRecord, "", (record.request.report_specifier.report_specifier_id,))
    if own is None:
        return None
    report = _report(page, own.report, record, item.since, item.until)
    return OadrUpdateReport(request_id=item.request_id, oadr_reports=(report,), ven_id=ven.ven_id)


def _report(
    page: Page, own: OadrReport, record: SupplyRecord, since: datetime, until: datetime
) -> OadrReport:
    asked = record.request.report_specifier
    r_ids = tuple(payload.r_id for payload in asked.specifier_payloads)
    values = page.all(OwnValueRecord, own.report_specifier_id)
    if not asked.report_back_duration and (own.report_name or "").startswith("METADATA_HISTORY"):
        interval = asked.report_interval
        begin = interval.dtstart if interval else since
        end = interval.dtstart + interval.duration if interval and interval.duration else until
        intervals = tuple(_recorded(values, r_ids, begin, end))
    else:
        step = asked.granularity if asked.report_back_duration else timedelta(0)
        intervals = tuple(_sampled(values, r_ids, since, until, step))
    return OadrReport(
        dtstart=intervals[0].dtstart if intervals else since,
        intervals=intervals,
        report_request_id=record.key[0],
        report_specifier_id=own.report_specifier_id,
        report_name=(own.report_name or "").removeprefix("METADATA_"),
        created_date_time=page.now,
    )


def _recorded(
    values: list[OwnValueRecord], r_ids: tuple[str, ...], since: datetime, until: datetime
) -> Iterator[ReportInterval]:
    """Yield every value as it was recorded: history."""
    inside = [one for one in values if one.r_id in r_ids and since <= one.at < until]
    for uid, one in enumerate(sorted(inside, key=lambda each: (each.at, each.r_id))):
        payload = OadrReportPayload(r_id=one.r_id, payload_float=one.value, oadr_data_quality=GOOD)
        yield ReportInterval(dtstart=one.at, uid=str(uid), oadr_report_payloads=(payload,))


def _sampled(
    values: list[OwnValueRecord],
    r_ids: tuple[str, ...],
    since: datetime,
    until: datetime,
    step: timedelta,
) -> Iterator[ReportInterval]:
    """Yield one interval per step, each with the value that held at its end."""
    step = step or max(until - since, timedelta(seconds=1))
    for uid in range(min(_MOST_INTERVALS, max(1, -(-(until - since) // step)))):
        at = since + uid * step
        payloads = tuple(_held(values, r_id, at, at + step) for r_id in r_ids)
        yield ReportInterval(dtstart=at, duration=step, uid=str(uid), oadr_report_payloads=payloads)


def _held(
    values: list[OwnValueRecord], r_id: str, since: datetime, until: datetime
) -> OadrReportPayload:
    """Return the newest value before ``until``; a placeholder of bad quality when there is none (rule 318)."""
    known = [one for one in values if one.r_id == r_id and one.at < until]
    if not known:
        return OadrReportPayload(r_id=r_id, payload_float=Decimal(0), oadr_data_quality=MISSING)
    newest = max(known, key=lambda one: one.at)
    quality = GOOD if newest.at >= since else UNCHANGED
    return OadrReportPayload(r_id=r_id, payload_float=newest.value, oadr_data_quality=quality)
