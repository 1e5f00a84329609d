"""Validation and estimation: the golden cases, and every rule at its edges."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.errors import ConfigError
from gateway.domain.names import MeterId
from gateway.domain.reading import MeasureRequest, Quality, Reading
from gateway.domain.timespan import Span
from gateway.telemetry.measure import measure
from gateway.telemetry.vee.options import VeeOptions, vee_options
from gateway.telemetry.vee.registry import RULES
from gateway.telemetry.vee.series import Frame
from gateway.telemetry.vee.validate import Validated, validate
from tests.metering import METER, NOON, golden, golden_readings, minutes_of, text_numbers

CASES = [
    "v01_linear_gap_45min",
    "v02_gap_3h_like_day",
    "v03_spike",
    "v04_negative_and_high",
    "v05_duplicates",
    "v06_sum_check_pass",
    "v07_scaled_to_register",
    "v08_stuck",
]
CLOSE = Decimal("1e-6")


def run_case(name: str) -> tuple[Any, Validated]:
    case = golden(f"vee/{name}.json")
    params = case["params"]
    rules = {key: text_numbers(params[key]) for key in ("max_kw", "register") if key in params}
    frame = Frame(
        period=Span(
            start=datetime.fromisoformat(params["period_start"]),
            end=datetime.fromisoformat(params["period_end"]),
        ),
        interval=timedelta(minutes=params["interval_minutes"]),
        zone=ZoneInfo(params["timezone"]),
    )
    arrivals = golden_readings(f"vee/{case['csv']}", params["interval_minutes"])
    return case["expected"], validate(
        arrivals, meter=METER, frame=frame, options=vee_options(rules)
    )


@pytest.mark.parametrize("name", CASES)
def test_a_golden_case_comes_out_as_expected(name: str) -> None:
    expected, found = run_case(name)

    unclean = [r for r in found.readings if r.flags or r.quality is not Quality.ACTUAL]
    assert [(r.start, r.quality, list(r.flags)) for r in unclean] == [
        (datetime.fromisoformat(at), quality, flags)
        for at, _, quality, flags in expected["intervals"]
    ]
    for reading, (_, kwh, _, _) in zip(unclean, expected["intervals"], strict=True):
        assert reading.energy_kwh is not None
        assert abs(reading.energy_kwh - Decimal(kwh)) <= CLOSE
    counts = {letter: found.counts[letter] for letter in expected["counts"]}
    assert counts == expected["counts"]
    total = sum((r.energy_kwh or Decimal(0) for r in found.readings), Decimal(0))
    assert abs(total - Decimal(expected["total_kwh"])) <= CLOSE
    assert [
        ["rejected", f"{at:%Y-%m-%dT%H:%M:%SZ}", why] for at, why in found.rejected
    ] == expected["rejected"]


@pytest.mark.parametrize("name", ["v06_sum_check_pass", "v07_scaled_to_register"])
def test_the_register_check_of_a_golden_case_agrees(name: str) -> None:
    expected, found = run_case(name)

    assert found.register is not None
    assert found.register.verdict == expected["sum_check"]
    assert abs(found.register.register_kwh - Decimal(expected["register_kwh"])) <= CLOSE
    assert abs(found.register.sum_kwh - Decimal(expected["sum_kwh_before_scaling"])) <= CLOSE
    if "estimate_scale" in expected:
        assert found.register.estimate_scale is not None
        assert abs(found.register.estimate_scale - expected["estimate_scale"]) <= CLOSE


def run(
    readings: list[Reading], options: VeeOptions | None = None, minutes: int | None = None
) -> Validated:
    """Validate minute readings over ``minutes`` from NOON."""
    length = timedelta(minutes=len(readings) if minutes is None else minutes)
    frame = Frame(
        period=Span(start=NOON, end=NOON + length),
        interval=timedelta(minutes=1),
        zone=ZoneInfo("America/Phoenix"),
    )
    return validate(readings, meter=METER, frame=frame, options=options or VeeOptions())


def test_the_rules_run_in_the_order_of_the_profile() -> None:
    assert list(RULES) == [
        "alignment",
        "duplicates",
        "range",
        "spike",
        "stuck",
        "gaps",
        "register",
    ]


def test_readings_off_the_grid_outside_or_of_another_length_are_rejected_by_name() -> None:
    good = minutes_of([60, 60])
    off = replace(good[0], start=NOON + timedelta(seconds=7))
    early = replace(good[0], start=NOON - timedelta(minutes=1))
    late = replace(good[0], start=NOON + timedelta(minutes=2))
    long = replace(good[0], duration=timedelta(minutes=2))

    found = run([*good, off, early, late, long], minutes=2)

    assert found.rejected == (
        (early.start, "out_of_period"),
        (NOON, "wrong_length"),
        (off.start, "misaligned"),
        (late.start, "out_of_period"),
    )
    assert [r.quality for r in found.readings] == [Quality.ACTUAL] * 2


def test_another_meter_is_passed_over() -> None:
    other = [replace(r, meter=MeterId("poc")) for r in minutes_of([60, 60])]

    found = run(other, minutes=2)

    assert [r.quality for r in found.readings] == [Quality.MISSING] * 2
    assert found.rejected == ()


def test_an_arrival_without_energy_never_conflicts() -> None:
    good = minutes_of([60, 60, 60])
    silent = replace(good[1], energy_kwh=None, quality=Quality.MISSING)

    found = run([good[0], silent, good[1], silent, good[2]], minutes=3)

    assert [r.flags for r in found.readings] == [(), (), ()]


def test_a_value_exactly_at_the_limit_is_no_fault_and_one_step_above_is() -> None:
    options = VeeOptions(max_kw=Decimal(60))
    at_limit = minutes_of([60, 60, 60])
    above = [*at_limit[:1], replace(at_limit[1], energy_kwh=Decimal("1.000000001")), at_limit[2]]

    assert run(at_limit, options).flags == {}
    assert run(above, options).readings[1].flags == ("est_linear", "high")


def test_negative_energy_is_right_on_a_two_way_meter_within_its_rating() -> None:
    loads = minutes_of([60, -30, -90, 60])
    options = VeeOptions(max_kw=Decimal(60), bidirectional=True)

    found = run(loads, options)

    assert found.readings[1].flags == ()
    assert found.readings[2].flags == ("est_linear", "low")
    assert run(loads).readings[1].flags == ("est_linear", "negative")


def test_a_spike_on_the_threshold_is_none_and_irregular_loads_only_get_the_flag() -> None:
    on_threshold = minutes_of([100, 100, 280, 100])
    beyond = minutes_of([100, 100, 281, 100])

    assert run(on_threshold).flags == {}
    assert run(beyond).readings[2].flags == ("est_linear", "spike")
    flagged = run(beyond, VeeOptions(spike_action="flag")).readings[2]
    assert (flagged.flags, flagged.quality) == (("spike",), Quality.ACTUAL)
    assert run(beyond, VeeOptions(spike_min_intervals=5)).flags == {}
    assert run(minutes_of([0, 0, 281, 0])).flags == {}


def test_of_two_equal_highest_values_no_spike_is_seen_while_the_third_is_as_high() -> None:
    assert run(minutes_of([281, 281, 281, 1, 1])).flags == {}
    twice = run(minutes_of([281, 281, 1, 1]), VeeOptions(spike_action="flag"))
    assert [r.flags for r in twice.readings] == [("spike",), (), (), ()]


def test_eleven_equal_values_are_a_calm_load_and_twelve_are_stuck() -> None:
    eleven, twelve = minutes_of([50] * 11 + [51]), minutes_of([50] * 12 + [51])

    assert run(eleven).flags == {}
    assert run(twelve).flags == {"stuck": 12}
    assert run(minutes_of([0] * 20)).flags == {}


def test_a_gap_longer_than_two_hours_without_like_days_stays_missing() -> None:
    loads = minutes_of([60] * 300)
    holed = loads[:90] + loads[211:]

    found = run(holed, VeeOptions(stuck_run=1000), minutes=300)

    assert found.counts == {"A": 179, "E": 0, "M": 121, "T": 0}
    assert found.flags == {"missing": 121}
    bridged = run(loads[:90] + loads[210:], VeeOptions(stuck_run=1000), minutes=300)
    assert bridged.flags == {"est_linear": 120, "missing": 120}


def test_a_gap_at_the_edge_has_no_line_to_stand_on() -> None:
    assert run(minutes_of([60, 60]), minutes=3).readings[2].flags == ("missing",)


def test_estimates_of_the_site_and_suspect_values_never_feed_ours() -> None:
    loads = minutes_of([60, 60, 60, 60, 60])
    for quality in (Quality.ESTIMATED, Quality.TIME_SUSPECT):
        marked = replace(loads[1], quality=quality)
        found = run([loads[0], marked, loads[3], loads[4]], minutes=5)
        assert found.readings[2].energy_kwh is None
        assert found.readings[1].quality is quality


def hourly(start: datetime, hours: int) -> list[Reading]:
    """One reading an hour; its energy is the hour's number since ``start``."""
    return [
        Reading(
            meter=METER,
            start=start + timedelta(hours=n),
            duration=timedelta(hours=1),
            energy_kwh=Decimal(n + 1),
        )
        for n in range(hours)
    ]


def run_days(
    zone: str, start: datetime, readings: list[Reading], options: VeeOptions, hours: int
) -> dict[datetime, Reading]:
    frame = Frame(
        period=Span(start=start, end=start + timedelta(hours=hours)),
        interval=timedelta(hours=1),
        zone=ZoneInfo(zone),
    )
    found = validate(readings, meter=METER, frame=frame, options=options)
    return {r.start: r for r in found.readings}


def test_like_days_skip_event_days_weekends_and_holidays() -> None:
    monday = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)  # 00:00 in Los Angeles
    loads = hourly(monday, 24 * 11)
    gap = monday + timedelta(days=9, hours=10)  # Wednesday 10:00
    kept = [r for r in loads if not gap <= r.start < gap + timedelta(hours=5)]
    slot = {day: Decimal(24 * day + 11) for day in range(9)}

    def estimate(options: VeeOptions) -> Decimal | None:
        calm = options.model_copy(update={"spike_action": "flag"})
        return run_days("America/Los_Angeles", monday, kept, calm, 24 * 11)[gap].energy_kwh

    assert estimate(VeeOptions()) == (slot[8] + slot[7] + slot[4]) / 3
    assert estimate(VeeOptions(event_days=(date(2026, 6, 8),))) == (slot[8] + slot[4] + slot[3]) / 3
    assert estimate(VeeOptions(holidays=(date(2026, 6, 9),))) == (slot[7] + slot[4] + slot[3]) / 3
    assert estimate(VeeOptions(like_within_days=1)) == slot[8]
    outage = VeeOptions(outage_days=(date(2026, 6, 9),))
    assert estimate(outage) == (slot[8] + slot[7] + slot[4]) / 3
    strict = outage.model_copy(update={"exclude_outage_days_from_reference": True})
    assert estimate(strict) == (slot[7] + slot[4] + slot[3]) / 3


def test_the_repeated_hour_of_a_like_day_counts_with_its_mean() -> None:
    sunday = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)  # 00:00 PDT; clocks go back at 02:00
    loads = hourly(sunday, 24 * 9)
    saturday_gap = sunday + timedelta(days=6, hours=2)  # 01:00 PST on the next Saturday
    kept = [r for r in loads if not saturday_gap <= r.start < saturday_gap + timedelta(hours=3)]

    found = run_days("America/Los_Angeles", sunday, kept, VeeOptions(spike_action="flag"), 24 * 9)

    assert found[saturday_gap].energy_kwh == Decimal("2.5")  # mean of hours 2 and 3


def test_estimates_take_up_the_register_difference_or_the_check_says_why_not() -> None:
    loads = minutes_of([60, 60, 60, 60])
    holed = [loads[0], *loads[2:]]

    def verdict(readings: list[Reading], end: str, minutes: int = 4) -> str:
        register = {"start": "0", "end": end, "multiplier": "1", "resolution": "0.01"}
        found = run(readings, vee_options({"register": register}), minutes=minutes)
        assert found.register is not None
        return found.register.verdict

    assert verdict(loads, "4.02") == "pass"
    assert verdict(loads, "4.021") == "fail"
    assert verdict(holed, "4.5") == "scaled"
    assert verdict(holed, "2.9") == "fail"
    assert verdict(loads, "4", minutes=5) == "not_possible"
    nothing = minutes_of([0, 0, 0])
    assert verdict([nothing[0], nothing[2]], "1", minutes=3) == "fail"


def test_unknown_rule_parameters_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        vee_options({"max_kilowatt": "3", "stuck_run": 0})

    assert len(caught.value.faults) == 2
    assert "vee.max_kilowatt" in str(caught.value)


def test_measuring_validates_then_adds_up_and_reports_the_register() -> None:
    loads = minutes_of([60] * 10)
    register = {"start": "0", "end": "10", "multiplier": "1", "resolution": "0.01"}

    found = measure(
        MeasureRequest(
            meter=METER,
            readings=(*loads[:3], *loads[4:]),
            period=Span(start=NOON, end=NOON + timedelta(minutes=10)),
            raw_interval=timedelta(minutes=1),
            interval=timedelta(minutes=5),
            timezone="America/Phoenix",
            rules={"register": register},
        )
    )

    assert [(r.energy_kwh, r.quality) for r in found.readings] == [
        (Decimal(5), Quality.ESTIMATED),
        (Decimal(5), Quality.ACTUAL),
    ]
    assert found.counts == {"A": 9, "E": 1, "M": 0, "T": 0}
    assert found.flags == {"est_linear": 1, "missing": 1, "register_scaled": 1}
