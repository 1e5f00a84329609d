"""The doorbell: no ring is missed, and no token is lost, whoever is cancelled when."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.doorbell import Doorbell
from gateway.domain.errors import MisuseError

START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)


async def test_every_waiter_is_told_and_an_old_count_is_told_at_once() -> None:
    clock = VirtualClock(START)
    bell = Doorbell(clock)
    told: list[tuple[str, datetime]] = []

    async def waiter(name: str) -> None:
        with clock.held():
            assert await bell.wait(0, START + timedelta(hours=1)) == 1
            told.append((name, clock.now()))

    async def ringer() -> None:
        with clock.held():
            await clock.sleep_until(START + timedelta(seconds=5))
            bell.ring()

    await asyncio.gather(waiter("a"), waiter("b"), ringer())
    with clock.held():
        assert await bell.wait(0) == 1

    assert told == [(name, START + timedelta(seconds=5)) for name in "ab"]
    with pytest.raises(MisuseError):
        clock.release()


async def test_the_instant_comes_first() -> None:
    clock = VirtualClock(START)
    with clock.held():
        assert await Doorbell(clock).wait(0, START + timedelta(seconds=9)) == 0
        assert clock.now() == START + timedelta(seconds=9)


@pytest.mark.parametrize("first", ["ring", "cancel"])
async def test_a_waiter_cancelled_while_it_rings_leaves_no_token(first: str) -> None:
    clock = VirtualClock(START)
    bell = Doorbell(clock)

    async def waiter() -> None:
        with clock.held():
            await bell.wait(0)

    with clock.held():
        task = asyncio.create_task(waiter())
        for _ in range(3):
            await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
        if first == "ring":
            bell.ring()
            task.cancel()
        else:
            task.cancel()
            bell.ring()
        with pytest.raises(asyncio.CancelledError):
            await task

    with pytest.raises(MisuseError):
        clock.release()


async def test_the_woken_go_on_one_by_one_when_nobody_else_is_at_work() -> None:
    clock = VirtualClock(START)
    bell = Doorbell(clock)
    trace: list[str] = []

    async def waiter(name: str) -> None:
        with clock.held():
            await bell.wait(0)
            for turn in range(3):
                trace.append(f"{name}{turn}")
                await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time

    async def ringer() -> None:
        with clock.held():
            await clock.sleep_until(START + timedelta(seconds=1))
            bell.ring()
            for turn in range(9):
                trace.append(f"ringer{turn}")
                await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time

    await asyncio.gather(waiter("b"), waiter("a"), ringer())

    in_turn = [("ringer", 9), ("b", 3), ("a", 3)]
    assert trace == [f"{name}{turn}" for name, turns in in_turn for turn in range(turns)]


async def test_a_closed_bell_wakes_at_once_even_while_somebody_is_at_work() -> None:
    clock = VirtualClock(START)
    bell = Doorbell(clock)

    async def waiter() -> None:
        with clock.held():
            await bell.wait(0)

    with clock.held():
        task = asyncio.create_task(waiter())
        for _ in range(3):
            await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
        bell.close()
        await task
