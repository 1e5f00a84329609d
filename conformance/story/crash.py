"""Crash the gateway of the story at a point, let another one go on, and judge: in one process, the same every time."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.soak.history import Fault, Verdict, judge
from conformance.story.cast import Cast
from conformance.story.plot import PATIENCE
from conformance.story.utility import OADR20B
from conformance.story.world import Ending, Making, Moment, World
from gateway.app.bootstrap import Gateway
from gateway.domain.errors import GatewayError

PAUSE: Final = timedelta(seconds=20)
"""How long a gateway that died is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one crash."""

    point: str
    time: int
    """At which passing of the point: 1 the first."""
    verdicts: tuple[Verdict, ...]

    def count(self, fault: Fault) -> int:
        """Return how often one thing was wrong."""
        return sum(verdict.fault is fault for verdict in self.verdicts)

    def __str__(self) -> str:
        found = "; ".join(map(str, self.verdicts)) or "clean"
        return f"{self.point} ({self.time}): {found}"


@dataclass
class Trial:
    """One kind of gateway, crashed at one point after the other.

    Args:
        folder: For files.
        make: Makes the gateway.
        cast: The protocol in which the story is told.
    """

    folder: Path
    make: Making = Gateway
    cast: Cast = OADR20B
    passed: dict[str, int] = field(default_factory=dict)
    """Point -> how often the story passes it when nobody crashes."""
    _moments: dict[tuple[str, int], Moment] = field(default_factory=dict)
    _judged: dict[bytes, tuple[Verdict, ...]] = field(default_factory=dict)
    _whole: Ending | None = None

    async def whole(self, times: Sequence[int] = (1,)) -> tuple[Verdict, ...]:
        """Play the story without a crash, and keep what a crash would leave at every point.

        Args:
            times: At which passings: 1 the first.
        """
        with self._room() as room:
            world = World(room, "whole", self.make, cast=self.cast)

            def watch(point: str) -> None:
                time = self.passed[point] = self.passed.get(point, 0) + 1
                if time in times:
                    self._moments[point, time] = world.stopped_at(point)

            world.watch = watch
            self._whole = await world.play()
        return judge(self._whole.history, PATIENCE)

    @property
    def crashes(self) -> tuple[tuple[str, int], ...]:
        """Return the points and passings at which a crash can be tried, in the order of the story."""
        return tuple(self._moments)

    async def crash(self, point: str, time: int = 1, pause: timedelta = PAUSE) -> Tried:
        """Go on from what a crash leaves, to the end; what leaves the same as another one is judged with it."""
        moment = self._moments[point, time]
        mark = moment.digest + str(pause).encode()
        if mark not in self._judged:
            self._judged[mark] = await self._after(moment, pause)
        return Tried(point=point, time=time, verdicts=self._judged[mark])

    async def _after(self, moment: Moment, pause: timedelta) -> tuple[Verdict, ...]:
        with self._room() as room:
            name = f"after {moment.point}"
            world = World(room, name, self.make, moment, pause, cast=self.cast)
            try:
                ending = await world.play()
            except (GatewayError, ExceptionGroup) as error:
                return (_died(moment, repr(error)),)
        found = judge(ending.history, PATIENCE)
        whole = self._whole.outcome if self._whole else {}
        return (*found, *_others(whole, ending.outcome)) if pause == PAUSE else found

    @contextmanager
    def _room(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as room:
            yield Path(room)


def _died(moment: Moment, why: str) -> Verdict:
    return Verdict(fault=Fault.LOST, key="the gateway", why=f"dies after {moment.point}: {why}")


def _others(whole: Mapping[str, str], ended: Mapping[str, str]) -> list[Verdict]:
    """Say what ended otherwise than without a crash."""
    return [
        Verdict(fault=Fault.WRONG, key=event, why=f"ends as {ended.get(event)}, not as {expected}")
        for event, expected in whole.items()
        if ended.get(event) != expected
    ]
