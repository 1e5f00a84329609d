"""A schedule from the operator to the VTN through pipeline, store and driver, over a restart, and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import TransportError
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.northbound.driver import Driver
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.scheduling import Scheduling
from gateway.protocols.actions import FactKind, Message, Send
from gateway.protocols.entry import ProgramTerms, Scope, Tools
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.oadr2b.options import VenOptions
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds, FixedChance
from tests.intent_samples import PROGRAM, SITE
from tests.oadr2b_world import CODEC, SCHEMA, ScriptedVtn
from tests.pipeline_story import UTILITY, House

MINUTE = timedelta(minutes=1)
M = TypeVar("M")


@dataclass
class Line:
    """The network between the driver and a scripted VTN; it may be cut."""

    clock: VirtualClock
    vtn: ScriptedVtn = field(default_factory=ScriptedVtn)
    cut: bool = False
    seen: list[wire.Message] = field(default_factory=list)

    async def __call__(self, send: Send) -> Message:
        await self.clock.sleep_until(self.clock.now() + timedelta(seconds=1))
        if self.cut:
            raise TransportError("TIMEOUT", "scripted")
        request = CODEC.decode(send.body)
        self.seen.append(request)
        self.vtn.now = self.clock.now()
        reply = self.vtn.answer(request)
        assert not isinstance(reply, str | bytes)
        body = CODEC.encode(reply) if reply else b""
        return Message(request_id=send.request_id, service=send.service, body=body)

    def of(self, kind: type[M]) -> list[M]:
        return [one for one in self.seen if isinstance(one, kind)]


@dataclass
class Running:
    """One life of the gateway: its pipeline and its driver over one store."""

    house: House
    line: Line
    driver: Driver

    async def until(self, minutes: int) -> None:
        await self.house.clock.sleep_until(self.house.now + minutes * MINUTE)


@asynccontextmanager
async def running(store: SqliteStore, clock: VirtualClock, line: Line) -> AsyncIterator[Running]:
    house = House(store=store, clock=clock, sites=(SITE,))
    state = await store.read(lambda work: work.sessions.state(UTILITY))
    scope = Scope(utility=UTILITY, programs=(ProgramTerms(name=PROGRAM.name, sites=PROGRAM.sites),))
    tools = Tools(chance=FixedChance([]), ids=CountedIds(), schema=SCHEMA)
    session = VenSession(VenOptions(query_first=False), scope, tools, state)

    async def no_readings(_: object) -> None:
        raise AssertionError("nobody asked for a report")

    driver = Driver(
        UTILITY,
        session,
        line,
        Inbound(house.office),
        no_readings,  # type: ignore[arg-type] # never called
        clock,
    )
    task = asyncio.create_task(driver.run())
    try:
        yield Running(house, line, driver)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def wanted(clock: VirtualClock) -> OptSchedule:
    return OptSchedule(
        opt_id="opt-1",
        utility=UTILITY,
        opt=Opt.OUT,
        reason="x-maintenance",
        windows=(Window(start=clock.now() + 600 * MINUTE, end=None),),
        created_at=clock.now(),
        by="operator:alice",
    )


async def standing(store: SqliteStore) -> list[tuple[str, str]]:
    facts = await store.read(lambda work: work.told.facts(UTILITY, FactKind.OPT))
    return [(fact.key, fact.fields["state"]) for fact in facts]


@pytest.mark.spec("OpenADR 2.0b section 8.5", "OpenADR 2.0b case CFX2B-OPT-03")
async def test_a_schedule_reaches_the_vtn_over_an_outage_and_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    clock = VirtualClock(House().now)
    line = Line(clock)
    with clock.held():
        async with (
            await open_store(url, ids=CountedIds()) as store,
            running(store, clock, line) as first,
        ):
            await first.until(1)
            line.cut = True
            await Scheduling(first.house.office).create(wanted(clock))
            # Nobody hands it over: the driver finds it in the store at its next wake.
            await first.until(5)
            assert line.of(wire.OadrCreateOpt) == []
            assert await standing(store) == []
        line.cut = False
        async with await open_store(url, ids=CountedIds()) as store:
            async with running(store, clock, line) as second:
                await second.until(3)
                assert [m.opt_id for m in line.of(wire.OadrCreateOpt)] == ["opt-1"]
                assert await standing(store) == [("opt-1", "held")]
                gone = await Scheduling(second.house.office).cancel("opt-1", "operator:bob")
                second.driver.decide(gone)
                await second.until(1)
                assert len(line.of(wire.OadrCancelOpt)) == 1
                assert await standing(store) == [("opt-1", "gone")]
            assert await store.read(lambda work: work.opting.pending(UTILITY)) == ()
