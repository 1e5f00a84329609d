"""A utility on loopback TLS and bare clients against it, for tests."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from certs.files import write
from certs.issue import OpenAdrPki, openadr
from conformance.peers.vtn2b import UtilityPeer
from gateway.client.clock import ScaledClock, SystemClock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrPoll,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrResponse,
)
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import TlsFiles, openadr_client, openadr_server
from tests.fakes import CountedIds
from tests.vtn_story import only

CODEC = Codec(load_oadr20b_schema())
NOW = datetime(2026, 5, 1, tzinfo=UTC)
XML = {"Content-Type": "application/xml"}


@dataclass
class Pki:
    """One hierarchy on disk."""

    folder: Path
    pki: OpenAdrPki = field(default_factory=lambda: openadr("ecc", NOW))
    written: dict[str, TlsFiles] = field(default_factory=dict)

    @property
    def anchor(self) -> Path:
        path = self.folder / "anchor.pem"
        path.write_bytes(self.pki.anchor_pem)
        return path

    def files(self, name: str) -> TlsFiles:
        """Return the identity of a name, made once: ``vtn`` is the utility, any other a VEN."""
        if name not in self.written:
            leaf = self.pki.vtn("localhost") if name == "vtn" else self.pki.ven(name)
            found = write(leaf, self.folder, name)
            self.written[name] = TlsFiles(
                certificate=found.certificate, key=found.key, ca=self.anchor
            )
        return self.written[name]

    def server(self) -> ssl.SSLContext:
        return openadr_server(self.files("vtn"))

    def client(self, name: str) -> ssl.SSLContext:
        return openadr_client(self.files(name))


@asynccontextmanager
async def serving(pki: Pki | None, **arguments: Any) -> AsyncIterator[UtilityPeer]:
    """Run a utility for the length of a block."""
    utility = UtilityPeer(
        arguments.pop("options", VtnOptions(vtn_id="utility")),
        clock=arguments.pop("clock", None) or SystemClock(),
        ids=arguments.pop("ids", None) or CountedIds(),
        codec=CODEC,
        tls=pki.server() if pki else None,
        **arguments,
    )
    await utility.start()
    try:
        yield utility
    finally:
        await utility.stop()


@dataclass
class WireVen:
    """A VEN that says exactly what it is told, over one kept connection."""

    http: aiohttp.ClientSession
    url: str
    ven_id: str = ""
    registration_id: str = ""

    async def say(self, service: str, message: Message) -> Message | None:
        url = f"{self.url}/{service}"
        async with self.http.post(url, data=CODEC.encode(message), headers=XML) as answer:
            assert answer.status == 200, answer.status
            assert "Transfer-Encoding" not in answer.headers
            body = await answer.read()
        return CODEC.decode(body) if body else None

    async def poll(self) -> Message | None:
        return await self.say("OadrPoll", OadrPoll(ven_id=self.ven_id))

    async def register(self) -> "WireVen":
        created = only(
            OadrCreatedPartyRegistration,
            await self.say(
                "EiRegisterParty",
                OadrCreatePartyRegistration(request_id="r1", oadr_http_pull_model=True),
            ),
        )
        self.ven_id = created.ven_id or ""
        self.registration_id = created.registration_id or ""
        waiting = only(OadrRegisterReport, await self.poll())
        acknowledged = OadrRegisteredReport(
            ei_response=EiResponse(request_id=waiting.request_id), ven_id=self.ven_id
        )
        only(OadrResponse, await self.say("EiReport", acknowledged))
        return self


@asynccontextmanager
async def visiting_url(url: str, context: ssl.SSLContext | None) -> AsyncIterator[WireVen]:
    """Run a bare VEN for the length of a block."""
    connector = aiohttp.TCPConnector(ssl=context if context else True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        http.headers["Accept-Encoding"] = "identity"
        yield WireVen(http, url)


@asynccontextmanager
async def visiting(utility: UtilityPeer, context: ssl.SSLContext | None) -> AsyncIterator[WireVen]:
    """Run a bare VEN against a utility of this process."""
    async with visiting_url(utility.url, context) as ven:
        yield ven


def timeline(origin: datetime, factor: float = 1.0) -> ScaledClock:
    """Return a clock that stands at ``origin`` now and runs on in real time."""
    started = datetime.now(UTC)  # noqa: TID251 - the wall is where a timeline is anchored
    return ScaledClock(origin=origin, started=started, factor=factor)
