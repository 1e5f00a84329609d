"""What was acknowledged is there after a crash, and nothing is there by halves."""

import asyncio
import os
import re
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance.faults.syscalls import Flushed, Said, Wrote, missing, traced
from gateway.database.database import Options
from gateway.database.engine import READER, WRITER, driver, engine_for, verify
from gateway.database.writer import Limits
from gateway.domain.errors import SessionError, StoreError
from gateway.pipeline.ports import Work
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.store_processes import child, url
from tests.store_samples import AZP, NOW, PHX, item, timer


async def opened(path: Path, options: Options | None = None) -> SqliteStore:
    return await open_store(url(path), ids=CountedIds(), options=options)


async def stored_keys(path: Path) -> set[str]:
    async with await opened(path) as store:
        return {one.key for one in await store.read(lambda work: work.timers.due(NOW, 10_000))}


def set_timer(key: str) -> Callable[[Work], None]:
    return lambda work: work.timers.set(timer(key))


@dataclass
class Gate:
    """Holds the writer's thread at a named point until it is let through."""

    point: str
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    armed: bool = False

    def __call__(self, point: str) -> None:
        if point.endswith(f".{self.point}") and self.armed:
            self.armed = False
            self.reached.set()
            assert self.opened.wait(10)

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 10)


# --- crashes


@pytest.mark.slow
@pytest.mark.parametrize("point", ["begun", "ran", "committed", "told"])
async def test_a_kill_loses_nothing_acknowledged_and_leaves_no_half(
    point: str, tmp_path: Path
) -> None:
    killed = child("write", str(tmp_path / "s.db"), point, "7")
    acked = {line.removeprefix("ack ") for line in killed.stdout.splitlines()}

    assert killed.returncode == -9, killed.stderr
    assert acked
    keys = await stored_keys(tmp_path / "s.db")
    assert {f"a:{key}" for key in acked} <= keys
    assert {key[2:] for key in keys if key[0] == "a"} == {key[2:] for key in keys if key[0] == "b"}


@pytest.mark.slow
async def test_the_kill_points_catch_a_writer_that_answers_before_the_commit(
    tmp_path: Path,
) -> None:
    killed = child("write", str(tmp_path / "s.db"), "ran", "7", "early")
    acked = {line.removeprefix("ack ") for line in killed.stdout.splitlines()}

    assert killed.returncode == -9, killed.stderr
    assert not {f"a:{key}" for key in acked} <= await stored_keys(tmp_path / "s.db")


def unflushed_answers(path: Path, synchronous: str) -> int:
    """Count the acknowledgements during which something written to the log had not been flushed."""
    if why := missing():
        pytest.skip(why)
    command = [sys.executable, "-m", "tests.store_child", "commits", str(path), synchronous]
    ran = traced(command, path.parent, path.with_suffix(".trace"))
    assert "end" in ran.said, ran.errors
    log = f"{path.name}-wal"
    dirty = found = 0
    for call in ran.calls:
        if isinstance(call, Wrote) and call.name == log:
            dirty = 1
        elif isinstance(call, Flushed) and call.name == log:
            dirty = 0
        elif isinstance(call, Said) and call.text.startswith("ack"):
            found += dirty
    return found


@pytest.mark.slow
def test_every_acknowledgement_is_preceded_by_a_flush(tmp_path: Path) -> None:
    full = unflushed_answers(tmp_path / "full.db", "2")
    normal = unflushed_answers(tmp_path / "normal.db", "1")

    assert full == 0
    assert normal == 20, "the check must see a writer that does not flush"


@pytest.mark.slow
async def test_a_failed_flush_is_final_until_a_restart(tmp_path: Path) -> None:
    starved = child("starve", str(tmp_path / "s.db"))

    assert starved.stdout.splitlines() == ["lost FLUSH_FAILED", "refused FLUSH_FAILED", "read 1"]
    assert await stored_keys(tmp_path / "s.db") == {"a:kept"}


# --- pragmas


@pytest.mark.parametrize("pragmas", [WRITER, READER])
def test_a_connection_carries_its_pragmas(pragmas: dict[str, str | int], tmp_path: Path) -> None:
    engine_for(tmp_path / "s.db", WRITER, "BEGIN").connect().close()
    with engine_for(tmp_path / "s.db", pragmas, "BEGIN").connect() as connection:
        raw = driver(connection)

        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)
        assert raw.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert raw.execute("PRAGMA busy_timeout").fetchone() == (5000,)
        assert raw.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("synchronous", "NORMAL"),
        ("synchronous", "OFF"),
        ("journal_mode", "DELETE"),
        ("foreign_keys", "0"),
        ("wal_autocheckpoint", "1000"),
        ("query_only", "1"),
    ],
)
def test_a_connection_with_other_pragmas_is_refused(name: str, value: str, tmp_path: Path) -> None:
    with engine_for(tmp_path / "s.db", WRITER, "BEGIN").connect() as connection:
        driver(connection).execute(f"PRAGMA {name}={value}").fetchall()

        with pytest.raises(StoreError, match=rf"UNSAFE_PRAGMA.*{name}"):
            verify(driver(connection), WRITER)


def test_a_file_that_cannot_have_a_write_ahead_log_is_refused() -> None:
    connection = sqlite3.connect(":memory:")

    with pytest.raises(StoreError, match="journal_mode is memory and must be wal"):
        verify(connection, {"journal_mode": "wal"})
    connection.close()


# --- one writer


async def test_a_second_opener_is_locked_out_and_told_by_whom(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with await opened(path):
        with pytest.raises(StoreError, match="LOCKED"):
            await opened(path)

    async with await opened(path) as store:
        assert store.identity.epoch == 1


@pytest.mark.slow
async def test_a_second_process_is_locked_out_and_told_by_whom(tmp_path: Path) -> None:
    async with await opened(tmp_path / "s.db"):
        said = await asyncio.to_thread(child, "open", str(tmp_path / "s.db"))
    after = await asyncio.to_thread(child, "open", str(tmp_path / "s.db"))

    reason, detail = said.stdout.splitlines()
    assert reason == "LOCKED"
    assert re.search(r"process \d+ has the store open", detail)
    assert after.stdout.split() == ["opened"]


async def test_jobs_that_wait_share_one_commit_and_a_failing_one_fails_alone(
    tmp_path: Path,
) -> None:
    gate = Gate("ran")

    def failing(work: Work) -> None:
        work.timers.set(timer("half"))
        raise SessionError("TOO_LATE", "only this one")

    async with await opened(tmp_path / "s.db", Options(at=gate)) as store:
        gate.armed = True
        first = asyncio.ensure_future(store.write(set_timer("first")))
        await gate.wait()
        before = store.database.writer.commits
        jobs = [store.write(failing if i == 25 else set_timer(f"t{i}")) for i in range(50)]
        waiting = asyncio.gather(*jobs, return_exceptions=True)
        while store.database.writer.waiting < 50:
            await asyncio.to_thread(lambda: None)
        gate.opened.set()
        results = await waiting
        await first

        assert store.database.writer.commits == before + 2
        assert [i for i, result in enumerate(results) if result is not None] == [25]
        assert isinstance(results[25], SessionError)
        due = await store.read(lambda work: work.timers.due(NOW, 1000))
    assert {one.key for one in due} == {"first"} | {f"t{i}" for i in range(50) if i != 25}


async def test_a_broken_rule_of_the_schema_hurts_its_own_job_only(tmp_path: Path) -> None:
    async with await opened(tmp_path / "s.db") as store:
        await store.write(lambda work: work.outbox.add(item(1)))
        same = store.write(lambda work: work.outbox.add(item(1)))
        other = store.write(set_timer("t"))

        results = await asyncio.gather(same, other, return_exceptions=True)

        assert isinstance(results[0], StoreError)
        assert results[0].reason == "CONSTRAINT"
        assert results[1] is None
        assert await store.read(lambda work: work.timers.next_due()) == NOW


async def test_a_cancelled_caller_does_not_cancel_its_job(tmp_path: Path) -> None:
    gate = Gate("ran")
    async with await opened(tmp_path / "s.db", Options(at=gate)) as store:
        gate.armed = True
        running = asyncio.ensure_future(store.write(set_timer("running")))
        await gate.wait()
        queued = asyncio.ensure_future(store.write(set_timer("queued")))
        await asyncio.to_thread(lambda: None)

        running.cancel()
        queued.cancel()
        results = await asyncio.gather(running, queued, return_exceptions=True)
        gate.opened.set()
        await store.write(set_timer("after"))

        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        due = await store.read(lambda work: work.timers.due(NOW))
    assert [one.key for one in due] == ["after", "queued", "running"]


async def test_a_disk_that_takes_too_long_leaves_the_outcome_unknown_and_the_job_running(
    tmp_path: Path,
) -> None:
    """Kills: a caller that waits for ever, and one that takes silence for "not done"."""
    gate = Gate("ran")
    options = Options(at=gate, limits=Limits(patience_s=0.05))
    async with await opened(tmp_path / "s.db", options) as store:
        gate.armed = True
        with pytest.raises(StoreError, match="UNKNOWN_OUTCOME"):
            await store.write(set_timer("slow"))
        gate.opened.set()
        await store.write(set_timer("after"))

        due = await store.read(lambda work: work.timers.due(NOW))
    assert [one.key for one in due] == ["after", "slow"]


async def test_too_many_waiting_writes_are_refused_at_once(tmp_path: Path) -> None:
    gate = Gate("begun")
    options = Options(at=gate, limits=Limits(waiting=3))
    async with await opened(tmp_path / "s.db", options) as store:
        gate.armed = True
        first = asyncio.ensure_future(store.write(set_timer("first")))
        await gate.wait()
        waiting = [asyncio.ensure_future(store.write(set_timer(f"t{i}"))) for i in range(3)]
        while store.database.writer.waiting < 3:
            await asyncio.to_thread(lambda: None)

        with pytest.raises(StoreError, match="BUSY"):
            await store.write(set_timer("one too many"))

        gate.opened.set()
        await asyncio.gather(first, *waiting)
        await store.write(set_timer("welcome again"))


async def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    def limit(pages: int) -> Callable[[SqliteStore], object]:
        return lambda store: store.database.write(
            lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()
        )

    async with await opened(tmp_path / "s.db") as store:
        await store.write(set_timer("before"))
        held = await store.database.write(
            lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        )
        await limit(held + 2)(store)  # type: ignore[misc]  # an awaitable

        with pytest.raises(StoreError, match="FULL"):
            await store.write(lambda work: work.sessions.put(AZP, b"x" * 100_000))
        assert await store.read(lambda work: work.sessions.state(AZP)) is None
        assert await store.read(lambda work: work.timers.next_due()) == NOW

        await limit(1 << 30)(store)  # type: ignore[misc]  # an awaitable
        await store.write(lambda work: work.sessions.put(AZP, b"x" * 100_000))
        assert await store.read(lambda work: work.sessions.state(AZP)) == b"x" * 100_000


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = await opened(tmp_path / "s.db")
    await store.close()
    await store.close()

    with pytest.raises(StoreError, match="CLOSED"):
        await store.write(set_timer("t"))
    with pytest.raises(StoreError, match="CLOSED"):
        await store.read(lambda work: work.timers.next_due())


async def test_closing_finishes_what_waits_and_leaves_one_file(tmp_path: Path) -> None:
    store = await opened(tmp_path / "s.db")
    waiting = [asyncio.ensure_future(store.write(set_timer(f"t{i}"))) for i in range(20)]
    await asyncio.to_thread(lambda: None)
    await store.close()
    await asyncio.gather(*waiting)

    assert set(os.listdir(tmp_path)) == {"s.db", "s.db.lock"}
    assert len(await stored_keys(tmp_path / "s.db")) == 20


async def test_the_log_is_copied_into_the_file_while_the_store_is_busy(tmp_path: Path) -> None:
    async with await opened(tmp_path / "s.db") as store:
        for i in range(30):
            await store.write(
                lambda work, i=i: [work.timers.set(timer(f"k:{i}-{j}")) for j in range(300)]  # type: ignore[misc]  # bound now
            )
        log = (tmp_path / "s.db-wal").stat().st_size

    # Some 0.7 MB; 2.5 MB when nothing is copied before the end.
    assert log < 1_500_000


# --- opening


async def test_a_store_in_memory_leaves_nothing_behind() -> None:
    store = await open_store("sqlite://", ids=CountedIds())
    folder = store.database.path.parent
    await store.write(set_timer("t"))
    assert folder.exists()
    await store.close()

    assert not folder.exists()


@pytest.mark.parametrize("bad", ["postgres://x", "sqlite:///", "s.db", ""])
async def test_an_unknown_url_is_refused(bad: str) -> None:
    with pytest.raises(StoreError, match="UNKNOWN_URL"):
        await open_store(bad, ids=CountedIds())


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"CANNOT_OPEN: there is no folder"):
        await opened(tmp_path / "no" / "s.db")


async def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"not a database, but long enough to look like something" * 100)
    before = path.read_bytes()

    with pytest.raises(StoreError, match="CORRUPT"):
        await opened(path)

    assert path.read_bytes() == before
    path.unlink()
    await (await opened(path)).close()


def fill(work: Work) -> None:
    for _ in range(200):
        work.outbox.add(item(work.outbox.next_sequence(PHX)))


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with await opened(path) as store:
        await store.write(fill)
    content = bytearray(path.read_bytes())
    middle = len(content) // 4096 // 2 * 4096
    content[middle : middle + 2048] = b"\xee" * 2048
    path.write_bytes(bytes(content))

    with pytest.raises(StoreError, match="CORRUPT"):
        await opened(path)


async def test_identity_survives_a_restart_and_the_epoch_only_rises(tmp_path: Path) -> None:
    async with await opened(tmp_path / "s.db") as store:
        first = store.identity
        assert (await store.raise_epoch()).epoch == 2
        assert (await store.raise_epoch(above=9)).epoch == 10
        assert (await store.raise_epoch(above=3)).epoch == 11

    async with await open_store(url(tmp_path / "s.db"), ids=CountedIds(drawn=50)) as store:
        assert store.identity.store_id == first.store_id
        assert store.identity.epoch == 11
