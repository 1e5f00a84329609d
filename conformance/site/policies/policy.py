"""What a policy is told and what it decides."""

from collections.abc import Callable
from dataclasses import dataclass

from conformance.site.jobs import Job, Settings
from gateway.domain.plan import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the plan asks for at one grid instant; power in mW at the GPUs, margins already taken off."""

    phase: Phase
    target_mw: int
    """Draw no more than this until the next grid instant; ramps are in it where the policy follows them."""
    deepest_mw: int
    """Lowest target of the shed under way, where a policy would rather act once; else the target of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job and what it may still lose."""

    job: Job
    least_parts: int
    """Least throughput until release that keeps the run average at or above the tier's floor."""


Choose = Callable[[Need, tuple[JobState, ...]], Settings]
"""Pure: the same need and states give the same settings; unmet when the flexible jobs cannot give more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One way to reach a target."""

    name: str
    choose: Choose
    follows_ramps: bool
    """True: the target moves no faster than the plan and the site allow; False: at once."""
    actions: tuple[str, ...]
    """Labels for commitments (compute-flex A.3)."""
