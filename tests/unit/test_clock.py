"""Setting the wall's clock: time goes on by what elapsed, sleepers look again, lengths of time stay what they are."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conformance.simulation.host import HostClock, HostDials
from gateway.app.virtual import VirtualClock
from gateway.client.buffer import MemoryBatches
from gateway.client.clock import LiveMailbox, ScaledClock, SystemClock
from gateway.client.exchange import BackOff
from gateway.client.lease import LeaseWatch
from gateway.client.telemetry import Telemetry
from gateway.client.timeline import BUILT, ClockStep, Timeline
from gateway.domain.answers import Sample, TelemetryBatch

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dials:
    """Two clocks that are set by hand."""

    def __init__(self, wall: datetime = NOON) -> None:
        self.shown = wall
        self.ran = 1000.0

    def wall(self) -> datetime:
        return self.shown

    def boot(self) -> float:
        return self.ran

    def run(self, seconds: float) -> None:
        """Let time pass, asleep or awake."""
        self.shown += timedelta(seconds=seconds)
        self.ran += seconds


def steps_of(dials: Dials) -> tuple[Timeline, list[ClockStep]]:
    told: list[ClockStep] = []
    return Timeline(dials, told.append), told


def test_a_slewed_wall_is_followed_without_a_word() -> None:
    dials = Dials()
    line, told = steps_of(dials)
    for _ in range(100):
        dials.run(1)
        dials.shown += timedelta(milliseconds=200)
        line.now()
    assert line.now() == NOON + timedelta(seconds=120)
    assert told == []
    assert line.steps == 0


@pytest.mark.parametrize("by", [2 * HOUR, -2 * HOUR])
def test_a_step_is_followed_and_told_once(by: timedelta) -> None:
    dials = Dials()
    line, told = steps_of(dials)
    dials.run(10)
    dials.shown += by
    assert line.now() == NOON + 10 * SECOND + by
    dials.run(10)
    assert line.now() == NOON + 20 * SECOND + by
    assert told == [ClockStep(by=by, at=NOON + 10 * SECOND + by)]
    assert line.sane
    assert line.elapsed_s() == 20


def test_time_asleep_is_no_step() -> None:
    dials = Dials()
    line, told = steps_of(dials)
    dials.run(8 * 3600)
    assert line.now() == NOON + 8 * HOUR
    assert (told, line.elapsed_s()) == ([], 8 * 3600)


def test_a_wall_in_1970_is_not_believed_and_time_goes_on_by_what_elapsed() -> None:
    dials = Dials()
    line, told = steps_of(dials)
    dials.run(60)
    line.now()
    dials.shown = EPOCH
    dials.run(60)
    assert line.now() == NOON + timedelta(seconds=120)
    believed = [line.sane]
    dials.shown = NOON + timedelta(seconds=121)
    dials.ran += 1
    assert line.now() == NOON + timedelta(seconds=121)
    believed.append(line.sane)
    assert believed == [False, True]
    assert told == []


def test_a_boot_in_1970_begins_at_the_last_instant_that_was_stored() -> None:
    dials = Dials(EPOCH)
    line, told = steps_of(dials)
    assert (line.now(), line.sane) == (BUILT, False)
    line.not_before(NOON)
    dials.run(30)
    assert (line.now(), line.sane) == (NOON + 30 * SECOND, False)
    dials.shown = NOON + 5 * HOUR
    assert (line.now(), line.sane) == (NOON + 5 * HOUR, True)
    assert [step.by for step in told] == [5 * HOUR - 30 * SECOND]


def test_a_wall_a_little_behind_what_was_stored_was_set_back_on_purpose() -> None:
    dials = Dials()
    line, _ = steps_of(dials)
    line.not_before(NOON + 2 * HOUR)
    assert (line.now(), line.sane) == (NOON, True)
    line.not_before(NOON + 30 * HOUR)
    assert (line.now(), line.sane) == (NOON + 30 * HOUR, False)


def test_a_process_stopped_between_two_dials_sees_no_step() -> None:
    class Stopped(Dials):
        stops = 0

        def wall(self) -> datetime:
            shown = self.shown
            if self.stops:
                self.stops -= 1
                self.run(7)
            return shown

    dials = Stopped()
    line, told = steps_of(dials)
    dials.stops = 1
    assert line.now() == NOON + timedelta(seconds=7)
    assert told == []


async def test_a_sleeper_wakes_when_the_clock_is_set_ahead_past_its_due_date() -> None:
    dials = Dials()
    clock = SystemClock(dials, look_every_s=0.001)
    sleeping = asyncio.create_task(clock.sleep_until(NOON + HOUR))
    await turns()
    assert not sleeping.done()
    dials.shown += 2 * HOUR
    await sleeping
    assert clock.now() == NOON + 2 * HOUR


async def test_a_sleeper_looks_again_when_the_clock_is_set_back() -> None:
    dials = Dials()
    clock = SystemClock(dials, look_every_s=0.001)
    sleeping = asyncio.create_task(clock.sleep_until(NOON + HOUR))
    mailbox: LiveMailbox[str] = clock.mailbox()
    waiting = asyncio.create_task(mailbox.get(until=NOON + HOUR))
    await turns()
    dials.shown -= 2 * HOUR
    await sleeping
    found = await waiting
    assert found is None
    assert clock.steps == 1


async def test_an_item_is_not_lost_to_a_step() -> None:
    dials = Dials()
    clock = SystemClock(dials, look_every_s=0.001)
    mailbox: LiveMailbox[str] = clock.mailbox()
    waiting = asyncio.create_task(mailbox.get(until=NOON + HOUR))
    await turns()
    dials.shown -= 2 * HOUR
    mailbox.put("item")
    found = await waiting
    assert found == "item" or len(mailbox) == 1


def test_a_faster_timeline_believes_its_own_past() -> None:
    dials = Dials(NOON)
    clock = ScaledClock(datetime(2025, 5, 3, tzinfo=UTC), NOON, 400.0, dials)
    dials.run(9)
    assert clock.now() == datetime(2025, 5, 3, 1, tzinfo=UTC)
    assert clock.elapsed_s() == 3600
    clock.not_before(datetime(2025, 5, 3, 0, 30, tzinfo=UTC))
    assert clock.sane


async def turns() -> None:
    """Let everybody begin to wait."""
    for _ in range(5):
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        await future


class Site:
    """A site whose lease is watched, on a computer whose clock is set."""

    def __init__(self) -> None:
        self.true = VirtualClock(NOON)
        self.dials = HostDials(self.true)
        self.clock = HostClock(self.true, self.dials)
        self.calls: list[tuple[str, float]] = []
        self.lease = LeaseWatch(self.clock, 60.0, self._lost, self._regained)

    async def _lost(self, _: object) -> None:
        self.calls.append(("lost", self.clock.elapsed_s()))

    async def _regained(self) -> None:
        self.calls.append(("regained", self.clock.elapsed_s()))

    async def watch(self) -> None:
        with self.true.held():
            await self.lease.run()

    def set_clock(self, by: timedelta) -> None:
        self.dials.wrong_by += by
        self.clock.look()


@pytest.mark.parametrize("by", [2 * HOUR, -2 * HOUR])
async def test_a_lease_is_a_length_of_time(by: timedelta) -> None:
    site = Site()
    with site.true.held():
        watching = asyncio.create_task(site.watch())
        await site.true.sleep_until(NOON + 30 * SECOND)
        site.set_clock(by)
        await site.true.sleep_until(NOON + 59 * SECOND)
        assert site.calls == []
        await site.true.sleep_until(NOON + 61 * SECOND)
        assert site.calls == [("lost", 60.0)]
        site.lease.heard()
        await site.true.sleep_until(NOON + 62 * SECOND)
        assert site.calls[1:] == [("regained", 61.0)]
        watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize("by", [2 * HOUR, -2 * HOUR])
async def test_collected_samples_are_sent_on_time_whatever_the_wall_shows(by: timedelta) -> None:
    site = Site()
    sent: list[float] = []

    async def send(_: TelemetryBatch) -> None:
        sent.append(site.clock.elapsed_s())

    telemetry = Telemetry(
        send=send,
        batches=MemoryBatches(100),
        keep=True,
        clock=site.clock,
        collect_s=10.0,
        back_off=BackOff(),
        on_notice=lambda _: None,
    )

    async def run() -> None:
        with site.true.held():
            await telemetry.run()

    with site.true.held():
        running = asyncio.create_task(run())
        await site.true.sleep_until(NOON + SECOND)
        sample = Sample(meter="poc", start=NOON, duration=SECOND, energy_kwh=Decimal(1))
        telemetry.add((sample,))
        await site.true.sleep_until(NOON + 5 * SECOND)
        site.set_clock(by)
        await site.true.sleep_until(NOON + 20 * SECOND)
        running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sent == [11.0]
