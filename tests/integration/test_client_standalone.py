"""The client in one file: copied away from everything, run by a bare interpreter, against real TLS."""

import ast
import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.client.clock import SystemClock
from gateway.domain.participation import Opt
from gateway.domain.quantity import plain
from gateway.domain.signed import document_digest
from gateway.intents.envelope import document_of
from tests.integration.test_readme_scheduler import tls
from tests.southbound_fakes import SmallGateway, sample_intent, sample_plan

FILE = Path(__file__).parents[2] / "gateway" / "client" / "standalone.py"
SCHEDULER = """
import ssl, sys
from datetime import UTC, datetime
from decimal import Decimal
from standalone import Site

def lost(failsafe):
    print("lost", failsafe.get("on_lease_loss"), flush=True)

tls = ssl.create_default_context(cafile="root.pem")
site = Site("localhost", int(sys.argv[1]), "phx-1", "site.token", tls=tls, beat_s=0.2, lost=lost)
site.telemetry("it_load", datetime(2025, 5, 3, 23, 0, tzinfo=UTC), 60, Decimal("1.5"))
try:
    for plan in site.plans():
        print("plan", plan["revision"], plan["import_max_kw_now"], flush=True)
        site.answer(plan, Decimal(sys.argv[2]) if sys.argv[2] != "no" else None, "maintenance")
except PermissionError as no:
    print("shut", no.args[0]["code"], flush=True)
"""


def test_it_has_120_lines_and_needs_the_standard_library_alone() -> None:
    text = FILE.read_text()
    assert len(text.splitlines()) <= 120
    names = [
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


class Program:
    """The scheduler's process and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def running(folder: Path, port: int, kw: str) -> AsyncIterator[Program]:
    shutil.copy(FILE, folder / "standalone.py")
    (folder / "scheduler.py").write_text(SCHEDULER)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-S",  # nothing installed is seen
        "scheduler.py",
        str(port),
        kw,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def until(found: Callable[[], object]) -> None:
    while not found():  # noqa: ASYNC110 - a process of its own
        await asyncio.sleep(0.01)  # noqa: TID251 - a process of its own has no clock of ours


@pytest.fixture
def gateway(tmp_path: Path) -> SmallGateway:
    found = SmallGateway(SystemClock(), tls=tls(tmp_path))
    (tmp_path / "site.token").write_text(found.token())
    return found


@pytest.mark.slow
async def test_it_follows_answers_acknowledges_and_meters(
    tmp_path: Path, gateway: SmallGateway
) -> None:
    async with (
        gateway.serve() as listener,
        running(tmp_path, listener.port, "60") as program,
    ):
        now = gateway.clock.now()
        first = gateway.send_intent(sample_intent(now, intent_id="i1"))
        plan = gateway.send_plan(sample_plan(now, revision=1, intent=first))
        assert await program.line() == f"plan 1 {plain(plan.contracted_import_kw)}"
        await until(lambda: gateway.desk.commitments and gateway.desk.acks and gateway.desk.batches)
        second = gateway.send_intent(sample_intent(now, intent_id="i2"))
        gateway.send_plan(sample_plan(now, revision=2, intent=second))
        assert (await program.line()).startswith("plan 2 ")
        await until(lambda: len(gateway.desk.commitments) > 1)
        await until(lambda: len({intent for _, intent, _ in gateway.desk.acks}) > 1)
    assert [(i, c.opt) for i, c in gateway.desk.commitments] == [("i1", Opt.IN), ("i2", Opt.IN)]
    ack = next(ack for _, intent, ack in gateway.desk.acks if intent == "i1")
    assert ack.digest == document_digest(document_of(first))
    (batch,) = gateway.desk.batches
    assert str(batch.samples[0].energy_kwh) == "1.5"


@pytest.mark.slow
@pytest.mark.parametrize(("kw", "kind"), [("5000", "partial"), ("no", "rejected")])
async def test_it_says_in_part_and_no(
    tmp_path: Path, gateway: SmallGateway, kw: str, kind: str
) -> None:
    desk = gateway.desk
    async with gateway.serve() as listener, running(tmp_path, listener.port, kw):
        now = gateway.clock.now()
        first = gateway.send_intent(sample_intent(now, intent_id="i1"))
        gateway.send_plan(sample_plan(now, revision=1, intent=first))
        await until(lambda: desk.commitments or desk.rejections)
    if kind == "partial":
        assert [c.opt for _, c in desk.commitments] == [Opt.PARTIAL]
    else:
        assert [r.reason for _, r in desk.rejections] == ["maintenance"]


@pytest.mark.slow
async def test_a_silent_gateway_is_lost_once_and_found_again(
    tmp_path: Path, gateway: SmallGateway
) -> None:
    gateway.desk.lease_s = 1
    now = gateway.clock.now()
    gateway.send_plan(sample_plan(now, revision=1))
    async with gateway.serve() as listener:
        port = listener.port
        async with running(tmp_path, port, "60") as program:
            assert (await program.line()).startswith("plan 1 ")
            await listener.stop()
            assert await program.line() == "lost hold_last"
            async with gateway.serve():
                gateway.send_plan(sample_plan(now, revision=2))
                assert (await program.line()).startswith("plan 2 ")


@pytest.mark.slow
async def test_a_revoked_token_ends_the_loop(tmp_path: Path, gateway: SmallGateway) -> None:
    (tmp_path / "site.token").write_text("another")
    async with gateway.serve() as listener, running(tmp_path, listener.port, "60") as program:
        assert await program.line() == "shut GG-4012"
