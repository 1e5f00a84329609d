"""The driver of our own 2030.5 server: each order of a script reaches its operator's JSON, over a restart too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeds the chance that is handed in

import pytest

from certs.sep2.hierarchy import Sep2Leaf
from conformance.engine.drivers.entry import Pem, Place
from conformance.engine.errors import DriverMissingError, SuiteError
from conformance.foreign.gridgate_sep2_server import Inside, inside, served
from conformance.foreign.sep2_orders import event_body, modes, texts
from conformance.kit.sep2.orders import written
from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Control,
    Curve,
    Price,
    Program,
    Tariff,
    aus_limit,
    limit,
)
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.server.options import CSIP_AUS
from tests.sep2_server_world import Premises
from tests.sep2_world import START
from tests.unit.test_sep2_server import READING, mirror, reading

MINUTE = timedelta(minutes=1)
EVENT = Control(
    id="one", start=START + MINUTE, lasts=MINUTE, base=aus_limit("Imp", 5000), required="03"
)


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Inside]:
    device = inside(place)
    task = asyncio.create_task(device.run())
    try:
        await device.ready()
        yield device
    finally:
        with place.clock.held():
            task.cancel()
            await asyncio.wait({task})


def placed(site: Premises) -> Place:
    pem = Pem(certificate=site.server.chain_pem, key=site.server.key_pem, ca=site.pki.anchor_pem)
    return Place(
        url="",
        mode="csipaus",
        clock=site.clock,
        chance=Random(1),
        client_tls=None,
        server_tls=None,
        values={},
        pem=pem,
    )


async def seen(site: Premises, leaf: Sep2Leaf, url: str, *words: str) -> list[str]:
    """Return what a device finds of some words, anywhere on its way down."""
    found, known, todo = [], set(), [url]
    async with site.browser(leaf) as browser:
        while todo:
            place = todo.pop()
            async with browser.get(f"{place}?l=99") as answer:
                body = (await answer.read()).decode()
            found += [word for word in words if word in body]
            for piece in body.split('href="')[1:]:
                href = url.replace("/dcap", piece.partition('"')[0])
                if href not in known and "Link" in body:
                    known.add(href)
                    todo.append(href)
    return sorted(set(found))


async def furnish(server: Inside, lfdi: str, manager: str) -> None:
    await server.register(written(Account(lfdi=lfdi)))
    await server.register_aggregator(manager)
    await server.register(written(Account(lfdi="A" * 32 + "00040732")), manager)
    curve = Curve(id="curve", type=11, points=((100, 0), (110, -50)))
    settings = {"setGradW": 27}
    program = Program(
        id="program", primacy=10, default=limit(80), default_settings=settings, curves=(curve,)
    )
    await server.put_program(written(program))
    await server.put_assignment(written(Assignment(id="assignment", programs=("program",))), lfdi)
    await server.publish("program", written([EVENT]))
    await server.put_tariff(written(Tariff(id="tariff", components=("day",))), "assignment")
    price = Price(id="price", start=START + MINUTE, lasts=MINUTE, price=123)
    await server.price("tariff", "day", written([price]))


async def test_every_order_of_a_script_reaches_the_operator(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf, manager = site.pki.device("0001"), site.pki.device("0002")
    place = placed(site)
    with site.clock.held():
        async with running(place) as server:
            await furnish(server, leaf.lfdi, manager.lfdi)
            words = (
                "opModImpLimW",
                "<setGradW>27",
                "<primacy>10",
                "<value>5000",
                "curve",
                "tariff",
            )
            assert await seen(site, leaf, server.url, *words) == sorted(words)
            url = server.url
        async with running(place) as server:
            assert server.url == url
            await server.put_default("program", written(aus_limit("Exp", 7)), written({}))
            await server.put_program(written(Program(id="program", primacy=3, default={})))
            await server.set_rates("DERProgramList", "17")
            await server.set_post_rate(leaf.lfdi, "42")
            await server.set_enabled(leaf.lfdi, "no")
            await server.set_pin(leaf.lfdi, "123455")
            await server.cancel("one", "yes")
            changed = (
                "<primacy>3", 'pollRate="17"', "<postRate>42", "<enabled>false", "<pIN>123455",
                "<currentStatus>3", "setGradW", "opModMaxLimW",
            )  # fmt: skip
            found = await seen(site, leaf, server.url, *changed)
            # What a disabled device is not shown any more is another's affair.
            assert set(changed) - set(found) <= {"setGradW", "opModMaxLimW"}
            await server.set_enabled(leaf.lfdi, "yes")
            await server.withdraw("one")
            await server.withdraw("price")
            await server.drop_program("program")
            await server.drop_assignment("assignment")
            assert await seen(site, leaf, server.url, "opModImpLimW", "assignment") == []
            await server.remove(leaf.lfdi)
            for order in (server.cancel("one"), server.remove(leaf.lfdi), server.drop_program("x")):
                with pytest.raises(DriverMissingError):
                    await order


async def test_what_devices_posted_is_read_back(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    with site.clock.held():
        async with running(placed(site)) as server, site.browser(leaf) as browser:
            await server.register(written(Account(lfdi=leaf.lfdi)))
            made = encode(mirror(leaf.lfdi), CSIP_AUS)
            headers = {"Content-Type": "application/sep+xml"}
            url = server.url.replace("/dcap", "")
            async with browser.post(f"{url}/mup", data=made, headers=headers) as answer:
                where = answer.headers["Location"]
            values = encode(replace(reading(1, 42), reading_type=READING), CSIP_AUS)
            async with browser.post(url + where, data=values, headers=headers) as answer:
                assert answer.status == 201
            async with browser.get(f"{url}/edev?l=9") as answer:
                device = decode(await answer.read(), sep.EndDeviceList).value.end_device[0]
            assert device.der_list_link is not None
            status = sep.DERStatus(
                reading_time=5,
                gen_connect_status=sep.ConnectStatusType(date_time=5, value=1),
            )
            place = f"{url}{device.der_list_link.href}/1/ders"
            async with browser.put(place, data=encode(status, CSIP_AUS), headers=headers) as answer:
                assert answer.status == 204
            row = await server.posted(leaf.lfdi, "Reading")
            assert (row["0.value"], row["0.ReadingType.powerOfTenMultiplier"]) == ("42", "1")
            told = await server.posted(leaf.lfdi, "DERStatus")
            assert told["genConnectStatus.value"] == "01"
            assert await server.posted(leaf.lfdi, "LogEvent") == {}
            await server.allow_connection_point("no")
            point = encode(sep.ConnectionPoint(connection_point_id="620"), CSIP_AUS)
            place = f"{url}{device.href}/cp"
            async with browser.put(place, data=point, headers=headers) as answer:
                assert answer.status == 403


def test_what_our_server_works_out_itself_cannot_be_ordered() -> None:
    with pytest.raises(DriverMissingError):
        event_body(EVENT.cancelled(), "0A", {})
    with pytest.raises(DriverMissingError):
        modes({"opModVoltVar": "nowhere"}, {})
    assert modes({"opModVoltVar": "here"}, {"here": "/c/1"}) == {"opModVoltVar": {"href": "/c/1"}}
    assert texts("DERSettings", {"modesEnabled": 5, "setGradW": 27}) == {
        "modesEnabled": "00000005",
        "setGradW": "27",
    }


def test_a_process_needs_real_time(tmp_path: Path) -> None:
    with pytest.raises(SuiteError):
        served(placed(Premises(folder=tmp_path)))
