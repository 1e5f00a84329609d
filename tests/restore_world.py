"""A utility, a gateway that can be lost and restored, and a site that counts what it does; all in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededChance, SeededIds
from gateway.app.virtual import VirtualClock
from gateway.client import Notice, Site, SiteOptions
from gateway.config.load import load
from gateway.domain.answers import Sample
from gateway.domain.names import SiteId
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.servers.vtn2b.app import HttpOptions
from gateway.southbound.parts import Pace
from gateway.southbound.tokens import create_token
from gateway.store.backup import back_up, restore
from gateway.transport.schemas import load_oadr20b_schema

START: Final = datetime(2025, 5, 3, 17, 0, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
CONTEXT: Final = "http://azp.example/fast-dr"
CONTRACT_KW: Final = Decimal(120)
LOAD_KW: Final = Decimal(90)
CONFIG: Final = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = {port}

[[site]]
id = "phx-1"
timezone = "America/Phoenix"
contracted_import_kw = 120
ramp_down_kw_per_min = 1000
ramp_up_kw_per_min = 1000
contract_meter = "poc"

[[site.meter]]
id = "poc"
max_kw = 200

[[utility]]
name = "azp"
protocol = "oadr20b"
url = "{url}"
ven_name = "phx"

[[program]]
utility = "azp"
name = "http://azp.example/fast-dr"
sites = ["phx-1"]
opt_by = "PT30S"
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""


def setpoint(event_id: str, start: datetime, minutes: int, kw: int) -> EventSpec:
    """An event that asks for a power."""
    return _spec(event_id, start, minutes, SignalType.SETPOINT, "kW", Decimal(kw))


def multiplier(event_id: str, start: datetime, minutes: int, share: str) -> EventSpec:
    """An event that asks for a share of what the site drew when it came."""
    return _spec(event_id, start, minutes, SignalType.MULTIPLIER, "", Decimal(share))


def _spec(
    event_id: str, start: datetime, minutes: int, kind: SignalType, unit: str, value: Decimal
) -> EventSpec:
    return EventSpec(
        event_id=event_id,
        market_context=CONTEXT,
        start=start,
        signals=(
            SignalSpec(
                name="LOAD_DISPATCH",
                type=kind,
                unit=unit,
                steps=(Step(lasts=minutes * MINUTE, value=value),),
            ),
        ),
    )


@dataclass
class CountingSite:
    """Follows plans, answers every question, meters every minute, and writes down each change of its cap."""

    clock: VirtualClock
    caps: list[tuple[datetime, Decimal]] = field(default_factory=list)
    intents: list[tuple[str, bool]] = field(default_factory=list)
    """Each intent as the loop over intents got it: event-less id, and whether it was cancelled."""
    notices: list[Notice] = field(default_factory=list)
    declines: bool = False
    silent: bool = False

    async def live(self, url: str, token: str) -> None:
        options = SiteOptions(heartbeat_s=15, back_off_s=1, back_off_cap_s=5)
        site = Site(
            url,
            site="phx-1",
            token=token,
            clock=self.clock,
            options=options,
            on_notice=self.notices.append,
        )
        async with site:
            await asyncio.gather(self._follow(site), self._read(site), self._meter(site))

    async def _follow(self, site: Site) -> None:
        with self.clock.held():
            async for plan in site.plans():
                cap = min(plan.import_max_kw_now, CONTRACT_KW)
                if not self.caps or self.caps[-1][1] != cap:
                    self.caps.append((self.clock.now(), cap))
                if plan.document.open_questions and not self.silent:
                    await (plan.decline() if self.declines else plan.commit())

    async def _read(self, site: Site) -> None:
        with self.clock.held():
            async for intent in site.intents():
                self.intents.append((intent.id, intent.document.cancelled_at is not None))

    async def _meter(self, site: Site) -> None:
        with self.clock.held():
            at = self.clock.now()
            while True:
                await self.clock.sleep_until(at + MINUTE)
                cap = self.caps[-1][1] if self.caps else CONTRACT_KW
                kwh = (min(LOAD_KW, cap) / 60).quantize(Decimal("0.001"))
                sample = Sample(meter="poc", start=at, duration=MINUTE, energy_kwh=kwh)
                await site.telemetry(sample)
                at += MINUTE


@dataclass
class World:
    """Everybody in one process."""

    folder: Path
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START, print))
    utility: UtilityPeer = field(init=False)
    gateway: Gateway | None = None
    site: CountingSite = field(init=False)
    port: int = 0
    url: str = ""
    """Of the utility; outlives it."""
    _serving: "asyncio.Task[None] | None" = None
    _starts: int = 0

    def __post_init__(self) -> None:
        self.site = CountingSite(self.clock)
        self.utility = UtilityPeer(
            VtnOptions(vtn_id="vtn-1", poll_every=timedelta(seconds=20)),
            clock=self.clock,
            ids=SeededIds(1, "utility"),
            codec=Codec(load_oadr20b_schema()),
            tls=None,
            http=HttpOptions(requests_per_s=0),
        )

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.folder / 'data' / 'gridgate.db'}"

    async def start(self) -> Gateway:
        """Start a gateway on the folder."""
        config = self.folder / "gateway.toml"
        self.url = self.url or self.utility.url
        config.write_text(CONFIG.format(port=self.port, url=self.url))
        self._starts += 1
        wiring = Wiring(
            clock=self.clock,
            ids=SeededIds(self._starts, "gateway"),
            chance=SeededChance(self._starts, "gateway"),
            pace=Pace(ping_s=15, recheck_s=15),
            alone_on_host=False,
        )
        self.gateway = Gateway(load(config), wiring)
        await self.gateway.start()
        self.port = int(self.gateway.url.rpartition(":")[2])
        self._serving = asyncio.create_task(self.gateway.run(), name="gateway")
        return self.gateway

    async def stop(self) -> None:
        """Lose the gateway."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self.gateway is not None:
            await self.gateway.stop()
        self.gateway = self._serving = None

    async def backup(self, name: str = "backup.db") -> Path:
        """Back the store up."""
        assert self.gateway is not None
        target = self.folder / name
        await back_up(self.gateway.office.store, target)  # type: ignore[arg-type]  # the real store
        return target

    async def restored(self, backup: Path, down: timedelta = MINUTE) -> Gateway:
        """Lose the gateway, restore a backup, start again."""
        await self.stop()
        await self.until(self.clock.now() + down)
        restore(backup, self.store_url)
        return await self.start()

    async def until(self, at: datetime) -> None:
        """Let time pass."""
        await self.clock.sleep_until(at)

    async def minutes(self, count: float) -> None:
        """Let minutes pass."""
        await self.until(self.clock.now() + timedelta(minutes=count))

    def opts(self, event_id: str) -> list[str]:
        """Return every answer that the utility got for an event, in order."""
        return [
            told.fact.opt.value for told in self.utility.answers if told.fact.event_id == event_id
        ]

    def stretches(self, kw: int | Decimal) -> list[tuple[float, float]]:
        """Return when the site held a cap, as minutes since the start: one pair per stretch."""
        found = []
        ends = [at for at, _ in self.site.caps[1:]] + [self.clock.now()]
        for (at, cap), end in zip(self.site.caps, ends, strict=True):
            if cap == kw:
                found.append(((at - START) / MINUTE, (end - START) / MINUTE))
        return found


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Start everybody; end everybody."""
    stage = World(folder)
    with stage.clock.held():
        await stage.utility.start()
        gateway = await stage.start()
        token = await create_token(
            gateway.office.store,
            SeededIds(1, "token"),
            name="site",
            site=SiteId("phx-1"),
            now=stage.clock.now(),
        )
        url = f"http://127.0.0.1:{stage.port}/v1"
        living = asyncio.create_task(stage.site.live(url, token), name="site")
        try:
            yield stage
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            await stage.stop()
            await stage.utility.stop()
