"""A store in a process of its own, to be killed at a named point, starved of disk, or locked out.

    python -m tests.store_child WORD PATH [ARGUMENT ...]

Every ``ack`` line stands for an answer that a utility has seen: what it names must never be lost.
"""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import Connection

from gateway.database.database import Options, open_database
from gateway.database.engine import WRITER, engine_for
from gateway.database.schema import Schema
from gateway.database.writer import Writer
from gateway.domain.errors import StoreError
from gateway.pipeline.ports import Work
from gateway.store.open import open_store
from tests.fakes import CountedIds
from tests.store_samples import NOW, timer


def say(line: str) -> None:
    """Print at once: one system call a line."""
    os.write(1, f"{line}\n".encode())


def url(path: str) -> str:
    """Return a store's url."""
    return f"sqlite:///{path}"


@dataclass
class Killer:
    """Ends the process without farewell when a point is reached for the n-th time."""

    point: str
    n: int
    answers_early: bool = False
    """A mutant: tells callers before the commit."""
    ran: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        phase = point.rpartition(".")[2]
        if phase == "ran" and self.answers_early:
            for key in self.ran:
                say(f"ack {key}")
        if phase == self.point:
            self.n -= 1
            if self.n == 0:
                os.kill(os.getpid(), signal.SIGKILL)


async def write_until_killed(path: str, point: str, n: str, early: str = "") -> None:
    """Write pairs of timers from eight tasks at once."""
    killer = Killer(point, int(n), bool(early))

    def pair(key: str) -> Callable[[Work], None]:
        def job(work: Work) -> None:
            work.timers.set(timer(f"a:{key}"))
            work.timers.set(timer(f"b:{key}"))
            killer.ran.append(key)

        return job

    store = await open_store(url(path), ids=CountedIds())
    await store.close()
    async with await open_store(url(path), ids=CountedIds(), options=Options(at=killer)) as store:

        async def work(task: int) -> None:
            for i in range(100):
                await store.write(pair(f"{task}-{i}"))
                if not early:
                    say(f"ack {task}-{i}")

        await asyncio.gather(*(work(task) for task in range(8)))


async def commit_one_by_one(path: str, synchronous: str) -> None:
    """Commit twenty rows, each acknowledged, with a setting of our choice: the mutant says 1 (NORMAL)."""
    pragmas = {**WRITER, "synchronous": int(synchronous)}
    writer = Writer(lambda: engine_for(Path(path), pragmas, "BEGIN IMMEDIATE").connect())
    await writer.open()
    await writer.run(lambda connection: _sql(connection, "CREATE TABLE t (a)"))
    say("begin")
    for i in range(20):
        await writer.run(lambda connection: _sql(connection, "INSERT INTO t VALUES (1)"))
        say(f"ack {i}")
    say("end")
    await writer.close()


def _sql(connection: Connection, text: str) -> None:
    connection.exec_driver_sql(text)


async def starve(path: str) -> None:
    """Let the disk fail in the middle of a commit, then work again."""
    async with await open_store(url(path), ids=CountedIds()) as store:
        await store.write(lambda work: work.timers.set(timer("a:kept")))
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        log_size = os.stat(f"{path}-wal").st_size
        # A write beyond this fails with EFBIG, which SQLite takes for a failing disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (log_size, unlimited[1]))
        for key in ("lost", "refused"):
            try:
                await store.write(lambda work: work.sessions.put("azp", b"x" * 100_000))  # type: ignore[arg-type]  # a name
                say(f"ack {key}")
            except StoreError as error:
                say(f"{key} {error.reason}")
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        due = await store.read(lambda work: work.timers.due(NOW))
        say(f"read {len(due)}")


async def try_to_open(path: str) -> None:
    """Open a store that somebody else holds."""
    try:
        async with await open_store(url(path), ids=CountedIds()):
            say("opened")
    except StoreError as error:
        say(error.reason)
        say(error.detail)


async def migrate(path: str, folder: str, head: str) -> None:
    """Migrate a file by the migrations of a folder."""
    schema = Schema(name="part", head=head, migrations=Path(folder))
    async with await open_database(url(path), (schema,)):
        say("migrated")


WORDS: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "write": write_until_killed,
    "commits": commit_one_by_one,
    "starve": starve,
    "open": try_to_open,
    "migrate": migrate,
}

if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(WORDS[sys.argv[1]](*sys.argv[2:]))
