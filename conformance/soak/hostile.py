"""Part: every hostile utility and every hostile site before one gateway; its memory and its loop hold."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from time import perf_counter
from typing import Final

from conformance.bench.hostile import LONGEST_BLOCK_MS, MOST_GROWTH_MIB, Cost, costs
from conformance.soak.row import Plan, Row

PART: Final = "hostile"
QUICK: Final = ("black_hole", "body_2_gib", "gzip_bomb", "xml_attributes", "body_many_keys")
"""Rows of the slice that the test suite runs."""


def run(plan: Plan) -> Iterator[Row]:
    """Let each of them at the gateway; a row is bad when a limit is broken, or when nothing happened."""

    def wanted(name: str) -> bool:
        return plan.wants(name) and (not plan.quick or name in QUICK)

    with asyncio.Runner() as runner:
        found = costs(plan.folder, wanted)
        try:
            while True:
                began = perf_counter()
                cost = runner.run(_next(found))
                if cost is None:
                    return
                yield _row(plan, cost, perf_counter() - began)
        finally:
            runner.run(found.aclose())


async def _next(found: AsyncGenerator[Cost, None]) -> Cost | None:
    return await anext(found, None)


def _row(plan: Plan, cost: Cost, seconds: float) -> Row:
    figures = f"memory +{cost.growth_mib:g} MiB, loop {cost.block_ms:g} ms"
    return Row(
        part=PART,
        what=cost.name,
        runs=cost.struck,
        other=int(not cost.good),
        seed=plan.seed,
        seconds=round(seconds, 2),
        note=f"{figures} (limits {MOST_GROWTH_MIB:g} MiB, {LONGEST_BLOCK_MS:g} ms)",
    )
