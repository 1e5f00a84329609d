"""The reference VTN against the reference VEN, pull and push, over real sockets in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.settings import Settings as VenSettings
from conformance.reference.vtn2b.device import Vtn
from conformance.reference.vtn2b.reports import request
from conformance.reference.vtn2b.settings import Settings as VtnSettings
from conformance.reference.vtn2b.state import Event
from gateway.app.ids import SeededChance
from gateway.app.virtual import VirtualClock
from gateway.domain.timespan import Span

START = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class World:
    """One VTN, one VEN, one clock."""

    clock: VirtualClock
    vtn: Vtn
    ven: Ven

    async def after(self, length: timedelta) -> None:
        await self.clock.sleep_until(self.clock.now() + length)

    @property
    def ven_id(self) -> str:
        (name,) = self.vtn.memory.vens
        return name


@asynccontextmanager
async def world(*, push: bool) -> AsyncIterator[World]:
    clock = VirtualClock(START)
    with clock.held():
        vtn = Vtn(VtnSettings(), clock, SeededChance(1, "vtn"))
        await vtn.start()
        ven = Ven(VenSettings(url=vtn.url, push=push), clock, SeededChance(1, "ven"))
        task = asyncio.create_task(ven.run())
        there = World(clock, vtn, ven)
        try:
            await there.after(MINUTE)
            yield there
        finally:
            task.cancel()
            await vtn.stop()
            with pytest.raises(asyncio.CancelledError):
                await task


BOTH = pytest.mark.parametrize("push", [False, True], ids=["pull", "push"])


@BOTH
async def test_both_register_and_offer_their_reports(push: bool) -> None:
    async with world(push=push) as there:
        ven = there.vtn.memory.vens[there.ven_id]
        assert ven.pull is not push
        assert set(ven.offers) == {"usage", "status", "history"}
        assert not ven.queue


@BOTH
async def test_an_event_is_answered_followed_modified_and_cancelled(push: bool) -> None:
    async with world(push=push) as there:
        event = Event(event_id="e1", start=there.clock.now() + 5 * MINUTE)
        there.vtn.publish(event)
        await there.after(MINUTE)
        there.vtn.modify(event)
        await there.after(5 * MINUTE)
        assert there.ven.running() == {"e1": "1"}
        there.vtn.cancel("e1")
        await there.after(MINUTE)
        assert there.ven.running() == {}
        said = [(version, opt, code) for _, _, version, opt, code in there.vtn.memory.answers]
        assert said == [(0, "optIn", "200"), (1, "optIn", "200"), (2, "optIn", "200")]


@BOTH
async def test_reports_are_asked_for_delivered_and_ended(push: bool) -> None:
    async with world(push=push) as there:
        wanted = request(
            "r1",
            "usage",
            ("power",),
            granularity=MINUTE,
            back=MINUTE,
            period=Span.lasting(there.clock.now(), timedelta(0)),
        )
        there.vtn.request_reports(there.ven_id, wanted)
        await there.after(MINUTE)
        assert set(there.ven.memory.wanted) == {"r1"}
        there.vtn.cancel_report(there.ven_id, "r1")
        await there.after(MINUTE)
        assert there.ven.memory.wanted == {}


@BOTH
async def test_the_vtn_reports_to_a_ven_that_asks(push: bool) -> None:
    async with world(push=push) as there:
        there.ven.ask_metadata("m1")
        now = there.clock.now()
        there.ven.ask_report("g1", "grid", ("grid-energy",), MINUTE, Span.lasting(now, 3 * MINUTE))
        await there.after(MINUTE)
        assert set(there.vtn.memory.vens[there.ven_id].asked) == {"g1"}
        await there.after(5 * MINUTE)
        assert there.vtn.memory.vens[there.ven_id].asked == {}


@BOTH
async def test_both_sides_can_end_and_renew_a_registration(push: bool) -> None:
    async with world(push=push) as there:
        before = there.ven.memory.registration
        there.vtn.request_reregistration(there.ven_id)
        await there.after(MINUTE)
        assert there.ven.memory.registration == before
        there.vtn.cancel_registration(there.ven_id)
        await there.after(MINUTE)
        assert there.ven.memory.registration is None
        assert there.vtn.memory.vens == {}
        there.ven.register()
        await there.after(MINUTE)
        assert there.ven.memory.registration is not None
