"""``gridgate-conformance serve sep2`` as a process: operated over JSON, met by a device, killed and started again."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conformance.cli.main import run
from gateway.client.clock import SystemClock
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode
from tests.sep2_pki import files
from tests.sep2_server_world import PIN, Premises

PATIENCE_S = 30.0


@asynccontextmanager
async def served(
    *arguments: str,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.cli.main", "serve", "sep2", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with SystemClock().timeout(PATIENCE_S):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_it_survives_a_kill(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    own = files(tmp_path, "server", site.pki.server(), site.pki)
    told = (
        *("--certificate", str(own.certificate), "--key", str(own.key), "--ca", str(own.ca)),
        *("--store", str(tmp_path / "utility.db"), "--profile", "csip", "--csip-aus"),
    )
    async with served(*told) as (process, listening), aiohttp.ClientSession() as operator:
        bearer = {"Authorization": f"Bearer {listening['token']}"}
        url = f"{listening['admin']}/v1/devices/{device.lfdi}"
        async with operator.put(url, json={"pin": PIN}, headers=bearer) as answer:
            assert answer.status == 201
        process.kill()
        await process.wait()
    shared = ("--clock-origin", "2040-01-01T00:00:00Z", "--clock-start", "0", "--clock-factor", "1")
    async with served(*told, *shared) as (process, listening), site.browser(device) as session:
        assert listening["at"] > "2040"
        async with session.get(listening["url"].replace("/dcap", "/edev")) as answer:
            found = decode(await answer.read(), sep.EndDeviceList).value
        assert [one.lfdi for one in found.end_device] == [device.lfdi]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    "arguments",
    [(), ("--port", "70000"), ("--poll-rate", "0"), ("--edition", "2013"), ("--clock-factor", "2")],
)
def test_a_wrong_command_line_starts_nothing(arguments: tuple[str, ...], tmp_path: Path) -> None:
    given = ("--certificate", "a", "--key", "b", "--ca", str(tmp_path)) if arguments else ()
    with pytest.raises(SystemExit) as left:
        run(["serve", "sep2", *given, *arguments])
    assert left.value.code == 4
