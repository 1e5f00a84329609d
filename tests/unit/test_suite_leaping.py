"""A device's own clock: off by what is set, steady underneath, and waited for on the suite's."""

import asyncio
from datetime import UTC, datetime, timedelta

from conformance.engine.leaping import LeapingClock
from gateway.app.virtual import VirtualClock
from gateway.domain.ports import Mailbox

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_a_leap_moves_what_is_shown_and_not_what_elapses() -> None:
    clock = LeapingClock(VirtualClock(NOW))
    clock.offset = 10 * MINUTE

    assert clock.now() == NOW + 10 * MINUTE
    assert clock.elapsed_s() == 0
    assert clock.sane


async def test_waits_are_as_long_as_they_seem() -> None:
    suite = VirtualClock(NOW)
    clock = LeapingClock(suite)
    clock.offset = -10 * MINUTE
    box: Mailbox[str] = clock.mailbox()

    async def work() -> tuple[timedelta, timedelta, str | None]:
        with clock.held():
            await clock.sleep_until(clock.now() + MINUTE)
            slept = suite.now() - NOW
            nothing = await box.get(clock.now() + MINUTE)
            return slept, suite.now() - NOW, nothing

    task = asyncio.create_task(work())

    assert await task == (MINUTE, 2 * MINUTE, None)


async def test_what_is_put_is_got() -> None:
    clock = LeapingClock(VirtualClock(NOW))
    box: Mailbox[str] = clock.mailbox()
    box.put("one")

    with clock.held():
        assert (len(box), await box.get()) == (1, "one")
