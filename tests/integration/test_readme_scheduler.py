"""The README's scheduler, run as it stands: its own process, real TLS, a real token file."""

import asyncio
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from certs.issue import openadr
from gateway.client.clock import SystemClock
from gateway.domain.participation import Opt
from gateway.transport.tls import southbound_server
from tests.southbound_fakes import SmallGateway, sample_intent, sample_plan

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(?P<code>.*?)```", re.DOTALL)
CLUSTER = """
import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.domain.answers import Sample


async def reach(kw):
    return min(kw, Decimal("94.84"))


async def meter():
    start = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
    while True:
        yield Sample(meter="it_load", start=start, duration=timedelta(minutes=1), energy_kwh=Decimal("1.5"))
        start += timedelta(minutes=1)
        await asyncio.sleep(0.05)
"""


def example() -> str:
    """Return the README's block."""
    found = [match["code"] for match in BLOCK.finditer((ROOT / "README.md").read_text())]
    return next(code for code in found if "Site(" in code)


def tls(folder: Path) -> ssl.SSLContext:
    """Make the listener's context; the root is left in ``root.pem``."""
    pki = openadr("ecc", SystemClock().now())
    leaf = pki.server()
    (folder / "root.pem").write_bytes(pki.anchor_pem)
    (folder / "chain.pem").write_bytes(leaf.chain_pem)
    (folder / "key.pem").write_bytes(leaf.key_pem)
    return southbound_server(folder / "chain.pem", folder / "key.pem")


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[None]:
    """Run the README's block against a port of our own."""
    (folder / "scheduler.py").write_text(example().replace(":8443", f":{port}"))
    (folder / "my_cluster.py").write_text(CLUSTER)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "scheduler.py",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SSL_CERT_FILE": str(folder / "root.pem")},
    )
    try:
        yield
        assert process.returncode is None
    finally:
        process.terminate()
        await process.wait()


def test_the_example_has_about_twenty_lines() -> None:
    lines = [line for line in example().splitlines() if line.strip()]
    assert len(lines) <= 20


@pytest.mark.slow
async def test_the_readmes_scheduler_opts_in_and_sends_telemetry(tmp_path: Path) -> None:
    clock = SystemClock()
    gateway = SmallGateway(clock, tls=tls(tmp_path))
    (tmp_path / "site.token").write_text(gateway.token())

    async def reached(what: str) -> None:
        """Wait for the gateway to be told something, by its bell of told things."""
        while not any(kind == what for kind, _, _ in gateway.desk.calls):  # noqa: ASYNC110 - a process of its own
            await asyncio.sleep(0.01)  # noqa: TID251 - a process of its own has no clock of ours

    async with gateway.serve() as listener, running(tmp_path, listener.port):
        now = clock.now()
        first = gateway.send_intent(sample_intent(now, intent_id="i1"))
        gateway.send_plan(sample_plan(now, revision=1, intent=first))
        await reached("commit")
        await reached("telemetry")
        second = gateway.send_intent(sample_intent(now, intent_id="i2"))
        gateway.send_plan(sample_plan(now, revision=2, intent=second))
        gateway.desk.calls.clear()
        await reached("commit")

    assert [(i, c.opt) for i, c in gateway.desk.commitments] == [("i1", Opt.IN), ("i2", Opt.IN)]
    assert {intent for _, intent, _ in gateway.desk.acks} == {"i1", "i2"}
    assert gateway.desk.heartbeats
    sent = [each.start for batch in gateway.desk.batches for each in batch.samples]
    assert len(sent) == len(set(sent))
