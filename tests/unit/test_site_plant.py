"""The reference site's plant: the measured table, the noise, and energy that does not depend on how it is asked for."""

import csv
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev

import pytest

from conformance.site.jobs import (
    CAPS_W,
    FULL,
    PHOENIX,
    TABLE,
    Job,
    Tier,
    host_mw,
    kw,
    parts,
    power_mw,
    scaled,
    total_mw,
    uncapped,
    weight,
)
from conformance.site.noise import ONE, factor_sum
from conformance.site.plant import Plant

SWEEP = Path(__file__).parents[3] / "shared/data/emerald_phoenix_2025/dvfs_sweep.csv"
SWEEP_NAMES = {"infer_llama_8b_48g": "infer_llama_8b", "infer_llama_8b_32g": "infer_llama_8b"}


def one_gpu(workload: str) -> Job:
    return Job(name="job", workload=workload, gpus=1, tier=Tier.FLEX_3)


@pytest.mark.spec("compute-flex D.3")
def test_the_uncapped_mix_draws_the_power_of_the_table() -> None:
    assert sum(job.gpus for job in PHOENIX) == 256
    assert kw(total_mw(PHOENIX, uncapped(PHOENIX))) == Decimal("94.8448")


@pytest.mark.parametrize("workload", TABLE)
def test_interpolation_is_exact_at_every_measured_point(workload: str) -> None:
    job = one_gpu(workload)

    for cap, (thousandths, tenths) in zip(CAPS_W, TABLE[workload], strict=True):
        assert Fraction(parts(job, cap), FULL) == Fraction(thousandths, 1000)
        assert Fraction(power_mw(job, cap), 1000) == Fraction(tenths, 10)


def test_interpolation_is_exact_between_points() -> None:
    job = one_gpu("pt_mpt_13b_sm")

    assert power_mw(job, 375) == (331_000 + 376_800) // 2
    assert parts(job, 225) == (63_800 + 78_300) // 2
    assert power_mw(job, 101) == 102_900 + 925


@pytest.mark.parametrize("workload", TABLE)
def test_power_and_throughput_rise_with_the_cap(workload: str) -> None:
    job = one_gpu(workload)

    for lower, higher in pairwise(range(100, 401)):
        assert power_mw(job, lower) < power_mw(job, higher)
        assert parts(job, lower) < parts(job, higher)
    assert power_mw(job, None) < power_mw(job, 100)
    assert parts(job, None) == 0


def test_the_weights_are_the_published_ones() -> None:
    rounded = [round(float(weight(job, PHOENIX)), 4) for job in PHOENIX]

    assert rounded == [0.1923, 0.1282, 0.2308, 0.1923, 0.1282, 0.1282]
    assert sum(weight(job, PHOENIX) for job in PHOENIX) == 1


def test_hosts_draw_93_watts_per_gpu() -> None:
    assert kw(host_mw(PHOENIX)) == Decimal("23.808")


@pytest.mark.skipif(not SWEEP.exists(), reason="published sweep data is not part of the project")
def test_the_table_is_the_published_sweep() -> None:
    with SWEEP.open() as file:
        rows = list(csv.DictReader(file))

    assert len(rows) >= 36
    for row in rows:
        workload = SWEEP_NAMES.get(row["Workload"], row["Workload"])
        point = TABLE[workload][CAPS_W.index(int(row["GPU power cap"]))]
        assert point[0] / 1000 == pytest.approx(float(row["normalized throughput"]), abs=0.00051)
        assert point[1] / 10 == pytest.approx(float(row["power per GPU"]), abs=0.1)


def test_noise_has_the_declared_spread_and_no_bias() -> None:
    factors = [factor_sum(7, "job", s, s + 1) / ONE for s in range(20_000)]

    assert fmean(factors) == pytest.approx(1, abs=0.0002)
    assert pstdev(factors) == pytest.approx(0.006, rel=0.03)


def test_noise_of_neighbours_other_jobs_and_other_seeds_is_unrelated() -> None:
    def drawn(seed: int, job: str, shift: int = 0) -> list[float]:
        return [
            (factor_sum(seed, job, s, s + 1) / ONE - 1) / 0.006 for s in range(shift, shift + 5000)
        ]

    own = drawn(1, "a")
    for other in (drawn(1, "a", 1), drawn(1, "b"), drawn(2, "a")):
        assert abs(fmean(x * y for x, y in zip(own, other, strict=True))) < 0.05


def test_a_known_second_has_known_noise_for_ever() -> None:
    assert factor_sum(1, "pt_mpt_7b_fast_48g", 6000, 6001) == KNOWN


KNOWN = 65_703_148


def test_noise_adds_up_over_any_cut() -> None:
    whole = factor_sum(3, "job", 10, 200)

    assert whole == sum(factor_sum(3, "job", s, s + 1) for s in range(10, 200))
    assert whole == factor_sum(3, "job", 10, 60) + factor_sum(3, "job", 60, 200)


def test_an_order_works_after_its_latency() -> None:
    plant = Plant(PHOENIX, seed=1)
    slow = (200, 400, 400, 400, 400, None)

    plant.order(slow, 59)

    assert plant.settings_at(59) == uncapped(PHOENIX)
    assert plant.settings_at(60) == slow
    assert plant.drawn(0, 60).part_seconds == (60 * FULL,) * 6
    assert plant.drawn(60, 120).part_seconds == (60 * 78_400, *(60 * FULL,) * 4, 0)


def test_a_paused_gpu_draws_60_watts_within_noise() -> None:
    plant = Plant(PHOENIX, seed=1)
    plant.order((None,) * 6, -1)

    hour = plant.drawn(0, 3600)

    assert float(hour.it_kwh) == pytest.approx(256 * 0.060, rel=0.0005)


def test_asking_again_or_in_another_order_changes_nothing() -> None:
    plant = Plant(PHOENIX, seed=5)
    for at in range(0, 600, 45):
        plant.order((400 - at // 3 // 5 * 5,) * 6, at)

    whole = plant.drawn(0, 600)
    backwards = [plant.drawn(s, s + 1) for s in reversed(range(600))]

    assert whole == plant.drawn(0, 600)
    for job in range(6):
        assert whole.noisy_mws[job] == sum(second.noisy_mws[job] for second in backwards)
        assert whole.part_seconds[job] == sum(second.part_seconds[job] for second in backwards)


def test_three_thousand_times_the_site_is_exactly_as_many_times_the_energy() -> None:
    small, large = Plant(PHOENIX, seed=9), Plant(scaled(PHOENIX, 3000), seed=9)

    assert large.drawn(0, 60).it_kwh == 3000 * small.drawn(0, 60).it_kwh
