"""A 2030.5 server with 10,000 devices: what it answers in one second of one processor, and how soon a control shows.

The server is the command ``gridgate-conformance serve sep2`` itself, with its store, mutual TLS and CCM-8; devices and
operator are this process. Every device is of one feeder of a hundred, with a program of five controls. Two minutes on
a quiet machine.
"""

import asyncio
import hashlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import aiohttp

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki, sep2
from conformance.bench.bars import Bar, told
from conformance.bench.machine import machine
from conformance.bench.sep2_wire import Wire
from conformance.bench.sep2_words import PLAIN, mirror, values
from conformance.bench.served2b import Served, each, played
from gateway.client.clock import SystemClock
from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode
from gateway.transport.sep2_tls import Sep2Profile, sep2_client
from gateway.transport.tls import TlsFiles

DEVICES: Final = 10_000
FEEDER: Final = 100
"""Devices that share a program."""
CONNECTED: Final = 200
"""Of them, over all feeders; each with a certificate and a connection of its own."""
CONTROLS: Final = 5
READS: Final = 10_000
POSTS: Final = 3000
HANDSHAKES: Final = 600
AT_ONCE: Final = 16
BATCHES: Final = 3
"""The best one counts: on a machine that others use, it shows what the code costs."""
SHOWN: Final = 20
"""Controls that are made while the lists are read, to see how soon they show."""
MOST_SHOWN_MS: Final = 100
WRITE_EVERY: Final = 100


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the work, for a trial: 10 takes a tenth of devices and requests, which proves nothing.

    Returns:
        ``devices``; per second of the server's processor time: ``dcap_per_s``, ``derc_list_per_s`` (pages of five
        controls, one write per hundred reads), ``post_mup_per_s`` (posts of three values, durable) and
        ``handshake_full_per_s``; ``shown_p50_ms`` and ``shown_max_ms`` (from the operator's request for a control to
        the answer in which a device finds it); ``register_s``, ``kb_per_device``, ``load_s`` (a restart with all of
        them); ``bars``, ``machine.{cpu, load, python}``.
    """
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = f"load {load:.1f} on {processors} processors before" if load > processors / 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_Bench(Path(folder), share).run())
    return {**found, "bars": judged(found, busy), "machine": machine()}


def judged(found: dict[str, float], busy: str = "") -> dict[str, object]:
    """Return what was promised, what was measured, and whether it is met.

    Args:
        found: Figures.
        busy: Why a control that shows late proves nothing; empty: it does.
    """
    rates = (("dcap_per_s", 3000), ("derc_list_per_s", 2000))
    whole = found["devices"] >= DEVICES
    return told(
        *(
            Bar(
                name=name,
                wanted=f">= {least}/s per core with {DEVICES} devices",
                measured=f"{found[name]:.0f}/s with {found['devices']:.0f}",
                met=found[name] >= least and whole,
            )
            for name, least in rates
        ),
        Bar(
            name="shown",
            wanted=f"a control is visible within {MOST_SHOWN_MS} ms",
            measured=f"{found['shown_max_ms']} ms at most",
            met=found["shown_max_ms"] <= MOST_SHOWN_MS and whole,
            doubt=busy,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Device:
    """One that is connected."""

    lfdi: str
    program: str
    """mRID."""
    wire: Wire
    controls: str = ""
    """Address of its program's controls."""
    status: str = ""
    mirror: str = ""


class _Bench:
    """One run."""

    def __init__(self, folder: Path, share: int) -> None:
        self._folder = folder
        self._share = share
        self._count = max(DEVICES // share, FEEDER)
        self._pki = sep2(3)
        self._clock = SystemClock()
        self._files("server", self._pki.server(), self._pki)
        some = max(CONNECTED // share, AT_ONCE)
        self._leaves = [self._pki.device(f"{number:08d}") for number in range(some)]

    async def run(self) -> dict[str, float]:
        async with self._serving() as served:
            desk = _Desk(served)
            async with desk.http, AsyncExitStack() as stack:
                before, began = served.kib, perf_counter()
                programs = await self._furnish(desk)
                found: dict[str, float] = {"devices": self._count}
                found["register_s"] = round(perf_counter() - began, 1)
                found["kb_per_device"] = round((served.kib - before) * 1.024 / self._count, 2)
                devices = await self._connected(served, stack, programs)
                found |= await self._rates(served, desk, devices)
        async with self._serving() as again:
            found["load_s"] = round(again.started_s, 2)
        return found

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Served]:
        files = self._named("server")
        async with played(
            *("sep2", "--certificate", str(files.certificate), "--key", str(files.key)),
            *("--ca", str(files.ca), "--profile", "csip", "--store", str(self._folder / "sep2.db")),
        ) as served:
            yield served

    # --- the world

    def _named(self, name: str) -> TlsFiles:
        place = self._folder
        return TlsFiles(
            certificate=place / f"{name}.pem", key=place / f"{name}.key", ca=place / "ca.pem"
        )

    def _files(self, name: str, leaf: Sep2Leaf, pki: Sep2Pki) -> TlsFiles:
        found = self._named(name)
        found.certificate.write_bytes(leaf.chain_pem)
        found.key.write_bytes(leaf.key_pem)
        found.ca.write_bytes(pki.anchor_pem)
        return found

    async def _furnish(self, desk: "_Desk") -> list[str]:
        """Register every device, and give each feeder its program; return the programs of those that are connected."""
        feeders = self._count // FEEDER
        real = [leaf.lfdi for leaf in self._leaves]
        names = real + [_made_up(number) for number in range(self._count - len(real))]
        await each(names, desk.register, AT_ONCE * 4)
        programs: list[str] = []
        for feeder in range(feeders):
            programs.append(await desk.feeder(names[feeder::feeders]))
            for number in range(CONTROLS):
                await desk.control(programs[-1], self._clock, 48 + number)
        return [programs[number % feeders] for number in range(len(real))]

    async def _connected(
        self, served: Served, stack: AsyncExitStack, programs: list[str]
    ) -> list[_Device]:
        port = int(served.url.rpartition(":")[2].partition("/")[0])
        made: list[_Device] = []
        for leaf, program in zip(self._leaves, programs, strict=True):
            context = sep2_client(self._files("device", leaf, self._pki), Sep2Profile.CSIP)
            wire = Wire(port, context)
            stack.callback(wire.close)
            made.append(_Device(lfdi=leaf.lfdi, program=program, wire=wire))
        return await each(made, _walked, AT_ONCE)

    # --- the figures

    async def _rates(
        self, served: Served, desk: "_Desk", devices: list[_Device]
    ) -> dict[str, float]:
        turn = itertools.cycle(devices)
        reads, posts = READS // self._share, POSTS // self._share

        async def entry(_: int) -> None:
            await next(turn).wire.get("/dcap")

        async def controls(number: int) -> None:
            device = next(turn)
            if number % WRITE_EVERY == 0:
                await device.wire.send("PUT", device.status, _status(number), 204)
            await device.wire.get(f"{device.controls}?s=0&l={CONTROLS}")

        async def post(number: int) -> None:
            device = next(turn)
            await device.wire.send("POST", device.mirror, values(number), 201)

        async def shake(_: int) -> None:
            device = next(turn)
            device.wire.close()
            await device.wire.open()

        found = {"dcap_per_s": await _best(served, reads, entry)}
        watching = asyncio.create_task(self._shown(desk, devices))
        found["derc_list_per_s"] = await _best(served, reads, controls)
        while not watching.done():
            await each(range(reads // 10), controls, AT_ONCE)
        found["post_mup_per_s"] = await _best(served, posts, post)
        found["handshake_full_per_s"] = await _best(served, HANDSHAKES // self._share, shake)
        shown = sorted(watching.result())
        found["shown_p50_ms"] = round(shown[len(shown) // 2] * 1000, 1)
        found["shown_max_ms"] = round(shown[-1] * 1000, 1)
        return found

    async def _shown(self, desk: "_Desk", devices: list[_Device]) -> list[float]:
        """Have controls made while others read; return how long each took to show, in seconds."""
        found: list[float] = []
        for number, device in enumerate(devices[: max(SHOWN // self._share, 1)]):
            began = perf_counter()
            # Earlier than those before it, so that it stands on the first page of its list.
            name = await desk.control(device.program, self._clock, CONTROLS + SHOWN - number)
            path = f"{device.controls}?s=0&l={CONTROLS}"
            while name.encode() not in await device.wire.get(path):
                pass
            found.append(perf_counter() - began)
            await self._clock.sleep_until(self._clock.now() + timedelta(milliseconds=50))
        return found


async def _best(served: Served, count: int, work: Callable[[int], Awaitable[None]]) -> float:
    """Return how often something is done in one second of the server's processor time."""
    best = 0.0
    for _ in range(BATCHES):
        before = served.cpu_s
        await each(range(count), work, AT_ONCE)
        best = max(best, count / max(served.cpu_s - before, 1e-6))
    return float(round(best))


async def _walked(device: _Device) -> _Device:
    """Have a device find its places, as its links say, and make its mirror."""
    wire = device.wire
    entry = decode(await wire.get("/dcap"), sep.DeviceCapability).value
    found = decode(await wire.get(_link(entry.end_device_list_link)), sep.EndDeviceList).value
    own = found.end_device[0]
    if len(found.end_device) != 1 or own.lfdi != device.lfdi:
        raise MisuseError("BENCH", "a device must find itself, and nobody else")
    ders = decode(await wire.get(_link(own.der_list_link)), sep.DERList).value
    path = _link(own.function_set_assignments_list_link)
    fsa = decode(await wire.get(path), sep.FunctionSetAssignmentsList).value
    path = _link(fsa.function_set_assignments[0].der_program_list_link)
    programs = decode(await wire.get(path), sep.DERProgramList).value
    controls = _link(programs.der_program[0].der_control_list_link)
    page = decode(await wire.get(f"{controls}?s=0&l={CONTROLS}"), sep.DERControlList).value
    if page.results != CONTROLS:
        raise MisuseError("BENCH", f"a device must find {CONTROLS} controls")
    made = await wire.send(
        "POST", _link(entry.mirror_usage_point_list_link), mirror(device.lfdi), 201
    )
    status = _link(ders.der[0].der_status_link)
    return replace(device, controls=controls, status=status, mirror=made.location)


def _link(link: sep.Link | None) -> str:
    if link is None:
        raise MisuseError("BENCH", "a link is missing")
    return link.href


class _Desk:
    """The operator."""

    def __init__(self, served: Served) -> None:
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {served.token}"})
        self._root = f"{served.admin}/v1"

    async def register(self, lfdi: str) -> None:
        """Register a device."""
        await self._ask("PUT", f"devices/{lfdi}", {"pin": 111115})

    async def feeder(self, devices: list[str]) -> str:
        """Give some devices a program; return its mRID."""
        fsa = await self._ask("POST", "fsas", {})
        await self._ask("PUT", f"fsas/{fsa}/devices", {"devices": devices})
        return await self._ask("POST", "programs", {"kind": "der", "primacy": 2, "fsas": [fsa]})

    async def control(self, program: str, clock: SystemClock, hours: int) -> str:
        """Announce a control that is some hours away; return its mRID."""
        start = clock.now() + timedelta(hours=hours)
        event = {
            "program": program,
            "start": start.isoformat(),
            "duration_s": 1800,
            "modes": {"opModFixedW": -5000},
        }
        return await self._ask("POST", "events", event)

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> str:
        async with self.http.request(method, f"{self._root}/{path}", json=body) as answer:
            if answer.status >= 300:
                raise MisuseError("BENCH", await answer.text())
            return str((await answer.json())["name"])


def _made_up(number: int) -> str:
    """Return the LFDI of a device that never calls."""
    return hashlib.sha256(f"device {number}".encode()).hexdigest()[:40].upper()


def _status(number: int) -> bytes:
    return encode(sep.DERStatus(reading_time=1_800_000_000 + number), PLAIN)
