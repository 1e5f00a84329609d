"""Part ``mutants``: each wrong gateway is caught by its check every time, and the right one passes the same check."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.mutants.registry import MUTANTS, RIGHT, Mutant
from conformance.soak.crash import be_quiet
from conformance.soak.row import CAUGHT, Plan, Row
from conformance.story.world import Making

PART: Final = "mutants"
_SHOWN: Final = 200


def run(plan: Plan) -> Iterator[Row]:
    """Run each wrong gateway through its check."""
    be_quiet()
    for name, mutant in MUTANTS.items():
        if not plan.wants(name):
            continue
        began = time.process_time()
        # The slice of the test suite leaves the right one out: each check has a test of its own for it.
        right = "" if plan.quick else _said(plan.folder, mutant, RIGHT)
        said = [_said(plan.folder, mutant, mutant.make) for _ in range(plan.times(1, 3))]
        caught = sum(mutant.finds in one for one in said)
        yield Row(
            part=PART,
            what=name,
            runs=len(said),
            caught=0 if right else caught,
            expected=CAUGHT,
            seed=plan.seed,
            seconds=time.process_time() - began,
            note=f"the right gateway too: {right}" if right else said[0][:_SHOWN],
        )


def _said(folder: Path, mutant: Mutant, make: Making) -> str:
    async def check() -> str:
        with tempfile.TemporaryDirectory(dir=folder) as room:
            return await mutant.check(Path(room), make)

    return asyncio.run(check())
