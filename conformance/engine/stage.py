"""The stage that a script plays on (meets ``kit.stage``): waits on the suite's clock, writes marks into the history."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from conformance.engine.errors import PreconditionError
from conformance.engine.tape import Tape
from conformance.kit.stage import Condition, Driver, UnobservedError, Utility
from conformance.kit.transcript import Transcript
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock, Mailbox

T = TypeVar("T")
Tell = Callable[[str, timedelta], None]
"""Shown while waiting: what for, and how long at most."""


class Bell:
    """Wakes the one script that waits for the next record; carries a token only while somebody listens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._box: Mailbox[bool] | None = None

    def ring(self) -> None:
        """Wake whoever waits."""
        if self._box is not None and not len(self._box):
            self._box.put(True)

    async def wait(self, until: datetime) -> None:
        """Wait for the next record, at most until an instant."""
        box: Mailbox[bool] = self._clock.mailbox()
        self._box = box
        try:
            await box.get(until)
        finally:
            self._box = None
            while len(box):
                await box.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a stage is made of."""

    clock: Clock
    tape: Tape
    mode: str
    """``pull`` or ``push``."""
    driver: Driver
    values: Mapping[str, str]
    """IXIT values that scripts may ask for."""
    chance: Chance
    """Drawn from the run's seed."""
    tell: Tell
    """Shows what is waited for."""


class PlayedStage:
    """One case's stage."""

    def __init__(self, scene: Scene) -> None:
        self._clock = scene.clock
        self._tape = scene.tape
        self._mode = scene.mode
        self._driver = scene.driver
        self._values = scene.values
        self._chance = scene.chance
        self._tell = scene.tell
        self._bell = Bell(scene.clock)
        self.before_start: Callable[[], Awaitable[None]] | None = None
        """Starts the device at the script's first wait; None: it runs already."""
        scene.tape.heard = self._bell.ring

    @property
    def now(self) -> datetime:
        """Return the suite's time."""
        return self._clock.now()

    @property
    def mode(self) -> str:
        """Return ``pull`` or ``push``."""
        return self._mode

    @property
    def transcript(self) -> Transcript:
        """Return what was recorded so far in this case."""
        return self._tape.transcript

    @property
    def driver(self) -> Driver:
        """Return the way to the device."""
        return self._driver

    def mark(self, name: str, **values: object) -> None:
        """Write a mark."""
        self._tape.mark(name, **values)

    def value(self, name: str) -> str:
        """Return an IXIT value."""
        if name not in self._values:
            raise PreconditionError(f"the IXIT has no value {name}")
        return self._values[name]

    def chance(self, low: int, high: int) -> int:
        """Draw a number."""
        return self._chance.randint(low, high)

    async def sleep(self, length: timedelta) -> None:
        """Let time pass."""
        await self.sleep_until(self._clock.now() + length)

    async def sleep_until(self, at: datetime) -> None:
        """Let time pass until an instant."""
        await self._begin()
        self._tell("time to pass", at - self._clock.now())
        while self._clock.now() < at:
            await self._clock.sleep_until(at)

    async def _begin(self) -> None:
        start, self.before_start = self.before_start, None
        if start is not None:
            await start()

    async def until(self, condition: Condition[T], within: timedelta, what: str) -> T:
        """Wait until a condition holds of the transcript."""
        found = await self.maybe(condition, within, what)
        if found is None:
            raise UnobservedError(f"{what} within {within.total_seconds():g} s")
        return found

    async def maybe(self, condition: Condition[T], within: timedelta, what: str) -> T | None:
        """Wait likewise; None when it did not come."""
        await self._begin()
        until = self._clock.now() + within
        self._tell(what, within)
        while True:
            found = condition(self.transcript)
            if found is not None and found is not False:
                return found
            if self._clock.now() >= until:
                return None
            await self._bell.wait(until)


class PlayedVenStage(PlayedStage):
    """Where a VEN is judged."""

    utility: Utility
    second: Utility
    """Set in a case with the fact ``second_vtn=yes``."""
