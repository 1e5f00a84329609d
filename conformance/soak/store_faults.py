"""Store faults: every write of the main job refused, lost, done unseen or done late, one at a time and at random.

The story is played once without a fault; what it brought about is the measure. Each faulted run must bring about the
same, no more and no less, though it may take a little longer.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.faults.effects import Bag, effects
from conformance.faults.store import HONEST, Choose, Fault, FaultyStore, at_random, nth
from conformance.faults.world import World
from conformance.soak.row import CAUGHT, Plan, Row
from gateway.app.ids import SeededChance, SeededIds
from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError
from gateway.domain.points import Step
from gateway.store.open import open_store

PART: Final = "store_faults"
EVERY: Final = timedelta(minutes=14)
"""Between telemetry batches: long, so that the writes of the story are few enough to fail one by one."""
POLL: Final = timedelta(minutes=2)
SHARE: Final = 0.01
QUICK: Final = {
    Fault.REFUSED: (Step.TIMERS,),
    Fault.LOST: (Step.INTAKE,),
    Fault.DONE: (Step.COMMITMENT, Step.PROGRESS),
    Fault.LATE: (Step.SETTLE,),
}
"""Steps of which the last write fails in the slice of the test suite."""
DROPPED: Final = (Step.INTAKE, Step.COMMITMENT, Step.TELEMETRY)
"""Steps of which the last write is dropped by a store that lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run came to."""

    bag: Bag
    steps: tuple[Step, ...]
    """Of every write, in order."""
    hit: tuple[tuple[int, Step, Fault], ...]
    fault: str = ""
    """Why the run did not come to its end."""


def played(folder: Path, seed: int, choose: Choose, refuse_read: Callable[[int], bool]) -> Outcome:
    """Play the story once over a faulty store."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return asyncio.run(_played(Path(own), seed, choose, refuse_read))


async def _played(
    folder: Path, seed: int, choose: Choose, refuse_read: Callable[[int], bool]
) -> Outcome:
    url = f"sqlite:///{folder / 's.db'}"
    async with await open_store(url, ids=SeededIds(seed, "store")) as real:
        store = FaultyStore(real, choose, refuse_read)
        world = World(store=store, seed=seed, every=EVERY, poll_every=POLL)
        store.clock = world.clock
        fault = ""
        try:
            await world.play()
        except GatewayError as error:
            fault = str(error)
        except asyncio.CancelledError:
            fault = world.stuck
        store.choose, store.refuse_read = lambda *_: None, lambda _: False
        bag = await effects(world)
    return Outcome(bag=bag, steps=tuple(store.steps), hit=tuple(store.hit), fault=fault)


def never(_: int, __: Step) -> Fault | None:
    """Let no write fail."""
    return None


def unharmed(_: int) -> bool:
    """Let no read fail."""
    return False


@dataclass
class Verdict:
    """What the runs of one row came to, against the run without a fault."""

    right: Bag
    runs: int = 0
    lost: int = 0
    doubled: int = 0
    other: int = 0
    hits: int = 0
    note: str = ""

    def take(self, name: str, outcome: Outcome) -> None:
        """Compare one run."""
        missing, extra = self.right - outcome.bag, outcome.bag - self.right
        self.runs += 1
        self.hits += len(outcome.hit)
        self.lost += sum(missing.values())
        self.doubled += sum(extra.values())
        self.other += bool(outcome.fault)
        if (missing or extra or outcome.fault) and not self.note:
            what = [outcome.fault, *(f"lost {m}" for m in missing), *(f"extra {e}" for e in extra)]
            self.note = f"{name} {outcome.hit[:2]}: {'; '.join(filter(None, what))}"[:600]


def run(plan: Plan) -> Iterator[Row]:
    """Run every fault at every write, then faults at random."""
    right = played(plan.folder, plan.seed, never, unharmed)
    for fault in HONEST:
        what = f"every write {fault.value}"
        if plan.wants(what):
            numbers: Sequence[int] = range(1, len(right.steps) + 1)
            if plan.quick:
                numbers = [_last(right, step) for step in QUICK[fault]]
            runs = ((f"write {n}", nth(n, fault), unharmed) for n in numbers)
            yield _row(plan, what, right, runs)
    what = "writes and reads at random, 1 %"
    if plan.wants(what):
        yield _row(plan, what, right, _random(plan))
    what = "mutant: a store that says done and drops"
    if plan.wants(what):
        yield _liar(plan, what, right)


def _last(right: Outcome, step: Step) -> int:
    """Return the number of the last write of a step."""
    return max(place for place, found in enumerate(right.steps, 1) if found is step)


def _liar(plan: Plan, what: str, right: Outcome) -> Row:
    started = time.perf_counter()
    steps = DROPPED[:1] if plan.quick else DROPPED
    caught = 0
    for step in steps:
        verdict = Verdict(right.bag)
        choose = nth(_last(right, step), Fault.DROPPED)
        verdict.take(step.value, played(plan.folder, plan.seed, choose, unharmed))
        caught += verdict.lost > 0
    return Row(
        part=PART,
        what=what,
        runs=len(steps),
        caught=caught,
        expected=CAUGHT,
        seed=plan.seed,
        seconds=time.perf_counter() - started,
    )


def _random(plan: Plan) -> Iterator[tuple[str, Choose, Callable[[int], bool]]]:
    for seed in range(plan.seed, plan.seed + plan.times(1, 60)):
        writes = at_random(SeededChance(seed, "writes"), SHARE)
        yield f"seed {seed}", writes, _refusing(SeededChance(seed, "reads"))


def _refusing(chance: Chance) -> Callable[[int], bool]:
    return lambda _: chance.random() < SHARE


def _row(
    plan: Plan,
    what: str,
    right: Outcome,
    runs: Iterator[tuple[str, Choose, Callable[[int], bool]]],
) -> Row:
    started = time.perf_counter()
    verdict = Verdict(right.bag)
    for name, choose, refuse_read in runs:
        verdict.take(name, played(plan.folder, plan.seed, choose, refuse_read))
    return Row(
        part=PART,
        what=what,
        runs=verdict.runs,
        lost=verdict.lost,
        doubled=verdict.doubled,
        other=verdict.other,
        seed=plan.seed,
        seconds=time.perf_counter() - started,
        note=verdict.note or f"{verdict.hits} calls failed",
    )
