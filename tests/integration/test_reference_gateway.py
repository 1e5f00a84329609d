"""The gateway that scheduler developers code against, each scene in virtual time with our own client."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.reference.gateway import Options, ReferenceGateway
from conformance.reference.scenes import ROUND, SCENES
from gateway.app.virtual import VirtualClock
from gateway.client import Site
from gateway.domain.intent import FailSafe
from gateway.domain.ports import Mailbox
from gateway.domain.quantity import plain

START = datetime(2026, 5, 3, 16, tzinfo=UTC)
FACTOR = 60.0
LEVELS = {"120", "90", "60"}
CAPS = {
    "phoenix": ["120", "90", "120"],
    "revise": ["120", "90", "60", "120"],
    "cancel": ["120", "90", "120"],
    "silence": ["120", "90", "120"],
}
"""Highest imports in the order in which they hold, ramps left out."""


class Play:
    """One reference gateway and one site, up to the end of one round."""

    def __init__(self, folder: Path, scenario: str) -> None:
        self.clock = VirtualClock(START, print)
        self.told: list[tuple[str, Mapping[str, object]]] = []
        self.caps: list[Decimal] = []
        self.lost = 0
        options = Options(scenario=scenario, folder=folder, factor=FACTOR)
        self.gateway = ReferenceGateway(options, self.clock, self._tell)
        self._listening: Mailbox[None] = self.clock.mailbox()

    def _tell(self, what: str, fields: Mapping[str, object]) -> None:
        self.told.append((what, fields))
        if what == "listening":
            self._listening.put(None)

    def words(self) -> list[str]:
        return [what for what, _ in self.told]

    async def run(self) -> None:
        with self.clock.held():
            playing = asyncio.create_task(self.gateway.run())
            await self._listening.get()
            following = asyncio.create_task(self._follow(dict(self.told[0][1])))
            await self.clock.sleep_until(START + ROUND / FACTOR)
        for task in (following, playing):  # without a token: what ends may still sleep on the clock
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, told: Mapping[str, object]) -> None:
        tls = ssl.create_default_context(cafile=str(told["ca_file"]))
        with self.clock.held():
            async with Site(
                str(told["url"]),
                site=str(told["site"]),
                token_file=str(told["token_file"]),
                ssl=tls,
                clock=self.clock,
                on_lease_lost=self._silent,
            ) as site:
                async for plan in site.plans():
                    cap = plan.import_max_kw_now
                    if not self.caps or self.caps[-1] != cap:
                        self.caps.append(cap)
                    await plan.commit(kw=cap)

    async def _silent(self, _: FailSafe | None) -> None:
        self.lost += 1


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENES)
async def test_every_scene_plays_as_it_says(scenario: str, tmp_path: Path) -> None:
    play = Play(tmp_path / "reference", scenario)
    await play.run()
    assert [plain(cap) for cap in play.caps if plain(cap) in LEVELS] == CAPS[scenario]
    opts = [fields.get("opt") for what, fields in play.told if what == "opt"]
    assert "in" in opts
    assert play.lost == (1 if scenario == "silence" else 0)
    assert play.words()[0] == "listening"
    deeds = [move.deed.value for move in SCENES[scenario]]
    assert [word for word in play.words() if word in {"publish", "revise", "cancel", "silence"}][
        : len(deeds)
    ] == deeds
