"""A gateway for scheduler developers to code against: the real one, with a utility of its own that follows a scene.

Everything a site sees is what it will see in earnest, but the signatures' key, the certificates and the utility are
made up, and time is pressed together: three hours are three minutes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from certs.files import write
from certs.issue import openadr
from conformance.peers.vtn2b import UtilityPeer
from conformance.reference.scenes import PROGRAM, ROUND, SCENES, Deed, Move, event
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SystemIds
from gateway.config.load import load
from gateway.domain.canonical import read_json
from gateway.domain.names import SiteId
from gateway.domain.ports import Clock
from gateway.pipeline.ports import Work
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.servers.vtn2b.app import HttpOptions
from gateway.southbound.tokens import create_token
from gateway.transport.schemas import load_oadr20b_schema

LEASE_S: Final = 30
LOOK_EVERY: Final = timedelta(seconds=0.5)
Tell = Callable[[str, Mapping[str, object]], None]
"""Called with a word and its fields for everything that a developer wants to see."""
_TOLD: Final = ("revision", "opt", "reason", "cause", "status", "word", "answer", "batch")
"""Fields of a log record that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the reference gateway plays."""

    scenario: str
    """Key of ``SCENES``."""
    folder: Path
    """Store, keys, token and certificates; made if need be."""
    site: str = "phx-1"
    contracted_kw: Decimal = Decimal(120)
    port: int = 0
    """0: any free one."""
    tls: bool = True
    """False: plain HTTP, on loopback."""
    factor: float = 60.0
    """How much faster than in the field."""


@dataclass
class ReferenceGateway:
    """One utility, one gateway, one scene, over and over.

    Args:
        options: What to play.
        clock: Time.
        tell: Hears what happens.
    """

    options: Options
    clock: Clock
    tell: Tell
    _port: int = field(init=False)
    _gateway: Gateway = field(init=False)
    _serving: "asyncio.Task[None] | None" = None
    _seen: int = 0

    async def run(self) -> None:
        """Play until cancelled."""
        utility = self._utility()
        self._port = self.options.port
        await utility.start()
        try:
            self.options.folder.mkdir(parents=True, exist_ok=True)
            self._write_config(utility.url)
            await self._open(first=True)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._held(self._watch()), name="watch")
                tasks.create_task(self._held(self._play(utility)), name="scene")
        finally:
            await self._close()
            await utility.stop()

    async def _held(self, work: Coroutine[None, None, None]) -> None:
        with self.clock.held():
            await work

    def _utility(self) -> UtilityPeer:
        poll = VtnOptions(vtn_id="reference-vtn", poll_every=timedelta(seconds=1))
        return UtilityPeer(
            poll,
            clock=self.clock,
            ids=SystemIds(),
            codec=Codec(load_oadr20b_schema()),
            tls=None,
            http=HttpOptions(requests_per_s=0),
        )

    async def _open(self, *, first: bool = False) -> None:
        self._gateway = Gateway(
            load(self.options.folder / "gateway.toml"), Wiring(clock=self.clock)
        )
        await self._gateway.start()
        if first:
            await self._introduce()
        self._serving = asyncio.create_task(self._gateway.run(), name="gateway")

    async def _close(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
            self._serving = None
            await self._gateway.stop()

    async def _introduce(self) -> None:
        """Make a token and say where to connect; the port is kept from here on."""
        store, folder = self._gateway.office.store, self.options.folder
        name = f"reference {SystemIds().uuid()[:8]}"
        site, now = SiteId(self.options.site), self.clock.now()
        token = await create_token(store, SystemIds(), name=name, site=site, now=now)
        (folder / "site.token").touch(mode=0o600)
        (folder / "site.token").write_text(token)
        self._port = int(self._gateway.url.rpartition(":")[2])
        self._write_port()
        self._seen = await store.read(lambda work: work.log.size())
        told = {"url": f"{self._gateway.url}/v1", "site": site, "token_file": folder / "site.token"}
        anchor = {"ca_file": folder / "root.pem"} if self.options.tls else {}
        self.tell("listening", {**told, **anchor, "scenario": self.options.scenario})

    async def _play(self, utility: UtilityPeer) -> None:
        await self._until_heard()
        number = 0
        while True:
            number += 1
            began = self.clock.now()
            for move in SCENES[self.options.scenario]:
                await self.clock.sleep_until(began + move.at / self.options.factor)
                await self._do(move, utility, f"{self.options.scenario}-{number}", began)
            await self.clock.sleep_until(began + ROUND / self.options.factor)

    async def _do(self, move: Move, utility: UtilityPeer, event_id: str, began: datetime) -> None:
        options = self.options
        limit_kw = options.contracted_kw * move.share
        asked = event(event_id, options.site, limit_kw, began, options.factor)
        self.tell(move.deed.value, {"event_id": event_id, "limit_kw": limit_kw})
        match move.deed:
            case Deed.PUBLISH:
                await utility.publish(asked)
            case Deed.REVISE:
                await utility.modify(asked)
            case Deed.CANCEL:
                await utility.cancel(event_id)
            case Deed.SILENCE:
                await self._close()
                await self.clock.sleep_until(self.clock.now() + timedelta(seconds=LEASE_S + 10))
                await self._open()
                self.tell("back", {"event_id": event_id})

    async def _until_heard(self) -> None:
        site = SiteId(self.options.site)
        while True:
            store = self._gateway.office.store
            if await store.read(lambda work: work.telemetry.status(site)) is not None:
                return
            await self.clock.sleep_until(self.clock.now() + LOOK_EVERY)

    async def _watch(self) -> None:
        """Tell every new record of the gateway's log."""
        while True:
            await self.clock.sleep_until(self.clock.now() + LOOK_EVERY)
            if self._serving is None:
                continue
            for record in await self._gateway.office.store.read(self._news):
                shown: dict[str, object] = {n: record[n] for n in _TOLD if n in record}
                self.tell(str(record["k"]), shown)

    def _news(self, work: Work) -> list[dict[str, object]]:
        size = work.log.size()
        entries = work.log.at(range(self._seen, size))
        self._seen = size
        return [read_json(entry.record) for entry in entries if entry.kind != "head"]

    def _write_config(self, vtn_url: str) -> None:
        options, folder = self.options, self.options.folder.resolve()
        certificates = ""
        if options.tls:
            pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
            server = write(pki.server("localhost"), folder, "server")
            (folder / "root.pem").write_bytes(pki.anchor_pem)
            certificates = f'certificate = "{server.certificate}"\nkey = "{server.key}"'
        self._config = _CONFIG.format(
            port="{port}",
            certificates=certificates,
            lease_s=LEASE_S,
            heartbeat_s=LEASE_S // 3,
            site=options.site,
            contracted_kw=options.contracted_kw,
            vtn_url=vtn_url,
            program=PROGRAM,
        )
        self._write_port()

    def _write_port(self) -> None:
        text = self._config.replace("{port}", str(self._port))
        (self.options.folder / "gateway.toml").write_text(text)


_CONFIG: Final = """\
# Made by the reference gateway: a made-up utility, test certificates, prices of no meaning.

[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = {port}
heartbeat_s = {heartbeat_s}
lease_s = {lease_s}
{certificates}

[[site]]
id = "{site}"
timezone = "UTC"
contracted_import_kw = {contracted_kw}
ramp_down_kw_per_min = 600
ramp_up_kw_per_min = 360
contract_meter = "it_load"
simulated = true

[[site.meter]]
id = "it_load"
max_kw = 1000000

[[utility]]
name = "reference"
protocol = "oadr20b"
url = "{vtn_url}"
ven_name = "reference"

[[program]]
utility = "reference"
name = "{program}"
sites = ["{site}"]
opt_by = "PT10S"
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""
