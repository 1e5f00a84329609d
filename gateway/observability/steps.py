"""How long commits take, by step: from the transaction's opening to its being durable."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from gateway.domain.points import Step, Watch

_BEGUN: Final = "begun"
_COMMITTED: Final = "committed"
_STEPS: Final = frozenset(step.value for step in Step)


class CommitTimes:
    """Measures transactions by the points they pass; told on the writer's thread.

    Args:
        registry: Where the figures are read.
        elapsed_s: A clock that is never set.
        on: Told every point too.
    """

    def __init__(
        self, registry: CollectorRegistry, elapsed_s: Callable[[], float], on: Watch
    ) -> None:
        self._took = Histogram(
            "gateway_commit_seconds",
            "From the opening of a transaction until it is durable, by step",
            ["step"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._elapsed_s = elapsed_s
        self._on = on
        self._begun: dict[str, float] = {}

    def __call__(self, point: str) -> None:
        """Take note of a point, and pass it on."""
        step, _, phase = point.rpartition(".")
        if step in _STEPS:
            if phase == _BEGUN:
                self._begun[step] = self._elapsed_s()
            elif phase == _COMMITTED and step in self._begun:
                self._took.labels(step).observe(self._elapsed_s() - self._begun.pop(step))
        self._on(point)
