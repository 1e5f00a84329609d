"""A full disk: what may not wait is stored, what asks for more is refused, and all comes back by itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.database.ballast import ENDING, MIB, RENEW_S, Ballast
from gateway.domain.errors import StoreError
from gateway.domain.points import Step
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.intent_samples import EVENT
from tests.pipeline_story import UTILITY, House, cancelled, level, modified, opened
from tests.store_processes import ROOT, url
from tests.store_samples import AZP, timer

SIZE = 4 * MIB


def ballast(folder: Path, size: int = SIZE) -> Ballast:
    made = Ballast(folder / "s.db", size)
    made.hold()
    return made


def test_the_ballast_is_blocks_and_not_a_hole(tmp_path: Path) -> None:
    made = ballast(tmp_path)
    found = (tmp_path / f"s.db{ENDING}").stat()

    assert not made.scarce
    assert found.st_size == SIZE
    assert found.st_blocks * 512 >= SIZE
    assert found.st_mode & 0o077 == 0


def test_it_is_given_up_at_once_and_taken_back_after_a_while(tmp_path: Path) -> None:
    made = ballast(tmp_path)

    seen = []
    made.give_up(100.0)
    assert os.listdir(tmp_path) == []
    for wait in (0.0, RENEW_S / 2, RENEW_S):
        made.look(100.0 + wait)
        seen.append(made.scarce)

    assert seen == [True, True, False]
    assert (tmp_path / f"s.db{ENDING}").stat().st_size == SIZE


def test_without_room_for_it_space_is_scarce_from_the_start_and_nothing_is_left_behind(
    tmp_path: Path,
) -> None:
    made = ballast(tmp_path, shutil.disk_usage(tmp_path).total * 2)

    assert made.scarce
    assert os.listdir(tmp_path) == []


def test_a_size_of_nothing_holds_nothing_and_is_never_scarce(tmp_path: Path) -> None:
    made = ballast(tmp_path, 0)
    made.give_up(1.0)

    assert not made.scarce
    assert os.listdir(tmp_path) == []


def limited(pages: int) -> Callable[[SqliteStore], object]:
    return lambda store: store.database.write(
        lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar(),
        Step.OPENING,
    )


async def filled(store: SqliteStore) -> None:
    """Let the disk be full for one write."""
    held = await store.database.write(
        lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    )
    await limited(held + 2)(store)  # type: ignore[misc]  # an awaitable
    with pytest.raises(StoreError, match="FULL"):
        await store.write(lambda work: work.sessions.put(AZP, b"x" * 100_000))
    await limited(1 << 30)(store)  # type: ignore[misc]  # an awaitable


@pytest.mark.parametrize("step", [Step.INTAKE, Step.TELEMETRY, Step.HEAD, Step.OTHER])
async def test_what_asks_for_more_is_refused_while_space_is_scarce(
    step: Step, tmp_path: Path
) -> None:
    async with await open_store(url(tmp_path / "s.db"), ids=CountedIds()) as store:
        await store.database.hold(SIZE)
        await filled(store)

        with pytest.raises(StoreError, match="FULL"):
            await store.write(lambda work: work.timers.set(timer("no")), step)
        await store.write(lambda work: work.timers.set(timer("yes")), Step.ACK)

        assert await store.read(lambda work: work.timers.next_due()) is not None


async def test_without_a_ballast_a_full_disk_refuses_only_what_does_not_fit(tmp_path: Path) -> None:
    async with await open_store(url(tmp_path / "s.db"), ids=CountedIds()) as store:
        await filled(store)

        await store.write(lambda work: work.timers.set(timer("yes")), Step.TELEMETRY)

        assert await store.read(lambda work: work.timers.next_due()) is not None


async def test_a_cancellation_and_an_answer_are_stored_on_a_full_disk(tmp_path: Path) -> None:
    """Kills: a gateway that can start an event on its last bytes and not end it."""
    async with await open_store(url(tmp_path / "s.db"), ids=CountedIds()) as store:
        house = await opened(House(store=store))
        await house.deliver(EVENT)
        await store.database.hold(SIZE)
        await filled(store)

        await house.ack()
        await house.commit()
        with pytest.raises(StoreError, match="FULL"):
            await house.meter(house.now, 1, level(100))
        with pytest.raises(StoreError, match="FULL"):
            await house.deliver(modified(EVENT, by=house, priority=2))
        await house.deliver(cancelled(EVENT, house.now))

        assert (await house.record()).intent.cancelled_at is not None
        assert await store.read(lambda work: work.sessions.state(UTILITY)) == b"{}"


def mounted(script: str) -> subprocess.CompletedProcess[str]:
    """Run a child on a file system of its own of 3 MiB; skip where that is not allowed."""
    command = 'mount -t tmpfs -o size=3m none "$0" && exec "$1" -m tests.full_disk_child "$0/s.db"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, script, sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_on_a_small_file_system_it_is_as_on_a_full_disk(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    ran = mounted(str(tmp_path))
    if "begin" not in ran.stdout:
        pytest.skip(f"no file system may be mounted here: {ran.stderr[-120:]}")

    assert ran.stdout.splitlines() == [
        "begin",
        "full FULL",
        "telemetry FULL",
        "acks 40",
        "again stored",
        "scarce False",
        "kept 40",
    ], ran.stderr
