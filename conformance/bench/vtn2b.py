"""A played utility with thousands of VENs: memory for each, signed polls on one core, what a kill loses.

The utility is the command ``gridgate-conformance serve vtn2b`` itself, with its store; VENs and operator are this
process. First over plain HTTP: every VEN has five events of its own, answered. Then a thousand VENs over mutual TLS,
every message signed (``crowd2b``). Four minutes on a quiet machine.
"""

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from conformance.bench import crowd2b
from conformance.bench.bars import Bar, told
from conformance.bench.machine import machine
from conformance.bench.served2b import Served, each, serving
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
CROWD: Final = 1000
MOST_KB: Final = 25
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


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the VENs, for a trial: 10 takes a tenth, which proves nothing about the bars.

    Returns:
        ``vens``, ``events_per_ven``, ``kb_per_ven`` (resident memory in this run, 1000 bytes),
        ``kb_per_ven_restarted`` (after a restart), ``polls_per_s`` (of processor time, plain HTTP),
        ``load_s``, ``lost`` (VENs with their queues, events and answers that a kill took or changed), ``signed`` (see
        ``crowd2b``), ``bars``, ``machine.{cpu, load, python}``.
    """
    busy = _busy()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schedule.toml").write_text(_SCHEDULE)
        found = asyncio.run(_Bench(Path(folder), VENS // share).run())
    with tempfile.TemporaryDirectory() as folder:
        signed = asyncio.run(crowd2b.measured(Path(folder), CROWD // share))
    return {**found, "signed": signed, "bars": judged(found, signed, busy), "machine": machine()}


def _busy() -> str:
    """Say that others use the machine, in which case a poll may be late through no fault of the utility."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    return f"load {load:.1f} on {processors} processors before" if load > processors / 2 else ""


def judged(found: dict[str, float], signed: dict[str, Any], busy: str = "") -> dict[str, object]:
    """Return what was promised, what was measured, and whether it is met.

    Args:
        found: Figures over plain HTTP.
        signed: Figures of the crowd.
        busy: Why late polls prove nothing; empty: they do.
    """
    memory = max(found["kb_per_ven"], found["kb_per_ven_restarted"])
    late, cores = signed["late"], signed["cores"]
    return told(
        Bar(
            name="memory",
            wanted=f"<= {MOST_KB} kB per VEN with {EVENTS} events, over {VENS} VENs",
            measured=f"{memory} kB over {found['vens']:.0f} VENs",
            met=memory <= MOST_KB and found["vens"] >= VENS,
        ),
        Bar(
            name="signed_polls",
            wanted=f"{CROWD} VENs at 10 s, RSA signatures, in the store, on one core, none late",
            measured=f"{signed['vens']:.0f} VENs, {cores} cores, {late:.0f} of {signed['polls']:.0f} late",
            met=cores <= 1 and late == 0 and signed["vens"] >= CROWD,
            doubt=busy if cores <= 1 else "",
        ),
        Bar(
            name="restart",
            wanted="nothing lost",
            measured=f"{found['lost']:.0f} lost",
            met=found["lost"] == 0,
        ),
    )


class _Bench:
    """One run."""

    def __init__(self, folder: Path, vens: int) -> None:
        self._folder = folder
        self._wanted = vens
        self._codec = Codec(load_oadr20b_schema())
        self._vens: list[str] = []

    async def run(self) -> dict[str, float]:
        async with serving(self._folder / "schedule.toml") as served, _session() as http:
            desk = _Desk(http, served)
            await self._populate(http, served, desk, WARM)
            before = served.kib
            await self._populate(http, served, desk, self._wanted)
            grown = served.kib - before
            polls = await self._polls(http, served)
            known = await desk.everything()
        async with serving(self._folder / "schedule.toml") as again, _session() as http:
            kept = await _Desk(http, again).everything()
            restarted = again.kib
        async with _empty() as empty:
            floor = empty.kib
        return {
            "vens": self._wanted,
            "events_per_ven": EVENTS,
            "kb_per_ven": _kb(grown / (self._wanted - WARM)),
            "kb_per_ven_restarted": _kb((restarted - floor) / self._wanted),
            "polls_per_s": round(polls),
            "load_s": round(again.started_s - empty.started_s, 2),
            "lost": len(known - kept),
        }

    async def _populate(
        self, http: aiohttp.ClientSession, served: Served, desk: "_Desk", up_to: int
    ) -> None:
        fresh = range(len(self._vens), up_to)
        self._vens += await each(fresh, lambda one: self._register(http, served, one), AT_ONCE)
        events = [(ven, number) for ven in fresh for number in range(EVENTS)]
        await each(events, lambda one: desk.publish(self._vens[one[0]], *one), AT_ONCE)
        await each(fresh, lambda one: self._answer(http, served, self._vens[one]), AT_ONCE)

    async def _say(
        self, http: aiohttp.ClientSession, served: Served, service: str, message: Message
    ) -> Message:
        body = self._codec.encode(message)
        async with http.post(f"{served.url}/{service}", data=body, headers=_XML) as answer:
            return self._codec.decode(await answer.read())

    async def _register(self, http: aiohttp.ClientSession, served: Served, number: int) -> str:
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

    async def _answer(self, http: aiohttp.ClientSession, served: Served, ven_id: str) -> None:
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

    async def _polls(self, http: aiohttp.ClientSession, served: Served) -> float:
        """Return polls of empty queues per second of the utility's processor time."""
        bodies = [self._codec.encode(OadrPoll(ven_id=ven_id)) for ven_id in self._vens]
        began = served.cpu_s

        async def poll(number: int) -> None:
            body = bodies[number % len(bodies)]
            async with http.post(f"{served.url}/OadrPoll", data=body, headers=_XML) as answer:
                await answer.read()

        await each(range(POLLS), poll, AT_ONCE)
        return POLLS / (served.cpu_s - began)


class _Desk:
    """The operator."""

    def __init__(self, http: aiohttp.ClientSession, served: Served) -> None:
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
                after = str(page["next"])
                if len(page[what]) < 1000 or page["next"] is None:
                    break
        return found

    async def _page(self, what: str, query: dict[str, str]) -> dict[str, Any]:
        url = f"{self._served.admin}/v1/{what}"
        async with self._http.get(url, params=query, headers=self._headers) as answer:
            page: dict[str, Any] = await answer.json()
            return page


@asynccontextmanager
async def _empty() -> AsyncIterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schedule.toml").write_text(_SCHEDULE)
        async with serving(Path(folder) / "schedule.toml") as served:
            yield served


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))


def _kb(kib: float) -> float:
    return round(kib * 1.024, 2)
