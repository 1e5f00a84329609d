"""The sample documents read as the values they stand for, and those values are written as the documents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from lxml import etree

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import CONTENTS, Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    ItemBase,
    OadrCancelReport,
    OadrDistributeEvent,
    OadrPoll,
    OadrResponse,
    PowerAttributes,
    QualifiedEventId,
    RawXml,
    ResponseRequired,
    UnreadableEvent,
)
from gateway.transport.schemas import load_oadr20b_schema
from tests.oadr2b_samples import SAMPLES, dispatch

DATA: Final = Path(__file__).parents[1] / "data" / "oadr2b"
SCHEMA: Final = load_oadr20b_schema()
CODEC: Final = Codec(SCHEMA)


def sample(name: str) -> bytes:
    return (DATA / f"{name}.xml").read_bytes()


def bare(body: bytes) -> bytes:
    """Reduce a document to what it says: no indentation, no unused declarations."""
    root = xml.parse(body)
    for element in root.iter():
        if len(element):
            element.text = None
        element.tail = None
    return etree.tostring(root, method="c14n", exclusive=True)


def test_every_message_has_a_sample_and_every_sample_a_file() -> None:
    assert {type(message) for message in SAMPLES.values()} == set(CONTENTS)
    assert {path.stem for path in DATA.glob("oadr*.xml")} == set(SAMPLES)


@pytest.mark.spec("OpenADR 2.0b schema")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_reads_as_its_value(name: str) -> None:
    assert CODEC.decode(sample(name)) == SAMPLES[name]


@pytest.mark.spec("OpenADR 2.0b schema")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_is_written_as_its_sample(name: str) -> None:
    body = CODEC.encode(SAMPLES[name])

    assert SCHEMA.validate(xml.parse(body))
    assert bare(body) == bare(sample(name))


@pytest.mark.spec("OpenADR 2.0b section 9.1")
@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_written_is_utf8_and_names_the_version_and_no_schema_location(name: str) -> None:
    body = CODEC.encode(SAMPLES[name])

    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert b"schemaLocation" not in body
    assert body.count(b'ei:schemaVersion="2.0b"') == 1


def test_another_dialect_reads_as_the_same_kind_of_value() -> None:
    message = CODEC.decode(sample("foreign_signed_event"))

    assert isinstance(message, OadrDistributeEvent)
    assert message.request_id == "abc"
    assert message.vtn_id == "VTN one"
    event = message.oadr_events[0].ei_event
    assert event.event_descriptor.event_id == "e1"
    assert event.event_descriptor.modification_number == 7
    assert event.event_descriptor.created_date_time == datetime(2026, 5, 3, 16, tzinfo=UTC)
    assert event.ei_active_period.dtstart == datetime(2026, 1, 31, 23, 30, 0, 500000, tzinfo=UTC)
    assert event.ei_active_period.duration == timedelta(days=28)
    assert event.ei_active_period.startafter is None
    assert event.ei_active_period.x_ei_notification == timedelta(weeks=2)
    first, second = event.ei_event_signals[0].intervals
    assert first.signal_payload == Decimal(225000)
    assert second.signal_payload == Decimal("0.3")
    assert event.ei_event_signals[0].item_base == ItemBase(
        name="powerReal",
        item_description="RealPower",
        item_units="W",
        si_scale_code="k",
        power_attributes=PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True),
    )
    assert event.ei_target.is_empty


def test_weeks_are_read_in_the_form_of_iso_8601_although_the_schema_forgot_it() -> None:
    body = sample("oadrDistributeEvent").replace(b"hold 225 MW", b"P2W").replace(b"PT3H", b"P2W")

    message = CODEC.decode(body)

    assert isinstance(message, OadrDistributeEvent)
    event = message.oadr_events[0].ei_event
    assert event.ei_active_period.duration == timedelta(days=14)
    assert event.event_descriptor.vtn_comment == "P2W"


@pytest.mark.spec("OpenADR 2.0b rule 19")
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<ei:value>230000.5<", b"<ei:value>INF<", "INVALID_NUMBER"),
        (b"<ei:value>230000.5<", b"<ei:value>1E300<", "INVALID_NUMBER"),
        (b"<ei:value>230000.5<", b"<ei:value>NaN<", "INVALID_NUMBER"),
        (b"2026-05-03T23:30:00Z", b"9999-12-31T23:30:00Z", "INVALID_TIME"),
        (b"PT3H", b"P9999Y", "INVALID_DURATION"),
        (b"PT3H", b"P", "INVALID_DURATION"),
        (b"hold 225 MW", b"x" * 20_000, "INVALID_TEXT"),
        (b"hold 225 MW", b"&#127;", "INVALID_TEXT"),
    ],
)
def test_one_bad_value_sets_its_event_aside_and_no_other(
    old: bytes, new: bytes, reason: str
) -> None:
    two = CODEC.encode(
        OadrDistributeEvent(
            request_id="r2", vtn_id="vtn-1", oadr_events=(dispatch("ev-bad"), dispatch("ev-good"))
        )
    )
    assert old in two

    message = CODEC.decode(two.replace(old, new, 1))

    assert isinstance(message, OadrDistributeEvent)
    assert message.oadr_events == (dispatch("ev-good"),)
    assert [(bad.qualified_event_id, bad.reason) for bad in message.unreadable] == [
        (QualifiedEventId(event_id="ev-bad", modification_number=0), reason)
    ]
    assert message.unreadable[0].oadr_response_required is ResponseRequired.ALWAYS
    assert message.unreadable[0].detail


@pytest.mark.parametrize(
    "payload",
    [
        "<ei:signalPayload><ei:payloadFloat><ei:value>1</ei:value></ei:payloadFloat></ei:signalPayload>"
        * 2,
        "<ei:signalPayload><oadr:oadrPayloadResourceStatus><oadr:oadrOnline>true</oadr:oadrOnline>"
        "<oadr:oadrManualOverride>false</oadr:oadrManualOverride></oadr:oadrPayloadResourceStatus></ei:signalPayload>",
        "<oadr:oadrReportPayload><ei:rID>a</ei:rID><ei:payloadFloat><ei:value>1</ei:value></ei:payloadFloat>"
        "</oadr:oadrReportPayload>",
    ],
    ids=["two numbers", "a status", "a report"],
)
def test_an_interval_without_exactly_one_number_has_no_payload(payload: str) -> None:
    one = b"<ei:signalPayload><ei:payloadFloat><ei:value>230000.5</ei:value></ei:payloadFloat></ei:signalPayload>"
    body = CODEC.encode(SAMPLES["oadrDistributeEvent"])
    assert one in body

    message = CODEC.decode(body.replace(one, payload.encode()))

    assert isinstance(message, OadrDistributeEvent)
    intervals = message.oadr_events[0].ei_event.ei_event_signals[0].intervals
    assert [interval.signal_payload for interval in intervals] == [225000, 225000, None]
    with pytest.raises(MisuseError, match="SCHEMA"):
        CODEC.encode(message)


def test_green_button_data_and_places_survive_uninterpreted() -> None:
    report = CODEC.decode(CODEC.encode(SAMPLES["oadrUpdateReport"]))
    events = CODEC.decode(CODEC.encode(SAMPLES["oadrDistributeEvent_everything"]))

    assert report == SAMPLES["oadrUpdateReport"]
    assert events == SAMPLES["oadrDistributeEvent_everything"]


def test_our_own_invalid_messages_are_our_fault() -> None:
    answer = EiResponse(response_code="OK", request_id="r")
    unreadable = UnreadableEvent(
        qualified_event_id=QualifiedEventId(event_id="e", modification_number=0),
        oadr_response_required=ResponseRequired.NEVER,
        reason="INVALID_NUMBER",
        detail="",
    )
    wrong = (
        OadrResponse(ei_response=answer),
        OadrCancelReport(request_id="r", report_request_ids=(), report_to_follow=False),
        OadrPoll(ven_id="a\x00b"),
        OadrPoll(ven_id="\ud800"),
        OadrPoll(ven_id="x" * 5000),
        OadrDistributeEvent(request_id="r", vtn_id="v", unreadable=(unreadable,)),
    )

    for message in wrong:
        with pytest.raises(MisuseError):
            CODEC.encode(message)


@pytest.mark.parametrize(
    "unit",
    [
        ItemBase(name="oadrGBDataDescription", atom_feed=RawXml(xml="<feed>")),
        ItemBase(name="horsepower", item_description="x", item_units="hp", si_scale_code="k"),
        ItemBase(name="powerReal", item_description="RealPower", item_units="W"),
    ],
    ids=["broken feed", "unknown unit", "power without scale"],
)
def test_an_impossible_unit_cannot_be_written(unit: ItemBase) -> None:
    whole = dispatch()
    signal = replace(whole.ei_event.ei_event_signals[0], item_base=unit)
    event = replace(whole, ei_event=replace(whole.ei_event, ei_event_signals=(signal,)))

    with pytest.raises(MisuseError):
        CODEC.encode(OadrDistributeEvent(request_id="r", vtn_id="v", oadr_events=(event,)))


@pytest.mark.parametrize("version", [b"2.0a", b"x-3.1"])
def test_another_schema_version_is_refused(version: bytes) -> None:
    body = sample("oadrPoll").replace(b'schemaVersion="2.0b"', b'schemaVersion="' + version + b'"')

    with pytest.raises(WireError) as caught:
        CODEC.decode(body)

    assert caught.value.reason == "SCHEMA_VERSION"


def test_a_message_without_schema_version_is_taken() -> None:
    body = sample("oadrPoll").replace(b' ei:schemaVersion="2.0b"', b"")

    assert CODEC.decode(body) == SAMPLES["oadrPoll"]


def test_a_looser_schema_makes_a_wire_error_of_a_missing_element_and_no_crash() -> None:
    anything = etree.XMLSchema(
        xml.parse(
            b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
            b'targetNamespace="http://openadr.org/oadr-2.0b/2012/07"><xs:element name="oadrPayload"/></xs:schema>'
        )
    )
    start, end = b"<ei:venID>", b"</ei:venID>"
    body = CODEC.encode(OadrPoll(ven_id="v"))
    cut = body[: body.index(start)] + body[body.index(end) + len(end) :]

    with pytest.raises(WireError) as caught:
        Codec(anything).decode(cut)

    assert caught.value.reason == "SCHEMA"
    assert "oadrPoll" in caught.value.detail


def test_irregular_intervals_keep_their_own_parts() -> None:
    body = CODEC.encode(SAMPLES["oadrDistributeEvent"])
    first = b"<xcal:uid><xcal:text>0</xcal:text></xcal:uid>"
    dated = b"<xcal:dtstart><xcal:date-time>2026-05-03T23:30:00Z</xcal:date-time></xcal:dtstart>"
    last = (
        b"<xcal:duration><xcal:duration>PT1H</xcal:duration></xcal:duration><xcal:uid><xcal:text>2"
    )
    assert body.count(first) == body.count(last) == 1

    message = CODEC.decode(body.replace(first, b"").replace(last, dated + last))

    assert isinstance(message, OadrDistributeEvent)
    found = message.oadr_events[0].ei_event.ei_event_signals[0].intervals
    hour = timedelta(hours=1)
    assert [(step.uid, step.duration, step.dtstart) for step in found] == [
        (None, hour, None),
        ("1", hour, None),
        ("2", hour, datetime(2026, 5, 3, 23, 30, tzinfo=UTC)),
    ]
    assert [step.signal_payload for step in found] == [225000, 225000, Decimal("230000.5")]
