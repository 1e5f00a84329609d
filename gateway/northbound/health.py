"""How a utility's session fares, as its operator wants to know it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

PROBING_AFTER: Final = 5
"""Failures in a row after which a utility is taken for down."""


@dataclass
class Health:
    """What the operator wants to know of a session; written by the driver alone."""

    last_good_at: datetime | None = None
    last_good_s: float | None = None
    """The same in the clock's elapsed seconds, for judging how long ago that is."""
    last_failure: str = ""
    failures_in_a_row: int = 0
    clock_offset_s: float | None = None
    closed: str = ""

    @property
    def probing(self) -> bool:
        """Say whether the utility is taken for down: what still goes out are single attempts, ever further apart."""
        return self.failures_in_a_row >= PROBING_AFTER

    def note(self, failure: str, now: datetime, elapsed_s: float) -> None:
        """Take the outcome of one exchange: the reason of its failure, empty for none."""
        if failure:
            self.last_failure = failure
            self.failures_in_a_row += 1
        else:
            self.last_good_at = now
            self.last_good_s = elapsed_s
            self.failures_in_a_row = 0
