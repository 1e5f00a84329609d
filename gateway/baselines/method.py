"""What every baseline method is made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from gateway.domain.errors import ConfigError
from gateway.domain.reading import Reading
from gateway.domain.rounding import exact_sum, half_even
from gateway.domain.settlement import (
    BaselineRequest,
    BaselineResult,
    BaselineRow,
    BaselineStatus,
    WindowInterval,
)
from gateway.domain.text import Text
from gateway.domain.timespan import Span


class MethodOptions(BaseModel):
    """Base of every method's options; a subclass adds ``family`` and its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Text = ""
    """Where the values come from."""
    verified: bool = False
    """True: every parameter was found in public material."""
    unverified: tuple[Text, ...] = ()
    """Names of those that were not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: how its options read, which readings it needs, and how it computes.

    The functions take the options as their second argument; they get an instance of ``options`` and nothing else.
    """

    options: type[MethodOptions]
    reach: Callable[[Span, Any], Span]
    """(event, options) -> span of the readings needed, the event included."""
    compute: Callable[[BaselineRequest, Any], BaselineResult]


def result_of(
    request: BaselineRequest,
    options: MethodOptions,
    rows: Iterable[BaselineRow],
    *,
    windows: Iterable[Reading] = (),
    figures: Mapping[str, Decimal] | None = None,
    flags: Iterable[str] = (),
) -> BaselineResult:
    """Put a result into the shape that all methods share; no rows means insufficient data."""
    intervals = tuple(rows)
    credited = [row.reduction_kwh for row in intervals if row.reduction_kwh is not None]
    missing = len(credited) < len(intervals)
    return BaselineResult(
        method=family_of(request.method),
        parameters=options.model_dump(mode="json", exclude={"source", "verified", "unverified"}),
        status=BaselineStatus.OK if intervals else BaselineStatus.INSUFFICIENT_DATA,
        windows=tuple(
            WindowInterval(start=used.start, duration=used.duration, energy_kwh=used.energy_kwh)
            for used in windows
            if used.energy_kwh is not None
        ),
        intervals=intervals,
        total_reduction_kwh=half_even(exact_sum(credited)) if credited else None,
        figures=dict(figures or {}),
        flags=tuple(sorted({*flags, *(("event_data_missing",) if missing else ())})),
        source=options.source,
        verified=options.verified,
        unverified=options.unverified,
    )


def family_of(method: Mapping[str, object]) -> str:
    """Return a method's family.

    Raises:
        ConfigError: when there is none.
    """
    family = method.get("family")
    if not isinstance(family, str):
        raise ConfigError(('baseline.family: name a method, e.g. family = "same_day"',))
    return family


def event_starts(request: BaselineRequest) -> tuple[datetime, ...]:
    """Cut the event into whole intervals.

    Raises:
        ConfigError: when the event is empty or no whole number of intervals; energy is never split.
    """
    if request.event.duration % request.interval or not request.event.duration:
        raise ConfigError(
            (
                f"baseline: an event of {request.event.duration} is no whole number of {request.interval}",
            )
        )
    return tuple(step.start for step in request.event.steps(request.interval))


def by_start(request: BaselineRequest) -> Mapping[datetime, Reading]:
    """Index the readings that have the interval's length and a value."""
    return {
        reading.start: reading
        for reading in request.readings
        if reading.energy_kwh is not None and reading.duration == request.interval
    }
