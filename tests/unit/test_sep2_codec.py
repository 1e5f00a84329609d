"""What the 2030.5 codec takes, refuses and keeps, case by case."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.sep2._generated.model import (
    ActivePower,
    ActivePowerDeltaControlType,
    AggregatedDevice,
    ConnectionPoint,
    DateTimeInterval,
    DERCapability,
    DERControl,
    DERControlBase,
    DERControlList,
    DERControlResponse,
    DERCurve,
    DeviceCapability,
    DrResponse,
    EndDevice,
    Error,
    EventStatus,
    Link,
    Notification,
    Reading,
    Registration,
    Resource,
    Response,
    ResponseList,
    TextMessage,
    Time,
)
from gateway.protocols.sep2.codec import Decoded, Edition, Flavour, decode, encode, encode_all
from gateway.protocols.xml import Leaf

Y2018 = Flavour(edition=Edition.Y2018)
Y2023 = Flavour(edition=Edition.Y2023)
AUS = Flavour(edition=Edition.Y2018, csip_aus=True)
STORAGE = Flavour(edition=Edition.Y2018, csip_aus=True, storage=True)
SEP = "urn:ieee:std:2030.5:ns"
OLD = "http://ieee.org/2030.5"
CSIP = "https://csipaus.org/ns"
POWER = ActivePower(multiplier=4, value=15000)


def doc(name: str, body: str, *, attributes: str = "", space: str = SEP) -> bytes:
    return f'<{name} xmlns="{space}" xmlns:a="{CSIP}" {attributes}>{body}</{name}>'.encode()


def registration(pin: str = "111115", when: str = "0", more: str = "") -> bytes:
    return doc(
        "Registration", f"<dateTimeRegistered>{when}</dateTimeRegistered><pIN>{pin}</pIN>{more}"
    )


def control(number: int = 1, base: str = "<opModConnect>true</opModConnect>") -> str:
    return (
        f'<DERControl href="/c/{number}" replyTo="/rsp" responseRequired="03"><mRID>0{number}</mRID>'
        "<creationTime>1</creationTime><EventStatus><currentStatus>0</currentStatus>"
        "<dateTime>1</dateTime><potentiallySuperseded>false</potentiallySuperseded></EventStatus>"
        "<interval><duration>60</duration><start>100</start></interval>"
        f"<DERControlBase>{base}</DERControlBase></DERControl>"
    )


def controls(*members: str, attributes: str = 'all="1" results="1"', space: str = SEP) -> bytes:
    return doc("DERControlList", "".join(members), attributes=attributes, space=space)


def a_control(base: DERControlBase) -> DERControl:
    return DERControl(
        mrid="AB",
        creation_time=1,
        event_status=EventStatus(current_status=0, date_time=1, potentially_superseded=False),
        interval=DateTimeInterval(duration=1, start=1),
        der_control_base=base,
    )


def refused(body: bytes, kind: type[object] = object, *, strict: bool = True) -> WireError:
    with pytest.raises(WireError) as caught:
        decode(body, kind, strict=strict)
    return caught.value


def words(found: Decoded[Any]) -> Sequence[tuple[str, str]]:
    return [(one.path, one.word) for one in found.findings]


# Values


@pytest.mark.spec("IEEE 2030.5-2018 HexBinary160")
@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("3e4f45ab31edfe5b67e343e5e4562e31984e23e5", "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"),
        ("0aBc", "0ABC".zfill(40)),
        (" 0ABC\n", "0ABC".zfill(40)),
        ("", "0" * 40),
    ],
)
def test_hex_is_read_in_any_case_and_length_and_kept_in_one_form(told: str, read: str) -> None:
    body = doc("EndDevice", f"<lFDI>{told}</lFDI><sFDI>1</sFDI><changedTime>1</changedTime>")

    found = decode(body, EndDevice, strict=True).value

    assert found.lfdi == read
    assert f"<lFDI>{read}</lFDI>".encode() in encode(found, Y2018)
    assert f"<lFDI>{read}</lFDI>".encode() in encode(replace(found, lfdi=told.strip()), Y2018)


@pytest.mark.spec("IEEE 2030.5-2018 HexBinary160")
@pytest.mark.parametrize("told", ["0x12", "ABC", "0G", "AB" * 21, "ABCD EF0", "١٢"])
def test_what_is_no_hex_of_that_length_is_refused(told: str) -> None:
    body = doc("EndDevice", f"<lFDI>{told}</lFDI><sFDI>1</sFDI><changedTime>1</changedTime>")

    error = refused(body)

    assert (error.reason, error.detail[:15]) == ("INVALID_NUMBER", "EndDevice/lFDI:")
    assert "HexBinary160" in error.detail


@pytest.mark.spec("IEEE 2030.5-2018 HexBinary160")
def test_a_lenient_reader_takes_an_odd_number_of_hex_digits_with_a_finding() -> None:
    found = decode(controls(control().replace("0000", "0").replace("<mRID>01", "<mRID>1")), object)

    assert isinstance(found.value, DERControlList)
    assert found.value.der_control[0].mrid == "1".zfill(32)
    assert words(found) == [("DERControlList/DERControl/mRID", "HEX")]


@pytest.mark.spec("IEEE 2030.5-2018 boolean")
@pytest.mark.parametrize(
    ("told", "read"), [("true", True), ("1", True), (" false ", False), ("0", False)]
)
def test_booleans_have_four_texts(told: str, read: bool) -> None:
    body = controls(control(base=f"<opModConnect>{told}</opModConnect>"))

    found = decode(body, DERControlList, strict=True).value

    assert found.der_control[0].der_control_base.op_mod_connect is read


@pytest.mark.spec("IEEE 2030.5-2018 boolean")
@pytest.mark.parametrize("told", ["TRUE", "yes", "", "2", "true false"])
def test_other_booleans_are_refused(told: str) -> None:
    error = refused(controls(control(base=f"<opModConnect>{told}</opModConnect>")))

    assert error.reason == "INVALID_TEXT"
    assert error.detail.startswith("DERControlList/DERControl/DERControlBase/opModConnect: must be")


@pytest.mark.spec("IEEE 2030.5-2018 Integer")
@pytest.mark.parametrize(
    ("told", "read"),
    [("7", 7), ("+7", 7), ("007", 7), (" 7\t", 7), ("-0", 0), ("1000001", 1000001)],
)
def test_numbers_are_read_as_the_schema_writes_them(told: str, read: int) -> None:
    assert (
        decode(registration(when=told), Registration, strict=True).value.date_time_registered
        == read
    )


@pytest.mark.spec("IEEE 2030.5-2018 Integer")
@pytest.mark.parametrize(
    "told",
    ["", " ", "1.0", "1e3", "1_000", "0x1", "７", "--1", "NaN", "9" * 30, "9" * 5000, str(2**63)],  # noqa: RUF001 - a digit of another script
)
def test_other_numbers_are_refused(told: str) -> None:
    error = refused(registration(when=told))

    assert error.reason == "INVALID_NUMBER"
    assert "TimeType, a whole number from -9223372036854775808" in error.detail
    assert len(error.detail) < 300


@pytest.mark.spec("IEEE 2030.5-2018 ActivePower")
@pytest.mark.parametrize("value", ["32768", "-32769"])
def test_sixteen_bits_do_not_overflow(value: str) -> None:
    power = f"<a:opModImpLimW><multiplier>3</multiplier><value>{value}</value></a:opModImpLimW>"

    error = refused(controls(control(), control(2, base=power)))

    assert error.reason == "INVALID_NUMBER"
    assert error.detail == (
        "DERControlList/DERControl[2]/DERControlBase/opModImpLimW/value: "
        f"must be Int16, a whole number from -32768 to 32767, not '{value}'"
    )
    with pytest.raises(MisuseError, match=r"ActivePower\.value must be Int16"):
        encode(
            a_control(DERControlBase(op_mod_imp_lim_w=ActivePower(multiplier=3, value=int(value)))),
            AUS,
        )


@pytest.mark.spec("IEEE 2030.5-2018 PerCent")
def test_bounds_that_only_the_words_of_the_standard_give_hold_too() -> None:
    error = refused(controls(control(base="<opModMaxLimW>10001</opModMaxLimW>")))

    assert "PerCent, a whole number from 0 to 10000, not '10001'" in error.detail


@pytest.mark.spec("IEEE 2030.5-2018 String32")
def test_a_text_that_is_too_long_is_refused_or_cut() -> None:
    body = controls(
        control().replace("<creation", f"<description>{'é' * 33}</description><creation")
    )

    error = refused(body)
    found = decode(body, DERControlList)

    assert error.reason == "INVALID_TEXT"
    assert "description: must be String32, at most 32 characters" in error.detail
    assert found.value.der_control[0].description == "é" * 32
    assert words(found) == [("DERControlList/DERControl/description", "TOO_LONG")]
    with pytest.raises(MisuseError, match="at most 32 characters"):
        encode(replace(found.value.der_control[0], description="x" * 33), Y2018)


def test_a_text_keeps_its_blanks_and_what_xml_would_change() -> None:
    message = TextMessage(
        mrid="AB",
        creation_time=1,
        event_status=EventStatus(current_status=0, date_time=1, potentially_superseded=False),
        interval=DateTimeInterval(duration=1, start=1),
        priority=0,
        text_message=' <b>&amp;"\r\n\tgrün\U0001f50c ',
    )

    body = encode(message, Y2018)

    assert decode(body, TextMessage, strict=True).value.text_message == message.text_message
    for bad in ("\x00", "\x1b", "\ud800", "\ufffe"):
        with pytest.raises(MisuseError, match="INVALID_TEXT"):
            encode(replace(message, text_message=bad), Y2018)


@pytest.mark.spec("IEEE 2030.5-2018 6.3.5")
def test_a_wrong_pin_is_not_repeated_in_the_error() -> None:
    error = refused(registration(pin="8888888"))

    assert "PINType" in error.detail
    assert "8888888" not in error.detail


@pytest.mark.parametrize("href", ["/a b", "/a\x7f", "/<x>", "/" + "a" * 2048])
def test_a_uri_has_no_blanks_and_an_end(href: str) -> None:
    with pytest.raises(MisuseError, match="INVALID_TEXT"):
        encode(DeviceCapability(time_link=Link(href=href)), Y2018)


def test_flags_and_enumerations_are_plain_numbers() -> None:
    for wrong in (True, 1.0, "1", None):
        with pytest.raises(MisuseError):
            encode(Registration(date_time_registered=wrong, pin=1), Y2018)  # type: ignore[arg-type] # the case


# Order, occurrence, namespaces


@pytest.mark.spec("IEEE 2030.5-2018 schema", "IEEE 2030.5-2018 leniency")
def test_wrong_order_is_refused_or_taken_with_a_finding() -> None:
    body = doc("Registration", "<pIN>111115</pIN><dateTimeRegistered>7</dateTimeRegistered>")

    error = refused(body)
    found = decode(body, Registration)

    assert error.reason == "SCHEMA"
    assert error.detail == ("Registration/dateTimeRegistered: stands behind what must follow it")
    assert found.value == Registration(date_time_registered=7, pin=111115)
    assert words(found) == [("Registration/dateTimeRegistered", "ORDER")]


@pytest.mark.spec("IEEE 2030.5-2023 schema")
def test_an_element_of_2023_keeps_its_place_among_those_of_2018() -> None:
    inside = (
        "<opModConnect>true</opModConnect><opModMaxLimW>5000</opModMaxLimW>"
        "<opModMaxLimWAbsorb><multiplier>4</multiplier><value>30000</value></opModMaxLimWAbsorb>"
        "<opModTargetW><multiplier>0</multiplier><value>1</value></opModTargetW>"
    )
    found = decode(controls(control(base=inside)), DERControlList, strict=True)

    assert found.value.der_control[0].der_control_base.op_mod_max_lim_w_absorb is not None
    assert found.findings == ()


@pytest.mark.spec("CSIP-AUS namespace")
def test_csip_aus_stands_behind_everything_else() -> None:
    inside = (
        "<a:opModImpLimW><multiplier>4</multiplier><value>15000</value></a:opModImpLimW>"
        "<rampTms>100</rampTms>"
    )

    assert refused(controls(control(base=inside))).reason == "SCHEMA"
    assert decode(controls(control(base=inside)), DERControlList).findings[0].word == "ORDER"


@pytest.mark.spec("IEEE 2030.5-2018 schema")
@pytest.mark.parametrize("strict", [True, False])
def test_twice_what_stands_once_is_refused(strict: bool) -> None:
    error = refused(registration(more="<pIN>111115</pIN>"), strict=strict)

    assert error.detail == "Registration/pIN[2]: stands more than once"


@pytest.mark.spec("IEEE 2030.5-2018 schema")
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_missing_is_named(strict: bool) -> None:
    error = refused(
        doc("Registration", "<dateTimeRegistered>1</dateTimeRegistered>"), strict=strict
    )
    link = refused(doc("DeviceCapability", "<TimeLink/>"), strict=strict)

    assert (error.reason, error.detail) == ("SCHEMA", "Registration/pIN: is missing")
    assert link.detail == "DeviceCapability/TimeLink/href: is missing"


@pytest.mark.spec("IEEE 2030.5-2018 DERCurve")
@pytest.mark.parametrize("count", [0, 11])
def test_a_curve_has_one_to_ten_points(count: int) -> None:
    point = "<CurveData><xvalue>1</xvalue><yvalue>2</yvalue></CurveData>"
    body = doc(
        "DERCurve",
        f"<mRID>AB</mRID><creationTime>1</creationTime>{point * count}<curveType>11</curveType>"
        "<xMultiplier>0</xMultiplier><yMultiplier>0</yMultiplier><yRefType>1</yRefType>",
    )

    assert "CurveData" in refused(body).detail
    with pytest.raises(MisuseError, match="tuple of 1 to 10"):
        encode(
            DERCurve(
                mrid="AB",
                creation_time=1,
                curve_data=(),
                curve_type=11,
                x_multiplier=0,
                y_multiplier=0,
                y_ref_type=1,
            ),
            Y2018,
        )


@pytest.mark.spec("IEEE 2030.5-2018 namespace")
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("space", ["", OLD, "http://zigbee.org/sep", CSIP])
def test_a_document_of_another_namespace_is_refused(space: str, strict: bool) -> None:
    body = doc(
        "Registration", "<dateTimeRegistered>1</dateTimeRegistered><pIN>1</pIN>", space=space
    )

    error = refused(body, strict=strict)

    assert error.reason == "WRONG_NAMESPACE"
    assert SEP in error.detail


@pytest.mark.spec("CSIP-AUS namespace")
def test_an_addition_of_csip_aus_in_the_namespace_of_2030_5_is_refused_or_left_over() -> None:
    inside = "<opModImpLimW><multiplier>4</multiplier><value>15000</value></opModImpLimW>"
    body = controls(control(base=inside))

    error = refused(body)
    found = decode(body, DERControlList)

    assert error.reason == "WRONG_NAMESPACE"
    assert error.detail.startswith("DERControlList/DERControl/DERControlBase/opModImpLimW: ")
    assert found.value.der_control[0].der_control_base == DERControlBase()
    assert found.findings[0].word == "WRONG_NAMESPACE"
    assert [leaf.value for leaf in found.leftovers] == ["4", "15000"]


@pytest.mark.spec("IEEE 2030.5-2018 namespace")
def test_the_namespace_of_2013_is_taken_where_it_is_asked_for() -> None:
    body = controls(control(), space=OLD)

    found = decode(body, DERControlList, strict=True, old_namespace=True)

    assert found.old_namespace
    assert found.value == decode(controls(control()), DERControlList).value
    assert not decode(controls(control()), DERControlList, old_namespace=True).old_namespace
    assert refused(body).reason == "WRONG_NAMESPACE"


@pytest.mark.spec("IEEE 2030.5-2018 namespace")
def test_a_mixture_of_2013_and_today_is_refused() -> None:
    body = registration(more=f'<pIN xmlns="{OLD}">1</pIN>')

    with pytest.raises(WireError, match="WRONG_NAMESPACE"):
        decode(body, Registration, strict=True, old_namespace=True)


def test_what_is_no_document_is_named() -> None:
    for name in ("ActivePower", "Event", "Unheard"):
        assert refused(doc(name, "")).reason == "UNKNOWN_MESSAGE"
    error = refused(registration(), Time)
    assert error.detail == "Registration came where Time is expected"


# What nobody knows


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
def test_unknown_elements_and_attributes_are_left_over_with_their_paths() -> None:
    body = doc(
        "Error",
        '<maxRetryDuration unit="s">5</maxRetryDuration><reasonCode>16384</reasonCode>'
        '<message lang="en">no<b>such</b>thing</message><Error_r2_3><x><y>1</y><y/></x></Error_r2_3>',
        attributes='v="9" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:x y.xsd"',
    )

    found = decode(body, Error, strict=True)

    assert found.value == Error(max_retry_duration=5, reason_code=16384)
    assert [(leaf.path, leaf.value) for leaf in found.leftovers] == [
        ("Error/@v", "9"),
        ("Error/maxRetryDuration/@unit", "s"),
        ("Error/message/@lang", "en"),
        ("Error/message/text()", "nothing"),
        ("Error/message/b", "such"),
        ("Error/Error_r2_3/x/y[1]", "1"),
        ("Error/Error_r2_3/x/y[2]", ""),
    ]


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
def test_text_beside_elements_is_left_over() -> None:
    found = decode(registration(more="oops"), Registration, strict=True)

    assert found.leftovers == (Leaf(path="Registration/text()", value="oops"),)


def test_a_value_with_elements_inside_is_refused() -> None:
    for strict in (True, False):
        error = refused(registration(pin="11<b>1</b>115"), strict=strict)
        assert error.detail == "Registration/pIN: must hold a text and no element"


def test_a_comment_inside_a_value_does_not_cut_it() -> None:
    assert decode(registration(pin="111<!-- -->115"), Registration, strict=True).value.pin == 111115


# Lists


@pytest.mark.spec("IEEE 2030.5-2018 List")
def test_an_empty_list_is_a_list() -> None:
    body = controls(attributes='href="/derc" all="0" results="0"')

    found = decode(body, DERControlList, strict=True).value

    assert found == DERControlList(href="/derc", all=0, results=0)
    assert found.der_control == ()
    assert decode(encode(found, Y2018), DERControlList).value == found


@pytest.mark.spec("IEEE 2030.5-2018 leniency", "IEEE 2030.5-2018 List")
def test_a_broken_member_is_set_aside_with_what_its_answer_needs() -> None:
    bad = control(2, base="<opModMaxLimW>20000</opModMaxLimW>")
    body = controls(control(1), bad, control(3))

    found = decode(body, DERControlList)

    assert [each.href for each in found.value.der_control] == ["/c/1", "/c/3"]
    (aside,) = found.unreadable
    assert (aside.path, aside.kind) == ("DERControlList/DERControl[2]", "DERControl")
    assert (aside.mrid, aside.href) == ("02", "/c/2")
    assert (aside.reply_to, aside.response_required) == ("/rsp", "03")
    assert aside.reason == "INVALID_NUMBER"
    assert aside.detail.startswith("DERControlList/DERControl[2]/DERControlBase/opModMaxLimW: must")
    assert refused(body).detail == aside.detail


@pytest.mark.spec("IEEE 2030.5-2018 List")
def test_a_broken_list_is_not_mended() -> None:
    number = refused(controls(control(), attributes='all="x" results="1"'), strict=False)
    missing = refused(controls(control(), attributes='all="1"'), strict=False)

    assert number.detail.startswith("DERControlList/@all: must be UInt32")
    assert missing.detail == "DERControlList/results: is missing"


# Notifications and responses


@pytest.mark.spec("IEEE 2030.5-2018 Notification")
def test_a_notification_carries_its_resource_by_type() -> None:
    inline = decode(controls(control(), control(2)), DERControlList).value
    notice = Notification(
        subscribed_resource="/derp/1/derc",
        resource=inline,
        status=0,
        subscription_uri="https://utility.example/sub/1",
    )

    body = encode(notice, Y2018)

    assert b'<Resource xsi:type="DERControlList" all="1" results="1">' in body
    assert decode(body, Notification, strict=True).value == notice


@pytest.mark.spec("IEEE 2030.5-2018 Notification")
def test_a_bare_notice_has_no_type() -> None:
    notice = Notification(
        subscribed_resource="/a", resource=Resource(href="/a"), status=1, subscription_uri="/s"
    )

    body = encode(notice, Y2018)

    assert b'<Resource href="/a"></Resource>' in body
    assert decode(body, Notification, strict=True).value == notice


@pytest.mark.spec("IEEE 2030.5-2018 Notification")
def test_the_prefix_of_a_type_is_resolved() -> None:
    body = (
        f'<n:Notification xmlns:n="{SEP}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        '<n:subscribedResource>/a</n:subscribedResource><n:Resource i:type="n:Time">'
        "<n:currentTime>1</n:currentTime><n:dstEndTime>0</n:dstEndTime><n:dstOffset>0</n:dstOffset>"
        "<n:dstStartTime>0</n:dstStartTime><n:quality>7</n:quality><n:tzOffset>0</n:tzOffset>"
        "</n:Resource><n:status>0</n:status><n:subscriptionURI>/s</n:subscriptionURI></n:Notification>"
    ).encode()

    found = decode(body, Notification, strict=True).value

    assert isinstance(found.resource, Time)
    wrong = body.replace(b'"n:Time"', b'"i:Time"')
    assert "xsi:type 'i:Time' is no Resource known here" in refused(wrong).detail


@pytest.mark.spec("IEEE 2030.5-2018 Notification")
@pytest.mark.parametrize("told", ["ActivePower", "Unheard", "Notification_", "a:Time", ""])
def test_a_type_that_is_none_is_refused_or_left_over(told: str) -> None:
    body = doc(
        "Notification",
        f'<subscribedResource>/a</subscribedResource><Resource href="/a" i:type="{told}"><x>1</x></Resource>'
        "<status>0</status><subscriptionURI>/s</subscriptionURI>",
        attributes='xmlns:i="http://www.w3.org/2001/XMLSchema-instance"',
    )

    found = decode(body, Notification)

    assert refused(body).reason == "SCHEMA"
    assert found.value.resource == Resource(href="/a")
    assert words(found) == [("Notification/Resource", "TYPE")]
    assert [leaf.value for leaf in found.leftovers] == ["1"]


@pytest.mark.spec("IEEE 2030.5-2018 ResponseList", "IEEE 2030.5-2018 4.7")
def test_a_list_of_responses_is_mixed() -> None:
    lfdi = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
    mixed = ResponseList(
        all=3,
        results=3,
        response=(
            Response(end_device_lfdi=lfdi, subject="AB".zfill(32)),
            DERControlResponse(end_device_lfdi=lfdi, status=2, subject="AB".zfill(32)),
            DrResponse(end_device_lfdi=lfdi, status=8, subject="AB".zfill(32), override_duration=9),
        ),
    )

    body = encode(mixed, Y2018)

    assert body.count(b"xsi:type") == 2
    assert decode(body, ResponseList, strict=True).value == mixed
    assert decode(encode(mixed.response[2], Y2018), Response).value == mixed.response[2]


# Editions


@pytest.mark.spec("IEEE 2030.5-2023 schemaVer")
def test_only_documents_of_2023_tell_their_schema() -> None:
    value = Registration(date_time_registered=1, pin=111115)

    assert b"schemaVer" not in encode(value, Y2018)
    assert b' schemaVer="2.2"' in encode(value, Y2023)
    found = decode(encode(value, Y2023), Registration, strict=True)
    assert (found.schema_version, found.leftovers) == ("2.2", ())
    assert decode(encode(value, Y2018), Registration).schema_version is None


@pytest.mark.spec("IEEE 2030.5-2023 schemaVer")
def test_a_version_of_the_schema_below_the_root_is_left_over() -> None:
    found = decode(registration().replace(b"<pIN>", b'<pIN schemaVer="2.2">'), Registration)

    assert [leaf.path for leaf in found.leftovers] == ["Registration/pIN/@schemaVer"]


@pytest.mark.spec("IEEE 2030.5-2023 schema")
@pytest.mark.parametrize(
    ("value", "flavour", "said"),
    [
        (
            a_control(DERControlBase(op_mod_fixed_v=1)),
            Y2018,
            r"DERControlBase\.op_mod_fixed_v: IEEE 2030\.5-2018 does not know it",
        ),
        (
            a_control(DERControlBase(op_mod_imp_lim_w=POWER)),
            Y2023,
            r"DERControlBase\.op_mod_imp_lim_w: IEEE 2030\.5-2023 does not know it",
        ),
        (
            a_control(DERControlBase(op_mod_storage_target_w=POWER)),
            AUS,
            r"op_mod_storage_target_w: IEEE 2030\.5-2018 with CSIP-AUS does not know it",
        ),
        (
            a_control(
                DERControlBase(
                    op_mod_connect=True, op_mod_fixed_w=1, disabled=frozenset({"op_mod_fixed_w"})
                )
            ),
            Y2018,
            r"DERControlBase\.disabled: IEEE 2030\.5-2018",
        ),
        (AggregatedDevice(changed_time=1, lfdi="AB", sfdi=1), Y2018, "AggregatedDevice: IEEE"),
        (ConnectionPoint(connection_point_id="NMI"), Y2018, "ConnectionPointType: IEEE"),
        (POWER, Y2018, "ActivePower is no document"),
        ("text", Y2018, "str is no type"),
        (
            a_control(
                DERControlBase(op_mod_target_w=ActivePowerDeltaControlType(multiplier=0, value=1))
            ),
            Y2023,
            "op_mod_target_w must be ActivePower",
        ),
        (
            DERCapability(modes_supported=0, rtg_max_w=POWER, type=0),
            AUS,
            r"DERCapability\.doe_modes_supported is required here",
        ),
    ],
)
def test_a_flavour_keeps_to_what_it_knows(value: object, flavour: Flavour, said: str) -> None:
    with pytest.raises(MisuseError, match=said) as caught:
        encode(value, flavour)

    assert caught.value.reason == "SCHEMA"


@pytest.mark.spec("IEEE 2030.5-2023 DERControlBase")
def test_a_mode_that_is_switched_off_keeps_its_fallback_value() -> None:
    base = DERControlBase(
        op_mod_fixed_w=-5000,
        op_mod_max_lim_w_absorb=None,
        op_mod_target_w=POWER,
        op_mod_volt_var=Link(href="/dc/1"),
        disabled=frozenset({"op_mod_fixed_w", "op_mod_volt_var"}),
    )

    body = encode(a_control(base), Y2023)
    found = decode(body, DERControl, strict=True)

    assert b'<opModFixedW disabled="true">-5000</opModFixedW>' in body
    assert b'<opModVoltVar disabled="true" href="/dc/1"></opModVoltVar>' in body
    assert found.value.der_control_base == base
    assert found.leftovers == ()
    plain = decode(body.replace(b'"true"', b'"0"'), DERControl, strict=True)
    assert plain.value.der_control_base == replace(base, disabled=frozenset())
    assert plain.leftovers == ()
    assert refused(body.replace(b'"true"', b'"no"')).detail.startswith(
        "DERControl/DERControlBase/opModFixedW/@disabled: must be true"
    )


@pytest.mark.spec("IEEE 2030.5-2023 DERControlBase")
def test_only_a_mode_that_is_there_can_be_switched_off() -> None:
    for field in ("op_mod_fixed_w", "op_mod_connect", "nonsense"):
        base = DERControlBase(op_mod_connect=True, disabled=frozenset({field}))
        with pytest.raises(MisuseError, match="is no mode that is present"):
            encode(a_control(base), Y2023)


@pytest.mark.spec("IEEE 2030.5-2023 DERControlBase")
def test_a_switch_elsewhere_is_left_over() -> None:
    found = decode(registration().replace(b"<pIN>", b'<pIN disabled="true">'), Registration)

    assert [leaf.path for leaf in found.leftovers] == ["Registration/pIN/@disabled"]


@pytest.mark.spec("CSIP-AUS namespace")
def test_csip_aus_is_declared_whatever_the_document_holds() -> None:
    body = encode(DeviceCapability(time_link=Link(href="/tm")), AUS)

    assert f'xmlns:aus="{CSIP}"'.encode() in body
    assert decode(body, DeviceCapability).csip_aus
    assert not decode(encode(DeviceCapability(), Y2018), DeviceCapability).csip_aus


@pytest.mark.spec("CSIP-AUS required elements")
def test_what_csip_aus_requires_is_asked_for_where_it_is_spoken() -> None:
    body = encode(DERCapability(modes_supported=0, rtg_max_w=POWER, type=0), Y2018)
    whole = DERCapability(modes_supported=0, rtg_max_w=POWER, type=0, doe_modes_supported=0xF)

    assert decode(body, DERCapability, strict=True).value.doe_modes_supported is None
    assert decode(body, DERCapability, required_by=Y2018).value.doe_modes_supported is None
    for strict in (True, False):
        with pytest.raises(WireError, match="DERCapability/doeModesSupported: is missing"):
            decode(body, DERCapability, strict=strict, required_by=AUS)
    assert decode(encode(whole, AUS), DERCapability, required_by=AUS).value == whole


@pytest.mark.spec("CSIP-AUS storage beta")
def test_the_storage_beta_repeats_everything_in_its_own_namespace() -> None:
    base = DERControlBase(op_mod_imp_lim_w=POWER, op_mod_storage_target_w=POWER)

    body = encode(a_control(base), STORAGE)

    assert f'xmlns:aus="{CSIP}/v1.3-beta/storage"'.encode() in body
    found = decode(body, DERControl, strict=True)
    assert found.value.der_control_base == base
    assert (found.csip_aus, found.storage) == (True, True)
    assert not decode(encode(a_control(DERControlBase()), AUS), DERControl).storage


@pytest.mark.spec("CSIP-AUS storage beta")
def test_a_storage_target_in_the_namespace_of_the_releases_is_read() -> None:
    target = (
        "<a:opModStorageTargetW><multiplier>3</multiplier><value>-5</value></a:opModStorageTargetW>"
    )

    found = decode(controls(control(base=target)), DERControlList, strict=True).value

    assert found.der_control[0].der_control_base.op_mod_storage_target_w == ActivePower(
        multiplier=3, value=-5
    )


@pytest.mark.spec("CSIP-AUS connection point")
def test_a_connection_point_is_read_by_its_old_name_too() -> None:
    old = f'<ConnectionPoint xmlns="{CSIP}"><id>NMI1</id></ConnectionPoint>'.encode()

    found = decode(old, ConnectionPoint, strict=True).value

    assert found == ConnectionPoint(connection_point_id="NMI1")
    assert b"<aus:connectionPointId>NMI1</aus:connectionPointId>" in encode(found, AUS)


# Hostile peers


def test_a_flood_of_broken_members_is_cheap_and_has_an_end() -> None:
    some = decode(controls("<DERControl/>" * 9_000), DERControlList)

    assert len(some.unreadable) == 9_000
    assert some.unreadable[-1].path == "DERControlList/DERControl[9000]"
    with pytest.raises(WireError, match="TOO_MANY_ELEMENTS"):
        decode(controls("<DERControl/>" * 20_000), DERControlList)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body",
    [
        controls("<x/>" * 90_000),
        controls("<x>" * 55 + "<y/>" * 80_000 + "</x>" * 55),
        controls(f"<{'n' * 40_000}><y/><y/></{'n' * 40_000}>" * 10),
        controls("<DERControl><mRID>x</mRID></DERControl>" * 25_000),
        controls('<DERControl a="1" b="2" c="3"/>' * 12_000),
        controls(control(base="<opModConnect>true</opModConnect>" * 30_000)),
        controls("<DERControl>" * 60 + "</DERControl>" * 60),
        registration(when="1" * 900_000),
        registration(more="x<y/>" * 60_000),
    ],
    ids=range(9),
)
def test_a_hostile_document_costs_little(body: bytes) -> None:
    for strict in (True, False):
        try:
            found = decode(body, object, strict=strict)
        except WireError as error:
            assert len(error.detail) < 6_000
        else:
            assert sum(len(leaf.path) for leaf in found.leftovers) < 50_000_000


def test_a_plain_document_is_kept_without_what_csip_aus_asks_for() -> None:
    """Kills: a server whose store fails at the first DERCapability of a device of another country."""
    plain = DERCapability(modes_supported=1, rtg_max_w=ActivePower(multiplier=0, value=1), type=1)
    aus = replace(plain, doe_modes_supported=3)

    for one in (plain, aus):
        assert decode(encode_all(one), DERCapability, strict=True).value == one


def test_a_document_above_a_megabyte_is_not_read() -> None:
    body = registration(more=" " * (1024 * 1024))

    assert refused(body).reason == "TOO_LARGE"


def test_reading_the_same_bytes_twice_gives_equal_values() -> None:
    body = encode(Reading(value=-(2**47), quality_flags=0x1), Y2018)

    assert decode(body, Reading) == decode(body, Reading)
    assert b"<qualityFlags>0001</qualityFlags><value>-140737488355328</value>" in body
