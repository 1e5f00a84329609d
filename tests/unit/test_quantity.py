"""Exact numbers: bounded at the door, scaled exactly, rounded to the safe side."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gateway.domain.errors import WireError
from gateway.domain.quantity import ExactNumber, Safe, exact, plain, round_safely, scaled


class Holder(BaseModel):
    kw: ExactNumber


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "Infinity", "-inf", "1e999", "1e1000000", "1e10", "1e-10", "1234567890123456789",
        "0.12345678901", "1_000", "1,5", "0x10", "", " ", "--1", "1e", "٣", "1\x00",
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(WireError) as refused:
        exact(text)
    assert refused.value.reason == "INVALID_NUMBER"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", "12.5"),
        ("-0", "0"),
        ("1e3", "1000"),
        (" 7 ", "7"),
        (".5", "0.5"),
        ("300000000", "3e8"),
    ],
)
def test_a_plain_number_is_read_exactly(text: str, value: str) -> None:
    assert exact(text) == Decimal(value)


@given(st.decimals(-(10**8), 10**8, places=9))
def test_text_and_number_are_one(number: Decimal) -> None:
    assert exact(plain(number)) == number
    assert "E" not in plain(number)


@given(st.decimals(-(10**6), 10**6, places=6), st.sampled_from(Safe))
def test_a_limit_is_never_rounded_to_the_unsafe_side(limit: Decimal, side: Safe) -> None:
    rounded = round_safely(limit, side)

    assert rounded <= limit if side is Safe.CAP else rounded >= limit
    assert abs(rounded - limit) < Decimal("0.001")


def test_prefixes_are_scaled_exactly() -> None:
    assert scaled(Decimal("0.3"), "M") == Decimal(300)
    assert scaled(Decimal(300_000_001), "none") == Decimal("300000.001")
    with pytest.raises(WireError):
        scaled(Decimal(1), "x")


@pytest.mark.parametrize(
    "body", ['{"kw": 12.5}', '{"kw": true}', '{"kw": null}', '{"kw": "1e999"}']
)
def test_published_json_takes_decimals_as_strings_only(body: str) -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate_json(body)


def test_published_json_keeps_every_digit() -> None:
    held = Holder.model_validate_json('{"kw": "123456789.123456789"}')

    assert held.model_dump_json() == '{"kw":"123456789.123456789"}'
