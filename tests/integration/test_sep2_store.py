"""The store of the 2030.5 server: many rows at a time, each address once, damage told where it is."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import StoreError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.shelf import Shelf
from gateway.servers.sep2.desk import Sep2Desk
from gateway.servers.sep2.sql import SqlStore
from tests.fakes import CountedIds

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def status(number: int, at: int = 0) -> Kept:
    href = f"/status/{number}"
    value = sep.DERStatus(href=href, reading_time=1_800_000_000 + at)
    return Kept(href=href, kind=sep.DERStatus, scope="A" * 40, value=value, at=NOW)


async def kept(path: Path) -> dict[str, Kept]:
    store = SqlStore(path)
    try:
        shelf = Shelf()
        for row in (await store.load()).packed:
            shelf.lay(row)
        return dict(shelf)
    finally:
        await store.close()


@pytest.mark.parametrize("count", [1, 2, 17, 300])
async def test_rows_of_any_number_are_kept_changed_and_removed(tmp_path: Path, count: int) -> None:
    store = SqlStore(tmp_path / "u.db")
    made, changed, gone = (Turn(at=NOW) for _ in range(3))
    for number in range(count):
        made.keep(status(number))
        made.members["/list", f"/status/{number}"] = True
        changed.keep(status(number, at=1))
        gone.kept[f"/status/{number}"] = None
        gone.members["/list", f"/status/{number}"] = False
    await store.save([made])
    await store.save([changed])
    await store.close()
    found = await kept(tmp_path / "u.db")
    assert found == {f"/status/{number}": status(number, at=1) for number in range(count)}
    assert list(found) == list(made.kept), "in the order in which they came"
    store = SqlStore(tmp_path / "u.db")
    assert len((await store.load()).members) == count
    await store.save([gone])
    loaded = await store.load()
    assert (loaded.packed, loaded.members) == ([], [])
    await store.close()


async def test_turns_of_one_batch_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db")
    await store.save([Turn(at=NOW, kept={"/status/1": status(1)})])
    bad = replace(status(3), scope=None)  # type: ignore[arg-type] # what no column takes
    turn = Turn(at=NOW, kept={"/status/1": None, "/status/2": status(2), "/status/3": bad})
    with pytest.raises(StoreError, match="SEP2_STORE"):
        await store.save([turn])
    await store.close()
    assert list(await kept(tmp_path / "u.db")) == ["/status/1"]


async def test_one_damaged_document_is_told_as_such_and_harms_no_other(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db")
    await store.save([Turn(at=NOW, kept={one.href: one for one in map(status, range(3))})])
    await store.close()
    with closing(sqlite3.connect(tmp_path / "u.db")) as file:
        file.execute("UPDATE sep2_kept SET body = ? WHERE href = '/status/1'", (b"<x",))
        file.commit()
    store, shelf = SqlStore(tmp_path / "u.db"), Shelf()
    for row in (await store.load()).packed:
        shelf.lay(row)
    await store.close()
    assert shelf["/status/2"] == status(2)
    with pytest.raises(StoreError, match="/status/1"):
        shelf["/status/1"]


async def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "u.db").write_bytes(b"not a database, but long enough to be read as one" * 90)
    store = SqlStore(tmp_path / "u.db")
    with pytest.raises(StoreError, match="SEP2_STORE"):
        await store.load()
    await store.close()


class Slow:
    """A store that writes when it is told to, and notes what it was given at once."""

    def __init__(self) -> None:
        self.given: list[int] = []
        self.writing: asyncio.Future[None] | None = None

    def save(self, turns: Sequence[Turn]) -> asyncio.Future[None]:
        assert self.writing is None or self.writing.done(), "one at a time"
        self.given.append(len(turns))
        self.writing = asyncio.get_running_loop().create_future()
        return self.writing


def door(number: int) -> Callable[[datetime], Turn]:
    return lambda now: Turn(at=now, kept={f"/status/{number}": status(number)})


async def test_a_turn_is_on_its_way_at_once_and_those_after_it_go_together() -> None:
    store = Slow()
    desk = Sep2Desk(Sep2Server(ServerOptions(), CountedIds()), store, VirtualClock(NOW, print))  # type: ignore[arg-type] # all that is asked
    stored: list[str] = []
    desk.after = lambda turn: stored.extend(turn.kept)
    first = asyncio.ensure_future(desk.open(door(0)))
    others = [asyncio.ensure_future(desk.open(door(number))) for number in range(1, 4)]
    await asyncio.sleep(0)  # noqa: TID251 - one round of the loop
    assert store.given == [1], "before the loop had another round"
    others[0].cancel()
    assert store.writing is not None
    store.writing.set_result(None)
    assert (await first).kept
    assert store.given == [1, 3]
    store.writing.set_result(None)
    await asyncio.gather(*others[1:])
    assert stored == [f"/status/{number}" for number in range(4)], "also what nobody waits for"


async def test_after_a_failure_nobody_is_promised_anything() -> None:
    store = Slow()
    desk = Sep2Desk(Sep2Server(ServerOptions(), CountedIds()), store, VirtualClock(NOW, print))  # type: ignore[arg-type] # all that is asked
    turns = [asyncio.ensure_future(desk.open(door(number))) for number in range(3)]
    await asyncio.sleep(0)  # noqa: TID251 - one round of the loop
    assert store.writing is not None
    store.writing.set_exception(StoreError("SEP2_STORE", "the disk is gone"))
    told = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(one) for one in told] == [StoreError] * 3
    assert store.given == [1]
    with pytest.raises(StoreError):
        await desk.open(door(4))
