"""Timers while the gateway's clock is set, ahead, back, or to 1970: each once, none lost, none before its time."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from conformance.simulation.host import HostClock, HostDials
from gateway.app.virtual import VirtualClock
from gateway.domain.intent import State
from gateway.pipeline.keys import last_stored
from gateway.settlement.records import logged
from tests.intent_samples import EVENT, START, UTC_1600
from tests.pipeline_story import END, MINUTE, SETTLED_AT, House, follows, level, opened, opts

HOURS = timedelta(hours=2)
SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """A gateway on a computer whose clock can be set."""

    true: VirtualClock
    dials: HostDials
    house: House

    @classmethod
    def made(cls) -> "Machine":
        true = VirtualClock(UTC_1600)
        dials = HostDials(true)
        return cls(true, dials, House(clock=HostClock(true, dials)))

    @property
    def clock(self) -> HostClock:
        assert isinstance(self.house.clock, HostClock)
        return self.house.clock

    def set_clock(self, by: timedelta) -> None:
        self.dials.wrong_by += by
        self.clock.look()

    def lose_clock(self) -> None:
        self.dials.lost_at = self.true.now()
        self.clock.look()

    def find_clock(self) -> None:
        self.dials.lost_at = None
        self.clock.look()

    async def truly_until(self, at: datetime) -> None:
        """Let true time pass while the gateway serves."""
        while self.true.now() < at:
            step = min(at - self.true.now(), MINUTE)
            await self.house.until(self.clock.now() + step)

    async def phases(self) -> Counter[object]:
        """Return how often the log says that each state was entered by the clock."""
        found = [logged(e.index, e.record).document for e in await self.house.entries("intent")]
        return Counter(d["status"] for d in found if d.get("cause") == "phase")


async def asked() -> Machine:
    machine = Machine.made()
    await opened(machine.house)
    await machine.house.deliver(EVENT)
    return machine


async def joined() -> Machine:
    machine = await asked()
    await machine.house.ack()
    await machine.house.commit()
    return machine


@pytest.mark.parametrize("by", [HOURS, -HOURS])
async def test_a_site_has_the_time_to_answer_that_it_was_given(by: timedelta) -> None:
    machine = await asked()
    began = machine.true.now()
    (deadline,) = [t for t in await machine.house.timers() if t.kind == "opt_deadline"]
    allowed = deadline.due_at - began
    await machine.truly_until(began + 5 * SECOND)
    machine.set_clock(by)
    await machine.truly_until(began + allowed - SECOND)
    assert machine.house.told == []
    await machine.truly_until(began + allowed + SECOND)
    assert opts(machine.house.told) == opts(machine.house.told[:1])
    assert machine.house.told[0].reason == "default"


async def test_a_deadline_that_was_overdue_before_the_clock_was_set_is_done() -> None:
    machine = await asked()
    began = machine.true.now()
    with machine.true.held():
        await machine.true.sleep_until(began + 10 * MINUTE)
    machine.set_clock(HOURS)
    await machine.truly_until(began + 10 * MINUTE + SECOND)
    assert [answer.reason for answer in machine.house.told] == ["default"]


@pytest.mark.parametrize("at", [START - 30 * MINUTE, START + 30 * MINUTE, END - 30 * MINUTE])
@pytest.mark.parametrize("by", [HOURS, -HOURS])
async def test_setting_the_clock_and_setting_it_right_fires_each_phase_once(
    at: datetime, by: timedelta
) -> None:
    machine = await joined()
    await machine.truly_until(at)
    machine.set_clock(by)
    await machine.truly_until(at + 20 * MINUTE)
    machine.set_clock(-by)
    await machine.truly_until(END + 5 * MINUTE)
    await machine.house.meter(UTC_1600, (END - UTC_1600) // MINUTE, follows)
    await machine.truly_until(SETTLED_AT + HOURS)
    phases = await machine.phases()
    assert set(phases.values()) == {1}
    assert "completed" in phases
    assert await machine.house.statement() is not None
    assert len(machine.house.told) == 1
    # A wall that ran ahead settles before the meter has told; what it tells then corrects that, and nothing else does.
    entries = await machine.house.entries("settlement")
    found: list[Any] = [logged(one.index, one.record).document["statement"] for one in entries]
    assert [one["version"] for one in found] == list(range(1, len(found) + 1))
    assert [one["correction"]["reason"] for one in found[1:]] == ["late_data"] * (len(found) - 1)
    assert len(found) <= 2
    assert "event_data_missing" not in found[-1]["flags"]


async def test_a_wall_in_1970_starts_nothing_and_expires_nothing() -> None:
    machine = await asked()
    machine.lose_clock()
    await machine.truly_until(END + HOURS)
    record = await machine.house.record()
    assert (record.intent.status, record.opt, machine.house.told) == (State.SCHEDULED, None, [])
    machine.find_clock()
    await machine.truly_until(END + HOURS + MINUTE)
    assert [answer.reason for answer in machine.house.told] == ["default"]
    assert (await machine.house.record()).intent.status is State.EXPIRED


async def test_a_running_event_ends_by_elapsed_time_while_the_wall_is_in_1970() -> None:
    machine = await joined()
    await machine.truly_until(START + 30 * MINUTE)
    machine.lose_clock()
    await machine.truly_until(END + 50 * MINUTE)
    assert (await machine.house.record()).intent.status is State.COMPLETED
    assert await machine.house.statement() is None
    machine.find_clock()
    await machine.house.meter(UTC_1600, (END - UTC_1600) // MINUTE, level(100))
    await machine.truly_until(END + 60 * MINUTE)
    assert await machine.house.statement() is not None
    assert set((await machine.phases()).values()) == {1}


async def test_a_gateway_that_boots_in_1970_goes_on_from_what_it_stored_last() -> None:
    machine = await joined()
    await machine.truly_until(START + 30 * MINUTE)
    await machine.house.prover.head()
    last = await machine.house.store.read(last_stored)
    assert last == machine.true.now()
    machine.lose_clock()
    machine.house.clock = HostClock(machine.true, machine.dials)
    machine.house.restart()
    machine.clock.not_before(last)
    assert (machine.clock.now(), machine.clock.sane) == (last, False)
    await machine.truly_until(END + 50 * MINUTE)
    assert (await machine.house.record()).intent.status is State.COMPLETED
