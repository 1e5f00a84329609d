"""What the utility remembers, as documents."""

import base64
import json
from collections.abc import Iterable
from datetime import timedelta

from conformance.admin2b.documents import (
    AnswerDocument,
    DeliveryDocument,
    EventDocument,
    ExchangeDocument,
    FactDocument,
    OfferDocument,
    OptDocument,
    RequestDocument,
    SignalDocument,
    StepDocument,
    ValueDocument,
    VenDocument,
    WindowDocument,
    WishDocument,
)
from conformance.cli.lines import fact_parts, line
from conformance.peers.units import unit_text
from conformance.peers.vtn2b import Told
from gateway.protocols.oadr2b.messages import EiEventSignal, OadrReport
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_facts import Fact
from gateway.protocols.oadr2b.vtn_opts import named_by
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    EventRecord,
    OfferRecord,
    OptRecord,
    QueueRecord,
    RequestRecord,
    VenRecord,
    WantRecord,
)
from gateway.protocols.oadr2b.vtn_standing import status
from gateway.servers.vtn2b.history import Numbered
from gateway.servers.vtn2b.tables import AnswerRow, ValueRow
from gateway.servers.vtn2b.transcript import Exchange


def ven_document(page: Page, vtn: Vtn, ven_id: str) -> VenDocument | None:
    """Return a VEN; None when nothing is known of it."""
    ven = page.find(VenRecord, ven_id)
    held = page.find(AllocationRecord, "", (ven_id,))
    if ven is None and held is None:
        return None
    offers = (record.report for record in page.all(OfferRecord, ven_id))
    return VenDocument(
        ven_id=ven_id,
        name=(ven.ven_name if ven else "") or (held.name if held else ""),
        registered=ven is not None,
        online=vtn.is_online(ven_id, page.now),
        registration_id=ven.registration_id if ven else None,
        fingerprint=(ven.fingerprint or None) if ven else None,
        allocated=held.fingerprints if held else None,
        registered_at=ven.registered_at if ven else None,
        xml_signature=ven is not None and ven.xml_signature,
        report_only=ven is not None and ven.report_only,
        push=ven is not None and bool(ven.transport_address),
        waiting=tuple(item.waiting.value for item in page.all(QueueRecord, ven_id)),
        offers=tuple(offer_document(report) for report in offers),
    )


def offer_document(report: OadrReport) -> OfferDocument:
    """Return a report as offered."""
    return OfferDocument(
        report_specifier_id=report.report_specifier_id,
        report_name=report.report_name or "",
        r_ids=tuple(one.r_id for one in report.oadr_report_descriptions),
    )


def event_document(page: Page, record: EventRecord) -> EventDocument:
    """Return an event."""
    event = record.event.ei_event
    descriptor = event.event_descriptor
    standing = status(event, page.now, cancelled=record.cancelled_at is not None)
    return EventDocument(
        id=record.event_id,
        version=record.version,
        status=standing.value,
        market_context=descriptor.ei_market_context,
        start=event.ei_active_period.dtstart,
        duration=event.ei_active_period.duration,
        priority=descriptor.priority,
        response_required=record.event.oadr_response_required.value,
        test_event=descriptor.test_event,
        vens=record.audience,
        published_at=record.published_at,
        cancelled_at=record.cancelled_at,
        signals=tuple(_signal(signal) for signal in event.ei_event_signals),
    )


def _signal(signal: EiEventSignal) -> SignalDocument:
    return SignalDocument(
        name=signal.signal_name,
        type=signal.signal_type.value,
        unit=unit_text(signal.item_base),
        id=signal.signal_id,
        intervals=tuple(
            StepDocument(duration=one.duration or timedelta(0), value=one.signal_payload)
            for one in signal.intervals
        ),
    )


def delivery_document(record: DeliveryRecord) -> DeliveryDocument:
    """Return where a VEN stands with an event."""
    return DeliveryDocument(
        ven_id=record.ven_id,
        event_id=record.event_id,
        sent_version=record.sent_version,
        sent_at=record.sent_at,
        answered_version=record.answered_version,
        opt=record.opt.value if record.opt else None,
        opt_by_message=record.opt_by_message,
        resource_opts={named: opt.value for named, opt in record.resource_opts},
    )


def answer_documents(rows: Iterable[Numbered]) -> tuple[AnswerDocument, ...]:
    """Return answers as they came."""
    return tuple(
        AnswerDocument(
            number=one.number,
            at=one.row.at,
            ven_id=one.row.ven_id,
            event_id=one.row.event_id,
            version=one.row.version,
            opt=one.row.opt,
            code=one.row.code,
            description=one.row.description,
            accepted=one.row.accepted,
            by=one.row.by,
            request_id=one.row.request_id,
        )
        for one in rows
        if isinstance(one.row, AnswerRow)
    )


def value_documents(rows: Iterable[Numbered]) -> tuple[ValueDocument, ...]:
    """Return values as they came."""
    return tuple(
        ValueDocument(
            number=one.number,
            ven_id=one.row.ven_id,
            wish=one.row.want_id,
            report_request_id=one.row.report_request_id,
            report_name=one.row.report_name,
            r_id=one.row.r_id,
            starts_at=one.row.starts_at,
            lasts=one.row.lasts,
            received_at=one.row.received_at,
            value=one.row.reading,
            online=one.row.online,
            manual_override=one.row.manual_override,
            load_control=json.loads(one.row.load_control) if one.row.load_control else None,
            quality=one.row.quality,
            confidence=one.row.confidence,
            accuracy=one.row.accuracy,
        )
        for one in rows
        if isinstance(one.row, ValueRow)
    )


def wish_document(page: Page, wish: WantRecord) -> WishDocument:
    """Return a wish with the requests made for it."""
    vens = [wish.ven_id] if wish.ven_id else [ven.ven_id for ven in page.vens()]
    requests = tuple(
        RequestDocument(
            ven_id=record.ven_id, report_request_id=record.key[0], state=record.state.value
        )
        for ven_id in vens
        for record in page.all(RequestRecord, ven_id)
        if record.want_id == wish.want_id
    )
    return WishDocument(
        id=wish.want_id,
        ven=wish.ven_id,
        name=wish.report_name,
        data_points=wish.r_ids,
        granularity=wish.granularity,
        back=wish.report_back,
        start=wish.starts_at,
        lasts=wish.lasts,
        piggyback=wish.piggyback,
        requests=requests,
    )


def opt_document(record: OptRecord) -> OptDocument:
    """Return an opt."""
    opt = record.opt
    event = opt.qualified_event_id
    return OptDocument(
        ven_id=record.ven_id,
        opt_id=opt.opt_id,
        state=record.state.value,
        opt=opt.opt_type.value,
        reason=opt.opt_reason,
        market_context=opt.market_context,
        event_id=event.event_id if event else None,
        version=event.modification_number if event else None,
        windows=tuple(
            WindowDocument(start=one.dtstart, duration=one.duration)
            for one in opt.vavailability or ()
        ),
        target=named_by(opt.ei_target),
        superseded=record.superseded,
        taken_at=record.taken_at,
    )


def fact_document(number: int, told: Told[Fact]) -> FactDocument:
    """Return a fact, its fields as the lines of the command have them."""
    what, fields = fact_parts(told.fact)
    plain = json.loads(line(told.at, what, fields))
    return FactDocument(
        number=number,
        at=told.at,
        what=what,
        fields={name: part for name, part in plain.items() if name not in {"at", "what"}},
    )


def exchange_document(exchange: Exchange) -> ExchangeDocument:
    """Return one line of the transcript; a body that is no UTF-8 in base64."""
    request, answer = _readable(exchange.request), _readable(exchange.answer)
    return ExchangeDocument(
        number=exchange.number,
        at=exchange.at,
        by=exchange.by,
        peer=exchange.peer,
        method=exchange.method,
        path=exchange.path,
        status=exchange.status,
        said=exchange.said,
        request=request[0],
        request_base64=request[1],
        answer=answer[0],
        answer_base64=answer[1],
        struck=exchange.struck,
    )


def _readable(body: bytes) -> tuple[str | None, str | None]:
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode("ascii")
