"""What holds for every stream: order of arrival, scale, and energy that is never invented."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.telemetry.aggregate import aggregate
from gateway.telemetry.vee.options import VeeOptions
from gateway.telemetry.vee.series import Frame
from gateway.telemetry.vee.validate import Validated, validate
from tests.metering import METER, NOON, minutes_of

LENGTH = 20
FRAME = Frame(
    period=Span(start=NOON, end=NOON + timedelta(minutes=LENGTH)),
    interval=timedelta(minutes=1),
    zone=ZoneInfo("Australia/Lord_Howe"),
)
energies = st.decimals(-2, 100, places=3)


@st.composite
def streams(draw: st.DrawFn) -> list[Reading]:
    """Draw arrivals with gaps, duplicates, conflicts, wrong grids and silence."""
    offsets = draw(st.lists(st.integers(-2, LENGTH + 2), max_size=40))
    found = []
    for offset in offsets:
        energy = draw(st.one_of(st.none(), energies))
        start = NOON + timedelta(minutes=offset, seconds=draw(st.sampled_from([0, 0, 0, 0, 30])))
        found.append(
            Reading(meter=METER, start=start, duration=timedelta(minutes=1), energy_kwh=energy)
        )
    return found


def run(readings: list[Reading]) -> Validated:
    return validate(
        readings, meter=METER, frame=FRAME, options=VeeOptions(max_kw=Decimal(5000), stuck_run=3)
    )


@given(streams(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(readings: list[Reading], chance: object) -> None:
    shuffled = list(readings)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random

    assert run(shuffled) == run(readings)


@given(streams())
def test_every_interval_of_the_period_gets_exactly_one_reading(readings: list[Reading]) -> None:
    found = run(readings)

    assert [r.start for r in found.readings] == [NOON + timedelta(minutes=n) for n in range(LENGTH)]
    for reading in found.readings:
        assert (reading.energy_kwh is None) == (reading.quality is Quality.MISSING)
        assert reading.flags == tuple(sorted(set(reading.flags)))
    assert sum(found.counts.values()) == LENGTH


@given(streams())
def test_validating_a_clean_result_again_changes_no_value(readings: list[Reading]) -> None:
    first = run(readings)
    actual = [replace(r, flags=()) for r in first.readings if r.quality is Quality.ACTUAL]

    again = run(actual)

    kept = {r.start: r.energy_kwh for r in again.readings}
    assert all(kept[r.start] == r.energy_kwh for r in actual if "spike" not in again.flags)


@given(st.lists(energies.filter(lambda e: e >= 0), min_size=LENGTH, max_size=LENGTH))
def test_adding_up_keeps_every_watt_hour(loads: list[Decimal]) -> None:
    readings = [
        replace(r, energy_kwh=e) for r, e in zip(minutes_of([0] * LENGTH), loads, strict=True)
    ]

    for minutes in (1, 2, 4, 5, 10, 20):
        found = aggregate(
            readings, meter=METER, interval=timedelta(minutes=minutes), period=FRAME.period
        )
        assert sum((r.energy_kwh or Decimal(0) for r in found), Decimal(0)) == sum(loads)
