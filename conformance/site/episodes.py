"""What the site says about each event while it lasts and once it is over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from conformance.site.jobs import TOP_CAP_W, Mix
from conformance.site.minutes import Minute
from conformance.site.outlook import IT_LOAD
from gateway.domain.plan import Phase

Going = Literal["ramping_in", "holding", "breached", "recovering"]
_WORK_PLACES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """An event came into another state; becomes a progress message."""

    intent: str
    state: Going
    at: datetime
    """End of the minute that showed it."""
    measured_kw: Decimal
    """GPU power in that minute."""
    target_kw: Decimal | None
    jobs_paused: int
    jobs_capped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An event is over for the site; becomes a completion message."""

    intent: str
    delivered_kwh: Decimal
    """Drawn during the hold, at the meter that the plan is about."""
    recovered_at: datetime | None
    """Start of the first minute without any limit; None: the run ended before."""
    lost_work: dict[str, Decimal]
    """Job -> throughput lost, as a fraction of the run."""


@dataclass(slots=True)
class _Episode:
    state: Going | None = None
    kwh: Decimal = Decimal(0)
    lost: list[Decimal] = field(default_factory=list)


@dataclass(slots=True)
class Episodes:
    """Follows the events of a run from one minute to the next.

    Args:
        mix: The jobs.
        minutes: Length of the run.
    """

    mix: Mix
    minutes: int
    _open: dict[str, _Episode] = field(default_factory=dict)

    def observe(self, minute: Minute, point: str = IT_LOAD) -> Iterator[Went | Ended]:
        """Take in one minute and yield what became of each event.

        Args:
            minute: The next one of the run.
            point: Meter that the plan is about.
        """
        for intent in minute.because:
            self._open.setdefault(intent, _Episode(lost=[Decimal(0)] * len(self.mix)))
        free = all(kept == 1 for kept in minute.throughput)
        for intent, episode in list(self._open.items()):
            if intent in minute.because:
                yield from self._going_on(intent, episode, minute, point)
            elif free:
                yield self._ended(intent, minute.start)
                continue
            episode.lost = [
                lost + 1 - kept for lost, kept in zip(episode.lost, minute.throughput, strict=True)
            ]

    def close(self) -> Iterator[Ended]:
        """End what is still open when the run ends."""
        for intent in list(self._open):
            yield self._ended(intent, None)

    def _going_on(
        self, intent: str, episode: _Episode, minute: Minute, point: str
    ) -> Iterator[Went]:
        if minute.phase is Phase.HOLD:
            episode.kwh += minute.it_kwh if point == IT_LOAD else minute.poc_kwh
        state = _state(minute)
        if state != episode.state:
            episode.state = state
            yield Went(
                intent=intent,
                state=state,
                at=minute.end,
                measured_kw=minute.it_kw,
                target_kw=minute.target_kw,
                jobs_paused=minute.settings.count(None),
                jobs_capped=sum(cap is not None and cap < TOP_CAP_W for cap in minute.settings),
            )

    def _ended(self, intent: str, recovered_at: datetime | None) -> Ended:
        episode = self._open.pop(intent)
        lost = (round(each / self.minutes, _WORK_PLACES) for each in episode.lost)
        return Ended(
            intent=intent,
            delivered_kwh=episode.kwh,
            recovered_at=recovered_at,
            lost_work={job.name: each for job, each in zip(self.mix, lost, strict=True)},
        )


def _state(minute: Minute) -> Going:
    if minute.phase is Phase.RAMP_IN:
        return "ramping_in"
    if minute.phase is Phase.RECOVERY:
        return "recovering"
    over = minute.target_kw is not None and minute.it_kw > minute.target_kw
    return "breached" if over else "holding"
