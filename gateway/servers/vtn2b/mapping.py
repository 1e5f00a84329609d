"""From records and facts to rows and back, one function each way."""

import json
from datetime import datetime, timedelta

from gateway.domain.quantity import plain
from gateway.domain.timespan import duration, duration_text
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    OadrCreateOpt,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrEvent,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
    OptType,
)
from gateway.protocols.oadr2b.vtn_facts import Answered, Reported
from gateway.protocols.oadr2b.vtn_records import (
    DeliveryRecord,
    EventRecord,
    OfferRecord,
    OptRecord,
    OptState,
    QueueRecord,
    Record,
    RequestRecord,
    Shown,
    VenRecord,
    Waiting,
    WantRecord,
)
from gateway.protocols.oadr2b.vtn_requests import RequestState
from gateway.servers.vtn2b.tables import (
    AnswerRow,
    DeliveryRow,
    EventRow,
    OfferRow,
    OptRow,
    QueueRow,
    RequestRow,
    ValueRow,
    VenRow,
    VtnRow,
    WantRow,
)


class DamagedRowError(ValueError):
    """A row that holds what was never written."""


def answer_row(fact: Answered, at: datetime) -> AnswerRow:
    """Write one answer down."""
    return AnswerRow(
        at=at,
        ven_id=fact.ven_id,
        event_id=fact.event_id,
        version=fact.version,
        opt=fact.opt.value,
        code=fact.code,
        description=fact.description,
        accepted=fact.accepted,
        by=fact.by,
        request_id=fact.request_id,
    )


def value_row(fact: Reported, at: datetime) -> ValueRow:
    """Write one value down."""
    return ValueRow(
        ven_id=fact.ven_id,
        report_request_id=fact.report_request_id,
        r_id=fact.r_id,
        starts_at=fact.starts_at,
        lasts=_text(fact.lasts),
        received_at=at,
        want_id=fact.want_id,
        report_name=fact.report_name,
        reading=None if fact.value is None else plain(fact.value),
        online=fact.online,
        manual_override=fact.manual_override,
        quality=fact.quality,
        confidence=fact.confidence,
        accuracy=None if fact.accuracy is None else plain(fact.accuracy),
    )


def _text(length: timedelta | None) -> str | None:
    return None if length is None else duration_text(length)


def _length(text: str | None) -> timedelta | None:
    return None if text is None else duration(text)


class Mapping:
    """Maps records, with what the standard has a message for kept as that message.

    Args:
        codec: Writes and reads those messages.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def row(self, record: Record) -> VtnRow:
        """Write a record as a row."""
        match record:
            case VenRecord():
                return _ven_row(record)
            case DeliveryRecord():
                return _delivery_row(record)
            case QueueRecord():
                return _queue_row(record)
            case WantRecord():
                return _want_row(record)
            case EventRecord() | OfferRecord() | RequestRecord() | OptRecord():
                return self._message_row(record)

    def _message_row(self, record: EventRecord | OfferRecord | RequestRecord | OptRecord) -> VtnRow:
        match record:
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
                    message=self._request_bytes(record.request),
                )
            case OptRecord():
                return OptRow(
                    ven_id=record.ven_id,
                    number=record.number,
                    opt_id=record.opt.opt_id,
                    state=record.state.value,
                    message=self._codec.encode(record.opt),
                )

    def record(self, row: VtnRow) -> Record:
        """Read a row as the record it was written from.

        Raises:
            DamagedRowError: it holds something else.
            GatewayError: its message cannot be read.
        """
        match row:
            case VenRow():
                return _ven_record(row)
            case DeliveryRow():
                return _delivery_record(row)
            case QueueRow():
                return _queue_record(row)
            case WantRow():
                return _want_record(row)
            case EventRow():
                return EventRecord(
                    event=self._event(row.message),
                    audience=tuple(json.loads(row.audience)),
                    published_at=row.published_at,
                    cancelled_at=row.cancelled_at,
                )
            case _:
                return self._message_record(row)

    def _message_record(self, row: VtnRow) -> Record:
        match row:
            case OfferRow():
                return OfferRecord(ven_id=row.ven_id, report=self._offer(row.message))
            case RequestRow():
                return RequestRecord(
                    ven_id=row.ven_id,
                    want_id=row.want_id,
                    report_name=row.report_name,
                    request=self._request(row.message),
                    state=RequestState(row.state),
                )
            case OptRow():
                return OptRecord(
                    ven_id=row.ven_id,
                    number=row.number,
                    opt=self._opt(row.message),
                    state=OptState(row.state),
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


def _ven_row(record: VenRecord) -> VenRow:
    shown = [
        [one.event_id, one.modification_number, one.status, one.current_value]
        for one in record.shown
    ]
    return VenRow(
        ven_id=record.ven_id,
        registration_id=record.registration_id,
        fingerprint=record.fingerprint,
        ven_name=record.ven_name,
        registered_at=record.registered_at,
        xml_signature=record.xml_signature,
        report_only=record.report_only,
        shown=json.dumps(shown),
        shown_at=record.shown_at,
    )


def _ven_record(row: VenRow) -> VenRecord:
    shown = tuple(
        Shown(
            event_id=event_id,
            modification_number=modification_number,
            status=status,
            current_value=current_value,
        )
        for event_id, modification_number, status, current_value in json.loads(row.shown)
    )
    return VenRecord(
        ven_id=row.ven_id,
        registration_id=row.registration_id,
        fingerprint=row.fingerprint,
        ven_name=row.ven_name,
        registered_at=row.registered_at,
        xml_signature=row.xml_signature,
        report_only=row.report_only,
        shown=shown,
        shown_at=row.shown_at,
    )


def _delivery_row(record: DeliveryRecord) -> DeliveryRow:
    return DeliveryRow(
        ven_id=record.ven_id,
        event_id=record.event_id,
        sent_version=record.sent_version,
        sent_at=record.sent_at,
        answered_version=record.answered_version,
        opt=record.opt.value if record.opt else None,
        opt_by_message=record.opt_by_message,
    )


def _delivery_record(row: DeliveryRow) -> DeliveryRecord:
    return DeliveryRecord(
        ven_id=row.ven_id,
        event_id=row.event_id,
        sent_version=row.sent_version,
        sent_at=row.sent_at,
        answered_version=row.answered_version,
        opt=OptType(row.opt) if row.opt else None,
        opt_by_message=row.opt_by_message,
    )


def _queue_row(record: QueueRecord) -> QueueRow:
    return QueueRow(
        ven_id=record.ven_id,
        number=record.number,
        waiting=record.waiting.value,
        subject=record.subject,
        request_id=record.request_id,
        to_follow=record.to_follow,
        sent_at=record.sent_at,
        times_sent=record.times_sent,
    )


def _queue_record(row: QueueRow) -> QueueRecord:
    return QueueRecord(
        ven_id=row.ven_id,
        number=row.number,
        waiting=Waiting(row.waiting),
        subject=row.subject,
        request_id=row.request_id,
        to_follow=row.to_follow,
        sent_at=row.sent_at,
        times_sent=row.times_sent,
    )


def _want_row(record: WantRecord) -> WantRow:
    return WantRow(
        want_id=record.want_id,
        ven_id=record.ven_id,
        report_name=record.report_name,
        r_ids=json.dumps(record.r_ids),
        granularity=duration_text(record.granularity),
        report_back=duration_text(record.report_back),
        starts_at=record.starts_at,
        lasts=_text(record.lasts),
    )


def _want_record(row: WantRow) -> WantRecord:
    return WantRecord(
        want_id=row.want_id,
        ven_id=row.ven_id,
        report_name=row.report_name,
        r_ids=tuple(json.loads(row.r_ids)),
        granularity=duration(row.granularity),
        report_back=duration(row.report_back),
        starts_at=row.starts_at,
        lasts=_length(row.lasts),
    )
