"""A 2030.5 server with one aggregator of 5,000 devices: a change that is told of each, and a meter of each that posts.

The server is the command ``gridgate-conformance serve sep2`` itself, with its store, mutual TLS and CCM-8; aggregator,
listener and operator are this process. Each device has a subscription to its assignments, so that one request of the
operator, which gives all of them another one, is 5,000 notifications. Three minutes on a quiet machine.
"""

import asyncio
import itertools
import os
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import aiohttp

from certs.sep2.hierarchy import sep2
from conformance.bench.bars import Bar, told
from conformance.bench.machine import machine
from conformance.bench.sep2_wire import Wire
from conformance.bench.sep2_words import PLAIN, SET, mirror, values
from conformance.bench.served2b import Served, each, played
from conformance.sep2files import identity_files
from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.transport.sep2_tls import Sep2Profile, sep2_client, sep2_server
from gateway.transport.tls import TlsFiles

DEVICES: Final = 5000
POST_RATE_S: Final = 300
MOST_TOLD_S: Final = 60
"""Until the last of 5,000 is told."""
MOST_POST_MS: Final = 1000
"""The 99th of a hundred posts, at the rate at which they come."""
POSTING_S: Final = 20.0
PATIENCE_S: Final = 600.0
WIRES: Final = 8
_DAY_S: Final = 86_400
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]+)\r\n")
_ABOUT: Final = re.compile(rb"<subscribedResource>([^<]+)<")


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the devices, for a trial: 10 takes a tenth, which proves nothing.

    Returns:
        ``devices``; ``told_s`` (from the operator's request until the last subscription is told), ``told_cpu_s`` (of
        the server), ``told_per_s``, ``told_connections``, ``told_twice``; ``post_p50_ms``, ``post_p99_ms`` and
        ``late_posts`` (those that took longer than the post rate) at the rate of ``DEVICES`` meters that post every
        five minutes; ``posts_per_s`` (as quickly as they go), ``posts_per_cpu_s``; ``bytes_per_value`` and
        ``mib_per_day`` of the store; ``rss_mib``; ``bars``, ``machine.{cpu, load, python}``.
    """
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = f"load {load:.1f} on {processors} processors before" if load > processors / 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_Bench(Path(folder), max(DEVICES // share, WIRES)).run())
    return {**found, "bars": judged(found, busy), "machine": machine()}


def judged(found: dict[str, float], busy: str = "") -> dict[str, object]:
    """Return what was promised, what was measured, and whether it is met.

    Args:
        found: Figures.
        busy: Why a figure that is missed proves nothing; empty: it does.
    """
    whole = found["devices"] >= DEVICES
    return told(
        Bar(
            name="told",
            wanted=f"{DEVICES} subscriptions of one aggregator told in <= {MOST_TOLD_S} s, none twice",
            measured=f"{found['told_s']:.1f} s, {found['told_twice']:.0f} twice",
            met=found["told_s"] <= MOST_TOLD_S and not found["told_twice"] and whole,
            doubt=busy,
        ),
        Bar(
            name="posts",
            wanted=f"{DEVICES} meters every {POST_RATE_S} s: p99 <= {MOST_POST_MS} ms, none late",
            measured=f"{found['post_p99_ms']:.0f} ms, {found['late_posts']:.0f} late",
            met=found["post_p99_ms"] <= MOST_POST_MS and not found["late_posts"] and whole,
            doubt=busy,
        ),
    )


class _Bench:
    """One run."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._pki = sep2(3)
        self._aggregator = self._pki.aggregator("fleet")
        self._lfdis = [managed_lfdi(b"%d" % number, 40732) for number in range(count)]
        self._told: dict[bytes, int] = {}
        self._connections = 0

    async def run(self) -> dict[str, float]:
        mine = identity_files(self._folder, "aggregator", self._aggregator, self._pki)
        async with self._serving() as served:
            wires = [
                Wire(_port(served.url), sep2_client(mine, Sep2Profile.CSIP)) for _ in range(WIRES)
            ]
            headers = {"Authorization": f"Bearer {served.token}"}
            found: dict[str, float] = {"devices": self._count}
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                self._listening(mine) as listening,
            ):
                desk = _Desk(http, f"{served.admin}/v1")
                await desk.register(self._lfdis, self._aggregator.lfdi)
                await self._subscribe(wires, f"https://127.0.0.1:{listening}/ntfy")
                found |= await self._notified(served, desk)
                found |= await self._metered(served, wires)
            found["rss_mib"] = round(served.kib / 1024, 1)
            for wire in wires:
                wire.close()
        return found

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Served]:
        files = identity_files(self._folder, "server", self._pki.server(), self._pki)
        async with played(
            *("sep2", "--certificate", str(files.certificate), "--key", str(files.key)),
            *("--ca", str(files.ca), "--profile", "csip", "--store", str(self._store)),
            *("--notify-network", "127.0.0.0/8", "--requests-per-s", "0"),
        ) as served:
            yield served

    @property
    def _store(self) -> Path:
        return self._folder / "sep2.db"

    # --- notifications

    @asynccontextmanager
    async def _listening(self, files: TlsFiles) -> AsyncIterator[int]:
        context = sep2_server(files, Sep2Profile.CSIP)
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while True:
                length = _LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
                about = _ABOUT.search(await reader.readexactly(int(length[1]) if length else 0))
                if about:
                    self._told[about[1]] = self._told.get(about[1], 0) + 1
                writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _subscribe(self, wires: list[Wire], uri: str) -> None:
        entry = decode(await wires[0].get("/dcap"), sep.DeviceCapability).value
        devices = entry.end_device_list_link
        mine, place = "", ""
        links: list[str] = []
        for start in range(0, self._count + 1, 200):
            page = await wires[0].get(f"{devices.href if devices else ''}?s={start}&l=200")
            for one in decode(page, sep.EndDeviceList).value.end_device:
                if one.subscription_list_link and one.lfdi == self._aggregator.lfdi:
                    mine, place = one.href or "", one.subscription_list_link.href
                elif one.function_set_assignments_list_link:
                    links.append(one.function_set_assignments_list_link.href)
        if not mine or len(links) != self._count:
            raise MisuseError("BENCH", "an aggregator must find its devices")
        turn = itertools.cycle(wires)

        async def subscribe(href: str) -> None:
            wanted = sep.Subscription(
                subscribed_resource=href, encoding=0, level="+S1", limit=1, notification_uri=uri
            )
            await next(turn).send("POST", place, encode(wanted, PLAIN), 201)

        await each(links, subscribe, WIRES * 2)

    async def _notified(self, served: Served, desk: "_Desk") -> dict[str, float]:
        before, began = served.cpu_s, perf_counter()
        await desk.assign(self._lfdis)
        while len(self._told) < self._count:
            if perf_counter() - began > PATIENCE_S:
                raise MisuseError("BENCH", f"only {len(self._told)} were told")
            await _pause(0.02)
        took = perf_counter() - began
        return {
            "told_s": round(took, 2),
            "told_cpu_s": round(served.cpu_s - before, 2),
            "told_per_s": round(self._count / took),
            "told_connections": self._connections,
            "told_twice": sum(count > 1 for count in self._told.values()),
        }

    # --- meters

    async def _metered(self, served: Served, wires: list[Wire]) -> dict[str, float]:
        turn, numbers = itertools.cycle(wires), itertools.count()

        async def made(lfdi: str) -> str:
            return (await next(turn).send("POST", "/mup", mirror(lfdi), 201)).location

        mirrors = await each(self._lfdis, made, WIRES * 2)
        took: list[float] = []

        async def post(href: str) -> None:
            began = perf_counter()
            number = next(numbers)
            await next(turn).send("POST", href, values(number), 201)
            took.append(perf_counter() - began)

        began, late = perf_counter(), 0
        async with asyncio.TaskGroup() as tasks:
            for number, href in enumerate(itertools.cycle(mirrors)):
                due = number * POST_RATE_S / DEVICES
                if due > POSTING_S:
                    break
                await _pause(max(0.0, began + due - perf_counter()))
                tasks.create_task(post(href))
        calm = sorted(took)
        late = sum(one > POST_RATE_S for one in calm)
        size, before, began = self._size(), served.cpu_s, perf_counter()
        await each(mirrors, post, WIRES * 2)
        spent, wall = served.cpu_s - before, perf_counter() - began
        value = (self._size() - size) / (len(mirrors) * SET)
        return {
            "post_p50_ms": round(calm[len(calm) // 2] * 1000, 1),
            "post_p99_ms": round(calm[len(calm) * 99 // 100] * 1000, 1),
            "late_posts": late,
            "posts_per_s": round(len(mirrors) / wall),
            "posts_per_cpu_s": round(len(mirrors) / max(spent, 1e-6)),
            "bytes_per_value": round(value, 1),
            "mib_per_day": round(value * DEVICES * _DAY_S / POST_RATE_S / (1 << 20), 1),
        }

    def _size(self) -> int:
        """Return the size of the store, what still lies in its log included."""
        with closing(sqlite3.connect(self._store)) as file:
            (pages,), (size,) = (
                file.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
            )
        return int(pages * size)


class _Desk:
    """The operator."""

    def __init__(self, http: aiohttp.ClientSession, root: str) -> None:
        self._http = http
        self._root = root

    async def register(self, lfdis: list[str], aggregator: str) -> None:
        """Register the aggregator and its devices."""
        await self._ask("PUT", f"devices/{aggregator}", {"pin": 111115})

        async def register(lfdi: str) -> None:
            await self._ask("PUT", f"devices/{lfdi}", {"pin": 111115, "manager": aggregator})

        await each(lfdis, register, 32)

    async def assign(self, lfdis: list[str]) -> None:
        """Give all of them another assignment."""
        fsa = await self._ask("POST", "fsas", {})
        await self._ask("PUT", f"fsas/{fsa}/devices", {"devices": lfdis})

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> str:
        async with self._http.request(method, f"{self._root}/{path}", json=body) as answer:
            if answer.status >= 300:
                raise MisuseError("BENCH", await answer.text())
            return str((await answer.json())["name"])


async def _pause(seconds: float) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, future.set_result, None)
    await future


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])
