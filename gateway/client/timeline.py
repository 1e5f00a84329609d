"""Wall time that survives a wrong clock: what a computer's two clocks show, weighed against each other.

The wall's clock may be slewed, set, or begin in 1970; the one that counts since boot, time asleep too, only runs. A
small difference between what both say has passed is a slew and is followed. A larger one is a step: counted, told,
and followed too, for whoever set the clock was most likely right. A wall that shows less than what is known to be
past is not believed: time then goes on from what is known, by what has elapsed (R-TLS-4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

BUILT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""This code was not there earlier: a wall that shows less is wrong."""
SLEWED: Final = timedelta(seconds=1)
"""A smaller difference between two looks is no step."""
BACK_AT_MOST: Final = timedelta(days=1)
"""A wall is set back by so much on purpose; further below the last instant known it is wrong (a lost battery)."""
_STEADY_S: Final = 0.05
_LOOKS: Final = 4


class Dials(Protocol):
    """What a computer's clocks show."""

    def wall(self) -> datetime:
        """Return the wall's time, aware, UTC."""
        ...

    def boot(self) -> float:
        """Return seconds since some instant, counting time asleep; it is never set."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The wall's clock was set."""

    by: timedelta
    """How far ahead; negative: back."""
    at: datetime
    """New time."""


@dataclass(frozen=True, slots=True)
class _Look:
    boot: float
    at: datetime
    sane: bool


class Timeline:
    """The present instant, by both clocks.

    Args:
        dials: The clocks.
        on_step: Told of every step once, by whoever looked first after it.
        built: A wall that shows less is wrong.
    """

    def __init__(
        self,
        dials: Dials,
        on_step: Callable[[ClockStep], None] | None = None,
        built: datetime = BUILT,
    ) -> None:
        self._dials = dials
        self._on_step = on_step
        self._floor = built
        self.steps = 0
        """Steps noticed so far."""
        wall, self._began = self._read()
        self._last = _Look(self._began, *self._judged(wall, self._floor))

    @property
    def sane(self) -> bool:
        """Say whether the wall's time is believed; as of the last look."""
        return self._last.sane

    def not_before(self, at: datetime) -> None:
        """Take over an instant that is known to be past, for instance the last one that was stored."""
        self._floor = max(self._floor, at - BACK_AT_MOST)
        wall, boot = self._read()
        known, sane = self._judged(wall, at)
        if not sane or not self._last.sane:
            self._last = _Look(boot, known, sane)

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        wall, boot = self._read()
        before = self._last
        due = before.at + timedelta(seconds=max(0.0, boot - before.boot))
        at, sane = self._judged(wall, due)
        # One assignment: other threads look at the clock too.
        self._last = _Look(boot, at, sane)
        if abs(at - due) > SLEWED:
            self.steps += 1
            if self._on_step is not None:
                self._on_step(ClockStep(by=at - due, at=at))
        return at

    def elapsed_s(self) -> float:
        """Return seconds since this timeline began, whatever the wall shows."""
        return self._dials.boot() - self._began

    def _judged(self, wall: datetime, otherwise: datetime) -> tuple[datetime, bool]:
        """Return the time to go by: the wall's, or the other one while the wall is not believed."""
        return (wall, True) if wall >= self._floor else (otherwise, False)

    def _read(self) -> tuple[datetime, float]:
        """Read both dials at one instant: a process that was stopped between them would see a step."""
        before, wall, boot = self._dials.boot(), self._dials.wall(), self._dials.boot()
        for _ in range(_LOOKS):
            if boot - before < _STEADY_S:
                break
            before, wall, boot = self._dials.boot(), self._dials.wall(), self._dials.boot()
        return wall, boot
