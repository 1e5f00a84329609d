"""Part: virtual days by seed, everything real but the network and the disk; and wrong gateways that must be found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import process_time
from typing import Final

import structlog

from conformance.simulation.day import Wiring, play
from conformance.simulation.mutants import MUTANTS
from conformance.simulation.verdicts import verdicts
from conformance.soak.marks import Fault, Verdict
from conformance.soak.row import CAUGHT, Plan, Row

PART: Final = "days"
DAYS: Final = "days"
REPLAYS: Final = "the same day twice"
SILENT: Final = 50
"""Level above everything that the gateway says in a day."""
_COLUMN: Final = {
    Fault.LOST: "lost",
    Fault.UNANSWERED: "lost",
    Fault.DOUBLED: "doubled",
}


def run(plan: Plan) -> Iterator[Row]:
    """Play days from the plan's seed on, one of them twice, and every mutant on the seeds that are known to find it."""
    with silence():
        if plan.wants(DAYS):
            seeds = range(plan.seed, plan.seed + plan.times(5, 200))
            yield days(seeds, Row(part=PART, what=DAYS, runs=len(seeds), seed=plan.seed))
        if plan.quick:
            return  # the rest is in tests of its own
        if plan.wants(REPLAYS):
            yield _replayed(plan)
        for name, mutant in MUTANTS.items():
            what = f"mutant: {name}"
            if plan.wants(what):
                seeds_of = mutant.seeds[: plan.times(1, len(mutant.seeds))]
                row = Row(part=PART, what=what, runs=len(seeds_of), seed=seeds_of[0])
                yield days(seeds_of, replace(row, expected=CAUGHT), mutant.wiring)


def days(seeds: Sequence[int], row: Row, wiring: Wiring | None = None) -> Row:
    """Play several days and add up what was wrong with them."""
    began = process_time()
    counted: Counter[str] = Counter()
    caught, note = 0, ""
    for seed in seeds:
        found = verdicts(play(seed, wiring))
        counted.update(_COLUMN.get(verdict.fault, "other") for verdict in found)
        caught += bool(found)
        note = note or (f"seed {seed}: {_told(found)}" if found else "")
    return replace(
        row,
        lost=counted["lost"],
        doubled=counted["doubled"],
        other=counted["other"],
        caught=caught,
        seconds=process_time() - began,
        note=note,
    )


def _told(found: Sequence[Verdict]) -> str:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}"


def _replayed(plan: Plan) -> Row:
    """Play one day twice: a seed that cannot be replayed exactly is worth nothing."""
    began = process_time()
    runs = plan.times(1, 5)
    differ = [
        seed
        for seed in range(plan.seed, plan.seed + runs)
        if play(seed).digest != play(seed).digest
    ]
    return Row(
        part=PART,
        what=REPLAYS,
        runs=runs,
        other=len(differ),
        seed=plan.seed,
        seconds=process_time() - began,
        note=f"seeds {differ} go differently" if differ else "",
    )


@contextmanager
def silence() -> Iterator[None]:
    """Let the gateway say nothing: thousands of lines about faults that were drawn."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(SILENT))
    try:
        yield
    finally:
        structlog.configure(**before)
