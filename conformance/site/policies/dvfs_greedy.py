"""DVFS greedy: slow down where a kilowatt costs the least weighted throughput, 5 W at a time.

All jobs start at 400 W. The next 5 W are taken where they save the most power per weighted loss, looking at the best
way to go on from there: the measured curves are not concave (the first 50 W of pt_mpt_13b_sm cost twice as much as the
next), and a look at single steps would shy away from a hump with a bargain behind it. The order of steps does not
depend on the target, so a deeper target only adds steps, and a release takes them back in reverse.

Flex 0 and Flex 1 stay at full power; no job goes below what its tier's run average still allows.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final

from conformance.site.jobs import (
    LOWEST_CAP_W,
    TOP_CAP_W,
    Job,
    Mix,
    Settings,
    parts,
    power_mw,
    total_mw,
    uncapped,
)
from conformance.site.policies.policy import JobState, Need, Policy

CAP_STEP_W: Final = 5


def choose(need: Need, jobs: tuple[JobState, ...]) -> Settings:
    """Lower caps until the site draws no more than the target, or nothing is left to lower."""
    mix = tuple(state.job for state in jobs)
    settings = list(uncapped(mix))
    drawn = total_mw(mix, uncapped(mix))
    for place, cap in ladder(mix):
        if drawn <= need.target_mw:
            break
        job = jobs[place].job
        if parts(job, cap) < jobs[place].least_parts:
            continue
        drawn -= power_mw(job, settings[place]) - power_mw(job, cap)
        settings[place] = cap
    return tuple(settings)


@lru_cache(maxsize=8)
def ladder(mix: Mix) -> tuple[tuple[int, int], ...]:
    """Return all steps down, best first: (place of the job in the mix, its new cap in W)."""
    caps = {place: TOP_CAP_W for place, job in enumerate(mix) if job.tier.flexible}
    steps: list[tuple[int, int]] = []
    while caps:
        place = max(caps, key=lambda each: (_saving(mix[each], caps[each]), -each))
        caps[place] -= CAP_STEP_W
        steps.append((place, caps[place]))
        if caps[place] == LOWEST_CAP_W:
            del caps[place]
    return tuple(steps)


@lru_cache(maxsize=4096)
def _saving(job: Job, cap: int) -> Fraction:
    """Return the most power per weighted loss that any way down from a cap offers."""
    return max(
        Fraction(power_mw(job, cap) - power_mw(job, deeper))
        / ((parts(job, cap) - parts(job, deeper)) * job.tier.floor)
        for deeper in range(LOWEST_CAP_W, cap, CAP_STEP_W)
    )


POLICY: Final = Policy(name="dvfs_greedy", choose=choose, follows_ramps=True, actions=("dvfs",))
