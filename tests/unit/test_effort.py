"""What tests measure effort with feels work, feels how it grows, and does not feel the collector."""

import gc
import sys
from itertools import count
from pathlib import Path

from tests.effort import growth, seconds, seconds_of_process, uncollected


def spun(rounds: int) -> int:
    return sum(k * k for k in range(rounds))


def test_work_is_felt_and_the_least_of_a_few_tries_counts() -> None:
    drawn = count()

    least = seconds(lambda: spun(400_000 if next(drawn) else 2_000_000))

    assert 0 < least < seconds(lambda: spun(2_000_000))


def test_one_try_is_enough_when_it_was_cheap() -> None:
    drawn = count()

    seconds(lambda: next(drawn), enough=60)

    assert next(drawn) == 1


def test_work_that_grows_with_the_square_is_told_from_work_that_does_not() -> None:
    assert growth(lambda n: spun(100 * n), 500) < 8 < growth(lambda n: spun(n * n), 150)


def test_the_collector_is_kept_out_and_comes_back() -> None:
    collections: list[str] = []

    def told(phase: str, _: object) -> None:
        collections.append(phase)

    gc.callbacks.append(told)
    try:
        with uncollected():
            assert [[[]] for _ in range(100_000)]
            assert collections == []
        assert gc.isenabled()
    finally:
        gc.callbacks.remove(told)


def test_the_work_of_a_process_is_felt() -> None:
    idle = seconds_of_process([sys.executable, "-c", "pass"], Path.cwd())
    busy = seconds_of_process(
        [sys.executable, "-c", "sum(k * k for k in range(3_000_000))"], Path.cwd()
    )

    assert busy > idle > 0
