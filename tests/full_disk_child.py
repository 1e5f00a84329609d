"""A store on a small file system: filled to the brim, used all the same, given room again.

python -m tests.full_disk_child PATH
"""

import asyncio
import os
import sys
from pathlib import Path

import structlog

from gateway.database.ballast import MIB
from gateway.domain.errors import StoreError
from gateway.domain.points import Step
from gateway.pipeline.ports import Work
from gateway.store.open import open_store
from tests.fakes import CountedIds
from tests.store_processes import url
from tests.store_samples import AZP, NOW, timer


async def fill(path: Path) -> None:
    """Go through it all, a line for each stage."""
    async with await open_store(url(path), ids=CountedIds()) as store:
        await store.database.hold(MIB)
        sys.stdout.write("begin\n")
        sand = path.with_name("sand")
        with sand.open("wb", buffering=0) as file:
            room = os.statvfs(path.parent)
            file.write(b"x" * (room.f_bavail * room.f_frsize - 40_000))

        async def tried(name: str, step: Step) -> None:
            try:
                await store.write(lambda work: work.sessions.put(AZP, name.encode() * 30_000), step)
                sys.stdout.write(f"{name} stored\n")
            except StoreError as error:
                sys.stdout.write(f"{name} {error.reason}\n")

        await tried("full", Step.INTAKE)
        await tried("telemetry", Step.TELEMETRY)
        stored = 0
        for number in range(40):
            await store.write(_setting(f"ack:{number}"), Step.ACK)
            stored += 1
        sys.stdout.write(f"acks {stored}\n")
        sand.unlink()
        while store.database.writer.scarce:
            await store.write(lambda work: None, Step.HEARTBEAT)
            await asyncio.to_thread(os.sched_yield)
        await tried("again", Step.INTAKE)
        sys.stdout.write(f"scarce {store.database.writer.scarce}\n")
        due = await store.read(lambda work: work.timers.due(NOW, 1000))
        sys.stdout.write(f"kept {len(due)}\n")


def _setting(key: str):  # type: ignore[no-untyped-def]  # a job
    def job(work: Work) -> None:
        work.timers.set(timer(key))

    return job


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(fill(Path(sys.argv[1])))
