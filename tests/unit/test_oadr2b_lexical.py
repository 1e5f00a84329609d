"""Values of leaves: read within bounds, written only within the same bounds."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.oadr2b.lexical import (
    DURATION,
    FLAG,
    ID,
    INSTANT,
    NUMBER,
    TOKEN,
    WHOLE,
    read_duration,
    read_ids,
    read_number,
    read_numbers,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.5", "-0.5"),
        ("300000.0", "300000"),
        (" +2.25E5 ", "225000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("999999999.999999999", "999999999.999999999"),
        ("0.30000000000000004", "0.3"),
        ("1.1000000238418579", "1.100000024"),
        ("123456.78901234567", "123456.789012346"),
        ("-2.5e-12", "0"),
        ("4.9E-324", "0"),
        ("300000000", "300000000"),
        ("300000000000", "300000000000"),
        ("3.0E11", "300000000000"),
        ("123456789012345678", "123456789012345678"),
        ("-123456789.123456789", "-123456789.123456789"),
    ],
)
def test_a_number_is_exact_up_to_nine_decimals(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INF",
        "-INF",
        "NaN",
        "1e400",
        "1e1000000",
        "-1E99",
        "1" * 19,
        "1234567890.123456789",
        "1" * 300_000,
        "1,5",
        "0x10",
        "1_000",
        "١٢",
    ],
)
def test_a_number_out_of_bounds_is_refused_at_once(text: str) -> None:
    with pytest.raises(WireError) as caught:
        read_number(text)
    assert caught.value.reason == "INVALID_NUMBER"


def test_a_column_of_numbers_reads_as_its_cells_do() -> None:
    for column in (["1", "-2.5", "300000"], ["1"], [], ["1", " 2 ", "3E2"], ["0", "-0"]):
        assert read_numbers(column) == [read_number(text) for text in column]
    for bad in (["1", "INF"], ["1 2"], ["1", ""], ["1\n2"]):
        with pytest.raises(WireError):
            read_numbers(bad)


def test_a_column_of_ids_is_bounded_as_its_cells_are() -> None:
    assert read_ids(["0", "1", " 2"]) == ["0", "1", " 2"]
    assert read_ids([]) == []
    for bad in (["0", "x" * 1025], ["0", "\x7f"]):
        with pytest.raises(WireError, match="INVALID_TEXT"):
            read_ids(bad)


def test_a_number_with_too_many_decimals_is_rounded_on_the_way_out() -> None:
    assert NUMBER.write(Decimal(1) / 3) == "0.333333333"
    assert NUMBER.write(Decimal("3E+5")) == "300000"
    assert NUMBER.write(Decimal("-0")) == "0"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e40", "1e1000000", "1234567890123456789"])
def test_a_number_that_nobody_could_read_is_not_written(number: str) -> None:
    with pytest.raises(MisuseError) as caught:
        NUMBER.write(Decimal(number))
    assert caught.value.reason == "INVALID_NUMBER"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT999H", timedelta(hours=999)),
        ("PT0S", timedelta(0)),
        ("P0D", timedelta(0)),
        ("-PT5M", timedelta(minutes=-5)),
        ("2W", timedelta(weeks=2)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("P1M", timedelta(days=30)),
    ],
)
def test_durations_of_all_forms_are_read(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


def test_months_and_years_count_from_the_start_by_the_calendar() -> None:
    leap = datetime(2028, 1, 31, tzinfo=UTC)

    assert read_duration("P1M", leap) == timedelta(days=29)
    assert read_duration("P1Y", leap) == timedelta(days=366)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "PT1.5H", "P401D", "PT9999999999S", "P5H", "hour", "1W2D"]
)
def test_a_duration_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(WireError) as caught:
        read_duration(text)
    assert caught.value.reason == "INVALID_DURATION"


@pytest.mark.spec("OpenADR 2.0b rule 1")
@pytest.mark.parametrize(
    "length", [timedelta(seconds=0.5), timedelta(days=401), timedelta(days=-401)]
)
def test_a_duration_that_nobody_could_read_is_not_written(length: timedelta) -> None:
    with pytest.raises(MisuseError):
        DURATION.write(length)


@pytest.mark.spec("OpenADR 2.0b rule 1")
def test_instants_are_written_in_utc_and_never_guessed() -> None:
    phoenix = timezone(timedelta(hours=-7))

    assert INSTANT.write(datetime(2026, 5, 3, 16, 30, tzinfo=phoenix)) == "2026-05-03T23:30:00Z"
    for at in (
        datetime(2026, 5, 3),  # noqa: DTZ001 - the missing zone is the point
        datetime(9999, 12, 31, 23, tzinfo=phoenix),
        datetime(1999, 1, 1, tzinfo=UTC),
    ):
        with pytest.raises(MisuseError):
            INSTANT.write(at)


@pytest.mark.parametrize(
    "text", ["2026-05-03T23:59:60Z", "9999-12-31T23:59:59Z", "-2026-05-03T00:00:00Z", "soon"]
)
def test_an_instant_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(WireError) as caught:
        INSTANT.read(text)
    assert caught.value.reason == "INVALID_TIME"


def test_an_id_keeps_case_and_blanks_and_a_token_loses_outer_ones() -> None:
    assert ID.read(" Ven 1 ") == " Ven 1 "
    assert TOKEN.read(" Direct \n Read ") == "Direct Read"
    assert TOKEN.read("a\u00a0 b") == "a\u00a0 b"


def test_flags_and_whole_numbers_have_all_their_spellings() -> None:
    assert [FLAG.read(text) for text in (" true ", "1", "false", "0")] == [True, True, False, False]
    assert [FLAG.write(flag) for flag in (True, False)] == ["true", "false"]
    assert WHOLE.read(" 007 ") == 7


@pytest.mark.parametrize("text", ["a\x00", "\x7f", "\ud800", "x" * 1025])
def test_text_that_cannot_be_stored_is_refused_both_ways(text: str) -> None:
    with pytest.raises(WireError, match="INVALID_TEXT"):
        ID.read(text)
    with pytest.raises(MisuseError, match="INVALID_TEXT"):
        ID.write(text)
