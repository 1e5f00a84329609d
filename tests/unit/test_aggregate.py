"""Adding readings up, windows of present consumption, and batches as they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.errors import MeterDataError
from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.telemetry.aggregate import aggregate, span_mean
from gateway.telemetry.samples import readings_of
from gateway.telemetry.window import present_consumption
from tests.metering import METER, NOON, minutes_of

FIVE = timedelta(minutes=5)


def fives(readings: list[Reading], minutes: int = 10) -> tuple[Reading, ...]:
    span = Span(start=NOON, end=NOON + timedelta(minutes=minutes))
    return aggregate(readings, meter=METER, interval=FIVE, period=span)


def test_five_minutes_are_the_sum_of_five_and_order_does_not_matter() -> None:
    loads = minutes_of(range(60, 660, 60))

    found = fives(loads)

    assert [r.energy_kwh for r in found] == [Decimal(15), Decimal(40)]
    assert [r.mean_kw for r in found] == [Decimal(180), Decimal(480)]
    assert found == fives(loads[::-1])


def test_an_incomplete_interval_is_missing_as_a_whole() -> None:
    loads = minutes_of([60] * 10)
    silent = replace(loads[7], energy_kwh=None, quality=Quality.MISSING, flags=("missing",))

    found = fives([*loads[:4], *loads[5:7], silent, *loads[8:]])

    assert [(r.energy_kwh, r.quality, r.mean_kw) for r in found] == [
        (None, Quality.MISSING, None),
        (None, Quality.MISSING, None),
    ]
    assert [r.flags for r in found] == [("incomplete",), ("incomplete", "missing")]


def test_a_whole_is_as_good_as_its_worst_part() -> None:
    loads = minutes_of([60] * 10)
    loads[1] = replace(loads[1], quality=Quality.ESTIMATED, flags=("est_linear",))
    loads[2] = replace(loads[2], quality=Quality.TIME_SUSPECT)

    first, second = fives(loads)

    assert (first.quality, first.flags) == (Quality.TIME_SUSPECT, ("est_linear",))
    assert second.quality is Quality.ACTUAL


def test_lengths_that_do_not_divide_are_refused_and_a_rest_is_left_out() -> None:
    with pytest.raises(MeterDataError) as caught:
        fives(minutes_of([60], step=2))

    assert caught.value.reason == "NOT_A_MULTIPLE"
    assert len(fives(minutes_of([60] * 9), minutes=9)) == 1


def test_the_hour_that_the_clock_skips_or_repeats_is_just_an_hour_of_utc() -> None:
    for start in (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC)):
        found = aggregate(
            minutes_of([60] * 180, start),
            meter=METER,
            interval=timedelta(hours=1),
            period=Span(start=start, end=start + timedelta(hours=3)),
        )
        assert [r.energy_kwh for r in found] == [Decimal(60)] * 3


def test_the_mean_over_a_span_weighs_by_elapsed_time() -> None:
    loads = minutes_of([60]) + minutes_of([120], NOON + timedelta(minutes=1), step=3)

    found = span_mean(loads, Span(start=NOON, end=NOON + FIVE))

    assert found is not None
    assert (found.mean_kw, found.count) == (Decimal(105), 2)
    assert span_mean(loads, Span(start=NOON, end=NOON)) is None


def test_present_consumption_needs_forty_five_minutes_of_trusted_readings() -> None:
    until = NOON + timedelta(minutes=60)
    loads = minutes_of([90] * 45, NOON + timedelta(minutes=15))

    found = present_consumption(loads, until)

    assert found is not None
    assert (found.mean_kw, found.count) == (Decimal(90), 45)
    assert found.span == Span(start=NOON, end=until)
    assert present_consumption(loads[1:], until) is None
    suspect = [replace(loads[0], quality=Quality.TIME_SUSPECT), *loads[1:]]
    assert present_consumption(suspect, until) is None


def test_present_consumption_ignores_what_ends_later_and_what_came_second() -> None:
    until = NOON + timedelta(minutes=60)
    loads = minutes_of([90] * 60)
    later = minutes_of([9000], until - timedelta(seconds=30))
    second = replace(loads[3], energy_kwh=Decimal(77))

    found = present_consumption([*loads, *later, second], until)

    assert found is not None
    assert (found.mean_kw, found.count) == (Decimal(90), 60)


def test_a_batch_becomes_readings_and_a_bad_clock_makes_them_suspect() -> None:
    samples = tuple(
        Sample(
            meter="it_load",
            start=NOON,
            duration=timedelta(minutes=1),
            energy_kwh=Decimal("1.5"),
            quality=quality,
        )
        for quality in ("A", "E")
    )
    on_time = TelemetryBatch(batch_id="b1", samples=samples, clock_offset_ms=-20_000)
    off = TelemetryBatch(batch_id="b2", samples=samples, clock_offset_ms=-20_001)

    assert [r.quality for r in readings_of(on_time)] == [Quality.ACTUAL, Quality.ESTIMATED]
    assert [(r.quality, r.flags) for r in readings_of(off)] == [
        (Quality.TIME_SUSPECT, ("clock_offset",)),
        (Quality.ESTIMATED, ("clock_offset",)),
    ]


def test_mean_power_is_exact_whatever_the_decimal_context() -> None:
    reading = minutes_of(["93.123456789012"])[0]

    assert reading.span == Span(start=NOON, end=NOON + timedelta(minutes=1))
    assert reading.mean_kw == Decimal("93.123456789012")
