"""A backup is proven before anybody relies on it; a restored store never speaks with an old voice."""

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.database.backup import put_in_place
from gateway.domain.errors import StoreError
from gateway.domain.identity import STEP, next_revision, revision
from gateway.pipeline.ports import Work
from gateway.store.backup import back_up, check_backup, restore
from gateway.store.open import SCHEMA, open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.store_processes import url
from tests.store_samples import NOW, PHX, item, record, timer


async def opened(path: Path) -> SqliteStore:
    return await open_store(url(path), ids=CountedIds())


def deliver(work: Work) -> None:
    work.intents.put(record())
    work.outbox.add(item(work.outbox.next_sequence(PHX)))


@pytest.fixture
async def backup(tmp_path: Path) -> Path:
    """A store with one delivery, backed up, and a second delivery after that."""
    async with await opened(tmp_path / "s.db") as store:
        await store.write(deliver)
        await back_up(store, tmp_path / "copy.db")
        await store.write(lambda work: work.outbox.add(item(work.outbox.next_sequence(PHX), n=2)))
    return tmp_path / "copy.db"


async def test_a_backup_is_one_private_file_with_its_digest(backup: Path) -> None:
    found = check_backup(backup)

    assert found.identity.epoch == 1
    assert found.version == SCHEMA.head
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600
    assert sorted(name for name in os.listdir(backup.parent) if "copy" in name) == [
        "copy.db",
        "copy.db.sha256",
    ]
    proof = await asyncio.to_thread((backup.parent / "copy.db.sha256").read_text)
    assert proof == f"{found.sha256}  copy.db\n"


async def test_writing_goes_on_while_a_backup_is_made(tmp_path: Path) -> None:
    async with await opened(tmp_path / "s.db") as store:
        await store.write(lambda work: work.sessions.put("azp", b"x" * 5_000_000))  # type: ignore[arg-type]  # a name
        making = asyncio.ensure_future(back_up(store, tmp_path / "copy.db"))
        for i in range(50):
            await store.write(lambda work, i=i: work.timers.set(timer(f"k:{i}")))  # type: ignore[misc]  # bound now
        found = await making

    assert found.identity == check_backup(tmp_path / "copy.db").identity


async def test_a_backup_never_overwrites(backup: Path) -> None:
    async with await opened(backup.parent / "s.db") as store:
        with pytest.raises(StoreError, match=r"CANNOT_OPEN: .*exists"):
            await back_up(store, backup)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


async def test_a_changed_backup_is_refused(backup: Path) -> None:
    flip_a_bit(backup)

    with pytest.raises(StoreError, match=r"CORRUPT: .*does not fit its digest"):
        check_backup(backup)
    with pytest.raises(StoreError, match="CORRUPT"):
        restore(backup, url(backup.parent / "s.db"))
    async with await opened(backup.parent / "s.db") as store:
        assert await store.read(lambda work: work.outbox.newest_sequence(PHX)) == 2


async def test_a_backup_without_its_digest_is_refused(backup: Path) -> None:
    backup.with_name("copy.db.sha256").unlink()

    with pytest.raises(StoreError, match="BACKUP_UNPROVEN"):
        check_backup(backup)
    with pytest.raises(StoreError, match="CANNOT_OPEN"):
        check_backup(backup.with_name("none.db"))


async def test_after_a_restore_everything_new_is_above_everything_old(backup: Path) -> None:
    path = backup.parent / "s.db"

    done = restore(backup, url(path))

    assert done.identity.epoch == 2
    async with await opened(path) as store:
        assert store.identity == done.identity
        assert await store.read(lambda work: work.outbox.newest_sequence(PHX)) == 1
        # The site's cursor stands at 2, given out after the backup: what comes now lies beyond it.
        assert await store.write(lambda work: work.outbox.next_sequence(PHX)) == STEP + 1
        known = await store.read(lambda work: work.intents.get("intent-1"))  # type: ignore[arg-type]  # a name
        assert known is not None
        following = next_revision(store.identity.epoch, known.intent.revision)
        assert following == revision(2, 1)
        assert following > revision(1, STEP - 1)


async def test_the_replaced_store_is_kept(backup: Path) -> None:
    path = backup.parent / "s.db"

    first = restore(backup, url(path))
    second = restore(backup, url(path))

    assert first.replaced == path.with_name("s.db.replaced-1")
    assert second.replaced == path.with_name("s.db.replaced-2")
    old = sqlite3.connect(first.replaced)
    assert old.execute("SELECT count(*) FROM outbox").fetchone() == (2,)
    old.close()


async def test_the_same_backup_restored_twice_gets_two_epochs(backup: Path) -> None:
    path = backup.parent / "s.db"

    assert restore(backup, url(path)).identity.epoch == 2
    assert restore(backup, url(path)).identity.epoch == 3
    assert restore(backup, url(path), above=7).identity.epoch == 8


async def test_a_lost_or_damaged_store_is_restored(backup: Path) -> None:
    path = backup.parent / "s.db"
    path.write_bytes(b"\x00" * 8192)

    done = restore(backup, url(path), above=4)
    elsewhere = restore(backup, url(backup.parent / "new.db"))

    assert done.identity.epoch == 5
    assert elsewhere.replaced is None
    async with await opened(path) as store:
        assert await store.read(lambda work: work.timers.next_due()) is None


async def test_a_left_over_log_is_not_copied_into_the_restored_store(backup: Path) -> None:
    path = backup.parent / "s.db"
    store = await opened(path)
    await store.write(lambda work: work.timers.set(timer()))
    log = path.with_name("s.db-wal").read_bytes()
    await store.close()
    path.with_name("s.db-wal").write_bytes(log)  # as after a crash

    aside = put_in_place(backup, path, lambda _: None)

    async with await opened(path) as store:
        assert await store.read(lambda work: work.timers.due(NOW)) == ()
    assert aside is not None
    async with await opened(aside) as store:
        assert await store.read(lambda work: work.timers.due(NOW)) == (timer(),)


async def test_a_running_store_is_not_restored_over(backup: Path) -> None:
    path = backup.parent / "s.db"
    async with await opened(path):
        with pytest.raises(StoreError, match="LOCKED"):
            restore(backup, url(path))


async def test_an_interrupted_restore_keeps_the_store_closed_until_it_is_done(backup: Path) -> None:
    path = backup.parent / "s.db"
    path.with_name("s.db.restoring").write_bytes(b"half")

    with pytest.raises(StoreError, match="RESTORE_UNFINISHED"):
        await opened(path)
    restore(backup, url(path))
    await (await opened(path)).close()


def test_a_store_in_memory_cannot_be_restored(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="UNKNOWN_URL"):
        restore(tmp_path / "x.db", "sqlite://")
