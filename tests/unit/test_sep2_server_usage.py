"""What devices mirrored, served as usage points: found by links, page by page, by its owner alone."""

from pathlib import Path
from typing import TypeVar

import pytest

from gateway.app.virtual import VirtualClock
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import CSIP_AUS
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.desk import Sep2Desk
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.store import MemoryStore, Sep2Store
from tests.sep2_world import LFDI, START, mrid
from tests.unit.test_sep2_server import OTHER, STRANGER, Utility, mirror

T = TypeVar("T", bound=sep.Resource)
HOUR = 3600
FIRST = 500_000 * HOUR


class World:
    """A utility with a store, driven by what clients send."""

    def __init__(self, store: Sep2Store) -> None:
        self.utility = Utility()
        self.desk = Sep2Desk(self.utility.server, store, VirtualClock(START, print))

    async def send(self, method: str, href: str, document: object, peer: str = LFDI) -> str:
        answer = await self.desk.write(method, href, encode(document, CSIP_AUS), peer)
        assert answer.status in {201, 204}, answer
        return answer.location

    async def get(self, kind: type[T], href: str, query: str = "", peer: str = LFDI) -> T:
        answer = await self.desk.look_up(href, query, peer)
        assert answer.status == 200, (href, answer)
        return decode(answer.body, kind, strict=True).value

    async def status(self, href: str, query: str = "", peer: str = LFDI) -> int:
        return (await self.desk.look_up(href, query, peer)).status

    async def link(self, link: sep.Link | None, query: str = "l=9") -> tuple[str, str]:
        assert link is not None
        return link.href, query


def values(meter: str, start: int, count: int) -> sep.MirrorMeterReading:
    """Make a set of values of five minutes each."""
    found = tuple(
        sep.Reading(
            local_id=number,
            value=1000 + number,
            quality_flags=1,
            time_period=sep.DateTimeInterval(start=start + 300 * number, duration=300),
        )
        for number in range(count)
    )
    period = sep.DateTimeInterval(start=start, duration=300 * count)
    whole = sep.MirrorReadingSet(mrid=mrid(7), time_period=period, reading=found)
    return sep.MirrorMeterReading(mrid=meter, mirror_reading_set=(whole,))


@pytest.fixture(params=["sqlite", "memory"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Return a utility with 30 values of one meter in three hours."""
    store: Sep2Store = (
        SqlStore(tmp_path / "utility.db") if request.param == "sqlite" else MemoryStore()
    )
    await store.load()
    made = World(store)
    for peer in (LFDI, OTHER):
        # Both name their mirror and their meter alike.
        place = await made.send("POST", "/mup", mirror(peer), peer)
        count = 30 if peer == LFDI else 1
        await made.send("POST", place, values(mrid(101), FIRST + 300, count), peer)
    return made


@pytest.mark.spec("IEEE 2030.5-2018 UsagePoint", "CSIP-AUS S-ALL-06", "CSIP-AUS S-ALL-47")
async def test_what_was_mirrored_is_found_by_links_alone(world: World) -> None:
    entry = await world.get(sep.DeviceCapability, "/dcap")
    points = await world.get(sep.UsagePointList, *await world.link(entry.usage_point_list_link))
    assert (points.all, points.results) == (1, 1)
    (point,) = points.usage_point
    assert (point.device_lfdi, point.role_flags, point.status) == (LFDI, 3, 1)
    assert point.href
    assert (await world.get(sep.UsagePoint, point.href)).mrid == point.mrid
    path, query = await world.link(point.meter_reading_list_link)
    (meter,) = (await world.get(sep.MeterReadingList, path, query)).meter_reading
    kind = await world.get(sep.ReadingType, (await world.link(meter.reading_type_link))[0])
    assert (kind.uom, kind.power_of_ten_multiplier) == (38, 1)
    newest = await world.get(sep.Reading, (await world.link(meter.reading_link))[0])
    assert newest.value == 1029
    sets = await world.get(
        sep.ReadingSetList, *await world.link(meter.reading_set_list_link, "l=9")
    )
    starts = [one.time_period.start for one in sets.reading_set]
    assert starts == [FIRST + 2 * HOUR, FIRST + HOUR, FIRST]
    assert {one.time_period.duration for one in sets.reading_set} == {HOUR}
    found: list[sep.Reading] = []
    for one in sets.reading_set:
        assert one.reading_list_link is not None
        path, count = one.reading_list_link.href, one.reading_list_link.all
        listed = await world.get(sep.ReadingList, path, "l=100")
        assert listed.all == listed.results == count
        found += listed.reading
        assert one.href
        assert (await world.get(sep.ReadingSet, one.href)).mrid == one.mrid
    assert sorted(one.value or 0 for one in found) == list(range(1000, 1030))
    assert {one.quality_flags for one in found} == {1}
    assert found[0].href
    assert (await world.get(sep.Reading, found[0].href)).value == found[0].value


async def test_its_lists_come_page_by_page(world: World) -> None:
    base = (await world.get(sep.UsagePointList, "/upt", "l=1")).usage_point[0].href
    sets = f"{base}/mr/1/rs"
    whole = await world.get(sep.ReadingSetList, sets, "l=9")
    page = await world.get(sep.ReadingSetList, sets, "s=1&l=1")
    assert (page.all, page.results) == (3, 1)
    assert page.reading_set[0].mrid == whole.reading_set[1].mrid
    later = await world.get(sep.ReadingSetList, sets, f"a={FIRST}&l=9")
    assert (later.all, later.results) == (3, 2)
    readings = whole.reading_set[2].reading_list_link
    assert readings is not None
    listed = await world.get(sep.ReadingList, readings.href, "l=100")
    assert [one.local_id for one in listed.reading] == list(range(11))
    assert (await world.get(sep.ReadingList, readings.href, "s=99&l=9")).results == 0
    assert await world.status(sets, "l=-1") == 400


@pytest.mark.spec("CSIP-AUS S-ALL-05")
async def test_it_is_its_devices_alone(world: World) -> None:
    mine = (await world.get(sep.UsagePointList, "/upt", "l=9")).usage_point[0].href or ""
    theirs = (await world.get(sep.UsagePointList, "/upt", "l=9", OTHER)).usage_point[0].href or ""
    assert mine != theirs
    for path in ("", "/mr", "/mr/1", "/mr/1/rt", "/mr/1/r", "/mr/1/rs", f"/mr/1/rs/{500_000}/r"):
        assert await world.status(mine + path) == 200, path
        for peer in (OTHER, STRANGER):
            assert await world.status(mine + path, peer=peer) == 404, path
    assert await world.status("/upt", peer=STRANGER) == 404
    newest = await world.get(sep.Reading, f"{theirs}/mr/1/r", peer=OTHER)
    assert newest.value == 1000


@pytest.mark.parametrize(
    "path",
    [
        *("/upt/", "/upt/nobody", "/mr/", "/mr/0", "/mr/2", "/mr/01", "/mr/x", "/mr/1/", "/mr/1/x"),
        *("/mr/1/rs/", "/mr/1/rs/1", "/mr/1/rs/-1", "/mr/1/rs/1/r/x", "/mr/1/rs/500000/r/1-2-3"),
        *("/mr/1/r/1", "/mr/1/rt/1", "/x"),
    ],
)
async def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    base = (await world.get(sep.UsagePointList, "/upt", "l=9")).usage_point[0].href or ""
    href = path if path.startswith("/upt") else base + path
    found = await world.desk.look_up(href, "", LFDI)
    empty = found.status == 200 and b'all="0"' in found.body
    assert found.status == 404 or empty, found


async def test_nobody_writes_there_and_a_meter_without_values_has_none(world: World) -> None:
    place = world.utility.href(sep.MirrorUsagePoint)
    second = sep.MirrorMeterReading(mrid=mrid(102), reading_type=sep.ReadingType(uom=29))
    await world.send("POST", place, second)
    base = (await world.get(sep.UsagePointList, "/upt", "l=9")).usage_point[0].href or ""
    assert (await world.get(sep.MeterReadingList, f"{base}/mr", "l=9")).all == 2
    assert await world.status(f"{base}/mr/2/r") == 404
    assert (await world.get(sep.ReadingSetList, f"{base}/mr/2/rs")).all == 0
    for method in ("POST", "PUT", "DELETE"):
        answer = await world.desk.write(method, base, b"", LFDI)
        assert (answer.status, answer.allow) == (405, "GET, HEAD")
    operator = Operator(world.utility.server)
    await world.desk.open(lambda now: operator.forget_mirrors(LFDI, now))
    assert await world.status(base) == 404
    assert (await world.get(sep.UsagePointList, "/upt")).all == 0


async def test_a_usage_point_that_moved_is_found_where_it_is(world: World) -> None:
    operator = Operator(world.utility.server)
    await world.desk.open(lambda now: operator.move("/upt", "https://localhost", now))
    entry = await world.get(sep.DeviceCapability, "/dcap")
    path, _ = await world.link(entry.usage_point_list_link)
    assert path != "/upt"
    answer = await world.desk.look_up("/upt", "l=9", LFDI)
    assert (answer.status, answer.location) == (301, f"{path}?l=9")
    base = (await world.get(sep.UsagePointList, path, "l=9")).usage_point[0].href or ""
    assert base.startswith(f"{path}/")
    assert (await world.get(sep.Reading, f"{base}/mr/1/r")).value == 1029


@pytest.mark.spec("IEEE 2030.5-2018 UsagePoint")
def test_in_2023_a_mirror_tells_where_its_usage_point_is() -> None:
    for edition, linked in ((Edition.Y2018, False), (Edition.Y2023, True)):
        utility = Utility(flavour=Flavour(edition=edition))
        document = encode(mirror(), Flavour(edition=Edition.Y2018))
        assert utility.post("/mup", document) == 201
        href = utility.href(sep.MirrorUsagePoint)
        _, found = utility.get(href)
        assert isinstance(found, sep.MirrorUsagePoint)
        assert (found.usage_point_link is not None) == linked
        if found.usage_point_link is not None:
            assert utility.get(found.usage_point_link.href)[0] == 200
