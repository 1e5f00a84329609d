"""Table: the life of one report request, and the instants at which its reports fall due.

    requested --accept--> running --last--> closing --done--> ended
                             |  cancel, report to follow ^        ^
                             +------- cancel, forget -------------+

Due times are multiples of the period counted from the start, never sums of earlier wake-ups: nothing drifts.

Spec: OpenADR 2.0b section 8.3.2; rules 306, 317, 321, 324, 325, 336.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.timespan import Span, floor_to


class State(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    """More reports will fall due."""
    CLOSING = "closing"
    """The last report has fallen due and is not acknowledged yet."""
    ENDED = "ended"


class Input(StrEnum):
    """What can happen to a request."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    DUE = "due"
    """A report falls due, others will follow."""
    LAST = "last"
    """The last report falls due."""
    CANCEL = "cancel"
    """Cancelled; nothing more is wanted."""
    CANCEL_LATER = "cancel_later"
    """Cancelled with reportToFollow: one more report."""
    DONE = "done"
    """Everything that fell due is acknowledged or given up."""
    FORGET = "forget"
    """New metadata, or the end of the registration, ends it without a word (rule 306)."""


TRANSITIONS: Final[dict[tuple[State, Input], State]] = {
    (State.REQUESTED, Input.ACCEPT): State.RUNNING,
    (State.REQUESTED, Input.REFUSE): State.ENDED,
    (State.RUNNING, Input.DUE): State.RUNNING,
    (State.RUNNING, Input.LAST): State.CLOSING,
    (State.RUNNING, Input.CANCEL): State.ENDED,
    (State.RUNNING, Input.CANCEL_LATER): State.CLOSING,
    (State.RUNNING, Input.FORGET): State.ENDED,
    (State.CLOSING, Input.DONE): State.ENDED,
    (State.CLOSING, Input.CANCEL): State.ENDED,
    (State.CLOSING, Input.CANCEL_LATER): State.CLOSING,
    (State.CLOSING, Input.FORGET): State.ENDED,
}
"""(state, input) -> next state. A pair that is absent is an error."""

TERMINAL: Final = frozenset(State) - {state for state, _ in TRANSITIONS}


def step(state: State, event: Input) -> State:
    """Advance one request by one input.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE`` when the pair is not in the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        detail = f"{event} is not allowed while {state}"
        raise SessionError("OUT_OF_SEQUENCE", detail) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When the reports of one request fall due, and what each covers.

    A one-shot has ``every`` zero and falls due once, at ``start``.
    """

    start: datetime
    """Start of the period of interest."""
    end: datetime | None
    """End of the period of interest, exclusive; None: until cancelled, or a one-shot."""
    step: timedelta
    """Length of one value, positive: a whole number of readings."""
    every: timedelta
    """reportBackDuration; zero: once."""
    unit: timedelta
    """Length of one reading: values lie on its grid, which starts at 1970-01-01 UTC."""

    @property
    def count(self) -> int | None:
        """Return how many reports there are in all; None: until cancelled."""
        if not self.every:
            return 1
        if self.end is None:
            return None
        whole = (self.end - self.start) // self.step * self.step
        return max(1, -(-whole // self.every))

    @property
    def at_once(self) -> bool:
        """Say whether the first report is due at the start: a value per report (section 8.3.2.2), or a one-shot."""
        return self.every <= self.step

    def due_at(self, number: int) -> datetime:
        """Return when a report falls due, counted from 0; the last one at the end of the period at the latest."""
        at = self.start + self.every * (number if self.at_once else number + 1)
        return at if self.end is None else min(at, self.end)

    def covers(self, number: int) -> Span:
        """Return the span of a report: the whole values between the report before and this one, one at least."""
        until = self._last_value_end(self.due_at(number))
        if self.at_once:
            return Span(start=until - self.step, end=until)
        since = self.start if number == 0 else self.due_at(number - 1)
        return Span(start=min(self._last_value_end(since), until - self.step), end=until)

    def follows(self, covered_until: datetime, now: datetime) -> Span:
        """Return the span of a last report on cancellation: what was not covered yet, at least one value."""
        until = self._last_value_end(now)
        return Span(start=min(covered_until, until - self.step), end=until)

    def _last_value_end(self, at: datetime) -> datetime:
        """Return the end of the last whole value not after ``at``; the values are counted from the start."""
        anchor = floor_to(self.start, self.unit)
        return anchor + (at - anchor) // self.step * self.step

    def fallen_due(self, number: int, now: datetime) -> int:
        """Return how many reports have fallen due at ``now``, given that ``number`` had before; never fewer."""
        if now < self.start:
            return number
        if not self.every or (self.end is not None and now >= self.end):
            return max(self.count or number, number)
        return max((now - self.start) // self.every + (1 if self.at_once else 0), number)
