"""How late the event loop is: a tick that should come every quarter of a second, and when it came."""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

EVERY_S: Final = 0.25
_KEPT: Final = 240
"""Ticks of which the worst is shown: a minute's."""


class LoopLag:
    """Watches the loop in real time, whatever clock the gateway runs on.

    Args:
        registry: Where the figures are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._worst = Gauge(
            "gateway_loop_lag_seconds", "The worst lag of the loop in a minute", registry=registry
        )
        self._all = Histogram(
            "gateway_loop_lag",
            "How late the loop was, seconds",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._lags = [0.0]
        self._tick: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        loop = asyncio.get_running_loop()
        self._arm(loop, loop.time() + EVERY_S)

    def stop(self) -> None:
        """Watch no longer; safe to repeat."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _arm(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        self._tick = loop.call_at(at, self._came, loop, at)

    def _came(self, loop: asyncio.AbstractEventLoop, expected: float) -> None:
        lag = max(loop.time() - expected, 0.0)
        self._all.observe(lag)
        self._lags = [*self._lags[-_KEPT + 1 :], lag]
        self._worst.set(max(self._lags))
        self._arm(loop, loop.time() + EVERY_S)
