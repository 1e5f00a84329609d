"""The operator's interface of the 2030.5 server: a utility run over JSON alone, and what it refuses."""

from pathlib import Path

import aiohttp
import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode
from gateway.protocols.sep2.identity import sfdi_of
from gateway.servers.sep2.admin.app import admin_app
from gateway.transport.server import listen
from tests.sep2_operator import TOKEN, operated
from tests.sep2_server_world import MINUTE, PIN, Premises, Sink, furnish
from tests.sep2_world import START


@pytest.mark.spec("CSIP-AUS S-ALL-14", "CSIP-AUS S-ALL-19")
async def test_a_utility_is_run_over_json_alone(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility, operated(site, utility) as operator:
        await operator.do("PUT", f"/v1/devices/{device.lfdi}", pin=PIN)
        fsa = (await operator.do("POST", "/v1/fsas", description="feeder 7"))["name"]
        await operator.do("PUT", f"/v1/fsas/{fsa}/devices", devices=[device.lfdi])
        made = {}
        for kind in ("der", "dr"):
            told = {"kind": kind, "primacy": 2, "fsas": [fsa], "description": "site program"}
            made[kind] = (await operator.do("POST", "/v1/programs", **told))["name"]
        modes = {"opModImpLimW": {"multiplier": 3, "value": 8000}}
        await operator.do(
            "PUT", f"/v1/programs/{made['der']}/default", modes=modes, others={"setGradW": 27}
        )
        cap = await operator.do(
            "POST",
            "/v1/events",
            program=made["der"],
            start=(START + 5 * MINUTE).isoformat(),
            duration_s=600,
            modes={"opModImpLimW": {"multiplier": 3, "value": 5000}},
        )
        shed = await operator.do(
            "POST",
            "/v1/events",
            program=made["dr"],
            start=(START + 20 * MINUTE).isoformat(),
            duration_s=1200,
            load_control={"TargetReduction": {"type": 1, "value": 3000}},
        )
        async with site.gateway(device, utility.url, Sink()):
            await site.pass_time(START + 22 * MINUTE)
            await operator.do("POST", f"/v1/events/{shed['name']}/cancel")
            await site.pass_time(START + 25 * MINUTE)
        found = {}
        for event in (cap["name"], shed["name"]):
            items = (await operator.do("GET", f"/v1/responses?event={event}"))["items"]
            found[event] = [(one["kind"], one["resource"]["status"]) for one in items]
        assert found == {
            cap["name"]: [("DERControlResponse", status) for status in (1, 2, 3)],
            shed["name"]: [("DrResponse", status) for status in (1, 2, 6)],
        }
        readings = await operator.do("GET", f"/v1/readings?lfdi={device.lfdi}")
        assert len(readings["items"]) > 15
        assert readings["next"] is None
        for kind in ("DERCapability", "DERSettings", "DERStatus", "MirrorUsagePoint"):
            items = (await operator.do("GET", f"/v1/told?kind={kind}"))["items"]
            assert [one["lfdi"] for one in items] == [device.lfdi], kind
        events = (await operator.do("GET", "/v1/events"))["items"]
        (gone,) = [one for one in events if one["resource"]["mRID"] == shed["name"]]
        assert gone["resource"]["EventStatus"]["currentStatus"] == 2
        assert (await operator.do("GET", "/v1/utility"))["devices"] == 1
        await operator.do("DELETE", f"/v1/devices/{device.lfdi}")
        assert (await operator.do("GET", "/v1/utility"))["devices"] == 0


async def test_the_transcript_tells_every_exchange_and_no_pin(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility, operated(site, utility) as operator:
        await furnish(utility, device.lfdi)
        async with site.gateway(device, utility.url, Sink()):
            await site.pass_time(START + 10 * MINUTE)
        page = await operator.do("GET", "/v1/transcript")
        exchanges = page["items"]
        while page["next"]:
            page = await operator.do("GET", f"/v1/transcript?after={page['next']}")
            exchanges += page["items"]
        assert [one["number"] for one in exchanges] == list(range(1, len(exchanges) + 1))
        assert exchanges[0]["target"] == "/dcap"
        (posted,) = [one for one in exchanges if "<MirrorUsagePoint " in one["request"]]
        assert (posted["method"], posted["target"], posted["status"]) == ("POST", "/mup", 201)
        assert posted["location"].startswith("/mup/")
        assert {one["peer"] for one in exchanges} == {device.lfdi}
        (registration,) = {o["answer"] for o in exchanges if o["target"].endswith("/rg")}
        assert "<pIN>***</pIN>" in registration
        assert len(exchanges) > 100
        await operator.do("DELETE", f"/v1/devices/{device.lfdi}/mirrors")


async def test_what_the_operator_is_refused(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    lfdi = site.pki.device("0001").lfdi
    async with site.utility() as utility, operated(site, utility) as operator:
        await operator.do("PUT", f"/v1/devices/{lfdi}", pin=PIN)
        program = (await operator.do("POST", "/v1/programs", kind="der", primacy=1))["name"]
        event = {
            "program": program,
            "start": (START + 5 * MINUTE).isoformat(),
            "duration_s": 60,
            "modes": {"opModImpLimW": {"multiplier": 3, "value": 5}},
        }
        wide = {"opModImpLimW": {"multiplier": 3, "value": 40_000}}
        refused: list[tuple[str, str, dict[str, object], int, str]] = [
            ("PUT", f"/v1/devices/{lfdi}", {"pin": PIN}, 409, "RESOURCE_EXISTS"),
            ("PUT", "/v1/devices/xyz", {}, 400, "BAD_RESOURCE"),
            ("PUT", f"/v1/devices/{'1' * 40}", {"manager": "22"}, 404, "UNKNOWN_RESOURCE"),
            ("PUT", f"/v1/devices/{'1' * 40}", {"pin": 1_000_000}, 400, "BAD_RESOURCE"),
            ("PUT", f"/v1/devices/{'1' * 40}", {"pni": 1}, 400, "INVALID_BODY"),
            ("DELETE", f"/v1/devices/{'1' * 40}", {}, 404, "UNKNOWN_RESOURCE"),
            ("POST", "/v1/events", event | {"modes": wide}, 400, "BAD_RESOURCE"),
            ("POST", "/v1/events", event | {"modes": {"opModX": 1}}, 400, "INVALID_BODY"),
            ("POST", "/v1/events", event | {"modes": {"opModMaxLimW": []}}, 400, "INVALID_BODY"),
            ("POST", "/v1/events", event | {"modes": {"opModConnect": "yes"}}, 400, "BAD_RESOURCE"),
            ("POST", "/v1/events", event | {"modes": None}, 400, "INVALID_BODY"),
            ("POST", "/v1/events", event | {"start": "2026-05-03T12:00:00"}, 400, "INVALID_BODY"),
            ("POST", "/v1/events", event | {"program": "77"}, 404, "UNKNOWN_RESOURCE"),
            ("POST", "/v1/events/77/cancel", {}, 404, "UNKNOWN_RESOURCE"),
            ("PUT", "/v1/poll-rate", {"href": "/nowhere", "seconds": 5}, 404, "UNKNOWN_RESOURCE"),
            ("PUT", "/v1/poll-rate", {"kind": "Nothing", "seconds": 5}, 404, "UNKNOWN_RESOURCE"),
            ("PUT", "/v1/poll-rate", {"seconds": 5}, 400, "INVALID_BODY"),
            ("PUT", f"/v1/devices/{'1' * 40}/enabled", {"on": True}, 404, "UNKNOWN_RESOURCE"),
            ("PUT", f"/v1/devices/{lfdi}/enabled", {}, 400, "INVALID_BODY"),
            ("DELETE", "/v1/events/77", {}, 404, "UNKNOWN_RESOURCE"),
            ("GET", "/v1/told?kind=Anything", {}, 400, "INVALID_QUERY"),
            ("GET", "/v1/readings?after=x", {}, 400, "INVALID_QUERY"),
            ("GET", "/v1/events?limit=5", {}, 400, "INVALID_QUERY"),
        ]
        before = dict(utility.desk.server.book.entries)
        for method, path, body, status, reason in refused:
            found, problem = await operator.ask(method, path, **body)
            assert (found, problem["reason"]) == (status, reason), (path, body, problem)
        assert dict(utility.desk.server.book.entries) == before
        await operator.do("PUT", "/v1/poll-rate", href="/edev", seconds=5)
        await operator.do("PUT", "/v1/poll-rate", kind="EndDeviceList", seconds=5)
        await operator.do("PUT", f"/v1/devices/{lfdi}/enabled", on=False)
        await operator.do("PUT", "/v1/connection-points", on=False)
        made = (await operator.do("POST", "/v1/events", **event))["name"]
        await operator.do("DELETE", f"/v1/events/{made}")
        assert (await operator.do("GET", "/v1/events"))["items"] == []
        assert await operator.do("POST", "/v1/clear") == {"name": ""}


async def test_nobody_operates_without_the_token(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    async with site.utility() as utility:
        listener = await listen(admin_app(utility, site.clock, TOKEN), "127.0.0.1", 0, None)
        async with aiohttp.ClientSession() as session:
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}):
                async with session.get(f"{listener.url}/v1/utility", headers=headers) as answer:
                    assert answer.status == 401
        await listener.stop()


async def test_devices_are_registered_by_what_they_show_and_listed(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device, aggregator = site.pki.device("0001"), site.pki.aggregator("fleet")
    chain = device.chain_pem.decode()
    async with site.utility() as utility, operated(site, utility) as operator:
        made = await operator.do("POST", "/v1/devices", certificate=chain, pin=111111)
        assert (made["name"], made["sfdi"]) == (device.lfdi, sfdi_of(device.lfdi))
        assert "wants 5" in made["doubt"]
        made = await operator.do("PUT", f"/v1/devices/{aggregator.lfdi}", pin=PIN)
        assert made["doubt"] is None
        managed = "0BA0B84C9A8A6F1C3E5D7F908172635400040732"
        await operator.do("PUT", f"/v1/devices/{managed}", manager=aggregator.lfdi)
        await operator.do("PUT", f"/v1/devices/{device.lfdi}/enabled", on=False)

        items = (await operator.do("GET", "/v1/devices"))["items"]
        assert [
            (o["lfdi"], o["enabled"], o["registered"], o["manages"])
            for o in sorted(items, key=lambda o: (o["registered"], o["enabled"]))
        ] == [
            (managed, True, False, []),
            (device.lfdi, False, True, []),
            (aggregator.lfdi, True, True, [managed]),
        ]
        edev = utility.url.replace("/dcap", "/edev?l=9")
        async with site.browser(aggregator) as session, session.get(edev) as answer:
            shown = decode(await answer.read(), sep.EndDeviceList).value
        assert {one.href for one in shown.end_device} == {
            o["href"] for o in items if o["lfdi"] != device.lfdi
        }
        for wrong, status in (("no PEM", 400), (chain.replace("MII", "MIJ", 1), 400), (chain, 409)):
            assert (await operator.ask("POST", "/v1/devices", certificate=wrong))[0] == status
