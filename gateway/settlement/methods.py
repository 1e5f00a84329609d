"""What settlement asks of its neighbours: reading batches, validation, windows, baselines.

The packages stand side by side and do not import each other; ``gateway.pipeline`` hands the functions in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.answers import TelemetryBatch
from gateway.domain.reading import Measured, MeasureRequest, Reading, Window
from gateway.domain.settlement import BaselineRequest, BaselineResult
from gateway.domain.timespan import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """Pure functions; the same for the gateway and for the offline verifier."""

    read: Callable[[TelemetryBatch], tuple[Reading, ...]]
    """A batch as received -> readings."""
    present: Callable[[Sequence[Reading], datetime, int, int], Window | None]
    """(readings of one meter, until, minutes, least minutes) -> mean before an event."""
    measure: Callable[[MeasureRequest], Measured]
    """Raw readings -> validated series at the settlement interval."""
    reach: Callable[[Mapping[str, object], Span], Span]
    """(method, event) -> span of the readings it needs."""
    baseline: Callable[[BaselineRequest], BaselineResult]
    """Validated series -> counterfactual."""
