"""A clock that several processes share: its options, for whatever plays a utility."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.timespan import instant

Refuse = Callable[[str], NoReturn]
"""Says what is wrong with the command line and leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A clock that several processes share."""

    origin: datetime
    """Instant of the timeline at ``started``; ``…_after`` of a schedule counts from it."""
    started: datetime
    """Real instant."""
    factor: float
    """Seconds of the timeline per real second."""


def add_timeline(verb: argparse.ArgumentParser) -> None:
    """Give a verb the options of a shared timeline."""
    clock = verb.add_argument_group(
        "shared timeline", "all three or none: the same values in every process of a demonstration"
    )
    clock.add_argument("--clock-origin", metavar="ISO", help="instant of the timeline at the start")
    clock.add_argument(
        "--clock-start", type=float, metavar="UNIXSECONDS", help="real instant of the start"
    )
    clock.add_argument(
        "--clock-factor", type=float, metavar="N", help="seconds of the timeline per real second"
    )


def timeline_of(refuse: Refuse, given: argparse.Namespace) -> Timeline | None:
    """Return the timeline that was asked for; None: the wall's time."""
    values = (given.clock_origin, given.clock_start, given.clock_factor)
    if all(value is None for value in values):
        return None
    if any(value is None for value in values):
        refuse("--clock-origin, --clock-start and --clock-factor belong together")
    if not 0 < given.clock_factor <= 1e6:
        refuse("--clock-factor must lie above 0 and not above 1000000")
    try:
        return Timeline(
            origin=instant(given.clock_origin),
            started=real_instant(given.clock_start),
            factor=given.clock_factor,
        )
    except (GatewayError, ValueError, OverflowError, OSError) as error:
        refuse(f"--clock-origin or --clock-start is no instant: {error}")


def real_instant(unix_s: float) -> datetime:
    """Return a real instant, aware, UTC, of seconds since 1970."""
    return datetime.fromtimestamp(unix_s, tz=UTC)


def clock_of(timeline: Timeline | None) -> ScaledClock:
    """Return the clock of a timeline."""
    if timeline is None:
        return SystemClock()
    return ScaledClock(timeline.origin, timeline.started, timeline.factor)
