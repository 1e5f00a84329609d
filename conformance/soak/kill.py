"""Part ``kill -9``: the gateway of a short story is a process that kills itself at a point, and is started again.

Real sockets, real time and a real ``SIGKILL``. The points stand for all kinds: every phase of the steps that carry
something, both sides of each request, streams, answers, timers. Part ``crash`` tries all of them, in virtual time.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from conformance.soak.history import Fault, Verdict
from conformance.soak.row import CAUGHT, CLEAN, Plan, Row
from conformance.story.real import RealRun

PART: Final = "kill -9"
AFTER_ANSWER: Final = "telemetry.told>answer.read_plan.before"
"""A batch was confirmed, and nothing was written since."""
POINTS: Final = (
    "opening.committed",
    "session.committed",
    "send.EiRegisterParty.after",
    "intake.counted",
    "intake.begun",
    "intake.ran",
    "intake.committed",
    "intake.told",
    "stream.intent.written",
    "ack.ran",
    "ack.committed",
    "answer.post_ack.before",
    "commitment.committed",
    "answer.post_commitment.before",
    "taken.committed",
    "send.EiEvent.before",
    "send.EiEvent.after",
    "timer.opt_deadline.ran",
    "timers.committed",
    "cancel.committed",
    "telemetry.ran",
    "telemetry.told",
    AFTER_ANSWER,
)
MUTANTS: Final = {"answer before commit": AFTER_ANSWER, "no dedupe": "intake.told"}
"""Wrong gateway -> where it is killed."""
_FINDS: Final = {Fault.LOST, Fault.DOUBLED}
_AT_ONCE: Final = 2


def run(plan: Plan) -> Iterator[Row]:
    """Kill a process at each point, two processes at a time; not in the slice of the test suite."""
    if plan.quick:
        return
    wanted = [(point, "") for point in POINTS if plan.wants(point)]
    wanted += [(point, mutant) for mutant, point in MUTANTS.items() if plan.wants(mutant)]
    for place in range(0, len(wanted), _AT_ONCE):
        yield from asyncio.run(_side_by_side(plan, wanted[place : place + _AT_ONCE]))


async def _side_by_side(plan: Plan, wanted: Sequence[tuple[str, str]]) -> list[Row]:
    return await asyncio.gather(*(_row(plan, point, mutant) for point, mutant in wanted))


async def _row(plan: Plan, point: str, mutant: str) -> Row:
    began = time.monotonic()  # noqa: TID251 - a figure of the table
    found = [await killed(plan.folder, point, mutant) for _ in range(plan.times(0, 1))]
    count = Counter(verdict.fault for verdicts in found for verdict in verdicts)
    caught = sum(any(v.fault in _FINDS for v in verdicts) for verdicts in found)
    lost, doubled = count[Fault.LOST], count[Fault.DOUBLED]
    return Row(
        part=PART,
        what=mutant or point,
        runs=len(found),
        lost=0 if mutant else lost,
        doubled=0 if mutant else doubled,
        other=0 if mutant else count.total() - lost - doubled,
        caught=caught if mutant else 0,
        expected=CAUGHT if mutant else CLEAN,
        seed=plan.seed,
        seconds=time.monotonic() - began,  # noqa: TID251 - a figure of the table
        note=next((str(verdicts[0]) for verdicts in found if verdicts), ""),
    )


async def killed(folder: Path, point: str, mutant: str = "") -> tuple[Verdict, ...]:
    """Run the story once, kill the gateway at a point, and return what is wrong.

    Args:
        folder: Where a folder of the run's own is made.
        point: Where; it counts as wrong if the gateway never passes it.
        mutant: Name of a wrong gateway; empty: the right one.
    """
    with tempfile.TemporaryDirectory(dir=folder) as room:
        return await RealRun(Path(room), point, mutant).play()
