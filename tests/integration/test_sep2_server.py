"""Our 2030.5 server against our client session: both ends agree on what happened."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from certs.sep2.hierarchy import Sep2Leaf, sep2
from gateway.domain.errors import StoreError
from gateway.protocols.sep2.client.options import DeviceOptions
from gateway.protocols.sep2.codec import MAX_BYTES
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.records import Turn
from gateway.servers.sep2.app import HttpOptions
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.store import MemoryStore
from gateway.transport.sep2_tls import sep2_client
from tests.sep2_pki import files
from tests.sep2_server_world import KW, MINUTE, PIN, Premises, Sink, cap, furnish, shed, statuses
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


# --- HTTP


async def raw(site: Premises, port: int, leaf: Sep2Leaf, text: str) -> str:
    """Send bytes as they are; return the head of the answer."""
    context = sep2_client(files(site.folder, "raw", leaf, site.pki), site.profile)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(text.replace("\n", "\r\n").encode())
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head.decode()


@pytest.mark.spec(
    "CSIP CORE-001", "CSIP COMM-003", "IEEE 2030.5-2018 5.5", "IEEE 2030.5-2018 5.5.1"
)
async def test_what_http_decides(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    ours = {"Content-Type": "application/sep+xml"}
    async with site.utility() as utility, site.browser(device) as session:
        await furnish(utility, device.lfdi)
        base = utility.url.removesuffix("/dcap")

        async def asked(method: str, path: str, **headers: str) -> aiohttp.ClientResponse:
            told = {name.replace("_", "-"): value for name, value in headers.items()}
            async with session.request(method, base + path, headers=told) as answer:
                await answer.read()
                return answer

        found = await asked("GET", "/dcap")
        assert (found.status, found.content_type) == (200, "application/sep+xml")
        head = await asked("HEAD", "/dcap")
        assert (head.status, head.content_length) == (200, found.content_length)
        assert (await asked("GET", "/dcap", Accept="application/sep-exi")).status == 406
        assert (await asked("GET", "/dcap", Accept="text/xml, */*;q=0")).status == 406
        wanted = 'application/sep+xml; level="+S1"; q=0.9, text/html'
        assert (await asked("GET", "/dcap", Accept=wanted)).status == 200
        refused = await asked("PUT", "/dcap", **ours)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
        assert (await asked("OPTIONS", "/dcap")).status == 405
        assert (await asked("PROPFIND", "/dcap")).status == 501
        assert (await asked("POST", "/mup", Content_Type="application/xml")).status == 415
        assert (
            await asked("POST", "/mup", Content_Type="Application/SEP+XML; level=-S1")
        ).status == 400
        assert (await asked("POST", "/mup", Content_Encoding="gzip", **ours)).status == 415
        assert (await asked("GET", "/edev/1")).status == 404
        async with session.post(
            f"{base}/mup", data=BytesIO(b" " * (MAX_BYTES + 1)), headers=ours
        ) as large:
            assert large.status == 413
        nameless = await raw(site, utility.port, device, "GET /dcap HTTP/1.1\n\n")
        assert nameless.split()[1] == "400"
        empty = await raw(site, utility.port, device, "GET /dcap HTTP/1.1\nHost:\n\n")
        assert empty.split()[1] == "400"
        named = await raw(site, utility.port, device, "GET /dcap HTTP/1.1\nHost: x\n\n")
        assert named.startswith("HTTP/1.1 200")


@pytest.mark.spec("IEEE 2030.5-2018 6.3")
async def test_a_header_makes_nobody_another(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device, other = site.pki.device("0001"), site.pki.device("0002")
    behind = HttpOptions(identity_header="x-lfdi", proxies=frozenset({"192.0.2.1"}))
    async with site.utility(http=behind) as utility, site.browser(other) as session:
        await furnish(utility, device.lfdi)
        url = utility.url.replace("/dcap", "/edev")
        async with session.get(url, headers={"X-LFDI": device.lfdi}) as answer:
            assert answer.status == 404
    proxied = HttpOptions(identity_header="x-lfdi", proxies=frozenset({"127.0.0.1", "::1"}))
    async with site.utility(http=proxied) as utility, site.browser(other) as session:
        await furnish(utility, device.lfdi)
        url = utility.url.replace("/dcap", "/edev")
        async with session.get(url, headers={"X-LFDI": device.lfdi}) as answer:
            assert device.lfdi in await answer.text()
        async with session.get(url) as answer:
            assert answer.status == 400


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
async def test_whoever_is_not_of_the_hierarchy_does_not_come_in(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    foreign = Premises(folder=tmp_path / "foreign", pki=sep2(2))
    foreign.folder.mkdir()
    (tmp_path / "foreign" / "root.pem").write_bytes(site.pki.anchor_pem)
    async with site.utility() as utility:
        context = sep2_client(
            replace(
                files(foreign.folder, "f", foreign.pki.device("1"), foreign.pki),
                ca=tmp_path / "root.pem",
            ),
            site.profile,
        )
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(utility.url)


async def test_a_store_that_fails_promises_nothing(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        broken = False

        async def save(self, turns: Sequence[Turn]) -> None:
            if self.broken:
                raise StoreError("SEP2_STORE", "for a test")

    site, store = Premises(folder=tmp_path), Broken()
    device = site.pki.device("0001")
    async with site.utility(store=store) as utility, site.browser(device) as session:
        given = await furnish(utility, device.lfdi)
        store.broken = True
        with pytest.raises(StoreError):
            await cap(utility, given.der, START + MINUTE, 5)
        store.broken = False
        async with session.get(utility.url) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_what_goes_wrong_in_one_door_is_no_others_affair(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    lfdis = [f"{number:040X}" for number in range(1, 300)]

    def broken(_: datetime) -> Turn:
        raise ZeroDivisionError

    async with site.utility(store=SqlStore(tmp_path / "u.db")) as utility:
        doors = [
            utility.operate(lambda o, now, x=lfdi: o.register(NewDevice(lfdi=x), now))  # type: ignore[misc] # x
            for lfdi in lfdis
        ]
        given_up = asyncio.ensure_future(doors[0])
        wrong = asyncio.gather(utility.desk.open(broken), return_exceptions=True)
        others = asyncio.gather(*doors[1:])
        await site.pass_time(START)
        given_up.cancel()
        assert await others == lfdis[1:]
        assert isinstance((await wrong)[0], ZeroDivisionError)
    async with site.utility(store=SqlStore(tmp_path / "u.db")) as utility:
        known = {one.scope for one in utility.desk.server.book.devices()}
        assert known == set(lfdis), "even the one whose asker gave up"


@pytest.mark.spec("CSIP AGG-003", "CSIP UTIL-002", "CSIP-AUS S-ALL-03")
async def test_an_aggregator_answers_for_each_of_its_devices(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    aggregator, other = site.pki.aggregator("fleet"), site.pki.device("0002")
    managed = [managed_lfdi(name, 40732) for name in (b"phx-1", b"phx-2")]
    options = tuple(DeviceOptions(lfdi=one, site="phx-1", pin=PIN) for one in managed)
    async with site.utility() as utility:
        await furnish(utility, aggregator.lfdi, other.lfdi)
        for one in managed:
            new = NewDevice(lfdi=one, pin=PIN, manager=aggregator.lfdi)
            await utility.operate(lambda o, now, x=new: o.register(x, now))  # type: ignore[misc] # x
        given = await furnish(utility)
        await utility.operate(lambda o, now: o.assign(given.fsa, managed, now))
        name = await cap(utility, given.der, START + 5 * MINUTE, 5)
        async with site.gateway(aggregator, utility.url, Sink(), options):
            await site.pass_time(START + 12 * MINUTE)
        found: dict[str, list[int]] = {one: [] for one in managed}
        for response in utility.responses(name):
            found[response.lfdi].append(response.status)
        assert found == {one: [1, 2, 3] for one in managed}


@pytest.mark.spec("IEEE 2030.5-2018 6.8")
async def test_a_removed_device_is_refused_at_once_on_the_connection_that_it_has(
    tmp_path: Path,
) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility, site.browser(device) as session:
        await furnish(utility, device.lfdi)
        root = utility.url.removesuffix("/dcap")
        found = []
        for _ in range(2):
            async with session.get(f"{root}/edev") as answer:
                found.append(answer.status)
            if found == [200]:
                await utility.operate(lambda o, now: o.unregister(device.lfdi, now))
        assert found == [200, 404]


@pytest.mark.spec("CSIP CORE-002", "IEEE 2030.5-2018 5.5.2")
async def test_a_client_follows_everything_that_moves_in_mid_event(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility:
        given = await furnish(utility, device.lfdi)
        name = await cap(utility, given.der, START + 5 * MINUTE, 10)
        sink = Sink()
        async with site.gateway(device, utility.url, sink):
            await site.pass_time(START + 8 * MINUTE)
            told = len(sink.events)
            book = utility.desk.server.book
            own = book.device(device.lfdi)
            assert own is not None
            for href in ("/edev", "/mup", "/rsps", utility.desk.server.responses(), own.href):
                await utility.operate(lambda o, now, x=href: o.move(x, "https://localhost", now))  # type: ignore[misc] # x
            before = len(await utility.readings(device.lfdi))
            await site.pass_time(START + 18 * MINUTE)
        assert statuses(utility, name) == [1, 2, 3]
        assert len(await utility.readings(device.lfdi)) > before
        sent_on = [one for one in utility.transcript.after(0, 1000) if one.status == 301]
        assert len(sent_on) > 2
        # The site is held to its cap all the time.
        assert sink.events[told:] == []


async def test_a_device_that_is_removed_leaves_its_client_at_rest(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility:
        await furnish(utility, device.lfdi)
        async with site.gateway(device, utility.url, Sink()):
            await site.pass_time(START + 8 * MINUTE)
            await utility.operate(lambda o, now: o.unregister(device.lfdi, now))
            before = len(utility.transcript.after(0, 1000))
            # Would it ask at every instant, time would not pass.
            await site.pass_time(START + 38 * MINUTE)
        assert len(utility.transcript.after(0, 1000)) - before < 400
