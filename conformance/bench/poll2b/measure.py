"""The measurer: VENs that poll as fast as they are answered, and the processor time that it cost the server.

Both servers are child processes and are asked by the same VENs, over connections that stay open, for queues that are
empty. Ours keeps its queue, and the stamps of signed messages, durably; openleadr keeps nothing.
"""

import asyncio
import json
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from conformance.bench.machine import machine
from conformance.bench.poll2b.place import Place
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatePartyRegistration,
    OadrPoll,
    OadrRegisteredReport,
    OadrResponse,
)
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_client

KINDS: Final = ("plain", "mtls", "signed")
SERVERS: Final = {"": "our_vtn", "openleadr_": "openleadr_vtn"}
POLLS: Final = {"plain": 400, "mtls": 400, "signed": 200}
"""Of each VEN in one batch; a tenth of it where a server takes tens of milliseconds."""
BATCHES: Final = 5
"""The best one counts: on a machine that others use, it shows what the code costs."""
_PATH: Final = "/OpenADR2/Simple/2.0b"
_XML: Final = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the polls, for a trial: 10 sends a tenth.

    Returns:
        ``plain_cpu_ms``, ``mtls_cpu_ms``, ``signed_cpu_ms`` and ``signed_rsa_per_s`` of ours, the same with prefix
        ``openleadr_``, ``plain_ratio``, ``mtls_ratio`` (theirs to ours), ``machine.{cpu, load, python}``.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.fill(SystemClock().now())
        found = asyncio.run(_all(place, share))
    for kind in ("plain", "mtls"):
        ratio = found[f"openleadr_{kind}_cpu_ms"] / found[f"{kind}_cpu_ms"]
        found[f"{kind}_ratio"] = round(ratio, 2)
    for prefix in SERVERS:
        found[f"{prefix}signed_rsa_per_s"] = round(1000 / found[f"{prefix}signed_cpu_ms"], 1)
    return {**found, "machine": machine()}


async def _all(place: Place, share: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in KINDS:
        for prefix, module in SERVERS.items():
            async with _server(module, kind, place) as server:
                slow = 10 if prefix and kind == "signed" else 1
                times = max(POLLS[kind] // (share * slow), 1)
                cpu_ms = await _measured(server, kind, place, times, ours=not prefix)
            found[f"{prefix}{kind}_cpu_ms"] = round(cpu_ms, 4)
    return found


@dataclass(frozen=True, slots=True)
class _Server:
    """A child process."""

    process: asyncio.subprocess.Process
    port: int

    async def cpu_s(self) -> float:
        assert self.process.stdin is not None, "piped"  # noqa: S101 - we made it so
        self.process.stdin.write(b"\n")
        return float((await _line(self.process))["cpu_s"])


async def _line(process: asyncio.subprocess.Process) -> dict[str, float]:
    assert process.stdout is not None, "piped"  # noqa: S101 - we made it so
    text = await process.stdout.readline()
    if not text:
        raise MisuseError("BENCH", "a server of the bench has ended")
    found: dict[str, float] = json.loads(text)
    return found


@asynccontextmanager
async def _server(module: str, kind: str, place: Place) -> AsyncIterator[_Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"conformance.bench.poll2b.{module}", kind, str(place.folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield _Server(process, int((await _line(process))["port"]))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


class _Ven:
    """One VEN on one connection."""

    def __init__(self, name: str, url: str, kind: str, place: Place) -> None:
        files = place.files(name)
        self._name, self._url = name, url
        self._codec = Codec(load_oadr20b_schema())
        self._clock = SystemClock()
        context: ssl.SSLContext | bool = True
        if kind != "plain":
            context = openadr_client(files, host_names=False)
        self._sealer = None
        self._trust = Trust(signers=(), required=False)
        if kind == "signed":
            key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
            self._sealer = Sealer(key, SystemIds())
            vtn = place.files("vtn")
            theirs = signing_key(vtn.certificate.read_bytes(), vtn.key.read_bytes())
            self._trust = Trust(signers=(theirs.peer.fingerprint,))
        connector = aiohttp.TCPConnector(ssl=context, limit=1)
        self.http = aiohttp.ClientSession(connector=connector)

    async def post(self, service: str, message: Message) -> bytes:
        body = self._codec.encode(message)
        if self._sealer is not None:
            body = self._sealer.seal(body, self._clock.now())
        async with self.http.post(f"{self._url}/{service}", data=body, headers=_XML) as answer:
            text = await answer.read()
            if answer.status != 200:
                raise MisuseError("BENCH", f"a server of the bench answers {answer.status}")
            return text

    def read(self, body: bytes) -> Message:
        return opened(self._codec, body, self._trust, self._clock.now()).message

    async def register(self) -> None:
        """Register, and see the queue empty."""
        signs = self._sealer is not None
        wish = OadrCreatePartyRegistration(
            request_id="r",
            ven_id=self._name,
            oadr_http_pull_model=True,
            oadr_xml_signature=signs,
        )
        self.read(await self.post("EiRegisterParty", wish))
        await self.post("OadrPoll", OadrPoll(ven_id=self._name))
        done = OadrRegisteredReport(ei_response=EiResponse(request_id=""), ven_id=self._name)
        await self.post("EiReport", done)

    async def see_nothing(self) -> None:
        """Make sure that a poll is answered, believed and brings nothing."""
        reply = self.read(await self.post("OadrPoll", OadrPoll(ven_id=self._name)))
        if not isinstance(reply, OadrResponse) or not reply.ei_response.is_success:
            raise MisuseError("BENCH", f"a poll of the bench is answered with {reply!r:.200}")

    async def poll(self, times: int) -> None:
        message = OadrPoll(ven_id=self._name)
        for _ in range(times):
            await self.post("OadrPoll", message)


async def _measured(server: _Server, kind: str, place: Place, times: int, *, ours: bool) -> float:
    """Return milliseconds of the server's processor time per poll."""
    url = f"{'http' if kind == 'plain' else 'https'}://127.0.0.1:{server.port}{_PATH}"
    async with AsyncExitStack() as stack:
        vens = [_Ven(name, url, kind, place) for name in place.vens]
        for ven in vens:
            await stack.enter_async_context(ven.http)
            if ours:
                await ven.register()
            await ven.see_nothing()
        best = float("inf")
        for _ in range(BATCHES):
            before = await server.cpu_s()
            await asyncio.gather(*(ven.poll(times) for ven in vens))
            spent = await server.cpu_s() - before
            best = min(best, spent * 1000 / (times * len(vens)))
    return best
