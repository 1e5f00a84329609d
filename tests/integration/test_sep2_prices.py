"""Prices between our own utility and our own client, over TLS in virtual time, and through the operator's interface."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.event import Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.terms import EventTerms
from tests.sep2_operator import operated
from tests.sep2_server_world import MINUTE, PIN, Premises, Sink, statuses
from tests.sep2_world import START


@pytest.mark.spec("CSIP-AUS PRC-04", "IEEE 2030.5-2018 TimeTariffInterval")
async def test_tariffs_of_the_operator_reach_the_site_and_are_answered(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility, operated(site, utility) as operator:
        await operator.do("PUT", f"/v1/devices/{device.lfdi}", pin=PIN)
        fsa = (await operator.do("POST", "/v1/fsas"))["name"]
        await operator.do("PUT", f"/v1/fsas/{fsa}/devices", devices=[device.lfdi])
        told = {"primacy": 1, "fsas": [fsa], "currency": 36, "power_of_ten": -5}
        tariff = (await operator.do("POST", "/v1/tariffs", **told, rate_code="TOU-8"))["name"]
        kind = {"uom": 72, "powerOfTenMultiplier": 3, "flowDirection": 1}
        component = (
            await operator.do("POST", f"/v1/tariffs/{tariff}/components", reading_type=kind)
        )["name"]
        event = {"program": component, "duration_s": 1800, "tou_tier": 2}
        blocks = [
            {"consumptionBlock": 0, "startValue": 0, "price": 8512},
            {"consumptionBlock": 1, "startValue": 500, "price": 31000},
        ]
        first, second = [
            (
                await operator.do(
                    "POST",
                    "/v1/events",
                    start=(START + at * MINUTE).isoformat(),
                    prices=blocks,
                    **event,
                )
            )["name"]
            for at in (5, 35)
        ]
        sink = Sink()
        async with site.gateway(device, utility.url, sink):
            await site.pass_time(START + 40 * MINUTE)
            await operator.do("POST", f"/v1/events/{second}/cancel")
            await site.pass_time(START + 43 * MINUTE)
        assert statuses(utility, first) == [1, 2, 3]
        assert statuses(utility, second) == [1, 2, 6]
        roots = {type(one.document) for one in utility.responses()}
        assert roots == {sep.PriceResponse}
        inward = [(str(e.event_id), e.cancelled_at is None) for e in sink.events]
        assert sorted(inward[:2]) == sorted([(first, True), (second, True)])
        assert inward[2:] == [(second, False)]
        begun = min(sink.events, key=lambda e: e.start)
        base, above = begun.signals
        assert (base.kind, base.unit, base.intervals[0].value) == (
            *(Kind.PRICE, "AUD/kWh"),
            Decimal("0.08512"),
        )
        assert above.signal_id == "price above 500 kWh"
        assert begun.end == START + 35 * MINUTE
        bad = {**event, "start": START.isoformat()}
        for prices in ([], blocks[1:], [*blocks, blocks[0]]):
            status, _ = await operator.ask("POST", "/v1/events", prices=prices, **bad)
            assert status == 400
        await operator.do("DELETE", f"/v1/components/{component}")
        items = (await operator.do("GET", "/v1/events"))["items"]
        assert items == []
        (profile,) = [
            one["resource"]
            for one in (await operator.do("GET", "/v1/programs"))["items"]
            if one["kind"] == "TariffProfile"
        ]
        assert (profile["currency"], profile["version"]) == (36, 2)


async def test_a_price_is_seen_by_those_alone_who_have_its_tariff(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device, other = site.pki.device("0001"), site.pki.device("0002")
    async with site.utility() as utility, operated(site, utility) as operator:
        for one in (device, other):
            await operator.do("PUT", f"/v1/devices/{one.lfdi}", pin=PIN)
        fsa = (await operator.do("POST", "/v1/fsas"))["name"]
        await operator.do("PUT", f"/v1/fsas/{fsa}/devices", devices=[device.lfdi])
        tariff = (await operator.do("POST", "/v1/tariffs", primacy=1, fsas=[fsa]))["name"]
        component = (
            await operator.do("POST", f"/v1/tariffs/{tariff}/components", reading_type={"uom": 72})
        )["name"]
        block = sep.ConsumptionTariffInterval(consumption_block=0, price=1, start_value=0)
        terms = EventTerms(start=START + MINUTE, duration=timedelta(hours=1))
        price = await utility.price(
            lambda t, now: t.create_price(component, [block], 0, terms, now)
        )
        found = utility.desk.server.book.expect(price, sep.TimeTariffInterval)
        for href in (found.href, f"{found.href}/cti", f"{found.href}/cti/1"):
            assert utility.desk.read(href, "", device.lfdi).status == 200
            assert utility.desk.read(href, "", other.lfdi).status == 404
