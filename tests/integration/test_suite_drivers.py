"""Every kind of driver in a real run: a device outside the suite, moved by HTTP, by programs, and by a person."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from conformance.engine.conclude import recorded
from conformance.engine.run import Order, prepare, run
from conformance.kit.verdict import Verdict
from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Memory
from gateway.app.ids import SeededChance
from gateway.client.clock import ScaledClock, SystemClock
from tests.ports import free_port

FACTOR = 20
PLAN = "oadr20b-ven-pull"
CASES = ("OADR20B-VEN-EVT-520", "OADR20B-VEN-REG-020")  # one opts out, one begins unregistered
METHODS = ("start", "kill", "reset", "opt_out")


def scaled() -> ScaledClock:
    now = SystemClock().now()
    return ScaledClock(now, now, FACTOR)


@dataclass
class Bench:
    """A device on a bench, and the switches around it."""

    port: int
    done: list[str] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    clock: ScaledClock = field(default_factory=scaled)
    ven: Ven | None = None
    task: "asyncio.Task[None] | None" = None

    async def act(self, method: str, values: dict[str, str]) -> None:
        """Do one thing to the device."""
        self.done.append(method)
        if method == "opt_out":
            assert self.ven is not None
            self.ven.opt(values["event_id"], "optOut")
            return
        await self.end()
        if method == "reset":
            self.memory = Memory()
        if (
            method == "start"
        ):  # a device that was reset stays off, or it would register and be cut off in the middle
            self.begin()

    def begin(self) -> None:
        """Switch it on."""
        url = f"http://localhost:{self.port}/OpenADR2/Simple/2.0b"
        self.ven = Ven(Settings(url=url), self.clock, SeededChance(1, "v"), self.memory)
        self.task = asyncio.create_task(self.ven.run())

    async def end(self) -> None:
        """Switch it off."""
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task

    async def handle(self, request: web.Request) -> web.Response:
        """Be told over HTTP."""
        await self.act(request.match_info["method"], await request.json())
        return web.json_response({"bench": "1"})


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[Bench, str]]:
    found = Bench(free_port())
    app = web.Application()
    app.router.add_post("/{method}", found.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield found, f"http://{host}:{port}"
    finally:
        await found.end()
        await runner.cleanup()


def ixit(folder: Path, port: int, driver: dict[str, object]) -> Path:
    path = folder / "ixit.json"
    fields = {
        "tls": "plain",
        "listen_port": port,
        "operator": "A. Person",
        "driver": driver,
        "values": {"bench_pin": "hunter-22"},
    }
    path.write_text(json.dumps(fields))
    return path


SWITCH = (
    "import json,sys,urllib.request as u;"
    "u.urlopen(u.Request(sys.argv[1],json.dumps({'event_id':sys.argv[2]}).encode(),"
    "{'Content-Type':'application/json'}));print(json.dumps({'pin':sys.argv[3]}))"
)


def programs(url: str) -> dict[str, object]:
    """Return a driver of programs, one of which is told a secret."""
    commands = {
        name: [sys.executable, "-c", SWITCH, f"{url}/{name}", "{event_id}", "{bench_pin}"]
        for name in METHODS
    }
    return {"kind": "command", "commands": commands}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["http", "command"])
async def test_a_device_is_driven_from_outside(kind: str, tmp_path: Path) -> None:
    async with bench() as (found, url):
        http: dict[str, object] = {"kind": "http", "url": url, "methods": list(METHODS)}
        path = ixit(tmp_path, found.port, http if kind == "http" else programs(url))
        order = Order(plan=PLAN, ixit=path, only=CASES, time=f"scaled:{FACTOR}")

        verdicts = await run(prepare(order), tmp_path / "run")

    judged = {c.case: (c.verdict, c.cause) for c in verdicts.cases if c.case in CASES}
    assert judged == dict.fromkeys(CASES, (Verdict.PASS, ""))
    assert found.done == ["start", "opt_out", "reset", "start"]
    evidence = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b"hunter-22" not in evidence
    assert (b'"pin":"keyed-' in evidence) is (kind == "command")


@pytest.mark.slow
async def test_a_person_is_asked_and_the_answer_stands_in_the_evidence(tmp_path: Path) -> None:
    async with bench() as (found, _):
        path = ixit(tmp_path, found.port, {"kind": "manual", "methods": list(METHODS)})
        words = ["run", "--plan", PLAN, "--ixit", str(path), "--out", str(tmp_path / "run")]
        only = [word for case in CASES for word in ("--only", case)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "conformance.cli.main", *words, *only),
            *("--time", f"scaled:{FACTOR}"),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stderr is not None
        while line := (await process.stderr.readline()).decode():
            asked = line.strip()
            if asked.startswith("Have the device leave event "):
                await found.act("opt_out", {"event_id": asked.split()[-1].rstrip(".")})
            elif asked.startswith("Make the device forget"):
                await found.act("reset", {})
            elif asked == "Start the device.":
                found.clock = scaled() if not found.done else found.clock
                await found.act("start", {})
            else:
                continue
            process.stdin.write(b"the lamp is green\n")
        assert await process.wait() == 0

    verdicts = recorded(tmp_path / "run")
    assert {c.verdict for c in verdicts.cases if c.case in CASES} == {Verdict.PASS}
    history = (tmp_path / "run" / "history.jsonl").read_text()
    assert history.count('"operator":"A. Person","answer":"the lamp is green"') == 4
    assert found.done == ["start", "opt_out", "reset", "start"]


@pytest.mark.slow
async def test_a_program_that_fails_or_hangs_leaves_its_cases_open(tmp_path: Path) -> None:
    commands = {
        "start": [sys.executable, "-c", "import time; time.sleep(60)"],
        "reset": [sys.executable, "-c", "raise SystemExit('no power')"],
    }
    driver: dict[str, object] = {"kind": "command", "commands": commands, "timeout_s": 0.5}
    cases = (*CASES, "OADR20B-VEN-EVT-020")
    order = Order(plan=PLAN, ixit=ixit(tmp_path, free_port(), driver), only=cases, time="real")

    verdicts = await run(prepare(order), tmp_path / "run")

    causes = {c.case: c.cause for c in verdicts.cases if c.case in cases}
    assert causes[CASES[0]] == "driver: the driver has no method opt_out"
    assert causes[cases[2]].startswith("driver: start: ")
    assert "TimeoutError" in causes[cases[2]]
    assert causes[CASES[1]].startswith("driver: reset: ")
    assert "no power" in causes[CASES[1]]
