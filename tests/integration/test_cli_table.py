"""Text for terminals: tables fit, foreign text does nothing to the terminal, hours are told apart."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.table import COLUMNS, cut, cut_left, local, shown, table

HEADS = ("NAME", "kW", "WHAT")


@given(st.text())
def test_foreign_text_holds_nothing_but_printed_characters(text: str) -> None:
    assert shown(text).isprintable()


def test_escapes_and_changes_of_direction_are_written_out() -> None:
    assert shown("a\x1b[2J") == "a\\u001b[2J"
    assert shown("\x9b2J\u202egpj") == "\\u009b2J\\u202egpj"
    assert shown("Überlast 300 kW") == "Überlast 300 kW"


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5))
def test_a_table_fits_whatever_is_in_it(rows: list[tuple[str, str, str]]) -> None:
    lines = table(HEADS, rows, right="kW")

    assert len(lines) == len(rows) + 1
    assert all(len(line) <= COLUMNS for line in lines)


def test_short_columns_keep_their_width_and_numbers_stand_right() -> None:
    lines = table(HEADS, [("a", "75", "x" * 100), ("bb", "112.5", "y")], right="kW")

    assert lines[0] == "NAME     kW  WHAT"
    assert lines[1] == f"a        75  {'x' * 66}…"
    assert lines[2] == "bb    112.5  y"


def test_what_is_cut_says_so() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut_left("abcdef", 4) == "…def"
    assert cut("abcd", 4) == cut_left("abcd", 4) == "abcd"


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    shown_as = [local(first + timedelta(hours=hour), "Europe/Berlin") for hour in range(2)]

    assert shown_as == ["2026-10-25 02:30:00+0200", "2026-10-25 02:30:00+0100"]
