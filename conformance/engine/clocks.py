"""The suite's clock: real, scaled, or virtual."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.engine.errors import SuiteError
from conformance.engine.watch import STEP
from gateway.app.virtual import VirtualClock
from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.ports import Clock

VIRTUAL_START: Final = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
"""Where every case begins in virtual time: a Monday, far from any change of the clock."""
OnStuck = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Time:
    """Which clock a run has."""

    mode: str
    """``real``, ``scaled:k`` or ``virtual``."""
    factor: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Time":
        """Read ``real``, ``scaled:60`` or ``virtual``.

        Raises:
            SuiteError: it is none of them.
        """
        if text in ("real", "virtual"):
            return cls(text)
        word, _, factor = text.partition(":")
        if word == "scaled" and factor.replace(".", "", 1).isdigit() and 1 <= float(factor) <= 1000:
            return cls(text, float(factor))
        raise SuiteError(f"--time {text}: real, virtual or scaled:k with k from 1 to 1000")

    @property
    def is_virtual(self) -> bool:
        """Say whether hours pass in seconds."""
        return self.mode == "virtual"

    @property
    def watch_every(self) -> timedelta | None:
        """Return how often the suite looks at its own delay, in the clock's time; None in virtual time, which waits."""
        return None if self.is_virtual else STEP * self.factor

    def maker(self) -> Callable[[OnStuck], Clock]:
        """Return what makes the clock of a case; all real cases share one."""
        if self.is_virtual:
            return lambda stuck: VirtualClock(VIRTUAL_START, stuck)
        real = SystemClock()
        if self.factor == 1.0:
            return lambda _: real
        scaled = ScaledClock(real.now(), real.now(), self.factor)
        return lambda _: scaled
