"""Schedules of faults: read, printed, drawn again from a seed."""

import pytest

from conformance.faults.registry import FAULTS
from conformance.faults.schedule import Schedule
from gateway.app.ids import SeededChance
from gateway.domain.errors import MisuseError

WRITTEN = "3.2: reset_mid\n4: tls_expired\n5-9.1: delay=20\n*.*: http_503"


def drawn(seed: int) -> Schedule:
    chance = SeededChance(seed, "faults")
    return Schedule.drawn(chance, tuple(FAULTS.values()), connections=20, messages=10, share=0.2)


def test_a_schedule_reads_what_it_printed() -> None:
    schedule = Schedule.parse(WRITTEN)

    assert str(schedule) == WRITTEN
    assert Schedule.parse(str(schedule)) == schedule
    assert Schedule.parse(" 3.2 : reset_mid ; 4: tls_expired # both") == Schedule(
        schedule.entries[:2]
    )


def test_the_first_line_that_fits_decides() -> None:
    schedule = Schedule.parse(WRITTEN)

    assert schedule.at(3, 2) == FAULTS["reset_mid"]
    assert schedule.at(3, 1) == FAULTS["http_503"]
    assert schedule.at(4) == FAULTS["tls_expired"]
    assert schedule.at(3) is None
    delay = schedule.at(9, 1)
    assert delay is not None
    assert (delay.name, delay.amount) == ("delay", 20)


def test_a_seed_draws_the_same_schedule_again_and_another_seed_another() -> None:
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert Schedule.parse(str(drawn(1))) == drawn(1)
    assert 15 <= len(drawn(1).entries) <= 70


@pytest.mark.parametrize(
    "line",
    ["", "3.2", "3.2: nothing", "3: reset_mid", "3.2: tls_expired", "x.1: delay", "1.1: delay=x"],
)
def test_a_line_that_says_nothing_is_refused_by_name(line: str) -> None:
    if not line:
        assert Schedule.parse(line) == Schedule()
        return
    with pytest.raises(MisuseError) as error:
        Schedule.parse(line)

    assert error.value.reason == "SCHEDULE"
    assert line in error.value.detail
