"""What holds for every baseline: it scales with the load, and the order of rows means nothing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.baselines.registry import compute
from gateway.domain.settlement import BaselineRequest
from gateway.domain.timespan import Span
from tests.metering import METER, NOON, minutes_of

METHODS: list[dict[str, object]] = [
    {
        "family": "same_day",
        "windows": [
            {"anchor": "start", "from_min": -40, "to_min": -10},
            {"anchor": "end", "from_min": 5, "to_min": 20},
        ],
    },
    {"family": "fsl", "plc_kw": "pre_event_kw", "fsl_kw": "limit_kw", "loss_factor": "1.04"},
]
START = NOON - timedelta(minutes=60)
loads = st.lists(st.decimals(0, 5000, places=3), min_size=28, max_size=28)
methods = st.sampled_from(METHODS)


def request_of(
    method: dict[str, object], powers: list[Decimal], factor: int = 1
) -> BaselineRequest:
    readings = minutes_of([0] * len(powers), START, step=5)
    return BaselineRequest(
        method=method,
        event=Span(start=NOON, end=NOON + timedelta(minutes=60)),
        interval=timedelta(minutes=5),
        readings=tuple(
            replace(r, energy_kwh=power * factor) for r, power in zip(readings, powers, strict=True)
        ),
        timezone="America/Phoenix",
        frozen={"pre_event_kw": powers[0] * 12 * factor, "limit_kw": powers[1] * 12 * factor},
    )


@given(methods, loads, st.integers(1, 1000))
def test_loads_times_c_give_results_times_c(
    method: dict[str, object], powers: list[Decimal], c: int
) -> None:
    once, scaled = compute(request_of(method, powers)), compute(request_of(method, powers, c))

    tolerance = Decimal("1e-9") * (c + 1)
    for one, many in zip(once.intervals, scaled.intervals, strict=True):
        assert abs(many.baseline_kwh - c * one.baseline_kwh) <= tolerance
        assert many.reduction_kwh is not None
        assert one.reduction_kwh is not None
        assert abs(many.reduction_kwh - c * one.reduction_kwh) <= tolerance


@given(methods, loads, st.permutations(range(28)))
def test_the_order_of_rows_means_nothing(
    method: dict[str, object], powers: list[Decimal], order: list[int]
) -> None:
    request = request_of(method, powers)
    shuffled = replace(request, readings=tuple(request.readings[i] for i in order))

    assert compute(shuffled) == compute(request)
    assert all(r.meter == METER for r in shuffled.readings)


@given(methods, loads, loads)
def test_what_happens_outside_windows_and_event_means_nothing(
    method: dict[str, object], powers: list[Decimal], other: list[Decimal]
) -> None:
    request = request_of(method, powers)
    used = {4, 5, 6, 7, 8, 9, *range(12, 24), 25, 26, 27}
    mixed = [power if i in used else other[i] for i, power in enumerate(powers)]

    changed = replace(request_of(method, mixed), frozen=request.frozen)

    assert compute(changed) == compute(request)


@given(methods, loads)
def test_decimals_survive_exactly(method: dict[str, object], powers: list[Decimal]) -> None:
    found = compute(request_of(method, powers))

    for row, metered in zip(found.intervals, powers[12:24], strict=True):
        assert row.metered_kwh == metered
    assert type(found).model_validate_json(found.model_dump_json()) == found
