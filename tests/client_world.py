"""One virtual clock, one gateway, one site: the stage of the client's tests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.app.virtual import VirtualClock
from gateway.client import Notice, Site, SiteOptions
from gateway.domain.answers import Sample
from gateway.domain.errors import MisuseError
from tests.southbound_fakes import MINUTE, PHX, SmallGateway

START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)
QUIET = SiteOptions(heartbeat_s=15, back_off_s=2, back_off_cap_s=20)


@dataclass
class World:
    """One virtual clock, one gateway, and what the site saw."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START, print))
    trace: list[tuple[datetime, str]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gateway = SmallGateway(self.clock)
        self.secret = self.gateway.token()

    def site(self, **more: Any) -> Site:
        """Make a client; settings by name, as each test needs them."""
        settings = {"options": QUIET, "on_notice": self.notices.append, **more}
        scheme = "https" if self.gateway.tls else "http"
        url = f"{scheme}://localhost:{self.gateway.port}/v1"
        return Site(url, site=PHX, token=self.secret, clock=self.clock, **settings)

    def say(self, word: str) -> None:
        self.trace.append((self.clock.now(), word))

    async def until(self, minutes: float) -> None:
        await self.clock.sleep_until(START + timedelta(minutes=minutes))

    def done(self) -> None:
        """Nobody holds a token any more."""
        with pytest.raises(MisuseError):
            self.clock.release()


async def played(world: World, play: Callable[[], Awaitable[None]]) -> None:
    with world.clock.held():
        await play()
    world.done()


def sample(number: int, *, at: datetime = START) -> Sample:
    return Sample(
        meter="it_load",
        start=at + number * MINUTE,
        duration=MINUTE,
        energy_kwh=Decimal("1.5") + number,
    )


async def cancelled(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
