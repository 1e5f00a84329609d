"""The XML door: what it lets in, and how it lists the values of a document."""

import pytest

from gateway.domain.errors import WireError
from gateway.protocols.xml import (
    MAX_DEPTH,
    MAX_TEXT,
    Leaf,
    _may_be_wordy,
    leaves,
    local_name,
    parse,
)


def paths(body: bytes) -> dict[str, str]:
    return {leaf.path: leaf.value for leaf in leaves(body)}


def test_leaves_are_listed_in_document_order_with_an_index_among_equal_siblings() -> None:
    body = (
        b'<r xmlns:p="u"><a>1</a><p:b c="2" p:d="3"><e/></p:b><a><f>4</f><f>5</f><g>6</g></a></r>'
    )

    found = leaves(body)

    assert found == (
        Leaf(path="r/a[1]", value="1"),
        Leaf(path="r/b/@c", value="2"),
        Leaf(path="r/b/@d", value="3"),
        Leaf(path="r/b/e", value=""),
        Leaf(path="r/a[2]/f[1]", value="4"),
        Leaf(path="r/a[2]/f[2]", value="5"),
        Leaf(path="r/a[2]/g", value="6"),
    )


def test_text_beside_elements_is_a_leaf_of_its_own_and_blanks_are_none() -> None:
    assert paths(b"<r> <a>1</a>stray <a/></r>") == {
        "r/text()": " stray ",
        "r/a[1]": "1",
        "r/a[2]": "",
    }


def test_a_value_with_comments_cdata_and_references_is_one_value() -> None:
    assert paths(b"<r>12<!--x-->3<![CDATA[<4>]]>&amp;&#53;</r>") == {"r": "123<4>&5"}


def test_a_long_name_is_not_repeated_in_full_for_everything_below_it() -> None:
    name = "n" * 40_000

    found = leaves(f'<a><{name} {name}="1">{"<y/>" * 1000}</{name}></a>'.encode())

    assert len(found) == 1001
    assert found[-1].path == f"a/{'n' * 64}/y[1000]"
    assert max(len(leaf.path) for leaf in found) < 150


def test_a_childless_root_is_a_leaf() -> None:
    assert paths(b'<r a="1"/>') == {"r/@a": "1", "r": ""}


def test_ten_thousand_siblings_are_listed_without_recursion_or_quadratic_work() -> None:
    body = b"<r>" + b"<a>1</a>" * 10_000 + b"</r>"

    found = leaves(body)

    assert len(found) == 10_000
    assert found[-1] == Leaf(path="r/a[10000]", value="1")


def test_a_bad_document_has_no_leaves() -> None:
    with pytest.raises(WireError, match="NOT_XML"):
        leaves(b"<r>")
    with pytest.raises(WireError, match="TOO_LARGE"):
        leaves(b"<r/>", largest=3)


def test_blank_or_empty_bytes_are_no_document() -> None:
    for body in (b"", b" ", b"\xef\xbb\xbf", b"hello", b"{}"):
        with pytest.raises(WireError) as caught:
            parse(body)
        assert caught.value.reason == "NOT_XML"


def test_the_name_of_an_element_is_told_without_its_namespace() -> None:
    assert local_name(parse(b'<p:r xmlns:p="urn:x"/>')) == "r"


def test_single_quotes_and_odd_blanks_in_a_declaration_are_understood() -> None:
    assert local_name(parse(b"<?xml version='1.0'\n\tencoding = 'utf-8' ?><r/>")) == "r"


def test_the_message_of_the_parser_is_cut() -> None:
    with pytest.raises(WireError) as caught:
        parse(b"<" + b"x" * 40_000 + b"></y>")

    assert caught.value.reason == "NOT_XML"
    assert len(caught.value.detail) < 300


LONG = MAX_TEXT + 1


@pytest.mark.parametrize(
    "body",
    [
        b"<r>" + b"x" * LONG + b"</r>",
        b"<r>" + b"<a/>" * 50_000 + b"<b>" + b"x" * LONG + b"</b></r>",
        b"<r><a>1</a><b>" + b"x" * LONG + b"</b><c>2</c></r>",
        b"<r><a>1</a><b c='" + b"x" * LONG + b"'/></r>",
        b"<r><b>" + b"<!--y-->".join([b"x" * 1000] * (LONG // 1000 + 2)) + b"</b></r>",
        b"<r><b>" + b"<?y z?>".join([b"x" * 1000] * (LONG // 1000 + 2)) + b"</b></r>",
        b"<r><b><![CDATA[" + (b"x" * 1000 + b"<") * (LONG // 1000 + 1) + b"]]></b></r>",
        b"<r><b>" + b"&lt;" * LONG + b"</b></r>",
    ],
    ids=["whole", "last", "middle", "attribute", "comments", "instructions", "cdata", "references"],
)
def test_a_text_that_is_too_long_is_refused_wherever_it_hides(body: bytes) -> None:
    with pytest.raises(WireError, match="INVALID_TEXT"):
        parse(body)


def test_a_large_document_of_short_texts_passes_without_being_looked_at() -> None:
    body = b"<r>" + b"<a>value</a>" * 50_000 + b"</r>"

    assert not _may_be_wordy(body)
    assert len(parse(body)) == 50_000


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
@pytest.mark.parametrize("form", ["bare", "beside"])
def test_depth_is_judged_however_few_tags_there_are(depth: int, form: str) -> None:
    inner = b"" if form == "bare" else b"<b/>" * 100
    body = b"<a>" * (depth - 1) + b"<a/>" + b"</a>" * (depth - 1)
    body = body.replace(b"<a>", b"<a>" + inner, 1)
    if depth <= MAX_DEPTH:
        assert parse(body) is not None
        return
    with pytest.raises(WireError, match="TOO_DEEP"):
        parse(body)
