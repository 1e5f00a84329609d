"""Pause greedy: whole jobs stop, the least valuable first; the plain policy that slowing down is compared with.

Flex 3 before Flex 2, never Flex 1 or Flex 0; within a tier the lowest weight per kilowatt saved first. It stops at the
start of the ramp what the whole shed needs, and starts jobs again from release on as soon as the cap has room for them.
"""

from fractions import Fraction
from typing import Final

from conformance.site.jobs import TOP_CAP_W, Job, Settings, power_mw, total_mw, uncapped
from conformance.site.policies.policy import JobState, Need, Policy


def choose(need: Need, jobs: tuple[JobState, ...]) -> Settings:
    """Pause jobs until the site draws no more than the deepest target ahead, or none is left to pause."""
    mix = tuple(state.job for state in jobs)
    settings: list[int | None] = list(uncapped(mix))
    drawn = total_mw(mix, uncapped(mix))
    flexible = [place for place, job in enumerate(mix) if job.tier.flexible]
    for place in sorted(flexible, key=lambda each: _worth(mix[each])):
        if drawn <= need.deepest_mw:
            break
        drawn -= _saved_mw(mix[place])
        settings[place] = None
    return tuple(settings)


def _worth(job: Job) -> tuple[Fraction, Fraction]:
    return job.tier.floor, job.tier.floor / _saved_mw(job)


def _saved_mw(job: Job) -> int:
    return power_mw(job, TOP_CAP_W) - power_mw(job, None)


POLICY: Final = Policy(name="pause_greedy", choose=choose, follows_ramps=False, actions=("pause",))
