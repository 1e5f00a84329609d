"""The utility of a bench: the command ``gridgate-conformance serve vtn2b`` itself, as a process that is looked at."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from gateway.domain.errors import MisuseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The utility as a process."""

    pid: int
    url: str
    admin: str
    token: str
    started_s: float

    @property
    def kib(self) -> int:
        """Return resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise MisuseError("BENCH", "the utility has ended")

    @property
    def cpu_s(self) -> float:
        """Return processor time so far, user and system, all threads."""
        parts = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(schedule: Path) -> AsyncIterator[Served]:
    """Play the utility of a schedule; it ends by SIGKILL, as in a power loss of the process."""
    async with played("vtn2b", "--admin-port", "0", "--schedule", str(schedule)) as found:
        yield found


@asynccontextmanager
async def played(*arguments: str) -> AsyncIterator[Served]:
    """Run ``gridgate-conformance serve`` with some arguments; it ends by SIGKILL."""
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.cli.main", "serve", *arguments),
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    stdout = process.stdout
    if stdout is None:
        raise MisuseError("BENCH", "a child without its stdout")
    told = json.loads(await stdout.readline())
    reading = asyncio.create_task(_drained(stdout))
    try:
        yield Served(
            pid=process.pid,
            url=told["url"],
            admin=told["admin"],
            token=told["token"],
            started_s=perf_counter() - began,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
        await reading


async def _drained(stdout: asyncio.StreamReader) -> None:
    while await stdout.read(1 << 16):
        pass


async def each(
    items: Iterable[Any], work: Callable[[Any], Awaitable[Any]], at_once: int
) -> list[Any]:
    """Do something with every item, some at a time; return the results in order."""
    wanted = list(items)
    found: list[Any] = [None] * len(wanted)
    left = iter(enumerate(wanted))

    async def worker() -> None:
        for place, item in left:
            found[place] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return found
