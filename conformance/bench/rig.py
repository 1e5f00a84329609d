"""One gateway as a process of its own before one or more utilities, each behind a fault proxy of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from certs.files import LeafFiles, write
from certs.issue import OpenAdrPki, openadr
from conformance.bench.probe import Felt
from conformance.faults.disguise import Wardrobe
from conformance.faults.fault import Fault
from conformance.faults.proxy import FaultProxy, Upstream
from conformance.faults.schedule import Entry, Range, Schedule
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SystemIds
from gateway.client.clock import ScaledClock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Registered
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import TlsFiles, openadr_client, openadr_server

ORIGIN: Final = datetime(2026, 5, 3, 16, tzinfo=UTC)
"""Instant of the timeline at which every rig begins."""
PROGRAM: Final = "http://utility.example/fast-dr"
_VEN: Final = "bench-ven"
_EVERYTHING: Final = Range.parse("*")
_LINE: Final = 1 << 20
_PATIENCE: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
    """One utility and what stands before it."""

    name: str
    site: str
    peer: UtilityPeer
    proxy: FaultProxy

    async def strike(self, fault: Fault | None) -> None:
        """Let a fault strike everything from now on; None: nothing."""
        if fault is None:
            self.proxy.schedule = Schedule()
            return
        messages = None if fault.whole_connection else _EVERYTHING
        entry = Entry(connections=_EVERYTHING, messages=messages, fault=fault)
        self.proxy.schedule = Schedule((entry,))
        if fault.whole_connection:
            await self.proxy.cut()

    def passed(self, since: int, *, struck: bool) -> int:
        """Return how many messages went through since then, struck or not."""
        found = self.proxy.passed[since:]
        return sum(bool(one.fault) is struck and (one.message > 0 or struck) for one in found)


class Child:
    """The gateway's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.url = ""
        self.token = ""
        self.site = ""

    async def started(self) -> None:
        """Wait until it listens."""
        told = await self._line()
        self.url, self.token, self.site = told["url"], told["token"], told["site"]

    async def look(self) -> Felt:
        """Ask its probe."""
        assert self._process.stdin is not None  # noqa: S101 - made with pipes
        self._process.stdin.write(b"look\n")
        return Felt(**await self._line())

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - made with pipes
        line = await self._process.stdout.readline()
        if not line:
            raise ChildProcessError("the gateway has ended; its log tells why")
        found: dict[str, Any] = json.loads(line)
        return found

    async def end(self) -> None:
        """Let it end in good order."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """Everything that stands while a bench runs."""

    clock: ScaledClock
    utilities: tuple[Utility, ...]
    child: Child
    factor: float
    """Seconds of the timeline per second."""

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds of the timeline pass."""
        await self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))


@asynccontextmanager
async def rigged(
    folder: Path,
    names: Sequence[str],
    *,
    factor: float,
    poll: timedelta = timedelta(seconds=10),
    down: Mapping[str, Fault] = MappingProxyType({}),
) -> AsyncIterator[Rig]:
    """Make certificates, utilities, proxies and a gateway in a folder, for the length of a block.

    Args:
        folder: Where everything lies.
        names: The utilities.
        factor: Seconds of the timeline per second.
        poll: How often the utilities want to be asked.
        down: Faults that strike utilities from before the gateway starts; nobody waits for these to be registered at.
    """
    started = datetime.now(UTC)  # noqa: TID251 - the wall is where a timeline is anchored
    clock = ScaledClock(ORIGIN, started, factor)
    pki = openadr("ecc", ORIGIN)
    anchor = folder / "root.pem"
    anchor.write_bytes(pki.anchor_pem)
    ven = write(pki.ven(_VEN), folder, "ven")
    vtn = write(pki.vtn(), folder, "vtn")
    async with AsyncExitStack() as stack:
        utilities = []
        for name in names:
            utility = await _utility(
                name, clock, pki, _files(vtn, anchor), _files(ven, anchor), poll
            )
            stack.push_async_callback(utility.peer.stop)
            stack.push_async_callback(utility.proxy.stop)
            utilities.append(utility)
            await utility.strike(down.get(name))
        config = folder / "gateway.toml"
        config.write_text(_config(utilities))
        child = await _child(config, clock, started, factor, folder)
        stack.push_async_callback(child.end)
        await child.started()
        rig = Rig(clock=clock, utilities=tuple(utilities), child=child, factor=factor)
        for utility in (each for each in utilities if each.name not in down):
            await utility.peer.wait_for(Registered, until=clock.now() + _PATIENCE)
        yield rig


def _files(leaf: LeafFiles, anchor: Path) -> TlsFiles:
    return TlsFiles(certificate=leaf.certificate, key=leaf.key, ca=anchor)


async def _utility(
    name: str,
    clock: ScaledClock,
    pki: OpenAdrPki,
    vtn: TlsFiles,
    ven: TlsFiles,
    poll: timedelta,
) -> Utility:
    peer = UtilityPeer(
        VtnOptions(vtn_id=f"vtn-{name}", poll_every=poll),
        clock=clock,
        ids=SystemIds(),
        codec=Codec(load_oadr20b_schema()),
        tls=openadr_server(vtn),
        http=HttpOptions(requests_per_s=0),
    )
    await peer.start()
    upstream = Upstream(port=peer.port, tls=openadr_client(ven))
    proxy = FaultProxy(upstream, Wardrobe(pki), clock)
    await proxy.start()
    return Utility(name=name, site=f"site-{name}", peer=peer, proxy=proxy)


async def _child(
    config: Path, clock: ScaledClock, started: datetime, factor: float, folder: Path
) -> Child:
    with (folder / "gateway.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "conformance.bench.gateway_child",
            str(config),
            ORIGIN.isoformat(),
            started.isoformat(),
            str(factor),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=_LINE,
        )
    return Child(process)


def _config(utilities: Sequence[Utility]) -> str:
    parts = [_GATEWAY]
    for utility in utilities:
        url = utility.proxy.url
        parts.append(_SITE.format(site=utility.site))
        parts.append(
            _UTILITY.format(name=utility.name, url=url, site=utility.site, program=PROGRAM)
        )
    return "".join(parts)


_GATEWAY: Final = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = 0
"""
_SITE: Final = """
[[site]]
id = "{site}"
timezone = "America/Phoenix"
contracted_import_kw = 120
ramp_down_kw_per_min = 10
ramp_up_kw_per_min = 6
contract_meter = "poc"
simulated = true

[[site.meter]]
id = "poc"
max_kw = 200
"""
_UTILITY: Final = """
[[utility]]
name = "{name}"
protocol = "oadr20b"
url = "{url}/OpenADR2/Simple/2.0b"
certificate = "ven.pem"
key = "ven.key"
ca = "root.pem"
ven_name = "bench"

[[program]]
utility = "{name}"
name = "{program}"
sites = ["{site}"]
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""
