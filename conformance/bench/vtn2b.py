"""A played utility with thousands of VENs: memory for each, polls per second of processor time, what a kill loses.

The utility is the command ``gridgate-conformance serve vtn2b`` itself, over plain HTTP on loopback, with its store;
VENs and operator are this process. Every VEN has five events of its own, answered. Two minutes on a quiet machine.
"""

import asyncio
import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import aiohttp

from conformance.bench.machine import machine
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EventResponse,
    Message,
    OadrCreatedEvent,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrDistributeEvent,
    OadrPoll,
    OadrRegisteredReport,
    OptType,
    QualifiedEventId,
)
from gateway.transport.schemas import load_oadr20b_schema

VENS: Final = 2000
EVENTS: Final = 5
POLLS: Final = 10_000
AT_ONCE: Final = 16
WARM: Final = 20
"""VENs that come before memory is looked at, so that code and caches are not counted."""
_XML: Final = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}
_SCHEDULE: Final = """[vtn]
id = "BENCH"
store = "vtn.db"
requests_per_s = 0
poll_every = "PT1H"
"""


def measure() -> dict[str, object]:
    """Run the bench.

    Returns:
        ``vens``, ``events_per_ven``, ``kb_per_ven`` (resident memory, this run), ``kb_per_ven_restarted`` (after a
        restart), ``polls_per_s`` (of processor time, one core), ``load_s``, ``lost`` (VENs, events, deliveries and
        answers that a kill took), ``machine.{cpu, load, python}``.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schedule.toml").write_text(_SCHEDULE)
        return asyncio.run(_Bench(Path(folder)).run()) | {"machine": machine()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """The utility as a process."""

    pid: int
    url: str
    admin: str
    token: str
    started_s: float

    @property
    def kib(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise MisuseError("BENCH", "the utility has ended")

    @property
    def cpu_s(self) -> float:
        parts = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[_Served]:
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.cli.main", "serve", "vtn2b", "--admin-port", "0"),
        *("--schedule", str(folder / "schedule.toml")),
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    stdout = process.stdout
    if stdout is None:
        raise MisuseError("BENCH", "a child without its stdout")
    told = json.loads(await stdout.readline())
    reading = asyncio.create_task(_drained(stdout))
    try:
        yield _Served(
            pid=process.pid,
            url=told["url"],
            admin=told["admin"],
            token=told["token"],
            started_s=perf_counter() - began,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
        await reading


async def _drained(stdout: asyncio.StreamReader) -> None:
    while await stdout.read(1 << 16):
        pass


class _Bench:
    """One run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._codec = Codec(load_oadr20b_schema())
        self._vens: list[str] = []

    async def run(self) -> dict[str, object]:
        async with _serving(self._folder) as served, _session() as http:
            desk = _Desk(http, served)
            await self._populate(http, served, desk, WARM)
            before = served.kib
            await self._populate(http, served, desk, VENS)
            grown = served.kib - before
            polls = await self._polls(http, served)
            known = await desk.everything()
        async with _serving(self._folder) as again, _session() as http:
            kept = await _Desk(http, again).everything()
            restarted = again.kib
        async with _serving_empty() as empty:
            floor = empty.kib
        return {
            "vens": VENS,
            "events_per_ven": EVENTS,
            "kb_per_ven": round(grown / (VENS - WARM), 2),
            "kb_per_ven_restarted": round((restarted - floor) / VENS, 2),
            "polls_per_s": round(polls),
            "load_s": round(again.started_s - empty.started_s, 2),
            "lost": len(known - kept),
        }

    async def _populate(
        self, http: aiohttp.ClientSession, served: _Served, desk: "_Desk", up_to: int
    ) -> None:
        fresh = range(len(self._vens), up_to)
        self._vens += await _each(fresh, lambda one: self._register(http, served, one))
        events = [(ven, number) for ven in fresh for number in range(EVENTS)]
        await _each(events, lambda one: desk.publish(self._vens[one[0]], *one))
        await _each(fresh, lambda one: self._answer(http, served, self._vens[one]))

    async def _say(
        self, http: aiohttp.ClientSession, served: _Served, service: str, message: Message
    ) -> Message:
        body = self._codec.encode(message)
        async with http.post(f"{served.url}/{service}", data=body, headers=_XML) as answer:
            return self._codec.decode(await answer.read())

    async def _register(self, http: aiohttp.ClientSession, served: _Served, number: int) -> str:
        message = OadrCreatePartyRegistration(
            request_id=f"r{number}", oadr_ven_name=f"ven {number}", oadr_http_pull_model=True
        )
        created = await self._say(http, served, "EiRegisterParty", message)
        if not isinstance(created, OadrCreatedPartyRegistration) or created.ven_id is None:
            raise MisuseError("BENCH", "a VEN could not register")
        await self._say(http, served, "OadrPoll", OadrPoll(ven_id=created.ven_id))
        settled = OadrRegisteredReport(ei_response=EiResponse(request_id=""), ven_id=created.ven_id)
        await self._say(http, served, "EiReport", settled)
        return created.ven_id

    async def _answer(self, http: aiohttp.ClientSession, served: _Served, ven_id: str) -> None:
        found = await self._say(http, served, "OadrPoll", OadrPoll(ven_id=ven_id))
        if not isinstance(found, OadrDistributeEvent) or len(found.oadr_events) != EVENTS:
            raise MisuseError("BENCH", "a VEN must find its events, and no others")
        responses = tuple(
            EventResponse(
                request_id=found.request_id,
                qualified_event_id=QualifiedEventId(
                    event_id=event.ei_event.event_descriptor.event_id, modification_number=0
                ),
                opt_type=OptType.OPT_IN,
            )
            for event in found.oadr_events
        )
        answer = OadrCreatedEvent(
            ei_response=EiResponse(request_id=""), event_responses=responses, ven_id=ven_id
        )
        await self._say(http, served, "EiEvent", answer)

    async def _polls(self, http: aiohttp.ClientSession, served: _Served) -> float:
        """Return polls of empty queues per second of the utility's processor time."""
        bodies = [self._codec.encode(OadrPoll(ven_id=ven_id)) for ven_id in self._vens]
        began = served.cpu_s

        async def poll(number: int) -> None:
            body = bodies[number % len(bodies)]
            async with http.post(f"{served.url}/OadrPoll", data=body, headers=_XML) as answer:
                await answer.read()

        await _each(range(POLLS), poll)
        return POLLS / (served.cpu_s - began)


class _Desk:
    """The operator."""

    def __init__(self, http: aiohttp.ClientSession, served: _Served) -> None:
        self._http = http
        self._served = served
        self._headers = {"Authorization": f"Bearer {served.token}"}

    async def publish(self, ven_id: str, ven: int, number: int) -> None:
        """Announce one event to one VEN."""
        event = {
            "id": f"event-{ven}-{number}",
            "market_context": f"http://utility.example/program-{number}",
            "start": f"2041-07-{number + 1:02d}T20:00:00Z",
            "vens": [ven_id],
            "comment": f"for {ven}",
            "target": {"ven": ven_id},
            "signals": [
                {
                    "name": "LOAD_DISPATCH",
                    "type": "setpoint",
                    "unit": "kW",
                    "intervals": [{"duration": "PT1H", "value": 500 + ven}],
                }
            ],
        }
        url = f"{self._served.admin}/v1/events"
        async with self._http.post(url, json=event, headers=self._headers) as answer:
            if answer.status != 201:
                raise MisuseError("BENCH", await answer.text())

    async def everything(self) -> set[str]:
        """Return a fingerprint of each VEN, event and answer, without what a restart may change."""
        found: set[str] = set()
        for what in ("vens", "events", "answers"):
            after = ""
            while True:
                query = {"limit": "1000"} | ({"after": after} if after else {})
                page = await self._page(what, query)
                for one in page[what]:
                    one.pop("online", None)
                    text = json.dumps(one, sort_keys=True)
                    found.add(what + hashlib.sha256(text.encode()).hexdigest())
                if len(page[what]) < 1000:
                    break
                after = str(page["next"])
        return found

    async def _page(self, what: str, query: dict[str, str]) -> dict[str, Any]:
        url = f"{self._served.admin}/v1/{what}"
        async with self._http.get(url, params=query, headers=self._headers) as answer:
            page: dict[str, Any] = await answer.json()
            return page


@asynccontextmanager
async def _serving_empty() -> AsyncIterator[_Served]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schedule.toml").write_text(_SCHEDULE)
        async with _serving(Path(folder)) as served:
            yield served


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))


async def _each(items: Iterable[Any], work: Callable[[Any], Awaitable[Any]]) -> list[Any]:
    """Do something with every item, ``AT_ONCE`` at a time; return the results in order."""
    wanted = list(items)
    found: list[Any] = [None] * len(wanted)
    left = iter(enumerate(wanted))

    async def worker() -> None:
        for place, item in left:
            found[place] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
    return found
