"""One gateway as the aggregator of 5,000 EndDevices, at a server 20 ms away: how it keeps up, and how punctual it is.

The server is the command ``gridgate-conformance serve sep2`` itself, in a process of its own, behind a line that lets
every byte arrive 10 ms later; mutual TLS, CCM-8. The client is this process: session, driver and connections of a
gateway, and its store on disk, each change durable before anything is said. One control for all devices is announced,
starts and ends. A start counts when it is durable. Nine minutes.
"""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import aiohttp

from certs.sep2.hierarchy import sep2
from conformance.bench.bars import Bar, told
from conformance.bench.machine import machine
from conformance.bench.probe import LoopProbe
from conformance.bench.served2b import each, played
from conformance.sep2files import identity_files
from gateway.app.ids import SystemChance, SystemIds
from gateway.client.clock import SystemClock
from gateway.domain.errors import MisuseError
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import Decision
from gateway.domain.points import Step
from gateway.domain.protocol import ProtocolName
from gateway.northbound.driver import Driver
from gateway.northbound.notes import Notes
from gateway.northbound.sep2_exchange import Sep2Exchange
from gateway.observability.logs import set_up
from gateway.protocols.actions import Collect, Emit, Kept, Message, Readings, Send
from gateway.protocols.entry import ProgramTerms, Scope, Tools
from gateway.protocols.parts import State
from gateway.protocols.sep2.client.options import CsipOptions, DeviceOptions
from gateway.protocols.sep2.client.session import Sep2Session
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from gateway.transport.client import Bounds, PeerClient
from gateway.transport.sep2_tls import Sep2Profile, judge_chain, sep2_client

DEVICES: Final = 5000
SITES: Final = 5
POLL_RATE_S: Final = 300
ROUND_TRIP_MS: Final = 20.0
CONNECTIONS: Final = 8
PIN: Final = 111115
NOTICE: Final = timedelta(seconds=400)
"""From the first question to the start of the control; less in a trial."""
TRIAL_NOTICE: Final = timedelta(seconds=20)
LENGTH: Final = timedelta(seconds=45)
MOST_REFRESH_S: Final = 240
MOST_ERROR_MS: Final = 1000
PATIENCE_S: Final = 700.0
UTILITY: Final = UtilityName("apex")
_PROGRAM: Final = "fleet program"
_ACTIVE: Final = b'"state":"active"'
_OVER: Final = b'"state":"completed"'
_KNOWN: Final = b'"state":"scheduled"'


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the devices, for a trial: 10 takes a tenth, which proves nothing.

    Returns:
        ``devices``, ``sites``; ``refresh_s`` (from the first question to the last answer of everything that the server
        has for them), ``questions`` and ``refresh_cpu_s`` (of the client); ``controls_per_s`` (devices in which a
        control has started and is durable, by the second, once its start has come); ``start_error_p50_ms``,
        ``start_error_p99_ms`` and ``start_error_max_ms`` (from the start of the control to the commit after which a
        device is in it), the same of ``end_error``; ``events_inward``; ``responses`` and ``responses_twice`` at the
        server; ``kb_per_end_device``, ``longest_block_ms``; ``bars``, ``machine.{cpu, load, python}``.
    """
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = f"load {load:.1f} on {processors} processors before" if load > processors / 2 else ""
    set_up(SystemClock().now, as_json=True, level="error")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_Bench(Path(folder), max(DEVICES // share, SITES)).run())
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
            name="refresh",
            wanted=f"{DEVICES} EndDevices read whole in <= {MOST_REFRESH_S} s, {ROUND_TRIP_MS:.0f} ms away",
            measured=f"{found['devices']:.0f} in {found['refresh_s']:.0f} s",
            met=found["refresh_s"] <= MOST_REFRESH_S and whole,
            doubt=busy,
        ),
        Bar(
            name="start_error",
            wanted=f"a control to all of them starts with p99 <= {MOST_ERROR_MS} ms",
            measured=f"{found['start_error_p99_ms']:.0f} ms",
            met=found["start_error_p99_ms"] <= MOST_ERROR_MS and whole,
            doubt=busy,
        ),
        Bar(
            name="responses",
            wanted="each response once per EndDevice and status",
            measured=f"{found['responses']:.0f}, {found['responses_twice']:.0f} of them twice",
            met=found["responses"] == 3 * found["devices"] and not found["responses_twice"],
        ),
    )


@dataclass
class Sink:
    """Commits what the session brings, and notes when which device was known to be where."""

    store: SqliteStore
    clock: SystemClock
    events: int = 0
    at: dict[bytes, dict[str, datetime]] = field(
        default_factory=lambda: {_KNOWN: {}, _ACTIVE: {}, _OVER: {}}
    )
    """State -> part of a device -> when it was durable first."""

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        """Store the state, as a gateway does."""
        await self.store.write(lambda work: work.sessions.put(utility, state), Step.SESSION)
        now = self.clock.now()
        self.events += sum(len(emit.events) for emit in emits)
        for name, body in {} if isinstance(state, bytes) else state.items():
            if body is not None and name.startswith("device "):
                for word, seen in self.at.items():
                    if word in body:
                        seen.setdefault(name, now)

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        """Return nothing: nobody opts."""
        return ()


async def _unmetered(wanted: Collect) -> Readings:
    return Readings(key=wanted.key, series={})


class _Bench:
    """One run."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._pki = sep2(3)
        self._clock = SystemClock()
        self._notice = max(NOTICE * (count / DEVICES), TRIAL_NOTICE)
        self._aggregator = self._pki.aggregator("fleet")
        self._lfdis = [managed_lfdi(b"%d" % number, 40732) for number in range(count)]

    async def run(self) -> dict[str, float]:
        async with AsyncExitStack() as stack:
            files = identity_files(self._folder, "server", self._pki.server(), self._pki)
            served = await stack.enter_async_context(
                played(
                    *("sep2", "--certificate", str(files.certificate), "--key", str(files.key)),
                    *("--ca", str(files.ca), "--profile", "csip"),
                    *("--store", str(self._folder / "utility.db")),
                    *("--poll-rate", str(POLL_RATE_S), "--requests-per-s", "0"),
                )
            )
            headers = {"Authorization": f"Bearer {served.token}"}
            http = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            desk = _Desk(http, f"{served.admin}/v1")
            program = await desk.furnish(self._lfdis, self._aggregator.lfdi)
            port = int(served.url.rpartition(":")[2].partition("/")[0])
            near = await stack.enter_async_context(_line(port))
            url = served.url.replace(f":{port}/", f":{near}/")
            store = await open_store(f"sqlite:///{self._folder}/gateway.db", ids=SystemIds())
            stack.push_async_callback(store.close)
            sink = Sink(store, self._clock)
            start = (self._clock.now() + self._notice).replace(microsecond=0)
            event = await desk.control(program, start)
            found = await self._driven(stack, url, sink)
            return {**found, **await self._control(sink, desk, event, start)}

    async def _driven(self, stack: AsyncExitStack, url: str, sink: Sink) -> dict[str, float]:
        probe = LoopProbe()
        before = probe.look().after_mib
        client = PeerClient(
            url,
            sep2_client(
                identity_files(self._folder, "aggregator", self._aggregator, self._pki),
                Sep2Profile.CSIP,
            ),
            self._clock,
            test_mode=True,
            bounds=Bounds(connections=CONNECTIONS),
            admit=lambda chain: judge_chain(chain, Sep2Profile.CSIP),
        )
        stack.push_async_callback(client.close)
        exchange = _Counted(Sep2Exchange(client=client, root=url))
        whole = asyncio.Event()
        driver = Driver(
            *(UTILITY, self._session(url), exchange, sink, _unmetered, self._clock),
            notes=Notes(whole.set),
        )
        began, spent = perf_counter(), process_time()
        task = asyncio.create_task(driver.run())
        stack.push_async_callback(_ended, task)
        found: dict[str, float] = {"devices": self._count, "sites": SITES}
        await self._until(whole.is_set, task)
        found["refresh_s"] = round(perf_counter() - began, 1)
        found["refresh_cpu_s"] = round(process_time() - spent, 1)
        found["questions"] = exchange.asked
        for seen in sink.at.values():
            await self._until(lambda seen=seen: len(seen) >= self._count, task)  # type: ignore[misc] # bound now
        felt = probe.look()
        found["kb_per_end_device"] = round((felt.after_mib - before) * 1048.576 / self._count, 1)
        found["longest_block_ms"] = felt.block_ms
        return found

    def _session(self, url: str) -> Sep2Session:
        sites = tuple(SiteId(f"site-{number}") for number in range(SITES))
        options = CsipOptions(
            connections=CONNECTIONS,
            device=tuple(
                DeviceOptions(lfdi=lfdi, site=sites[number % SITES], pin=PIN)
                for number, lfdi in enumerate(self._lfdis)
            ),
        )
        terms = ProgramTerms(name=_PROGRAM, sites=sites)
        scope = Scope(utility=UTILITY, programs=(terms,), root=url)
        tools = Tools(chance=SystemChance(), ids=SystemIds())
        return Sep2Session(options, scope, tools, ProtocolName.CSIP, None)

    async def _control(
        self, sink: Sink, desk: "_Desk", event: str, start: datetime
    ) -> dict[str, float]:
        began, responses, twice = perf_counter(), 0, 0
        while responses < 3 * self._count and perf_counter() - began < PATIENCE_S:
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=5))
            responses, twice = await desk.responses(event)
        took = (max(sink.at[_ACTIVE].values()) - start).total_seconds()
        return {
            "controls_per_s": round(self._count / max(took, 1e-3)),
            **_errors("start_error", sink.at[_ACTIVE], start),
            **_errors("end_error", sink.at[_OVER], start + LENGTH),
            "events_inward": sink.events,
            "responses": responses,
            "responses_twice": twice,
        }

    async def _until(self, done: Callable[[], bool], task: asyncio.Task[None]) -> None:
        began = perf_counter()
        while not done():
            if task.done() or perf_counter() - began > PATIENCE_S:
                raise MisuseError("BENCH", f"the client did not get there: {task}")
            await self._clock.sleep_until(self._clock.now() + timedelta(milliseconds=100))


class _Counted:
    """An exchange that counts questions."""

    def __init__(self, inner: Sep2Exchange) -> None:
        self._inner = inner
        self.asked = 0

    async def __call__(self, send: Send) -> Message:
        self.asked += send.method == "GET"
        return await self._inner(send)


class _Desk:
    """The operator."""

    def __init__(self, http: aiohttp.ClientSession, root: str) -> None:
        self._http = http
        self._root = root

    async def furnish(self, lfdis: list[str], aggregator: str) -> str:
        """Register the aggregator and its devices, and give them one program; return its mRID."""
        await self._ask("PUT", f"devices/{aggregator}", {"pin": PIN})

        async def register(lfdi: str) -> None:
            await self._ask("PUT", f"devices/{lfdi}", {"pin": PIN, "manager": aggregator})

        await each(lfdis, register, 32)
        fsa = await self._ask("POST", "fsas", {})
        await self._ask("PUT", f"fsas/{fsa}/devices", {"devices": lfdis})
        body = {"kind": "der", "primacy": 2, "fsas": [fsa], "description": _PROGRAM}
        return await self._ask("POST", "programs", body)

    async def control(self, program: str, start: datetime) -> str:
        """Announce a control; return its mRID."""
        event = {
            "program": program,
            "start": start.isoformat(),
            "duration_s": int(LENGTH.total_seconds()),
            "modes": {"opModFixedW": -5000},
        }
        return await self._ask("POST", "events", event)

    async def responses(self, event: str) -> tuple[int, int]:
        """Return how many responses the server has to an event, and how many of them stand there twice."""
        async with self._http.get(f"{self._root}/responses?event={event}") as answer:
            items = (await answer.json())["items"]
        seen = Counter((one["lfdi"], one["resource"]["status"]) for one in items)
        return seen.total(), seen.total() - len(seen)

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> str:
        async with self._http.request(method, f"{self._root}/{path}", json=body) as answer:
            if answer.status >= 300:
                raise MisuseError("BENCH", await answer.text())
            return str((await answer.json())["name"])


@asynccontextmanager
async def _line(port: int) -> AsyncIterator[int]:
    """Lay a line to a port of this machine; yield the port of its near end."""
    one_way = str(ROUND_TRIP_MS / 2)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.bench.delayed", str(port), one_way),
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is None:
        raise MisuseError("BENCH", "a child without its stdout")
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _errors(name: str, seen: dict[str, datetime], wanted: datetime) -> dict[str, float]:
    """Return by how much instants were missed, milliseconds."""
    errors = sorted(abs((at - wanted).total_seconds()) * 1000 for at in seen.values())
    return {
        f"{name}_p50_ms": round(errors[len(errors) // 2], 1),
        f"{name}_p99_ms": round(errors[len(errors) * 99 // 100], 1),
        f"{name}_max_ms": round(errors[-1], 1),
    }
