"""What happens on one day, drawn from a seed before it begins: events, outages, kills, clocks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.simulation.cast import CONTEXT
from gateway.app.ids import SeededChance
from gateway.protocols.oadr2b.messages import OadrEvent, SignalType

DATES: Final = (
    datetime(2026, 11, 1, 4, 0, tzinfo=UTC),
    datetime(2027, 3, 14, 5, 0, tzinfo=UTC),
    datetime(2027, 6, 9, 4, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 5, 0, tzinfo=UTC),
)
"""Midnights in New York: the end of summer time, its beginning, an ordinary day, the last of a year."""
DAY: Final = timedelta(days=1)
FAULTS_END: Final = timedelta(hours=22)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Something holds from one instant to another."""

    begin: datetime
    end: datetime
    by: timedelta = NOTHING
    """Of a clock: how far it is off; zero: it is lost, and shows 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing the utility does."""

    at: datetime
    event: str
    what: str
    """``publish``, ``modify`` or ``cancel``."""
    lead: timedelta = NOTHING
    lasts: timedelta = NOTHING
    kw: int = 0
    startafter: timedelta = NOTHING
    ramp: timedelta = NOTHING
    sites: tuple[str, ...] = ()

    def message(self, now: datetime) -> OadrEvent:
        """Return the event as published, ``lead`` from now by the utility's clock."""
        return EventSpec(
            event_id=self.event,
            market_context=CONTEXT,
            start=(now + self.lead).replace(microsecond=0),
            signals=(
                SignalSpec(
                    name="LOAD_DISPATCH",
                    type=SignalType.SETPOINT,
                    unit="kW",
                    steps=(Step(lasts=self.lasts, value=Decimal(self.kw)),),
                ),
            ),
            randomise=self.startafter or None,
            ramp_up=self.ramp or None,
            resources=self.sites,
        ).message()


@dataclass(kw_only=True)
class Script:
    """One day."""

    start: datetime
    sites: tuple[str, ...]
    turns: list[Turn] = field(default_factory=list)
    kills: list[datetime] = field(default_factory=list)
    outages: list[Stretch] = field(default_factory=list)
    absences: dict[str, list[Stretch]] = field(default_factory=dict)
    clocks: list[Stretch] = field(default_factory=list)
    utility_off: timedelta = NOTHING
    """How far the utility's clock is ahead, all day."""
    noise: int = 0
    """Percent of exchanges that go wrong."""
    deadly: int = 0
    """Of 1,000 writes, how many the process does not survive."""
    refused: int = 0
    """Of 1,000 writes, how many the store refuses."""

    @property
    def calm_at(self) -> datetime:
        """Return when faults stop."""
        return self.start + FAULTS_END


class Drawing:
    """Draws one day.

    Args:
        seed: Decides it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = SeededChance(seed, "script")

    def script(self) -> Script:
        """Return the day."""
        start = DATES[self._seed % len(DATES)]
        names = tuple(f"site-{n}" for n in range(1, 2 + self._seed % 3))
        made = Script(start=start, sites=names)
        for n in range(self._between(3, 7)):
            self._event(made, f"e{n}")
        made.turns.sort(key=lambda turn: turn.at)
        made.noise = self._between(0, 15)
        made.deadly = self._between(0, 8)
        made.refused = self._between(0, 10)
        made.kills = sorted(self._moment(made) for _ in range(self._between(0, 5)))
        made.outages = self._stretches(made, 2, 1, 360)
        made.absences = {name: self._stretches(made, 2, 1, 120) for name in names}
        if self._seed % 2:
            made.clocks = self._clocks(made)
        if self._seed % 5 == 4:
            off = self._between(0, 3)
            made.utility_off = (47, -47, 4, -4)[off] * MINUTE
        return made

    def _event(self, made: Script, name: str) -> None:
        at = made.start + self._between(30, 19 * 60) * MINUTE + self._between(0, 59) * SECOND
        lead = (NOTHING, self._between(2, 30) * MINUTE, self._between(30, 360) * MINUTE)[
            self._between(0, 2)
        ]
        open_ended = self._between(1, 10) == 1
        lasts = NOTHING if open_ended else self._between(3, 36) * 5 * MINUTE
        first = Turn(
            at=at,
            event=name,
            what="publish",
            lead=lead,
            lasts=lasts,
            kw=self._between(40, 90),
            startafter=self._between(0, 1) * 10 * MINUTE,
            ramp=self._between(0, 1) * 15 * MINUTE,
            sites=made.sites[: self._between(1, len(made.sites))]
            if self._between(1, 4) == 1
            else (),
        )
        made.turns.append(first)
        window = int((lead + (lasts or HOUR)) / MINUTE) + 20
        for _ in range(self._between(0, 2)):
            moved = at + self._between(1, window) * MINUTE
            kw = self._between(40, 90)
            made.turns.append(Turn(at=moved, event=name, what="modify", kw=kw))
        if open_ended or self._between(1, 3) == 1:
            about_start = self._between(0, 2) == 0
            gone = at + lead if about_start else at + self._between(1, window) * MINUTE
            made.turns.append(Turn(at=gone, event=name, what="cancel"))

    def _clocks(self, made: Script) -> list[Stretch]:
        choices = (2 * HOUR, -2 * HOUR, NOTHING, 10 * MINUTE, -10 * MINUTE)
        by = choices[self._between(0, len(choices) - 1)]
        about = made.turns[self._between(0, len(made.turns) - 1)].at
        begin = min(about + self._between(-30, 240) * MINUTE, made.calm_at - 2 * HOUR)
        return [Stretch(begin=begin, end=begin + self._between(5, 90) * MINUTE, by=by)]

    def _stretches(self, made: Script, most: int, shortest: int, longest: int) -> list[Stretch]:
        begun = sorted(self._moment(made) for _ in range(self._between(0, most)))
        found: list[Stretch] = []
        for begin in begun:
            end = min(begin + self._between(shortest, longest) * MINUTE, made.calm_at)
            if end > begin and (not found or begin > found[-1].end):
                found.append(Stretch(begin=begin, end=end))
        return found

    def _moment(self, made: Script) -> datetime:
        return made.start + self._between(20 * 60, int(21.5 * 3600)) * SECOND

    def _between(self, low: int, high: int) -> int:
        return self._chance.randint(low, high)


SECOND: Final = timedelta(seconds=1)
