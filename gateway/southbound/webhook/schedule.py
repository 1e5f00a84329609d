"""When a delivery is tried again: quickly at first, then every minute, to its deadline and never after it.

Spec: the schedule of grid control instead of the example one of Standard Webhooks 1.0, which runs over days.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.ports import Chance

OFFSETS_S: Final = (0, 1, 2, 5, 10, 30)
"""First attempts, counted from the first one."""
QUICK: Final = len(OFFSETS_S)
EVERY_S: Final = 60
JITTER_PERCENT: Final = 10
SLOW_FACTOR: Final = 2
SLOWEST_S: Final = 120
LEAST_SLOW_S: Final = 5
LEAST_PAUSE: Final = timedelta(seconds=1)
LAST_CHANCE: Final = timedelta(seconds=5)
"""Before a deadline that falls into a longer wait, it is tried once more."""


class Outcome(StrEnum):
    """What an answer, or none, says about going on."""

    DELIVERED = "delivered"
    BUSY = "busy"
    """The endpoint asks for patience."""
    GONE = "gone"
    REFUSED = "refused"
    """It does not like this very document."""
    BROKEN = "broken"
    """It fails, maybe at this very document."""
    FAILED = "failed"
    """Everything else, the network among it: any other document would fare the same."""


_BY_STATUS: Final = {
    **dict.fromkeys((429, 502, 503, 504), Outcome.BUSY),
    410: Outcome.GONE,
    **dict.fromkeys((400, 413, 415, 422), Outcome.REFUSED),
    **dict.fromkeys((500, 501), Outcome.BROKEN),
}


def outcome_of(status: int) -> Outcome:
    """Judge a status; a redirect is a failure like any other and is never followed."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    return _BY_STATUS.get(status, Outcome.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """When to try again."""

    at: datetime
    polite_until: datetime | None
    """Not before, whatever else comes: the endpoint asked for it."""


def next_try(
    *,
    tries: int,
    anchor_at: datetime,
    now: datetime,
    outcome: Outcome,
    retry_after: timedelta | None,
    deadline: datetime | None,
    chance: Chance,
) -> Next:
    """Return the next attempt after a failed one.

    Args:
        tries: Attempts made since ``anchor_at``, this one included.
        anchor_at: First attempt, or when something newer joined the line.
        now: The attempt has ended.
        outcome: Of it.
        retry_after: What the endpoint asked for.
        deadline: Nothing is tried after it, but once right before it.
        chance: Draws the jitter.
    """
    wait = _regular(tries, anchor_at, now, chance)
    polite = timedelta(0)
    if outcome is Outcome.BUSY:
        slower = max(wait * SLOW_FACTOR, timedelta(seconds=LEAST_SLOW_S))
        polite = max(wait, min(slower, timedelta(seconds=SLOWEST_S)))
    if retry_after is not None:
        polite = max(polite, retry_after)
    at = now + max(wait, polite, LEAST_PAUSE)
    if deadline is not None and at > deadline:
        at = min(at, max(now + LEAST_PAUSE, deadline - LAST_CHANCE))
    return Next(at=at, polite_until=at if polite else None)


def _regular(tries: int, anchor_at: datetime, now: datetime, chance: Chance) -> timedelta:
    if tries < QUICK:
        return max(anchor_at + timedelta(seconds=OFFSETS_S[tries]) - now, timedelta(0))
    percent = 100 + chance.randint(-JITTER_PERCENT, JITTER_PERCENT)
    return timedelta(seconds=EVERY_S) * percent / 100
