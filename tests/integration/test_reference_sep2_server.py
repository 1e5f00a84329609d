"""The reference server of 2030.5 over TLS, in virtual time: right in what the server plan looks at."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from conformance.kit.sep2.build import make
from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Content,
    Control,
    Price,
    Program,
    Tariff,
    aus_limit,
    limit,
)
from conformance.kit.xml import Element
from conformance.reference.sep2server.identity import sfdi_of
from tests.sep2_reference_world import PROGRAM, Somebody, Town, furnish, texts
from tests.sep2_world import START

MINUTE = timedelta(minutes=1)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(folder=tmp_path)


def control(
    name: str, start: datetime, lasts: timedelta = MINUTE, base: Content | None = None
) -> Control:
    return Control(id=name, start=start, lasts=lasts, base=base or limit(50))


async def program_of(client: Somebody) -> str:
    """Walk to the one program of a client's own device and return where it lies."""
    own = await client.own()
    where = texts(await client.get(own), "s:FunctionSetAssignmentsListLink/@href")[0]
    fsa = await client.get(f"{where}?l=9")
    programs = await client.get(
        texts(fsa, "s:FunctionSetAssignments/s:DERProgramListLink/@href")[0] + "?l=9"
    )
    return texts(programs, "s:DERProgram/@href")[0]


async def statuses(client: Somebody, href: str) -> dict[str, str]:
    listed = await client.get(f"{href}/derc?l=255")
    names = texts(listed, "s:DERControl/s:description")
    return dict(
        zip(names, texts(listed, "s:DERControl/s:EventStatus/s:currentStatus"), strict=True)
    )


async def test_a_registered_device_walks_by_links_to_its_default(town: Town) -> None:
    async with (
        town.server() as server,
        town.client("one", server) as one,
        town.client("two", server) as two,
    ):
        furnish(server, one.lfdi)
        furnish(server, two.lfdi)
        entry = await one.get("/dcap")
        assert texts(entry, "s:EndDeviceListLink/@all") == ["1"]
        assert "https://csipaus.org/ns" in entry.nsmap.values()
        own = await one.own()
        shown = await one.get(own)
        assert texts(shown, "s:sFDI") == [str(sfdi_of(one.lfdi))]
        rg = await one.get(texts(shown, "s:RegistrationLink/@href")[0])
        assert texts(rg, "s:pIN") == ["111115"]
        program = await program_of(one)
        default = await one.get(f"{program}/dderc")
        assert texts(default, "s:DERControlBase/s:opModMaxLimW") == ["8000"]
        theirs = await two.own()
        assert (await one.ask("GET", theirs)).status == 404
        assert (await one.ask("GET", f"{theirs}/der/1/ders")).status == 404


async def test_strangers_see_nothing_and_register_themselves(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        listed = await one.get("/edev?l=5")
        assert listed.get("all") == "0"
        assert (await one.ask("GET", "/mup")).status == 403
        other = "AB" * 20
        assert (await one.ask("POST", "/edev", one.end_device(other))).status == 403
        made = await one.ask("POST", "/edev", one.end_device())
        assert made.status == 201
        assert (await one.get(made.location)).get("href") == made.location
        assert (await one.ask("POST", "/edev", one.end_device())).status == 409
        for lfdi in ("AB", "", "AB" * 21):
            wrong = make("EndDevice", {"lFDI": lfdi or None, "sFDI": 1, "changedTime": START})
            assert (await one.ask("POST", "/edev", wrong)).status == 400


async def test_an_aggregator_registers_and_acts_for_devices(town: Town) -> None:
    async with (
        town.server() as server,
        town.client("agg", server) as agg,
        town.client("one", server) as one,
    ):
        server.register_aggregator(agg.lfdi)
        managed = f"{1:032X}00040732"
        made = await agg.ask("POST", "/edev", agg.end_device(managed))
        assert made.status == 201
        listed = await agg.get("/edev?l=9")
        assert sorted(texts(listed, "s:EndDevice/s:lFDI")) == sorted([agg.lfdi, managed])
        assert (await agg.ask("GET", f"{made.location}/sub")).status == 404
        furnish(server, one.lfdi)
        status = make(
            "DERStatus",
            {"readingTime": START, "genConnectStatus": {"dateTime": START, "value": "01"}},
        )
        assert (await agg.ask("PUT", f"{made.location}/der/1/ders", status)).status == 204
        assert (await one.ask("PUT", f"{made.location}/der/1/ders", status)).status == 404
        assert server.posted(managed, "DERStatus")["genConnectStatus.value"] == "01"
        nmi = make("aus:ConnectionPoint", {"aus:connectionPointId": "6203778594"}, aus=True)
        assert (await agg.ask("PUT", f"{made.location}/cp", nmi)).status == 204
        bad = make("aus:ConnectionPoint", {"aus:connectionPointId": "nonsense"}, aus=True)
        refused = await agg.ask("PUT", f"{made.location}/cp", bad)
        assert refused.status == 400
        assert b"reasonCode" in refused.body


async def test_settings_without_their_time_change_nothing(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        place = f"{await one.own()}/der/1/derg"
        content = {"setGradW": 27, "setMaxW": {"multiplier": 0, "value": 5000}}
        assert (await one.ask("PUT", place, make("DERSettings", content))).status == 400
        assert (await one.ask("GET", place)).status == 404
        good = make("DERSettings", {**content, "updatedTime": START})
        assert (await one.ask("PUT", place, good)).status == 204
        assert texts(await one.get(place), "s:setMaxW/s:value") == ["5000"]


async def test_a_control_is_scheduled_active_and_gone(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        program = await program_of(one)
        now = town.clock.now()
        server.publish(
            "p", control("c", now + MINUTE), control("x", now + MINUTE, base=aus_limit("Imp", 0))
        )
        assert await statuses(one, program) == {"c": "0", "x": "0"}
        await town.clock.sleep_until(now + MINUTE)
        assert await statuses(one, program) == {"c": "1", "x": "1"}
        server.cancel("x")
        await town.clock.sleep_until(now + 1.5 * MINUTE)
        assert await statuses(one, program) == {"c": "1", "x": "2"}
        await town.clock.sleep_until(now + 2 * MINUTE)
        assert await statuses(one, program) == {"x": "2"}
        await town.clock.sleep_until(now + 3 * MINUTE)
        assert await statuses(one, program) == {}


async def test_the_newer_of_two_controls_supersedes(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        program = await program_of(one)
        now = town.clock.now()
        server.publish("p", control("old", now + MINUTE, 5 * MINUTE))
        await town.clock.sleep_until(now + timedelta(seconds=10))
        server.publish("p", control("new", now + 2 * MINUTE, 2 * MINUTE))
        await town.clock.sleep_until(now + MINUTE)
        assert await statuses(one, program) == {"old": "1", "new": "0"}
        await town.clock.sleep_until(now + 2 * MINUTE)
        assert await statuses(one, program) == {"old": "4", "new": "1"}


async def test_responses_are_judged(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        server.publish("p", control("c", town.clock.now() + MINUTE))
        program = await program_of(one)
        listed = await one.get(f"{program}/derc?l=9")
        mrid, reply = (
            texts(listed, "s:DERControl/s:mRID")[0],
            texts(listed, "s:DERControl/@replyTo")[0],
        )

        def said(**changed: object) -> Element:
            content = {
                "createdDateTime": START,
                "endDeviceLFDI": one.lfdi,
                "status": 1,
                "subject": mrid,
            }
            return make("DERControlResponse", {**content, **changed})

        for wrong in ({"subject": "AB" * 16}, {"endDeviceLFDI": "AB" * 20}, {"status": 99}):
            assert (await one.ask("POST", reply, said(**wrong))).status in (400, 403), wrong
        made = await one.ask("POST", reply, said())
        assert made.status == 201
        assert texts(await one.get(made.location), "s:status") == ["1"]
        assert server.posted(one.lfdi, "Response")["0.status"] == "1"


async def test_a_mirror_is_made_once(town: Town) -> None:
    async with (
        town.server() as server,
        town.client("one", server) as one,
        town.client("two", server) as two,
    ):
        furnish(server, one.lfdi)
        furnish(server, two.lfdi)
        kind = {"uom": 38, "powerOfTenMultiplier": 0, "kind": 37}
        meter = {"mRID": "0B" * 16, "ReadingType": kind}

        def mirror(lfdi: str = one.lfdi, flags: str = "0003") -> Element:
            return make(
                "MirrorUsagePoint",
                {
                    "mRID": "0A" * 16, "roleFlags": flags, "serviceCategoryKind": 0, "status": 1,
                    "deviceLFDI": lfdi, "MirrorMeterReading": [meter],
                },
            )  # fmt: skip

        made = await one.ask("POST", "/mup", mirror())
        again = await one.ask("POST", "/mup", mirror(flags="0049"))
        assert (made.status, again.status, made.location) == (201, 204, again.location)
        assert texts(await one.get(made.location), "s:roleFlags") == ["0049"]
        assert (await two.ask("POST", "/mup", mirror())).status == 403
        assert (await two.ask("POST", "/mup", mirror(two.lfdi))).status == 403
        assert (await two.ask("GET", made.location)).status == 404
        told = make(
            "MirrorMeterReading",
            {
                "mRID": "0B" * 16,
                "MirrorReadingSet": [
                    {
                        "mRID": "0C" * 16, "timePeriod": {"duration": 60, "start": START},
                        "Reading": [{"value": 7}, {"value": 8}],
                    }
                ],
            },
        )  # fmt: skip
        for _ in range(2):
            assert (await one.ask("POST", made.location, told)).status == 201
        stored = server.posted(one.lfdi, "Reading")
        assert [stored[f"{n}.value"] for n in range(2)] == ["7", "8"]
        assert "2.value" not in stored
        strange = make("MirrorMeterReading", {"mRID": "0D" * 16, "Reading": {"value": 1}})
        assert (await one.ask("POST", made.location, strange)).status == 400


async def test_subscribers_are_told_until_they_have_heard(town: Town) -> None:
    async with town.server() as server, town.client("agg", server) as agg, town.ear() as ear:
        server.register_aggregator(agg.lfdi)
        furnish(server, f"{1:032X}00040732", manager=agg.lfdi)
        sub = f"{await agg.own()}/sub"
        wanted = {
            "encoding": 0, "level": "+S1", "limit": 5, "notificationURI": ear.url,
        }  # fmt: skip
        number = next(iter(server.memory.programs.values())).number
        wanted["subscribedResource"] = f"/derp/{number}/derc"
        made = await agg.ask("POST", sub, make("Subscription", wanted))
        again = await agg.ask("POST", sub, make("Subscription", wanted))
        assert (made.status, again.status, made.location) == (201, 204, again.location)
        refused = await agg.ask(
            "POST", sub, make("Subscription", {**wanted, "subscribedResource": "/tm"})
        )
        assert refused.status == 400
        now = town.clock.now()
        ear.answers = [503, 503]
        server.publish("p", control("c", now + MINUTE))
        await town.clock.sleep_until(now + timedelta(seconds=30))
        assert len(ear.heard) == 3
        assert texts(ear.heard[-1], "s:Resource/@xsi:type") == ["DERControlList"]
        assert texts(ear.heard[-1], "s:Resource/s:DERControl/s:description") == ["c"]
        assert texts(ear.heard[-1], "s:subscriptionURI")[0].endswith(made.location)
        await town.clock.sleep_until(now + 1.5 * MINUTE)
        assert texts(ear.heard[-1], "s:Resource/s:DERControl/s:EventStatus/s:currentStatus") == [
            "1"
        ]
        await town.clock.sleep_until(now + 3 * MINUTE)
        assert texts(ear.heard[-1], "s:Resource/@all") == ["0"]
        assert len(ear.heard) == 5
        assert (await agg.ask("DELETE", made.location)).status == 204
        server.publish("p", control("d", now + 9 * MINUTE))
        await town.clock.sleep_until(now + 8 * MINUTE)
        assert len(ear.heard) == 5


async def test_a_change_below_is_not_told_above(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one, town.ear() as ear:
        furnish(server, one.lfdi)
        own = await one.own()
        for place in (f"{own}/fsa", "/edev"):
            wanted = {
                "subscribedResource": place, "encoding": 0, "level": "+S1", "limit": 0, "notificationURI": ear.url,
            }  # fmt: skip
            assert (await one.ask("POST", f"{own}/sub", make("Subscription", wanted))).status == 201
        server.put_program(Program(id="q", primacy=1))
        server.put_assignment(Assignment(id="b", programs=("q",)), one.lfdi)
        await town.clock.sleep_until(town.clock.now() + MINUTE)
        assert [texts(root, "s:subscribedResource") for root in ear.heard] == [[f"{own}/fsa"]]
        server.set_enabled(one.lfdi, enabled=False)
        await town.clock.sleep_until(town.clock.now() + MINUTE)
        assert [texts(root, "s:subscribedResource") for root in ear.heard[1:]] == [["/edev"]]


async def test_methods_and_forms_are_judged(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        own = await one.own()
        answer = await one.ask("POST", "/tm", one.end_device())
        assert answer.status == 405
        assert (await one.ask("DELETE", own)).status == 403
        assert (await one.ask("GET", "/nowhere")).status == 404
        assert (await one.ask("GET", "/edev?s=-1")).status == 400
        assert (await one.ask("GET", "/edev?l=x")).status == 400
        assert (await one.get("/edev?l=0")).get("results") == "0"
        assert (await one.get("/edev?s=5&l=5")).get("all") == "1"
        plain = await one.http.request(
            "PUT", one.root.replace("/dcap", f"{own}/di"), b"<a/>", "text/plain"
        )
        assert plain.status == 415


async def test_lists_of_times_are_cut_after_an_instant(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        program = await program_of(one)
        now = town.clock.now()
        server.publish("p", *(control(f"c{n}", now + n * MINUTE) for n in (1, 2, 3)))
        after = round((now + MINUTE).timestamp())
        listed = await one.get(f"{program}/derc?a={after}&l=9")
        assert texts(listed, "s:DERControl/s:description") == ["c2", "c3"]
        assert listed.get("all") == "3"
        assert (await one.get(f"{program}/actderc?l=9")).get("all") == "0"


async def test_a_restart_forgets_nothing(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        program = await program_of(one)
    async with town.server() as server, town.client("one", server) as again:
        server.memory.devices[again.lfdi] = server.memory.devices.pop(one.lfdi)
        server.memory.devices[again.lfdi].lfdi = again.lfdi
        assert await program_of(again) == program


async def test_prices_are_reached_by_links(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        server.put_tariff(Tariff(id="t", components=("e",)), "a")
        server.price("t", "e", Price(id="x", start=town.clock.now(), lasts=MINUTE, price=250))
        fsa = await one.get(f"{await one.own()}/fsa?l=1")
        profile = texts(
            await one.get(texts(fsa, "*/s:TariffProfileListLink/@href")[0]),
            "*/s:RateComponentListLink/@href",
        )
        part = texts(await one.get(profile[0]), "*/s:TimeTariffIntervalListLink/@href")
        interval = await one.get(part[0])
        assert texts(interval, "*/s:EventStatus/s:currentStatus") == ["1"]
        steps = await one.get(texts(interval, "*/s:ConsumptionTariffIntervalListLink/@href")[0])
        assert texts(steps, "*/s:price") == ["250"]


async def test_rates_are_as_the_operator_says(town: Town) -> None:
    async with town.server() as server, town.client("one", server) as one:
        furnish(server, one.lfdi)
        server.set_rates("EndDeviceList", 77)
        server.set_post_rate(one.lfdi, 33)
        server.register(Account(lfdi=one.lfdi, assignments=("a",), post_s=33))
        listed = await one.get("/edev?l=1")
        assert listed.get("pollRate") == "77"
        assert texts(listed, "s:EndDevice/s:postRate") == ["33"]
        server.put_default("p", limit(10), {"setGradW": 27})
        default = await one.get(f"{await program_of(one)}/dderc")
        assert texts(default, "s:setGradW") == ["27"]
        assert texts(default, "s:version") == ["1"]
        assert PROGRAM.id == "p"
