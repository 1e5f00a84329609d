"""The reference VEN against our VTN: no protocol code shared, virtual time, real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.vtn2b import UtilityPeer
from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Memory
from gateway.app.ids import SeededChance
from gateway.app.virtual import VirtualClock
from gateway.domain.timespan import Span
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered
from gateway.protocols.oadr2b.vtn_records import WantRecord
from gateway.servers.vtn2b.app import HttpOptions
from tests.fakes import CountedIds
from tests.vtn_wire import CODEC

START = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
PROGRAM = "http://gridgate.example/program"
MINUTE = timedelta(minutes=1)


@dataclass
class World:
    """One utility, one VEN, one clock."""

    clock: VirtualClock
    utility: UtilityPeer
    ven: Ven
    task: "asyncio.Task[None]"

    async def after(self, length: timedelta) -> None:
        await self.clock.sleep_until(self.clock.now() + length)

    async def restart(self) -> None:
        """End the device and make it anew on what it remembered."""
        await _end(self.task)
        self.ven, self.task = _device(self.utility, self.clock, self.ven.memory)


def _device(
    utility: UtilityPeer, clock: VirtualClock, memory: Memory | None = None
) -> tuple[Ven, "asyncio.Task[None]"]:
    ven = Ven(Settings(url=utility.url), clock, SeededChance(7, "ven"), memory)
    return ven, asyncio.create_task(ven.run())


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    clock = VirtualClock(START)
    utility = UtilityPeer(
        VtnOptions(vtn_id="vtn-1"),
        clock=clock,
        ids=CountedIds(),
        codec=CODEC,
        tls=None,
        http=HttpOptions(requests_per_s=0),
    )
    with clock.held():
        await utility.start()
        ven, task = _device(utility, clock)
        there = World(clock, utility, ven, task)
        try:
            await there.after(MINUTE)
            yield there
        finally:
            await _end(there.task)
            await utility.stop()


def event(name: str = "e1", level: int = 1, **more: object) -> EventSpec:
    step = Step(lasts=timedelta(minutes=5), value=Decimal(level))
    arguments: dict[str, object] = {"start": START + 10 * MINUTE, **more}
    return EventSpec(
        event_id=name,
        market_context=PROGRAM,
        signals=(SignalSpec(type=SignalType.LEVEL, steps=(step,)),),
        **arguments,  # type: ignore[arg-type]  # keywords of the tests
    )


def said(utility: UtilityPeer) -> list[tuple[str, int, str, str]]:
    return [
        (fact.event_id, fact.version, str(fact.opt), fact.code)
        for fact in (told.fact for told in utility.told(Answered))
    ]


async def test_it_registers_and_offers_its_reports() -> None:
    async with world() as there:
        assert len(there.utility.vens) == 1
        assert there.ven.memory.registration is not None


async def test_it_follows_an_event_from_its_start_to_its_end() -> None:
    async with world() as there:
        await there.utility.publish(event())
        await there.after(8 * MINUTE)
        assert said(there.utility)[0] == ("e1", 0, "optIn", "200")
        assert there.ven.running() == {}
        await there.after(2 * MINUTE)
        assert there.ven.running() == {"e1": "1"}
        await there.after(5 * MINUTE)
        assert there.ven.running() == {}


async def test_it_stops_a_cancelled_event_and_an_opted_out_one() -> None:
    async with world() as there:
        for name in ("e1", "e2"):
            await there.utility.publish(event(name))
        await there.after(10 * MINUTE)
        assert set(there.ven.running()) == {"e1", "e2"}
        there.ven.opt("e2", "optOut")
        await there.utility.cancel("e1")
        await there.after(MINUTE)
        assert there.ven.running() == {}
        assert ("e2", 0, "optOut", "200") in said(there.utility)


async def test_it_refuses_a_programme_that_it_is_not_in() -> None:
    async with world() as there:
        await there.utility.publish(event(groups=("others",)))
        await there.after(MINUTE)
        assert said(there.utility) == [("e1", 0, "optOut", "462")]


async def test_a_periodic_report_comes_as_often_as_asked_and_not_once_more() -> None:
    async with world() as there:
        await there.utility.request_report(
            WantRecord(
                want_id="w1",
                report_name="TELEMETRY_USAGE",
                r_ids=("power",),
                granularity=MINUTE,
                report_back=MINUTE,
                starts_at=there.clock.now(),
                lasts=2 * MINUTE,
            )
        )
        await there.after(10 * MINUTE)
        values = [told.fact for told in there.utility.reports if told.fact.want_id == "w1"]
        assert [value.r_id for value in values] == ["power", "power"]
        assert values[1].starts_at - values[0].starts_at == MINUTE


async def test_a_restart_keeps_the_drawn_delay_and_the_registration() -> None:
    async with world() as there:
        await there.utility.publish(event(randomise=timedelta(minutes=4)))
        await there.after(MINUTE)
        drawn = there.ven.memory.events["e1"].offset
        identity = there.ven.memory.registration
        await there.restart()
        await there.after(MINUTE)
        assert there.ven.memory.events["e1"].offset == drawn
        assert there.ven.memory.registration is identity


async def test_it_ends_its_registration_and_makes_a_new_one() -> None:
    async with world() as there:
        there.ven.cancel_registration()
        await there.after(MINUTE)
        assert there.utility.vens == ()
        there.ven.register()
        await there.after(MINUTE)
        assert len(there.utility.vens) == 1


async def test_its_opt_schedules_are_taken() -> None:
    async with world() as there:
        there.ven.opt_schedule("optOut", [Span.lasting(START, MINUTE)], "o1")
        await there.after(MINUTE)
        there.ven.cancel_opt("o1")
        await there.after(MINUTE)
        assert there.ven.memory.opts == {}
