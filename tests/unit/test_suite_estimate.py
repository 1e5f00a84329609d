"""How long a run takes is said before it begins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conformance.engine.clocks import Time
from conformance.engine.estimate import estimate, length
from conformance.engine.plans import find_plan
from conformance.kit.case import Case, Timing

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)


def cases(*minutes: int) -> list[Case]:
    made = find_plan("oadr20b-ven-pull").cases[: len(minutes)]
    return [
        replace(case, timing=Timing(lasts=timedelta(minutes=m)))
        for case, m in zip(made, minutes, strict=True)
    ]


def test_cases_one_after_another_add_up_and_the_longest_is_named() -> None:
    left = cases(10, 90, 20)

    said = estimate(left, 5, Time.parse("real")).said(NOW)

    assert "3 of 5 cases to play, about 2 h 00 min of real time (real)" in said
    assert "until about 2026-05-04 15:00 UTC" in said
    assert said.endswith(f"the longest: {left[1].id}")


def test_cases_side_by_side_take_no_less_than_the_longest() -> None:
    assert estimate(cases(10, 90, 20), 3, Time("real"), jobs=3).lasts == timedelta(minutes=90)
    assert estimate(cases(60, 60, 60), 3, Time("real"), jobs=3).lasts == timedelta(minutes=60)


def test_a_scaled_run_is_estimated_on_the_walls_clock() -> None:
    assert estimate(cases(60), 1, Time.parse("scaled:60")).lasts == timedelta(minutes=1)


def test_a_run_with_nothing_left_says_so() -> None:
    assert estimate([], 3, Time("real")).said(NOW) == "0 of 3 cases to play"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (3570, "1 h 00 min")]
)
def test_lengths_are_said_as_people_say_them(seconds: int, text: str) -> None:
    assert length(timedelta(seconds=seconds)) == text
