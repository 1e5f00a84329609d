"""Our 2030.5 server against our client session: both ends agree on what happened."""

from pathlib import Path

import pytest

from gateway.servers.sep2.sql import SqlStore
from tests.sep2_server_world import KW, MINUTE, Premises, Sink, cap, furnish, shed, statuses
from tests.sep2_world import START


@pytest.mark.spec("CSIP CORE-003", "CSIP CORE-012", "CSIP BASIC-017", "CSIP-AUS S-ALL-06")
async def test_a_cap_and_a_load_control_run_their_course(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    sink = Sink()
    async with site.utility() as utility:
        given = await furnish(utility, device.lfdi)
        first = await cap(utility, given.der, START + 5 * MINUTE, 10)
        second = await shed(utility, given.dr, START + 20 * MINUTE, 5)
        async with site.gateway(device, utility.url, sink):
            await site.pass_time(START + 30 * MINUTE)
        assert statuses(utility, first) == [1, 2, 3]
        assert statuses(utility, second) == [1, 2, 3]
        started = utility.responses(first)[1]
        assert started.at - (START + 5 * MINUTE) < MINUTE / 60
        assert started.lfdi == device.lfdi
        assert {event.source["mRID"] for event in sink.events} == {first, second}
        readings = await utility.readings(device.lfdi)
        assert len(readings) > 20
        assert {one.value for one in readings} == {KW * 1000}
        assert len({one.start for one in readings}) == len(readings)


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3", "CSIP CORE-022", "CSIP-AUS S-ALL-41")
async def test_a_cancelled_control_is_answered_six(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility:
        given = await furnish(utility, device.lfdi)
        name = await cap(utility, given.der, START + 5 * MINUTE, 30)
        async with site.gateway(device, utility.url, Sink()):
            await site.pass_time(START + 10 * MINUTE)
            assert statuses(utility, name) == [1, 2]
            await utility.issue(lambda i, now: i.cancel(name, now))
            await site.pass_time(START + 13 * MINUTE)
        assert statuses(utility, name) == [1, 2, 6]


@pytest.mark.spec("IEEE 2030.5-2018 events: restart")
async def test_a_server_that_restarts_in_mid_event_loses_nothing(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    file = tmp_path / "utility.db"
    sink = Sink()
    async with site.utility(store=SqlStore(file)) as utility:
        given = await furnish(utility, device.lfdi)
        name = await cap(utility, given.der, START + 5 * MINUTE, 10)
        port = utility.port
        async with site.gateway(device, utility.url, sink):
            await site.pass_time(START + 8 * MINUTE)
        before = dict(utility.desk.server.book.entries)
        told = await utility.readings()
    async with site.utility(store=SqlStore(file), port=port) as utility:
        assert dict(utility.desk.server.book.entries) == before
        assert await utility.readings() == told
        async with site.gateway(device, utility.url, sink):
            await site.pass_time(START + 20 * MINUTE)
        assert statuses(utility, name) == [1, 2, 3]
        assert len(await utility.readings()) > len(told)


@pytest.mark.spec("IEEE 2030.5-2018 6.8", "CSIP-AUS S-ALL-05")
async def test_another_device_sees_nothing_of_it(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device, other = site.pki.device("0001"), site.pki.device("0002")
    async with site.utility() as utility:
        given = await furnish(utility, device.lfdi)
        await furnish(utility, other.lfdi)
        name = await cap(utility, given.der, START + 5 * MINUTE, 10)
        async with (
            site.gateway(device, utility.url, Sink()),
            site.gateway(other, utility.url, Sink()),
        ):
            await site.pass_time(START + 20 * MINUTE)
        assert {one.lfdi for one in utility.responses(name)} == {device.lfdi}
        book = utility.desk.server.book
        async with site.browser(other) as session:
            for href, one in book.entries.items():
                if one.scope in book.reach(device.lfdi):
                    url = utility.url.replace("/dcap", href)
                    async with session.get(url) as answer:
                        assert answer.status == 404, href
                    async with session.put(
                        url, data=b"", headers={"Content-Type": "application/sep+xml"}
                    ) as answer:
                        assert answer.status == 404, href
