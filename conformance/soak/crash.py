"""Parts ``crash`` and ``crash 2030.5``: the gateway of the story dies at each named point, and another one goes on.

One process, virtual time, the same every time: the seed chooses at which passing of a point the gateway dies, and for
how long it stays away.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import structlog

from conformance.soak.history import Fault, Verdict
from conformance.soak.row import Plan, Row
from conformance.story.cast import Cast
from conformance.story.crash import PAUSE, Trial
from conformance.story.utility import OADR20B
from conformance.story.utility_sep2 import SEP2

PART: Final = "crash"
PART_SEP2: Final = "crash 2030.5"
_EVERY_NTH: Final = 12
"""In the slice of the test suite, which tries each point by itself elsewhere."""
_PAUSES: Final = (PAUSE, timedelta(0), timedelta(minutes=3))
"""By seed; within the last one a poll and an answer deadline pass."""
_MOST: Final = 3


def run(plan: Plan) -> Iterator[Row]:
    """Try a crash at every point, several times: at its first passing, at the next, and so on."""
    return _run(plan, PART, OADR20B)


def run_sep2(plan: Plan) -> Iterator[Row]:
    """Try the same with a utility that speaks IEEE 2030.5."""
    return _run(plan, PART_SEP2, SEP2)


def _run(plan: Plan, part: str, cast: Cast) -> Iterator[Row]:
    be_quiet()
    wanted = [point for point in cast.points if plan.wants(point)]
    if plan.quick and not plan.only:
        wanted = wanted[::_EVERY_NTH]
    runs = plan.times(1, _MOST)
    trial = Trial(plan.folder, cast=cast)
    seeds = [plan.seed + run for run in range(runs)]
    began = time.process_time()
    whole = asyncio.run(trial.whole(sorted({_passing(seed) for seed in seeds})))
    yield _row(part, "no crash", [list(whole)], plan.seed, time.process_time() - began)
    for point in wanted:
        began = time.process_time()
        found = [asyncio.run(_crash(trial, point, seed)) for seed in seeds]
        yield _row(part, point, found, plan.seed, time.process_time() - began)


def _passing(seed: int) -> int:
    return (seed - 1) % _MOST + 1


async def _crash(trial: Trial, point: str, seed: int) -> list[Verdict]:
    passing = _passing(seed)
    if point not in trial.passed:
        return [Verdict(fault=Fault.WRONG, key=point, why="the story never passes it")]
    if (point, passing) not in trial.crashes:
        # It is passed fewer times than that: the first passing, with another time away.
        passing = min(time for known, time in trial.crashes if known == point)
    tried = await trial.crash(point, passing, _PAUSES[(seed - 1) % len(_PAUSES)])
    return list(tried.verdicts)


def _row(part: str, what: str, found: list[list[Verdict]], seed: int, seconds: float) -> Row:
    count = Counter(verdict.fault for verdicts in found for verdict in verdicts)
    first = next((str(verdicts[0]) for verdicts in found if verdicts), "")
    return Row(
        part=part,
        what=what,
        runs=len(found),
        lost=count[Fault.LOST],
        doubled=count[Fault.DOUBLED],
        other=count.total() - count[Fault.LOST] - count[Fault.DOUBLED],
        seed=seed,
        seconds=seconds,
        note=first,
    )


def be_quiet() -> None:
    """Keep the gateways' logs off the table: they are told of many faults on purpose."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
