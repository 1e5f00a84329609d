"""Every kind of hostile document is refused, by its reason, quickly."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import OadrCreatePartyRegistration, OadrPoll
from gateway.protocols.xml import _more_than
from gateway.transport.schemas import load_oadr20b_schema
from tests.effort import seconds
from tests.oadr2b_samples import SAMPLES

DATA: Final = Path(__file__).parents[1] / "data" / "oadr2b"
CODEC: Final = Codec(load_oadr20b_schema())
MIB: Final = 1 << 20
NAMES: Final = sorted(SAMPLES)
POLL: Final = CODEC.encode(OadrPoll(ven_id="ven-1"))


def refused(body: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        CODEC.decode(body)
    assert len(caught.value.detail) <= 300
    return caught.value


def sample(name: str) -> bytes:
    return (DATA / f"{name}.xml").read_bytes()


def with_doctype(body: bytes, doctype: str) -> str:
    text = body.decode()
    head, _, rest = text.partition("?>")
    return f"{head}?>{doctype}{rest}"


@pytest.mark.parametrize("name", NAMES)
def test_a_doctype_is_refused(name: str) -> None:
    text = with_doctype(sample(name), "<!DOCTYPE oadrPayload>")

    assert refused(text.encode()).reason == "DOCTYPE"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-09")
@pytest.mark.parametrize("name", NAMES)
def test_an_external_entity_is_refused(name: str) -> None:
    text = with_doctype(
        sample(name), '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    ).replace("</", "&x;</", 1)

    assert refused(text.encode()).reason == "DOCTYPE"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-09")
@pytest.mark.parametrize("name", NAMES)
def test_an_entity_bomb_is_refused_before_it_is_parsed(name: str) -> None:
    bomb = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
    text = with_doctype(sample(name), f'<!DOCTYPE p [<!ENTITY a0 "ha">{bomb}]>')

    assert refused(text.replace("</", "&a12;</", 1).encode()).reason == "DOCTYPE"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"]
)
@pytest.mark.parametrize("doctype", ["", "<!DOCTYPE oadrPayload>"], ids=["plain", "doctype"])
def test_another_encoding_is_refused_with_or_without_a_doctype(encoding: str, doctype: str) -> None:
    text = with_doctype(sample("oadrPoll"), doctype).replace(
        'encoding="UTF-8"', f'encoding="{encoding}"'
    )

    assert refused(text.encode(encoding)).reason in {"ENCODING", "NOT_XML"}


@pytest.mark.parametrize(
    "declared", ["ISO-8859-1", "us-ascii", "UTF-7", "UTF-16", "windows-1252", "nonsense"]
)
def test_a_declared_encoding_other_than_utf8_is_refused(declared: str) -> None:
    text = sample("oadrPoll").decode().replace("UTF-8", declared)

    assert refused(text.encode()).reason == "ENCODING"


def test_a_declaration_too_long_to_be_honest_does_not_hide_its_encoding() -> None:
    text = (
        sample("oadrPoll")
        .decode()
        .replace(" encoding=", " " * 2000 + "encoding=")
        .replace("UTF-8", "ISO-8859-1")
    )

    assert refused(text.encode()).reason == "ENCODING"


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"]
)
def test_bytes_that_are_no_utf8_are_refused(bad: bytes) -> None:
    assert refused(POLL.replace(b"ven-1", b"ven" + bad)).reason == "ENCODING"


@pytest.mark.parametrize(
    "bad", [b"\x00", b"\x01", b"\x0b", b"&#0;", b"&#1;", b"&#xD800;", b"\xef\xbf\xbe"]
)
def test_characters_outside_xml_are_refused(bad: bytes) -> None:
    assert refused(POLL.replace(b"ven-1", b"ven" + bad)).reason in {"ENCODING", "NOT_XML"}


def test_a_byte_order_mark_of_utf8_is_taken() -> None:
    assert CODEC.decode(b"\xef\xbb\xbf" + POLL) == OadrPoll(ven_id="ven-1")


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_namespace_is_refused(name: str) -> None:
    body = sample(name).replace(
        b"http://openadr.org/oadr-2.0b/2012/07", b"http://openadr.org/oadr-2.0a/2012/07"
    )

    assert refused(body).reason == "WRONG_NAMESPACE"


@pytest.mark.parametrize("name", NAMES)
def test_an_inner_element_in_another_namespace_is_refused(name: str) -> None:
    body = sample(name).replace(b'energyinterop/201110"', b'energyinterop/209910"')

    assert refused(body).reason in {"SCHEMA", "WRONG_NAMESPACE"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_document_is_refused(name: str, share: float) -> None:
    body = sample(name)

    assert refused(body[: int(share * len(body))]).reason == "NOT_XML"


@pytest.mark.parametrize("name", NAMES)
def test_trailing_rubbish_is_refused(name: str) -> None:
    assert refused(sample(name) + b"<more/>").reason == "NOT_XML"


def test_a_bare_message_without_its_envelope_is_refused() -> None:
    body = (
        b'<oadrPoll xmlns="http://openadr.org/oadr-2.0b/2012/07"><venID xmlns='
        b'"http://docs.oasis-open.org/ns/energyinterop/201110">v</venID></oadrPoll>'
    )

    assert refused(body).reason == "UNKNOWN_MESSAGE"


def test_an_unknown_message_is_told_apart_from_a_wrong_one() -> None:
    assert refused(POLL.replace(b"oadrPoll", b"oadrPull")).reason == "UNKNOWN_MESSAGE"
    assert refused(POLL.replace(b"ei:venID", b"ei:vtnID")).reason == "SCHEMA"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-04")
def test_two_signed_objects_are_refused() -> None:
    start = POLL.index(b"<oadr:oadrSignedObject>")
    end = POLL.index(b"</oadr:oadrPayload>")

    assert refused(POLL[:end] + POLL[start:end] + POLL[end:]).reason == "SCHEMA"


def test_the_detail_of_a_schema_fault_names_the_element_and_stays_short() -> None:
    error = refused(sample("oadrDistributeEvent").replace(b"PT3H", b"5" * 100_000))

    assert error.reason == "SCHEMA"
    assert "duration" in error.detail
    assert len(error.detail) <= 201


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-11")
def test_markup_in_free_text_stays_text() -> None:
    name = "<oadr:venID>&amp;]]><!-- ' \" -->\u00e9\U0001f50c"
    message = OadrCreatePartyRegistration(request_id="r", oadr_ven_name=name)

    assert CODEC.decode(CODEC.encode(message)) == message


def test_comments_and_instructions_inside_a_value_do_not_cut_it() -> None:
    body = POLL.replace(b"ven-1", b"12<!--x-->3<?y z?>4<![CDATA[<5>]]>")

    assert CODEC.decode(body) == OadrPoll(ven_id="1234<5>")


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-10")
def test_nine_mebibytes_are_refused_unread() -> None:
    body = POLL.replace(b"ven-1", b"x" * (9 * MIB))

    assert refused(body).reason == "TOO_LARGE"
    assert seconds(lambda: refused(body), enough=0.01) <= 0.01


def test_a_caller_may_set_a_smaller_limit_but_no_larger_one() -> None:
    with pytest.raises(WireError, match="TOO_LARGE"):
        CODEC.decode(POLL, largest=len(POLL) - 1)
    with pytest.raises(WireError, match="TOO_LARGE"):
        CODEC.decode(b" " * (8 * MIB + 1), largest=100 * MIB)
    assert CODEC.decode(POLL, largest=len(POLL)) == OadrPoll(ven_id="ven-1")


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-10")
def test_nesting_deeper_than_the_limit_is_refused() -> None:
    for depth in (65, 70, 255, 256, 100_000):
        assert refused(b"<a>" * depth + b"</a>" * depth).reason == "TOO_DEEP"
    assert refused(b"<a>" * 64 + b"</a>" * 64).reason == "UNKNOWN_MESSAGE"


def attributes(count: int) -> bytes:
    return b"<a " + b" ".join(b'a%d="1"' % n for n in range(count)) + b"/>"


def test_too_many_attributes_are_refused_on_one_element_and_in_all() -> None:
    assert refused(attributes(100_000)).reason == "TOO_MANY_ATTRIBUTES"
    assert refused(attributes(65)).reason == "TOO_MANY_ATTRIBUTES"
    assert refused(attributes(64)).reason == "UNKNOWN_MESSAGE"
    assert refused(b"<r>" + b"<a b='1'/>" * 50_001 + b"</r>").reason == "TOO_MANY_ATTRIBUTES"


def test_too_many_elements_or_references_are_refused() -> None:
    assert refused(b"<r>" + b"<a/>" * 100_000 + b"</r>").reason == "TOO_MANY_ELEMENTS"
    assert refused(b"<r>" + b"<a></a>" * 99_999 + b"</r>").reason == "UNKNOWN_MESSAGE"
    assert refused(b"<r>" + b"<a>/</a>" * 99_999 + b"</r>").reason == "UNKNOWN_MESSAGE"
    assert refused(b"<r>" + b"<a></a>" * 100_000 + b"</r>").reason == "TOO_MANY_ELEMENTS"
    assert refused(b"<r>" + b"&lt;" * 500_001 + b"</r>").reason == "TOO_MANY_REFERENCES"


def test_elements_that_are_never_closed_are_given_up_soon() -> None:
    assert refused(b"<a>" * 2_000_000).reason == "TOO_DEEP"


@given(body=st.text(alphabet="ab", max_size=60), times=st.integers(1, 4), most=st.integers(0, 80))
def test_a_byte_that_is_looked_for_is_counted(body: str, times: int, most: int) -> None:
    given_bytes = body.encode() * times

    assert _more_than(most, b"a", given_bytes) is (given_bytes.count(b"a") > most)


def test_a_text_longer_than_the_threshold_is_refused_before_the_schema_sees_it() -> None:
    split = b"<!---->".join([b"1" * 100_000] * 3)
    body = CODEC.encode(SAMPLES["oadrDistributeEvent"])

    assert refused(body.replace(b"PT3H", split)).reason == "INVALID_TEXT"
    assert (
        refused(body.replace(b"2.0b", b"x-" + split.replace(b"<!---->", b"x"))).reason
        == "INVALID_TEXT"
    )


def worst(limit: int) -> dict[str, Callable[[], bytes]]:
    """Return what makes the most costly documents of at most ``limit`` bytes that were found."""
    event = CODEC.encode(SAMPLES["oadrDistributeEvent"])
    target = b"<ei:venID>ven-1</ei:venID></ei:eiTarget>"
    digits = limit - len(event) - 200
    ids = min(digits // 25, 99_000)
    declarations = b" ".join(b"xmlns:n%d='u%d'" % (n, n) for n in range(min(49_000, limit // 30)))
    return {
        "1e5 attributes": lambda: attributes(100_000)[:limit],
        "49e3 attributes": lambda: attributes(min(49_000, limit // 12)),
        "49e3 namespaces": lambda: b"<a " + declarations + b"/>",
        "entity bomb": lambda: (
            b"<!DOCTYPE l [<!ENTITY a 'ha'>" + b"<!ENTITY b '&a;'>" * 9 + b"]><l>&b;</l>"
        ),
        "unknown references": lambda: b"<r>" + b"&x;" * min((limit - 9) // 3, 500_000) + b"</r>",
        "character references": lambda: (
            b"<r>" + b"&#65;" * min((limit - 9) // 5, 500_000) + b"</r>"
        ),
        "elements": lambda: b"<r>" + b"<a/>" * min((limit - 9) // 4, 99_999) + b"</r>",
        "depth": lambda: b"<a>" * (limit // 3),
        "one long name": lambda: b"<" + b"x" * (limit - 3) + b"/>",
        "comment of dashes": lambda: b"<r><!--" + b"- " * (limit // 2 - 8) + b"--></r>",
        "duration of digits": lambda: event.replace(b"PT3H", b"P" + b"1" * digits),
        "number of digits": lambda: event.replace(
            b">0</ei:value>", b">" + b"1" * digits + b"</ei:value>"
        ),
        "long token": lambda: event.replace(b"LOAD_DISPATCH", b"x-" + b"a " * (digits // 2)),
        "long id": lambda: event.replace(b"ev-300mw", b"e" * digits),
        "many targets": lambda: event.replace(
            target, b"<ei:venID>v</ei:venID>" * ids + b"</ei:eiTarget>"
        ),
    }


@pytest.mark.parametrize("kind", sorted(worst(4096)))
def test_no_document_below_the_threshold_occupies_the_loop_for_long(kind: str) -> None:
    body = worst(xml.OFF_LOOP_BYTES)[kind]()
    assert len(body) <= xml.OFF_LOOP_BYTES

    assert seconds(lambda: judged(body), enough=0.1) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(worst(4096)))
def test_no_permitted_document_occupies_a_worker_for_long(kind: str) -> None:
    body = worst(8 * MIB)[kind]()

    assert seconds(lambda: judged(body), enough=1.0) <= 1.0


def judged(body: bytes) -> None:
    with suppress(WireError):
        CODEC.decode(body)
