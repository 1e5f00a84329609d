"""What runs at the site: jobs, their flexibility tiers, and how power caps slow them down.

Everything is a whole number, so that a second, another order of steps or a larger site changes no digit: power in
milliwatts, throughput in *parts* (1/100,000 of the uncapped throughput). Interpolation between the measured points is
exact for every cap in whole watts, because the points lie 50 or 100 W apart and carry 0.1 W and 0.001.

The numbers are published measurements on 256 A100 GPUs (compute-flex D.2): normalized throughput and W/GPU at each cap.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Final

FULL: Final = 100_000
"""Parts of an uncapped job: throughput 1."""
PAUSED_MW: Final = 60_000
"""Power of one paused GPU: 60 W, an assumption, not a measurement."""
HOST_MW: Final = 93_000
"""Host power that goes with each GPU: 93 W, inferred so that 31 % less GPU power is 25 % less at the cluster."""
TOP_CAP_W: Final = 400
LOWEST_CAP_W: Final = 100

CAPS_W: Final = (100, 200, 250, 300, 350, 400)
# Workload -> one (throughput in thousandths, W/GPU in tenths) per cap of CAPS_W.
TABLE: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "ft_llama_8b_p3": (
        (228, 1001),
        (784, 1954),
        (878, 2398),
        (937, 2855),
        (967, 3171),
        (1000, 3434),
    ),
    "ft_llama_8b_dolly": (
        (241, 999),
        (807, 1961),
        (904, 2441),
        (951, 2883),
        (980, 3206),
        (1000, 3456),
    ),
    "infer_llama_8b": (
        (225, 979),
        (781, 1946),
        (871, 2418),
        (931, 2889),
        (976, 3329),
        (1000, 3684),
    ),
    "pt_mpt_13b_sm": (
        (191, 1029),
        (638, 1954),
        (783, 2432),
        (866, 2871),
        (912, 3310),
        (1000, 3768),
    ),
    "pt_mpt_13b_lg": (
        (191, 1017),
        (624, 1962),
        (781, 2447),
        (860, 2911),
        (921, 3371),
        (1000, 3817),
    ),
    "pt_mpt_7b_fast": (
        (175, 1000),
        (626, 1984),
        (787, 2475),
        (874, 2957),
        (935, 3433),
        (1000, 3878),
    ),
}


class Tier(Enum):
    """How much average throughput over the whole run a job may lose (compute-flex A.2)."""

    FLEX_0 = "Flex 0"
    FLEX_1 = "Flex 1"
    FLEX_2 = "Flex 2"
    FLEX_3 = "Flex 3"

    @property
    def floor(self) -> Fraction:
        """Least run-average throughput; also what a job's weight is proportional to."""
        return _FLOORS[self]

    @property
    def flexible(self) -> bool:
        """Whether the policies may touch it: Flex 0 has no flexibility, Flex 1 is kept at full power."""
        return self in {Tier.FLEX_2, Tier.FLEX_3}


_FLOORS: Final = {
    Tier.FLEX_0: Fraction(1),
    Tier.FLEX_1: Fraction(9, 10),
    Tier.FLEX_2: Fraction(3, 4),
    Tier.FLEX_3: Fraction(1, 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of the site."""

    name: str
    workload: str
    """Row of ``TABLE``."""
    gpus: int
    tier: Tier


Mix = tuple[Job, ...]
"""The jobs of a site; everything that is said per job is said in this order."""
Settings = tuple[int | None, ...]
"""Power cap of each job in W per GPU; None: paused."""


PHOENIX: Final[Mix] = (
    Job(name="ft_llama_8b_p3_32g", workload="ft_llama_8b_p3", gpus=32, tier=Tier.FLEX_2),
    Job(name="infer_llama_8b_32g", workload="infer_llama_8b", gpus=32, tier=Tier.FLEX_3),
    Job(name="infer_llama_8b_48g_urgent", workload="infer_llama_8b", gpus=48, tier=Tier.FLEX_1),
    Job(name="infer_llama_8b_48g", workload="infer_llama_8b", gpus=48, tier=Tier.FLEX_2),
    Job(name="pt_mpt_13b_sm_48g", workload="pt_mpt_13b_sm", gpus=48, tier=Tier.FLEX_3),
    Job(name="pt_mpt_7b_fast_48g", workload="pt_mpt_7b_fast", gpus=48, tier=Tier.FLEX_3),
)
"""The mix of 2025-05-03: 256 GPUs, 94.84 kW uncapped."""


def scaled(mix: Mix, times: int) -> Mix:
    """Return the same mix on ``times`` as many GPUs; 3,000 makes Phoenix a site of about 285 MW."""
    return tuple(
        Job(name=job.name, workload=job.workload, gpus=job.gpus * times, tier=job.tier)
        for job in mix
    )


def _interpolated(column: int, scale: int) -> dict[str, tuple[int, ...]]:
    """Fill a column of the table for every whole watt from 100 to 400."""
    filled: dict[str, tuple[int, ...]] = {}
    for workload, points in TABLE.items():
        values: list[int] = []
        for place, low in enumerate(CAPS_W[:-1]):
            high = CAPS_W[place + 1]
            at, rise = points[place][column], points[place + 1][column] - points[place][column]
            values += [
                scale * at + scale * rise * (cap - low) // (high - low) for cap in range(low, high)
            ]
        filled[workload] = (*values, scale * points[-1][column])
    return filled


_PARTS: Final = _interpolated(0, FULL // 1000)
_POWER_MW: Final = _interpolated(1, 100)


def parts(job: Job, setting: int | None) -> int:
    """Return a job's throughput in parts at a cap; 0 when paused."""
    return 0 if setting is None else _PARTS[job.workload][setting - LOWEST_CAP_W]


def power_mw(job: Job, setting: int | None) -> int:
    """Return the power of all GPUs of a job at a cap, in mW, without noise."""
    each = PAUSED_MW if setting is None else _POWER_MW[job.workload][setting - LOWEST_CAP_W]
    return job.gpus * each


def total_mw(mix: Mix, settings: Settings) -> int:
    """Return the GPU power of the site in mW, without noise."""
    return sum(power_mw(job, setting) for job, setting in zip(mix, settings, strict=True))


def uncapped(mix: Mix) -> Settings:
    """Return the settings at which nothing is limited."""
    return (TOP_CAP_W,) * len(mix)


def host_mw(mix: Mix) -> int:
    """Return what the hosts of all GPUs draw, in mW: the difference between the two meters."""
    return HOST_MW * sum(job.gpus for job in mix)


def weight(job: Job, mix: Mix) -> Fraction:
    """Return a job's share in the weighted mean: its tier's floor, normalized over the mix."""
    return job.tier.floor / sum((each.tier.floor for each in mix), Fraction(0))


def kw(milliwatts: int) -> Decimal:
    """Convert mW to kW exactly."""
    return Decimal(milliwatts).scaleb(-6)
