"""A third party's server: gridgate registers with an openleadr VTN over mutual TLS and does the whole job there."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from certs.files import write
from certs.issue import openadr
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SystemIds
from gateway.client import Plan, Site, SiteOptions
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.answers import Sample
from gateway.domain.names import SiteId
from gateway.domain.timespan import floor_to
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.southbound.tokens import create_token
from tests.ports import free_port

HERE = Path(__file__).parent
END = "-----END CERTIFICATE-----\n"
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
CONTEXT = "http://azp.example/dr"
PATIENCE_S = 30
CONFIG = """
[gateway]
test_mode = true
[southbound]
port = 0
certificate = "server.pem"
key = "server.key"
[[site]]
id = "phx-1"
timezone = "America/Phoenix"
contracted_import_kw = 120
ramp_down_kw_per_min = 10
ramp_up_kw_per_min = 6
contract_meter = "poc"
[[site.meter]]
id = "poc"
interval = "PT1S"
max_kw = 300
[[utility]]
name = "foreign"
protocol = "oadr20b"
url = "https://localhost:{port}/OpenADR2/Simple/2.0b"
certificate = "ven.pem"
key = "ven.key"
ca = "anchor.pem"
jitter = 0
report_grace = "PT0S"
one_value_per_interval = true
[[program]]
utility = "foreign"
name = "http://azp.example/dr"
sites = ["phx-1"]
opt_by = "PT20S"
price_per_kwh = 1
penalty_per_kwh = 2
[program.levels]
"1" = 0.9
"""


class Vtn:
    """The foreign process: orders in, lines out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []

    async def heard(self, word: str, **fields: object) -> dict[str, Any]:
        """Return the first line that says this, also if it was said before."""
        wanted = {"word": word, **fields}
        for line in self.lines:
            if wanted.items() <= line.items():
                return line
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):  # noqa: TID251 - a foreign process runs in real time
            while raw := await self._process.stdout.readline():
                line = json.loads(raw)
                self.lines.append(line)
                if wanted.items() <= line.items():
                    return dict(line)
        raise AssertionError(f"the VTN ended before it said {wanted}")

    async def order(self, **order: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def foreign_vtn(folder: Path, port: int, *more: str) -> AsyncIterator[Vtn]:
    names = ("vtn.pem", "vtn.key", "anchor.pem")
    arguments = [str(port), *(str(folder / name) for name in names), *more]
    with (folder / "vtn.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "foreign" / "openleadr_vtn.py"),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        yield Vtn(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def gateway_at(folder: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(load(folder / "gateway.toml"), Wiring(clock=SystemClock()))
    await gateway.start()
    serving = asyncio.create_task(gateway.run())
    try:
        yield gateway
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await gateway.stop()


def lay_out(folder: Path, port: int, now: datetime) -> None:
    pki = openadr("ecc", now)
    (folder / "anchor.pem").write_bytes(pki.anchor_pem)
    for leaf, name in ((pki.vtn(), "vtn"), (pki.ven("foreign-1"), "ven"), (pki.server(), "server")):
        write(leaf, folder, name)
    (folder / "gateway.toml").write_text(CONFIG.format(port=port))


def samples(start: datetime, count: int, kw: int) -> list[Sample]:
    energy = (Decimal(kw) / 3600).quantize(Decimal("1e-9"))
    return [
        Sample(meter="poc", start=start + k * SECOND, duration=SECOND, energy_kwh=energy)
        for k in range(count)
    ]


async def plan_with(plans: AsyncIterator[Plan], caps: Iterable[str | None]) -> Plan:
    """Return the next plan whose caps, in order, are these, in whole kW.

    A minute may end meanwhile: what was metered in it is then part of what a level is a share of.
    """
    wanted = [None if cap is None else int(cap) for cap in caps]
    seen = []
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):  # noqa: TID251 - a foreign process runs in real time
            async for plan in plans:
                levels = [segment.import_max_kw for segment in plan.document.segments]
                seen.append(levels)
                if [None if kw is None else round(kw) for kw in levels] == wanted:
                    return plan
    raise AssertionError(f"no plan with {wanted} came, but {seen}")


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.spec("OpenADR 2.0b 8.1, 8.3, 8.4, 8.6")
async def test_gridgate_does_the_whole_job_with_a_third_partys_server(tmp_path: Path) -> None:
    clock = SystemClock()
    now = clock.now()
    port = free_port()
    lay_out(tmp_path, port, now)
    async with foreign_vtn(tmp_path, port) as vtn:
        await vtn.heard("ready")
        async with gateway_at(tmp_path) as gateway:
            await vtn.heard("registered", ven_name="gridgate")
            token = await create_token(
                gateway.office.store, SystemIds(), name="t", site=SiteId("phx-1"), now=now
            )
            tls = ssl.create_default_context(cafile=tmp_path / "anchor.pem")
            url = gateway.url.replace("127.0.0.1", "localhost") + "/v1"
            options = SiteOptions(collect_s=0.0)
            async with aiohttp.ClientSession() as http:
                ready = await http.get(url.replace("/v1", "/health/ready"), ssl=tls)
                assert ready.status == 200, await ready.text()
            async with Site(url, site="phx-1", token=token, ssl=tls, options=options) as site:
                await do_the_job(vtn, site, now)


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.spec("OpenADR 2.0b section 10.6")
async def test_gridgate_does_the_same_with_everything_signed(tmp_path: Path) -> None:
    clock = SystemClock()
    now = clock.now()
    port = free_port()
    lay_out(tmp_path, port, now)
    config = tmp_path / "gateway.toml"
    config.write_text(config.read_text().replace("jitter = 0", "jitter = 0\nxml_signature = true"))
    chain = (tmp_path / "ven.pem").read_text()
    ven = fingerprint(ssl.PEM_cert_to_DER_cert(chain.split(END)[0] + END))
    async with foreign_vtn(tmp_path, port, ven) as vtn:
        await vtn.heard("ready")
        async with gateway_at(tmp_path) as gateway:
            await vtn.heard("registered", ven_name="gridgate")
            token = await create_token(
                gateway.office.store, SystemIds(), name="t", site=SiteId("phx-1"), now=now
            )
            tls = ssl.create_default_context(cafile=tmp_path / "anchor.pem")
            url = gateway.url.replace("127.0.0.1", "localhost") + "/v1"
            options = SiteOptions(collect_s=0.0)
            async with Site(url, site="phx-1", token=token, ssl=tls, options=options) as site:
                await do_the_job(vtn, site, now)
            async with (
                aiohttp.ClientSession() as http,
                http.get(url.replace("/v1", "/metrics"), ssl=tls) as answer,
            ):
                metrics = await answer.text()
    assert "gateway_exchanges_total{" in metrics
    assert "gateway_messages_unproven_total{" not in metrics


async def do_the_job(vtn: Vtn, site: Site, now: datetime) -> None:
    minute = floor_to(now, MINUTE)
    await site.telemetry(samples(minute - 60 * MINUTE, 3600, 100))
    while site.waiting_batches:
        await site.clock.sleep_until(site.clock.now() + SECOND / 10)
    plans = site.plans(at_steps=False)

    # A multiplier of the present consumption: the site commits, optIn arrives at the utility.
    start = minute + 2 * MINUTE
    order = {"signal": "LOAD_DISPATCH", "type": "multiplier", "value": 0.75, "context": CONTEXT}
    await vtn.order(do="publish", event="e1", start=start.isoformat(), lasts_s=600, **order)
    # No ramp-in was asked for; the way back up is limited by the site's 6 kW a minute.
    up = ["81", "87", "93", "99", None]
    asked = await plan_with(plans, [None, "75", *up])
    assert [question.asked_kw for question in asked.document.open_questions] == [Decimal(75)]
    await asked.commit(kw=75)
    assert (await vtn.heard("opt", event="e1"))["opt"] == "optIn"

    # Usage reports carry what the site metered.
    second = floor_to(site.clock.now(), SECOND)
    for k in range(4):
        await site.telemetry(samples(second + k * SECOND, 1, 90 + k))
    reported: set[float] = set()
    while not {90.0, 91.0, 92.0, 93.0} <= reported:
        line = await vtn.heard("values", measurement="RealPower")
        vtn.lines.remove(line)
        reported |= {round(value, 3) for _, value in line["values"]}

    # The event is cancelled, and the site is told.
    await vtn.order(do="cancel", event="e1")
    await plan_with(plans, [None])

    # A SIMPLE event with the program's level table; the site declines, optOut arrives.
    order = {"signal": "SIMPLE", "type": "level", "value": 1, "context": CONTEXT}
    later = start + timedelta(hours=1)
    await vtn.order(do="publish", event="e2", start=later.isoformat(), lasts_s=600, **order)
    asked = await plan_with(plans, [None, "90", "96", None])
    await asked.decline("maintenance")
    assert (await vtn.heard("opt", event="e2"))["opt"] == "optOut"
