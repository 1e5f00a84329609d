"""What devices post of their meters: small, found again, and forgotten when its time has come."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.protocols.sep2.server.records import Posted, Turn
from gateway.protocols.sep2.server.usage import Meter
from gateway.servers.sep2.meters import Keeping
from gateway.servers.sep2.sql import SqlStore

NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)


def posted(number: int, at: datetime = NOW, device: int = 1) -> Posted:
    return Posted(
        mirror=f"{device:032X}",
        meter_reading=f"{7:032X}",
        lfdi=f"{device:040X}",
        start=1_800_000_000 + 300 * number,
        duration=300,
        local_id=-1,
        value=None if number == 3 else number,
        multiplier=3,
        uom=38,
        quality=None,
        at=at,
    )


def turn(*posts: Posted) -> Turn:
    return Turn(at=NOW, readings=list(posts))


async def numbers(store: SqlStore) -> list[int]:
    return [number for number, _ in await store.readings("", 0, 10_000)]


async def test_values_come_back_as_they_were_posted_in_order(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db")
    posts = [posted(number, device=number % 3) for number in range(400)]
    await store.save([turn(*posts[:150]), turn(*posts[150:])])
    found = await store.readings("", 0, 1000)
    assert [one for _, one in found] == posts
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    one = await store.readings(f"{1:040X}", found[9][0], 5)
    assert [each for _, each in one] == [each for each in posts[10:] if each.lfdi[-1] == "1"][:5]
    newest = await store.newest(
        Meter(lfdi=f"{2:040X}", mirror=f"{2:032X}", meter_reading=f"{7:032X}"), 4
    )
    assert newest == [posts[number] for number in (398, 395, 392, 389)]
    assert await store.newest(Meter(lfdi="", mirror="", meter_reading=""), 4) == []
    await store.close()


async def test_a_value_that_is_posted_again_keeps_its_number(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db")
    await store.save([turn(posted(1), posted(2))])
    again = replace(posted(1, NOW + DAY), value=99)
    await store.save([turn(again, posted(4), replace(posted(4), value=5))])
    found = await store.readings("", 0, 9)
    assert [one.value for _, one in found] == [99, 2, 5]
    assert found[0][1] == again
    await store.close()
    store = SqlStore(tmp_path / "u.db")
    assert await store.readings("", 0, 9) == found
    await store.close()


async def test_what_is_too_old_is_forgotten_a_little_at_a_time(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db", Keeping(days=10))
    await store.save([turn(*(posted(number) for number in range(500)))])
    # Posted again and again, and yet forgotten: it counts when it came first.
    await store.save([turn(posted(0, NOW + 9 * DAY))])
    await store.close()
    store = SqlStore(tmp_path / "u.db", Keeping(days=10))
    await store.save([turn(posted(1000, NOW + 10 * DAY))])
    assert len(await numbers(store)) == 501
    sizes = []
    for day in range(11, 21):
        await store.save([turn(posted(1000 + day, NOW + day * DAY))])
        sizes.append(len(await numbers(store)))
    assert sizes[:4] == [436, 371, 306, 241], "no write waits for a great removal"
    assert sizes[-1] == 10 + 1
    await store.close()


async def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "u.db", Keeping(days=1))
    await store.save([turn(*(posted(number) for number in range(5)))])
    before = await numbers(store)
    for day in (100, 200, 300):
        await store.save([turn(posted(day, NOW + day * DAY))])
        await store.close()
        store = SqlStore(tmp_path / "u.db", Keeping(days=1))
        after = await numbers(store)
        assert min(after) > max(before)
        assert len(after) == 1
        before = after
    await store.close()


async def test_however_quickly_they_come_there_are_no_more_than_there_may_be(
    tmp_path: Path,
) -> None:
    store = SqlStore(tmp_path / "u.db", Keeping(most=100))
    for number in range(40):
        await store.save([turn(*(posted(20 * number + each) for each in range(20)))])
        assert len(await numbers(store)) <= 120
    assert len(await numbers(store)) <= 100
    newest = await store.readings("", 0, 1000)
    assert newest[-1][1] == posted(799)
    await store.close()


async def test_a_file_that_forgets_stops_growing(tmp_path: Path) -> None:
    store, file = SqlStore(tmp_path / "u.db", Keeping(days=1)), tmp_path / "u.db"
    sizes = []
    for day in range(12):
        for part in range(4):
            posts = [posted(10_000 * day + 500 * part + n, NOW + day * DAY) for n in range(500)]
            await store.save([turn(*posts)])
        await store.close()
        sizes.append(file.stat().st_size)
        store = SqlStore(file, Keeping(days=1))
    assert max(sizes[3:]) < 1.1 * sizes[3]
    found = await numbers(store)
    assert sizes[-1] / len(found) < 110, "bytes of one value, its index with it"
    await store.close()


@pytest.mark.parametrize(
    "key",
    [
        "lfdi, mirror, meter_reading, start, duration, local_id",
        "mirror, meter_reading, start, duration, local_id",
    ],
)
async def test_an_older_file_brings_its_values_along(tmp_path: Path, key: str) -> None:
    with closing(sqlite3.connect(tmp_path / "u.db")) as file:
        file.execute(
            "CREATE TABLE sep2_reading (lfdi VARCHAR, mirror VARCHAR, meter_reading VARCHAR, start INTEGER,"
            " duration INTEGER, local_id INTEGER, value INTEGER, multiplier INTEGER, uom INTEGER, quality INTEGER,"
            f" at DATETIME, PRIMARY KEY ({key}))"
        )
        for number in (1, 2, 3):
            one = posted(number)
            fields = (
                one.lfdi,
                one.mirror,
                one.meter_reading,
                one.start,
                one.duration,
                one.local_id,
            )
            file.execute(
                "INSERT INTO sep2_reading VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (*fields, one.value, 3, 38, None, "2026-07-01 12:00:00.123456"),
            )
        file.execute("DELETE FROM sep2_reading WHERE value = 1")
        file.commit()
    store = SqlStore(tmp_path / "u.db")
    assert await store.readings("", 0, 9) == [(2, posted(2)), (3, posted(3))]
    await store.save([turn(posted(9))])
    assert await numbers(store) == [2, 3, 4]
    await store.close()
