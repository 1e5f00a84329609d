"""Records and facts that are columns throughout, one function each way."""

import json
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TypeAlias

from gateway.domain.quantity import exact, plain
from gateway.domain.timespan import duration, duration_text, instant, instant_text
from gateway.protocols.oadr2b.messages import OadrLoadControlState, OptType
from gateway.protocols.oadr2b.vtn_facts import Answered, Reported
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    OwnValueRecord,
    QueueRecord,
    Shown,
    VenRecord,
    Waiting,
    WantRecord,
)
from gateway.servers.vtn2b.tables import (
    AllocationRow,
    AnswerRow,
    DeliveryRow,
    OwnValueRow,
    QueueRow,
    ValueRow,
    VenRow,
    VtnRow,
    WantRow,
)

Plain: TypeAlias = (
    VenRecord | DeliveryRecord | QueueRecord | WantRecord | AllocationRecord | OwnValueRecord
)


def plain_row(record: Plain) -> VtnRow:
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
        case AllocationRecord():
            return _allocation_row(record)
        case OwnValueRecord():
            return OwnValueRow(
                report_specifier_id=record.report_specifier_id,
                r_id=record.r_id,
                at=instant_text(record.at),
                value=plain(record.value),
            )


def plain_record(row: VtnRow) -> Plain | None:
    """Read a row as the record it was written from; None for a row that holds a message."""
    found: Plain | None = None
    match row:
        case VenRow():
            found = _ven_record(row)
        case DeliveryRow():
            found = _delivery_record(row)
        case QueueRow():
            found = _queue_record(row)
        case WantRow():
            found = _want_record(row)
        case AllocationRow():
            found = _allocation_record(row)
        case OwnValueRow():
            found = OwnValueRecord(
                report_specifier_id=row.report_specifier_id,
                r_id=row.r_id,
                at=instant(row.at),
                value=exact(row.value),
            )
        case _:
            pass
    return found


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
        load_control=None
        if fact.load_control is None
        else json.dumps(load_control(fact.load_control)),
        quality=fact.quality,
        confidence=fact.confidence,
        accuracy=None if fact.accuracy is None else plain(fact.accuracy),
    )


def load_control(state: OadrLoadControlState) -> dict[str, dict[str, str]]:
    """Return what a state holds, by names as the message has them without ``oadr``; numbers as plain text."""
    found = {}
    for field in fields(state):
        part = getattr(state, field.name)
        if part is not None:
            found[field.name.removeprefix("oadr_")] = {
                one.name.removeprefix("oadr_"): plain(getattr(part, one.name))
                for one in fields(part)
                if getattr(part, one.name) is not None
            }
    return found


def _text(length: timedelta | None) -> str | None:
    return None if length is None else duration_text(length)


def _length(text: str | None) -> timedelta | None:
    return None if text is None else duration(text)


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
        transport_address=record.transport_address,
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
        transport_address=row.transport_address,
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
        resource_opts=json.dumps(record.resource_opts),
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
        resource_opts=tuple((named, OptType(opt)) for named, opt in json.loads(row.resource_opts)),
    )


def _queue_row(record: QueueRecord) -> QueueRow:
    return QueueRow(
        ven_id=record.ven_id,
        number=record.number,
        waiting=record.waiting.value,
        subject=record.subject,
        request_id=record.request_id,
        to_follow=record.to_follow,
        since=record.since,
        until=record.until,
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
        since=row.since,
        until=row.until,
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
        piggyback=record.piggyback,
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
        piggyback=row.piggyback,
    )


def _allocation_row(record: AllocationRecord) -> AllocationRow:
    return AllocationRow(
        ven_id=record.ven_id,
        fingerprints=json.dumps(record.fingerprints),
        name=record.name,
        overlap_until=record.overlap_until,
    )


def _allocation_record(row: AllocationRow) -> AllocationRecord:
    return AllocationRecord(
        ven_id=row.ven_id,
        fingerprints=tuple(json.loads(row.fingerprints)),
        name=row.name,
        overlap_until=row.overlap_until,
    )
