"""What an operator is told, as JSON: every value of a script comes back as it was written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conformance.kit.sep2.orders import content, read, read_all, written
from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Control,
    Curve,
    Price,
    Program,
    Tariff,
    aus_limit,
    limit,
)

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
CONTROL = Control(
    id="c1", start=AT, lasts=timedelta(seconds=90), base={**aus_limit("Imp", 15, 3), **limit(40)}
)
VALUES = [
    CONTROL,
    replace(CONTROL, random_start=-30, created=AT, status=2, category="00800000"),
    Program(id="p", primacy=3, default=None),
    Program(id="p", primacy=3, curves=(Curve(id="k", type=11, points=((9000, 10), (9500, 0))),)),
    Assignment(id="a", programs=("p", "q")),
    Account(lfdi="AB" * 20, pin=None, enabled=False, content={"deviceCategory": "00000001"}),
    Tariff(id="t", components=("c",)),
    Price(id="x", start=AT, lasts=timedelta(minutes=5), price=-12),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was_written(value: object) -> None:
    assert read(type(value), written(value)) == value


def test_several_come_back_in_their_order() -> None:
    rows = (CONTROL, replace(CONTROL, id="c2"))

    assert read_all(Control, written(rows)) == rows


def test_times_are_utc_and_lengths_are_seconds() -> None:
    assert '"lasts": 90.0' in written(CONTROL)
    assert '"start": "2026-05-04T12:00:00Z"' in written(CONTROL)


def test_nothing_at_all_is_told_apart_from_nothing_in_it() -> None:
    assert content(written(None)) is None
    assert content("") is None
    assert content(written({})) == {}


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="has no colour"):
        read(Assignment, '{"id": "a", "programs": [], "colour": "red"}')
