"""Where a key stands in a TOML file."""

from gateway.config.lines import line_of

TEXT = """\
# a comment, [not.a.table]
[gateway]
data_dir = "var"  # [x]
a.b = 1
a.c = 2

[[site]]
id = "one"
note = \"\"\"
[gateway]
id = "no key"
\"\"\"
timezone = "UTC"

[[site.meter]]
id = "m1"

[[site.meter]]  # the second
id = "m2"
"quoted key" = 3

[[site]]
id = "two"

  [[ site . meter ]]
  id = "m3"
  window = [
    { from_min = 1 },
  ]

[program.'levels']
"1" = 0.5
"""


def test_a_key_is_found_in_its_table() -> None:
    assert line_of(TEXT, ("gateway", "data_dir")) == 3
    assert line_of(TEXT, ("program", "levels", "1")) == 32


def test_tables_of_one_name_are_counted() -> None:
    assert line_of(TEXT, ("site", 0, "id")) == 8
    assert line_of(TEXT, ("site", 1, "id")) == 23
    assert line_of(TEXT, ("site", 0, "meter", 1, "id")) == 19
    assert line_of(TEXT, ("site", 1, "meter", 0, "id")) == 26


def test_a_quoted_key_is_found_without_its_quotes() -> None:
    assert line_of(TEXT, ("site", 0, "meter", 1, "quoted key")) == 20


def test_dotted_keys_are_found_whole_and_by_their_beginning() -> None:
    assert line_of(TEXT, ("gateway", "a", "c")) == 5
    assert line_of(TEXT, ("gateway", "a")) == 4


def test_what_stands_in_a_text_of_several_lines_is_no_key() -> None:
    assert line_of(TEXT, ("site", 0, "timezone")) == 13
    assert line_of(TEXT, ("gateway",)) == 2


def test_a_missing_key_is_told_at_the_nearest_table_around_it() -> None:
    assert line_of(TEXT, ("site", 1, "timezone")) == 22
    assert line_of(TEXT, ("site", 1, "meter", 0, "window", 0, "from_min")) == 27


def test_a_key_of_no_table_is_told_at_the_first_line() -> None:
    assert line_of(TEXT, ("southbound", "port")) == 1
    assert line_of("", ("gateway",)) == 1
