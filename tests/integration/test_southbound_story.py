"""One event told through the real pipeline and store, to a real client over loopback, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from gateway.app.virtual import VirtualClock
from gateway.client import Notice, Site, SiteOptions
from gateway.domain.answers import Sample
from gateway.domain.names import SiteId
from gateway.domain.participation import Opt
from gateway.domain.ports import Clock
from gateway.pipeline.ports import Store
from gateway.southbound.app import make_app
from gateway.southbound.bells import Bells
from gateway.southbound.parts import Pace, Parts
from gateway.southbound.tokens import create_token
from gateway.store.open import open_store
from gateway.transport.server import Listener, listen
from tests.client_world import cancelled
from tests.fakes import CountedIds, PlainSigner
from tests.intent_samples import EVENT, START, UTC_1600
from tests.pipeline_story import END, HERE, MINUTE, SETTLED_AT, House, follows, modified, opts
from tests.store_fakes import MemoryStore


class Told:
    """A house whose bells are the southbound ones, and a server before it."""

    def __init__(self, store: Store) -> None:
        self.clock = VirtualClock(UTC_1600 - 60 * MINUTE, print)
        self.bells = Bells(cast(Clock, self.clock))
        self.house = House(store=store, clock=self.clock, bells=cast(Any, self.bells))
        self.ids = CountedIds()
        self.notices: list[Notice] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Listener]:
        """Serve the interface and the pipeline's timers."""
        parts = Parts(
            store=self.house.store,
            desk=self.house.desk,
            clock=self.clock,
            ids=self.ids,
            bells=self.bells,
            signer=PlainSigner(),
            registry=CollectorRegistry(),
            source="urn:test",
            pace=Pace(burst=10_000),
        )
        listener = await listen(make_app(parts), "127.0.0.1", 0, None)
        self.house._serving = True
        timers = asyncio.create_task(self.house.timetable.run())
        try:
            yield listener
        finally:
            await cancelled(timers)
            await listener.stop()

    async def secret(self, site: str = HERE) -> str:
        now = self.clock.now()
        return await create_token(self.house.store, self.ids, name=site, site=SiteId(site), now=now)

    async def until(self, at: datetime) -> None:
        await self.clock.sleep_until(at)


@pytest.fixture(params=["memory", "sqlite"])
async def told(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Told]:
    if request.param == "memory":
        yield Told(MemoryStore())
        return
    store = await open_store(f"sqlite:///{tmp_path}/gridgate.db", ids=CountedIds())
    try:
        yield Told(store)
    finally:
        await store.close()


async def meter(told: Told, site: Site) -> None:
    """Meter the contract point, minute by minute."""
    with told.clock.held():
        at = UTC_1600 - 60 * MINUTE
        while True:
            energy = (follows(at) / 60).quantize(Decimal("1e-9"))
            await told.until(at + MINUTE)
            await site.telemetry(
                Sample(meter="it_load", start=at, duration=MINUTE, energy_kwh=energy)
            )
            at += MINUTE


async def follow(told: Told, site: Site, seen: list[tuple[datetime, Decimal]]) -> None:
    """The README's loop, without the meter."""
    with told.clock.held():
        async for plan in site.plans():
            seen.append((told.clock.now(), plan.import_max_kw_now))
            await plan.commit(kw=min(plan.import_max_kw_now, Decimal(100)))


@pytest.mark.slow
async def test_an_event_is_told_answered_metered_settled_and_read_back(told: Told) -> None:
    seen: list[tuple[datetime, Decimal]] = []
    with told.clock.held():
        await told.house.agree()
        async with told.serve() as listener:
            url = f"{listener.url}/v1"
            site = Site(
                url,
                site=HERE,
                token=await told.secret(),
                clock=told.clock,
                on_notice=told.notices.append,
                options=SiteOptions(collect_s=0.0),
            )
            async with site:
                tasks = [
                    asyncio.create_task(each)
                    for each in (meter(told, site), follow(told, site, seen))
                ]
                await told.until(EVENT.received_at)
                await told.house.deliver(EVENT)
                await told.until(START + 30 * MINUTE)
                assert seen[-1][1] == Decimal(75)
                await told.until(SETTLED_AT + MINUTE)
                assert site.waiting_batches == 0
                await cancelled(*tasks)
            bearer = {"Authorization": f"Bearer {await told.secret('phx-9')}"}
            mine = {"Authorization": "Bearer token-1"}
            async with aiohttp.ClientSession() as http:
                async with http.get(f"{url}/statements", headers=mine) as answer:
                    page = await answer.json()
                statement = page["items"][0]
                path = f"{url}/statements/{statement['id']}"
                async with http.get(path, headers=mine) as answer:
                    assert await answer.json() == statement
                async with http.get(path, headers=bearer) as answer:
                    assert answer.status == 404
                async with http.get(f"{url}/statements", headers=bearer) as answer:
                    assert await answer.json() == {"items": [], "next": None}

    assert opts(told.house.told) == [(Opt.IN, "committed")]
    assert (await told.house.record()).acked_revision == (await told.house.record()).intent.revision
    ramp = [at for at, kw in seen if START - 15 * MINUTE <= at < START and kw < 100]
    assert len(ramp) == 15
    assert (START, Decimal(75)) in seen
    assert page["next"] is None
    assert Decimal(statement["limit_kw"]) == 75
    assert Decimal(statement["totals"]["shortfall_kwh"]) == 0
    assert len(statement["intervals"]) == 36
    assert not told.notices


@pytest.mark.slow
async def test_a_change_and_a_cancel_reach_the_site_as_revisions_of_one_intent(told: Told) -> None:
    seen: list[tuple[str, int, bool]] = []

    async def read(site: Site) -> None:
        with told.clock.held():
            async for intent in site.intents():
                over = intent.document.cancelled_at is not None
                seen.append((intent.id, intent.revision % 2**32, over))

    with told.clock.held():
        await told.house.agree()
        async with (
            told.serve() as listener,
            Site(
                f"{listener.url}/v1",
                site=HERE,
                token=await told.secret(),
                clock=told.clock,
                on_notice=told.notices.append,
            ) as site,
        ):
            tasks = [asyncio.create_task(each) for each in (meter(told, site), read(site))]
            await told.until(EVENT.received_at)
            await told.house.deliver(EVENT)
            await told.until(EVENT.received_at + MINUTE)
            second = modified(EVENT, told.house, priority=1)
            await told.house.deliver(second)
            await told.until(START + 10 * MINUTE)
            await told.house.deliver(modified(second, told.house, cancelled_at=told.clock.now()))
            await told.until(END + 60 * MINUTE)
            await cancelled(*tasks)

    assert len({intent_id for intent_id, _, _ in seen}) == 1
    revisions = [revision for _, revision, _ in seen]
    assert revisions == sorted(set(revisions))
    assert not seen[0][2]
    assert seen[-1][2]
    assert not told.notices
