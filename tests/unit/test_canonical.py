"""Canonical JSON against an independent writer, and JSON read with suspicion."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.domain.text import clean

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=12), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(DOCUMENTS)
def test_the_canonical_form_is_that_of_rfc_8785(document: object) -> None:
    assert canonical(document) == rfc8785.dumps(document)  # type: ignore[arg-type]  # any JSON


@pytest.mark.parametrize("document", [1.5, {"a": 0.0}, 2**53, {"ä": 1}, {1: 2}, b"x", "\ud800"])
def test_what_has_no_canonical_form_is_refused(document: object) -> None:
    with pytest.raises(MisuseError):
        canonical(document)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1,"a":2}', "DUPLICATE_KEY"),
        (b'{"a":NaN}', "INVALID_NUMBER"),
        (b'{"a":-Infinity}', "INVALID_NUMBER"),
        (b'{"a":1e999}', "INVALID_NUMBER"),
        (b'{"a":' + b"9" * 400 + b"}", "INVALID_NUMBER"),
        (b"[" * 40 + b"]" * 40, "MALFORMED_JSON"),
        (b"[" * 100_000, "MALFORMED_JSON"),
        (b"\xff\xfe{", "MALFORMED_JSON"),
        (b'{"a":1', "MALFORMED_JSON"),
        (b"", "MALFORMED_JSON"),
        (b" " * (1 << 21), "TOO_LARGE"),
    ],
)
def test_hostile_json_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        read_json(body)
    assert refused.value.reason == reason


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\ud800", "x" * 5000])
def test_text_that_stores_and_terminals_stumble_over_is_refused(text: str) -> None:
    with pytest.raises(WireError) as refused:
        clean(text)
    assert refused.value.reason == "INVALID_TEXT"


def test_ordinary_text_passes_unchanged() -> None:
    assert clean('Übung <&> "x"\n\t🌍') == 'Übung <&> "x"\n\t🌍'
