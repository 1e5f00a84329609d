"""A device that the suite neither starts nor stops: found by its own polling, kept registered from case to case."""

import asyncio
import contextlib
from pathlib import Path

import pytest
import yaml

from conformance.engine.run import Order, Prepared, prepare, run
from conformance.kit.verdict import Verdict
from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.settings import Settings
from gateway.app.ids import SeededChance
from gateway.client.clock import ScaledClock, SystemClock
from tests.ports import free_port

FACTOR = 20
ONLY = ("OADR20B-VEN-EVT-020", "OADR20B-VEN-EVT-025", "OADR20B-VEN-EVT-086")


def prepared(folder: Path, mode: str, driver: dict[str, object], port: int) -> Prepared:
    path = folder / "ixit.yaml"
    fields = {"tls": "plain", "listen_port": port, "start_up_s": 90, "driver": driver}
    path.write_text(yaml.safe_dump(fields))
    order = Order(plan=f"oadr20b-ven-{mode}", ixit=path, only=ONLY, time=f"scaled:{FACTOR}")
    return prepare(order)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pull", "push"])
async def test_a_device_that_runs_by_itself_is_judged(mode: str, tmp_path: Path) -> None:
    port = free_port()
    now = SystemClock().now()
    url = f"http://localhost:{port}/OpenADR2/Simple/2.0b"
    clock = ScaledClock(now, now, FACTOR)
    device = Ven(Settings(url=url, push=mode == "push"), clock, SeededChance(1, "ven"))
    task = asyncio.create_task(device.run())

    verdicts = await run(prepared(tmp_path, mode, {"kind": "none"}, port), tmp_path / "run")

    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    found = {c.case: (c.verdict, c.cause) for c in verdicts.cases if c.verdict is not Verdict.SKIP}
    assert found == dict.fromkeys(ONLY, (Verdict.PASS, ""))


@pytest.mark.slow
async def test_nobody_there_is_inconclusive_and_never_a_failure(tmp_path: Path) -> None:
    made = prepared(tmp_path, "pull", {"kind": "none"}, free_port())

    verdicts = await run(made, tmp_path / "run")

    judged = [c for c in verdicts.cases if c.verdict is not Verdict.SKIP]
    assert {c.verdict for c in judged} == {Verdict.INCONCLUSIVE}
    assert all(c.cause.startswith("precondition: the device did not register") for c in judged)
