"""The virtual clock: tokens, order, timeouts, and the mailbox."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock, Mailbox

START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_time_stands_still_while_somebody_works() -> None:
    clock = VirtualClock(START)
    seen: list[datetime] = []

    async def sleeper() -> None:
        with clock.held():
            await clock.sleep_until(later(5))
            seen.append(clock.now())

    with clock.held():
        task = asyncio.create_task(sleeper())
        for _ in range(20):
            await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
        assert seen == []
    await task

    assert seen == [later(5)]


async def test_sleepers_of_one_instant_wake_one_after_the_other_in_order() -> None:
    clock = VirtualClock(START)
    trace: list[str] = []

    async def worker(name: str) -> None:
        with clock.held():
            for turn in range(3):
                await clock.sleep_until(later(10 * (turn + 1)))
                trace.append(f"{name}{turn} in")
                await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
                trace.append(f"{name}{turn} out")

    await asyncio.gather(*(worker(name) for name in "abc"))

    assert trace == [f"{n}{t} {way}" for t in range(3) for n in "abc" for way in ("in", "out")]


async def test_a_timeout_fires_at_its_virtual_instant_and_leaves_no_token() -> None:
    clock = VirtualClock(START)

    async def patient() -> datetime:
        with clock.held():
            with pytest.raises(TimeoutError):
                async with clock.timeout(30):
                    await clock.sleep_until(later(3600))
            return clock.now()

    async def other() -> datetime:
        with clock.held():
            await clock.sleep_until(later(60))
            return clock.now()

    assert list(await asyncio.gather(patient(), other())) == [later(30), later(60)]
    with pytest.raises(MisuseError):
        clock.release()


async def test_a_message_is_worked_on_before_time_moves() -> None:
    clock: Clock = VirtualClock(START)
    mailbox: Mailbox[int] = clock.mailbox()
    got: list[tuple[int | None, datetime]] = []

    async def receiver() -> None:
        with clock.held():
            while (item := await mailbox.get(until=later(100))) is not None:
                got.append((item, clock.now()))
            got.append((None, clock.now()))

    async def sender() -> None:
        with clock.held():
            await clock.sleep_until(later(7))
            mailbox.put(1)
            mailbox.put(2)
            await clock.sleep_until(later(9))
            mailbox.put(3)

    await asyncio.gather(receiver(), sender())

    assert got == [(1, later(7)), (2, later(7)), (3, later(9)), (None, later(100))]
    with pytest.raises(MisuseError):
        clock.release()


async def test_a_cancelled_sleeper_gives_back_exactly_its_token() -> None:
    clock = VirtualClock(START)

    async def sleeper() -> None:
        with clock.held():
            await clock.sleep_until(later(50))

    with clock.held():
        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
        await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(MisuseError):
        clock.release()
