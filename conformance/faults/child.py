"""The main job in a process of its own, over a store that may be weakened, to be traced, starved or cut off.

    python -m conformance.faults.child PATH [--synchronous 1] [--careless] [--minutes 70] [--every 1]

Every line on its standard output is written by one call, before anybody acts on it: it stands for an answer that a
site, a utility or a reader has seen, and says as JSON what must never be missing from then on.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from conformance.faults.world import SITES, World
from gateway.app.ids import SeededIds
from gateway.database.database import Database, Options
from gateway.database.engine import WRITER, connected, engine_for
from gateway.database.writer import Limits, Writer
from gateway.domain.errors import StoreError
from gateway.pipeline.ports import Work
from gateway.settlement.merkle import leaf_hash
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore

CHECKPOINT_ROWS = 300


class Careless(Writer):
    """A mutant: goes on after a flush that failed, as if the next one could make it good."""

    def _refuse(self, error: StoreError) -> None:
        """Refuse nothing."""


@asynccontextmanager
async def opened(path: Path, synchronous: int, *, careless: bool) -> AsyncIterator[SqliteStore]:
    """Open the gateway's own store, or one that is not as careful."""
    limits = Limits(checkpoint_rows=CHECKPOINT_ROWS)
    ids = SeededIds(1, "store")
    async with AsyncExitStack() as stack:
        store = await open_store(f"sqlite:///{path}", ids=ids, options=Options(limits=limits))
        if synchronous == WRITER["synchronous"] and not careless:
            yield await stack.enter_async_context(store)
            return
        identity = store.identity
        await store.close()
        engine = engine_for(path, {**WRITER, "synchronous": synchronous}, "BEGIN IMMEDIATE")
        kind = Careless if careless else Writer
        database = Database(path, kind(lambda: connected(engine), limits=limits), ExitStack())
        await database.open()
        yield await stack.enter_async_context(SqliteStore(database, [identity]))


@dataclass
class Promises:
    """Says what may be relied on."""

    store: SqliteStore

    async def __call__(self, facts: Sequence[str]) -> None:
        """Say the facts, and everything else that a reader can see by now."""

        def job(work: Work) -> dict[str, object]:
            size = work.log.size()
            last = work.log.at([size - 1])[0].record if size else b""
            streams = {str(site): work.outbox.newest_sequence(site) for site in SITES}
            return {"size": size, "leaf": leaf_hash(last).hex() if size else "", **streams}

        seen = await self.store.read(job)
        os.write(1, f"{json.dumps({'facts': list(facts), **seen})}\n".encode())


async def _play(given: argparse.Namespace) -> None:
    async with opened(given.path, given.synchronous, careless=given.careless) as store:
        world = World(
            store=store,
            seed=given.seed,
            told=Promises(store),
            every=timedelta(minutes=given.every),
            lasts=timedelta(minutes=given.minutes),
        )
        try:
            await world.play()
        except StoreError as error:
            # Killed, as it were: what a close would still mend must hold without it.
            os.write(2, f"{error}\n".encode())
            os._exit(3)
    os.write(1, b"end\n")


def main() -> int:
    """Play; 3 when the store gave up, which says so on standard error."""
    parser = argparse.ArgumentParser(prog="python -m conformance.faults.child")
    parser.add_argument("path", type=Path)
    parser.add_argument("--synchronous", type=int, default=2)
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("--minutes", type=int, default=70)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(_play(parser.parse_args()))
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
