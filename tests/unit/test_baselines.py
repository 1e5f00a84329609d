"""Baseline methods: golden cases, edges, refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.baselines.registry import METHODS, compute, reach, read_method
from gateway.domain.errors import ConfigError
from gateway.domain.settlement import BaselineRequest, BaselineStatus
from gateway.domain.timespan import Span, instant
from tests.metering import NOON, golden, golden_readings, minutes_of, text_numbers

CLOSE = Decimal("1e-6")
HOUR = timedelta(hours=1)


def close(found: Decimal | None, expected: object) -> bool:
    return found is not None and abs(found - Decimal(str(expected))) <= CLOSE


def case_request(case: Any) -> BaselineRequest:
    minutes = case["interval_minutes"]
    return BaselineRequest(
        method=case["method"],
        event=Span(start=instant(case["event"]["start"]), end=instant(case["event"]["end"])),
        interval=timedelta(minutes=minutes),
        readings=tuple(golden_readings(f"cases/{case['load_csv']}", minutes)),
        timezone=case["timezone"],
    )


@pytest.mark.spec("NAESB WEQ-015 Meter Before / Meter After")
@pytest.mark.parametrize("name", ["s12_pjm_same_day_3_2", "s13_meter_before"])
def test_a_golden_same_day_case_comes_out_as_expected(name: str) -> None:
    case = golden(f"cases/{name}.json")
    expected = case["expected"]

    found = compute(case_request(case))

    assert found.status == expected["status"]
    assert [used.start for used in found.windows] == [
        datetime.fromisoformat(at) for at in expected["window_starts"]
    ]
    for column in ("baseline_kwh", "metered_kwh", "reduction_kwh"):
        pairs = zip(found.intervals, expected[column], strict=True)
        assert all(close(getattr(row, column), value) for row, value in pairs)
    assert close(found.total_reduction_kwh, expected["total_reduction_kwh"])
    assert list(found.flags) == expected["flags"]


@pytest.mark.parametrize("name", ["pjm_same_day_3_2", "meter_before_1h"])
def test_a_profile_with_its_metadata_is_a_method_and_the_result_prints_it(name: str) -> None:
    profile = golden("profiles.json")[name]
    case = golden("cases/s12_pjm_same_day_3_2.json")

    found = compute(replace(case_request(case), method=profile))

    assert found.source == profile["source"]
    assert found.verified is True
    assert found.unverified == ()
    assert "source" not in found.parameters


@pytest.mark.spec("PJM firm service level")
def test_the_golden_firm_service_level_formula_comes_out_as_expected() -> None:
    case = next(c for c in golden("formula_cases.json")["cases"] if c["formula"] == "fsl")
    given, expected = text_numbers(case["input"]), case["expected"]
    request = request_of(
        {
            "family": "fsl",
            "plc_kw": given["plc_kw"],
            "fsl_kw": given["fsl_kw"],
            "loss_factor": given["loss_factor"],
        },
        given["load_kw"],
        step=60,
    )

    found = compute(request)

    for row, value in zip(found.intervals, expected["reduction_kw"], strict=True):
        assert close(row.reduction_kwh, value)
    for name in ("nominated_kw", "average_kw", "performance", "shortfall_kw"):
        assert close(found.figures[name], expected[name])


def request_of(method: dict[str, object], loads: list[Any], step: int = 60) -> BaselineRequest:
    """Ask about an event that starts at NOON and lasts as long as ``loads``."""
    length = timedelta(minutes=step)
    return BaselineRequest(
        method=method,
        event=Span(start=NOON, end=NOON + len(loads) * length),
        interval=length,
        readings=tuple(minutes_of(loads, step=step)),
        timezone="America/Phoenix",
    )


def same_day(*windows: tuple[str, int, int]) -> dict[str, object]:
    return {
        "family": "same_day",
        "windows": [{"anchor": a, "from_min": f, "to_min": t} for a, f, t in windows],
    }


def test_a_load_above_the_peak_contribution_is_credited_nothing() -> None:
    method: dict[str, object] = {"family": "fsl", "plc_kw": "100", "fsl_kw": "60"}

    found = compute(request_of(method, [120, 40]))

    assert [row.reduction_kwh for row in found.intervals] == [Decimal(0), Decimal(60)]
    assert found.figures["average_kw"] == Decimal(30)
    assert found.figures["shortfall_kw"] == Decimal(10)
    assert found.figures["performance"] == Decimal("0.75")


def test_frozen_powers_stand_in_for_numbers_and_are_missed_when_never_frozen() -> None:
    method: dict[str, object] = {
        "family": "fsl",
        "plc_kw": "pre_event_kw",
        "fsl_kw": "limit_kw",
    }
    request = request_of(method, [60])
    frozen = {"pre_event_kw": Decimal(100), "limit_kw": Decimal(75)}

    found = compute(replace(request, frozen=frozen))
    unknown = compute(request)

    assert found.figures["nominated_kw"] == Decimal(25)
    assert found.figures["performance"] == Decimal("1.6")
    assert unknown.status is BaselineStatus.INSUFFICIENT_DATA
    assert unknown.flags == ("frozen_power_unknown",)


def test_nothing_nominated_has_no_performance_and_nothing_metered_no_average() -> None:
    method: dict[str, object] = {"family": "fsl", "plc_kw": "60", "fsl_kw": "60"}
    request = request_of(method, [60])

    assert "performance" not in compute(request).figures
    unmetered = compute(replace(request, readings=()))
    assert unmetered.figures == {"nominated_kw": Decimal(0)}
    assert unmetered.flags == ("event_data_missing",)
    assert unmetered.total_reduction_kwh is None


def test_missing_window_intervals_are_left_out_and_said() -> None:
    request = request_of(same_day(("start", -120, 0)), [40])
    before = minutes_of([90, 110], NOON - 2 * HOUR, step=60)

    partial = compute(replace(request, readings=(before[0], *request.readings)))
    whole = compute(replace(request, readings=(*before, *request.readings)))
    none = compute(request)

    assert (partial.intervals[0].baseline_kwh, partial.flags) == (Decimal(90), ("window_partial",))
    assert (whole.intervals[0].baseline_kwh, whole.flags) == (Decimal(100), ())
    assert none.status is BaselineStatus.INSUFFICIENT_DATA
    assert none.intervals == ()


def test_a_missing_event_interval_is_null_and_left_out_of_the_total() -> None:
    before = minutes_of([100], NOON - HOUR, step=60)
    request = request_of(same_day(("start", -60, 0)), [40, 50])

    found = compute(replace(request, readings=(*before, request.readings[0])))

    assert found.intervals[1].reduction_kwh is None
    assert found.total_reduction_kwh == Decimal(60)
    assert found.flags == ("event_data_missing",)


def test_overlapping_windows_count_an_interval_once() -> None:
    before = minutes_of([90, 120], NOON - 2 * HOUR, step=60)
    request = request_of(same_day(("start", -120, 0), ("start", -60, 0)), [40])

    found = compute(replace(request, readings=(*before, *request.readings)))

    assert found.intervals[0].baseline_kwh == Decimal(105)


def test_a_window_edge_off_the_interval_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        compute(request_of(same_day(("start", -90, 0), ("end", 0, 45)), [40]))

    assert len(caught.value.faults) == 2
    assert "from_min: -90" in caught.value.faults[0]


@pytest.mark.parametrize(
    "window", [("start", -10, 10), ("end", -10, 10), ("start", -10, -10), ("middle", 0, 10)]
)
def test_a_window_inside_the_event_or_empty_is_refused(window: tuple[str, int, int]) -> None:
    with pytest.raises(ConfigError):
        read_method(same_day(window))


def test_an_event_that_splits_an_interval_is_refused() -> None:
    request = request_of(same_day(("start", -60, 0)), [40])
    before = tuple(minutes_of([100], NOON - HOUR, step=60))
    odd = Span(start=NOON, end=NOON + timedelta(minutes=90))

    for event in (odd, Span(start=NOON, end=NOON)):
        with pytest.raises(ConfigError):
            compute(replace(request, readings=before, event=event))


def test_windows_are_elapsed_minutes_when_the_clock_changes() -> None:
    start = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)  # 05:00 PDT after the 02:00 that never was
    before = minutes_of([10, 20, 30, 40], start - 4 * HOUR, step=60)
    request = BaselineRequest(
        method=same_day(("start", -240, -60)),
        event=Span(start=start, end=start + HOUR),
        interval=HOUR,
        readings=tuple(before),
        timezone="America/Los_Angeles",
    )

    found = compute(request)

    assert [used.start for used in found.windows] == [r.start for r in before[:3]]
    assert found.intervals[0].baseline_kwh == Decimal(20)


def test_the_reach_of_a_method_covers_its_windows_and_the_event() -> None:
    event = Span(start=NOON, end=NOON + 3 * HOUR)

    both = reach(same_day(("start", -90, -30), ("end", 60, 120)), event)
    alone = reach({"family": "fsl", "plc_kw": "1", "fsl_kw": "1"}, event)

    assert both == Span(start=NOON - timedelta(minutes=90), end=NOON + 5 * HOUR)
    assert alone == event


@pytest.mark.parametrize("method", [{}, {"family": "weather_match"}, {"family": 3}])
def test_an_unknown_method_is_refused(method: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_method(method)


def test_readings_of_another_length_are_no_evidence() -> None:
    request = request_of(same_day(("start", -60, 0)), [40])
    minutes = tuple(minutes_of([100] * 60, NOON - HOUR))

    assert compute(replace(request, readings=minutes)).status is BaselineStatus.INSUFFICIENT_DATA
    assert set(METHODS) == {"same_day", "fsl"}
