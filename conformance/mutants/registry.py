"""Every wrong gateway: what it breaks, and the check that must object to it every time and to no other."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.mutants.altered import with_store
from conformance.mutants.fencing import NoFencing, both_go_on
from conformance.mutants.stores import (
    answer_before_commit,
    forget_taken,
    in_memory_timers,
    mark_before_send,
    no_dedupe,
    retry_after_expiry,
)
from conformance.story.crash import PAUSE, Trial
from conformance.story.world import Making
from gateway.app.bootstrap import Gateway

Check = Callable[[Path, Making], Awaitable[str]]
"""Runs a kind of gateway in an empty folder; says what is wrong, empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One wrong gateway."""

    breaks: str
    """The requirement, by its number."""
    make: Making
    check: Check
    finds: str
    """What the check says of it, at the least."""


def crash(point: str, time: int = 1, pause: timedelta = PAUSE) -> Check:
    """Make the check that kills a gateway when it passes a point, and judges how another one goes on.

    Args:
        point: Where.
        time: At which passing.
        pause: How long no gateway runs.
    """

    async def check(folder: Path, make: Making) -> str:
        trial = Trial(folder, make)
        whole = await trial.whole((time,))
        tried = await trial.crash(point, time, pause)
        return "; ".join(map(str, (*whole, *tried.verdicts)))

    return check


MUTANTS: Final[Mapping[str, Mutant]] = {
    "answer before commit": Mutant(
        breaks="R-DUR-1: answer only after the commit returns",
        make=answer_before_commit,
        check=crash("door.readings"),
        finds="lost batch",
    ),
    "no dedupe": Mutant(
        breaks="R-DUR-1: a duplicate has the same answer and no new effect",
        make=with_store(no_dedupe),
        check=crash("intake.told"),
        finds="doubled e1 version 0 at phx-1",
    ),
    "in-memory timer": Mutant(
        breaks="R-DUR-3: timers are rows, not tasks",
        make=with_store(in_memory_timers),
        check=crash("timers.begun"),
        finds="unanswered e3 version 0",
    ),
    "retry after expiry": Mutant(
        breaks="R-DUR-3: a start command never comes after its end",
        make=with_store(retry_after_expiry),
        check=crash("intake.told", pause=timedelta(minutes=33)),
        finds="late e1 version 0 at phx-1",
    ),
    "mark before send": Mutant(
        breaks="R-DUR-2: marked done in a new transaction after it was sent",
        make=with_store(mark_before_send),
        check=crash("send.EiReport.before", time=4),
        finds="lost report phx-1.it_load.power 12:00",
    ),
    "forget taken": Mutant(
        breaks="R-DUR-3: each obligation takes effect once",
        make=with_store(forget_taken),
        check=crash("rejection.told"),
        finds="doubled e2 version 0",
    ),
    "no fencing": Mutant(
        breaks="R-DUR-12: of two gateways on copies of a store one stops within 30 s",
        make=NoFencing,
        check=both_go_on,
        finds="the older gateway goes on",
    ),
}
"""Name -> mutant."""
RIGHT: Final[Making] = Gateway
"""What every check must pass."""
