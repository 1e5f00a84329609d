"""From records and facts to rows and back, one function each way."""

import json
from typing import TypeAlias

from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    OadrCreateOpt,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrEvent,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
)
from gateway.protocols.oadr2b.vtn_records import (
    EventRecord,
    OfferRecord,
    OptRecord,
    OptState,
    OwnReportRecord,
    Record,
    RequestRecord,
    Riding,
    SupplyRecord,
)
from gateway.protocols.oadr2b.vtn_requests import RequestState
from gateway.servers.vtn2b.columns import plain_record, plain_row
from gateway.servers.vtn2b.tables import (
    EventRow,
    OfferRow,
    OptRow,
    OwnReportRow,
    RequestRow,
    SupplyRow,
    VtnRow,
)

Spoken: TypeAlias = (
    EventRecord | OfferRecord | RequestRecord | OptRecord | OwnReportRecord | SupplyRecord
)
"""Records of which the standard has a message."""


class DamagedRowError(ValueError):
    """A row that holds what was never written."""


class Mapping:
    """Maps records, with what the standard has a message for kept as that message.

    Args:
        codec: Writes and reads those messages.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def row(self, record: Record) -> VtnRow:
        """Write a record as a row."""
        if isinstance(record, Spoken):
            return self._message_row(record)
        return plain_row(record)

    def _message_row(self, record: Spoken) -> VtnRow:
        match record:
            case OwnReportRecord():
                return OwnReportRow(
                    report_specifier_id=record.report.report_specifier_id,
                    message=self._offer_bytes(record.report),
                )
            case SupplyRecord():
                return SupplyRow(
                    ven_id=record.ven_id,
                    report_request_id=record.request.report_request_id,
                    covered_until=record.covered_until,
                    next_at=record.next_at,
                    message=self._request_bytes(record.request),
                )
            case EventRecord():
                return EventRow(
                    event_id=record.event_id,
                    audience=json.dumps(record.audience),
                    published_at=record.published_at,
                    cancelled_at=record.cancelled_at,
                    message=self._event_bytes(record.event),
                )
            case OfferRecord():
                return OfferRow(
                    ven_id=record.ven_id,
                    report_specifier_id=record.report.report_specifier_id,
                    message=self._offer_bytes(record.report),
                )
            case RequestRecord():
                return RequestRow(
                    ven_id=record.ven_id,
                    report_request_id=record.request.report_request_id,
                    want_id=record.want_id,
                    report_name=record.report_name,
                    state=record.state.value,
                    riding=record.riding.value,
                    message=self._request_bytes(record.request),
                )
            case OptRecord():
                return OptRow(
                    ven_id=record.ven_id,
                    number=record.number,
                    opt_id=record.opt.opt_id,
                    state=record.state.value,
                    taken_at=record.taken_at,
                    superseded=json.dumps(record.superseded),
                    cancelled_by=record.cancelled_by,
                    message=self._codec.encode(record.opt),
                )

    def record(self, row: VtnRow) -> Record:
        """Read a row as the record it was written from.

        Raises:
            DamagedRowError: it holds something else.
            GatewayError: its message cannot be read.
        """
        found = plain_record(row)
        return found if found is not None else self._message_record(row)

    def _message_record(self, row: VtnRow) -> Record:
        match row:
            case EventRow():
                return EventRecord(
                    event=self._event(row.message),
                    audience=tuple(json.loads(row.audience)),
                    published_at=row.published_at,
                    cancelled_at=row.cancelled_at,
                )
            case OwnReportRow():
                return OwnReportRecord(report=self._offer(row.message))
            case SupplyRow():
                return SupplyRecord(
                    ven_id=row.ven_id,
                    request=self._request(row.message),
                    covered_until=row.covered_until,
                    next_at=row.next_at,
                )
            case OfferRow():
                return OfferRecord(ven_id=row.ven_id, report=self._offer(row.message))
            case RequestRow():
                return RequestRecord(
                    ven_id=row.ven_id,
                    want_id=row.want_id,
                    report_name=row.report_name,
                    request=self._request(row.message),
                    state=RequestState(row.state),
                    riding=Riding(row.riding),
                )
            case OptRow():
                return OptRecord(
                    ven_id=row.ven_id,
                    number=row.number,
                    opt=self._opt(row.message),
                    state=OptState(row.state),
                    taken_at=row.taken_at,
                    superseded=tuple(json.loads(row.superseded)),
                    cancelled_by=row.cancelled_by,
                )
            case _:
                raise DamagedRowError(f"{type(row).__name__} is no record")

    def _event_bytes(self, event: OadrEvent) -> bytes:
        return self._codec.encode(
            OadrDistributeEvent(request_id="", vtn_id="", oadr_events=(event,))
        )

    def _event(self, body: bytes) -> OadrEvent:
        match self._codec.decode(body):
            case OadrDistributeEvent(oadr_events=(event,)):
                return event
            case _:
                raise DamagedRowError("an event row holds no event")

    def _offer_bytes(self, report: OadrReport) -> bytes:
        return self._codec.encode(OadrRegisterReport(request_id="", oadr_reports=(report,)))

    def _offer(self, body: bytes) -> OadrReport:
        match self._codec.decode(body):
            case OadrRegisterReport(oadr_reports=(report,)):
                return report
            case _:
                raise DamagedRowError("an offer row holds no report")

    def _request_bytes(self, request: OadrReportRequest) -> bytes:
        return self._codec.encode(OadrCreateReport(request_id="", oadr_report_requests=(request,)))

    def _request(self, body: bytes) -> OadrReportRequest:
        match self._codec.decode(body):
            case OadrCreateReport(oadr_report_requests=(request,)):
                return request
            case _:
                raise DamagedRowError("a request row holds no request")

    def _opt(self, body: bytes) -> OadrCreateOpt:
        message = self._codec.decode(body)
        if not isinstance(message, OadrCreateOpt):
            raise DamagedRowError("an opt row holds no opt")
        return message
