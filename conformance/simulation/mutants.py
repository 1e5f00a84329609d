"""Wrong gateways: each breaks one promise, and each must be found by named seeds, every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from conformance.simulation.day import Wiring
from conformance.simulation.host import HostClock, HostDials
from conformance.simulation.memory import MemoryStore
from gateway.app.virtual import VirtualClock
from gateway.domain.names import UtilityName
from gateway.domain.opting import Decision
from gateway.domain.participation import Participation
from gateway.domain.points import Step
from gateway.pipeline.inbound import Inbound, tell
from gateway.pipeline.ports import Work
from gateway.pipeline.records import Timer
from gateway.pipeline.timetable import Timetable
from gateway.pipeline.turn import Turn
from gateway.protocols.actions import Emit, Kept
from gateway.protocols.parts import State


def forget_sessions(store: MemoryStore) -> None:
    """Lose what the sessions know, so that everything is delivered anew."""
    store.state.sessions.clear()
    store.state.parts.clear()


class TakesTwice(Inbound):
    """Takes every delivery for a new event."""

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        """Admit what comes, known or not."""
        now = self.office.clock.now()

        def job(work: Work) -> Turn:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=now)
            for emit in emits:
                for event in emit.events:
                    work.events.remember(event, emit.raw)
                    turn.admit(event)
            for decision in taken:
                if isinstance(decision, Participation):
                    work.participations.taken(decision)
            work.sessions.put(utility, state)
            return turn

        tell(self.office, await self.office.store.write(job, Step.INTAKE))


def forget_timers(store: MemoryStore) -> None:
    """Lose the timers, as timers in memory are lost with their process."""
    store.state.timers.clear()


@dataclass
class FiresAgain(Timetable):
    """Fires what it has fired before again when somebody sets the clock."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fired: dict[str, Timer] = {}

    async def _settle(self, timer: Timer) -> None:
        await super()._settle(timer)
        self._fired[timer.key] = timer

    async def _look(self) -> None:
        (then, before_s), clock = self._looked, self.office.clock
        elapsed = timedelta(seconds=clock.elapsed_s() - before_s)
        stepped = abs(clock.now() - then - elapsed) > timedelta(seconds=1)
        await super()._look()
        again, self._fired = (self._fired, {}) if stepped else ({}, self._fired)

        def job(work: Work) -> None:
            for timer in again.values():
                work.timers.set(replace(timer, due_at=clock.now()))

        if again:
            await self.office.store.write(job, Step.TIMERS)


@dataclass
class ExpiresAll(Timetable):
    """Takes everything for overdue once the clock shows 1970."""

    async def _look(self) -> None:
        await super()._look()
        clock = self.office.clock
        if clock.sane:
            return

        def job(work: Work) -> None:
            for timer in work.timers.due(clock.now() + timedelta(days=400), 1000):
                if timer.kind == "opt_deadline":
                    work.timers.drop(timer.key)
                    self._do(self._turn(work), timer)

        await self.office.store.write(job, Step.TIMERS)

    def _turn(self, work: Work) -> Turn:
        office = self.office
        return Turn(work=work, book=office.book, signer=office.signer, now=office.clock.now())


class Believes(HostClock):
    """A clock that believes whatever the wall shows."""

    def __init__(self, true: VirtualClock, dials: HostDials) -> None:
        super().__init__(true, dials, credulous=True)

    def not_before(self, at: object) -> None:
        """Take no advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One wrong gateway."""

    wiring: Wiring
    seeds: tuple[int, ...]
    """Each of them finds it."""


MUTANTS: Final[Mapping[str, Mutant]] = {
    "no dedupe": Mutant(
        wiring=Wiring(make_inbound=TakesTwice, forget=forget_sessions), seeds=(1, 5, 11)
    ),
    "timers in memory": Mutant(wiring=Wiring(forget=forget_timers), seeds=(1, 5, 11, 17)),
    "fires again after a step": Mutant(
        wiring=Wiring(make_timetable=FiresAgain), seeds=(23, 87, 115, 143)
    ),
    "expires all in 1970": Mutant(wiring=Wiring(make_timetable=ExpiresAll), seeds=(155, 125, 157)),
    "believes in 1970": Mutant(wiring=Wiring(make_clock=Believes), seeds=(11, 71, 125)),
}
"""Name -> wrong gateway."""
