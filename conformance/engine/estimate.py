"""How long a run will take, said before it begins: in a laboratory somebody has to stay with the device meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from conformance.engine.clocks import Time
from conformance.kit.case import Case

_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is ahead."""

    cases: int
    of: int
    """Cases of the plan."""
    lasts: timedelta
    """On the wall's clock, about."""
    longest: Case | None
    """The case that takes most of it; None without any."""
    mode: str
    """``real``, ``scaled:k`` or ``virtual``."""

    def said(self, now: datetime) -> str:
        """Say it in one line.

        Args:
            now: When the run begins; aware UTC.
        """
        if self.longest is None:
            return f"0 of {self.of} cases to play"
        end = (now + self.lasts).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{self.cases} of {self.of} cases to play, about {length(self.lasts)} of real time ({self.mode}), "
            f"until about {end}; the longest: {self.longest.id}"
        )


def estimate(left: Sequence[Case], of: int, time: Time, jobs: int = 1) -> Estimate:
    """Estimate a run.

    Args:
        left: Cases to be played.
        of: Cases of the plan.
        time: Clock of the run. A virtual one is estimated as if it were real.
        jobs: Cases side by side.
    """
    longest = max(left, key=lambda case: case.timing.lasts, default=None)
    whole = sum((case.timing.lasts for case in left), _ZERO)
    most = longest.timing.lasts if longest is not None else _ZERO
    return Estimate(
        cases=len(left),
        of=of,
        lasts=max(whole / jobs, most) / time.factor,
        longest=longest,
        mode=time.mode,
    )


def length(span: timedelta) -> str:
    """Say a length to the minute, below two minutes to the second."""
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
