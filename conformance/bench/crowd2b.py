"""A thousand VENs that poll a played utility every ten seconds over mutual TLS, every message signed with RSA.

The utility keeps queues and stamps in its store. Each VEN has a certificate and a connection of its own; all leaves
share one key, since making a thousand would take longer than the bench. Every answer's signature is verified.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import aiohttp

from certs.files import write
from certs.issue import OpenAdrPki, openadr
from certs.keys import Fresh, PrivateKey
from certs.profiles import KeyKind
from conformance.bench.served2b import Served, each, serving
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.domain.errors import GatewayError, MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrPoll,
    OadrRegisteredReport,
    OadrResponse,
)
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import TlsFiles, openadr_client

PERIOD_S: Final = 10
WARM: Final = 2
PERIODS: Final = 4
"""Of polls that are measured, after those to warm up."""
_AT_ONCE: Final = 8
_XML: Final = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}
_SCHEDULE: Final = """[listen]
certificate = "vtn.pem"
key = "vtn.key"
ca = "anchor.pem"

[vtn]
id = "BENCH"
store = "crowd.db"
poll_every = "PT10S"
"""


async def measured(folder: Path, vens: int) -> dict[str, Any]:
    """Run this part.

    Args:
        folder: Empty.
        vens: How many.

    Returns:
        ``vens``, ``period_s``, ``polls`` sent, ``late`` (without a good answer within a period), ``refused`` (among
        them, by reason), ``cores`` (the utility's processor time per second), ``ms_per_poll`` of it, ``kb_per_ven``
        (resident memory with its open connection), ``p50_ms`` and ``p99_ms`` (from the moment at which a poll is due
        to its answer).
    """
    crowd = _Crowd(folder)
    leaves = crowd.issue(vens)
    async with serving(folder / "crowd.toml") as served, _http() as http:
        before_kib = served.kib
        members = [_Ven(crowd, http, served, leaf) for leaf in leaves]
        await each(members, lambda one: one.register(), _AT_ONCE)
        await _polling(members, WARM)
        before, began = served.cpu_s, perf_counter()
        waits = await _polling(members, PERIODS)
        grown = served.kib - before_kib
        spent, lasted = served.cpu_s - before, perf_counter() - began
    good = sorted(wait for wait in waits if not isinstance(wait, str) and wait <= PERIOD_S)
    bad = Counter(wait for wait in waits if isinstance(wait, str))
    if not good:
        raise MisuseError("BENCH", "no poll of the crowd was answered")
    return {
        "vens": vens,
        "period_s": PERIOD_S,
        "polls": len(waits),
        "late": len(waits) - len(good),
        "refused": dict(bad),
        "cores": round(spent / lasted, 3),
        "ms_per_poll": round(spent * 1000 / len(waits), 2),
        "kb_per_ven": round(grown * 1.024 / vens, 1),
        "p50_ms": round(good[len(good) // 2] * 1000, 1),
        "p99_ms": round(good[len(good) * 99 // 100] * 1000, 1),
    }


class _OneKey(Fresh):
    """Gives every VEN the same key."""

    def __init__(self) -> None:
        self._shared = super().key(KeyKind.RSA, "shared")

    def key(self, kind: KeyKind, label: str) -> PrivateKey:
        """Return the key of a certificate."""
        return self._shared if label.startswith("ven/") else super().key(kind, label)


class _Crowd:
    """What all VENs know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.codec = Codec(load_oadr20b_schema())
        self.clock = SystemClock()
        self.trust = Trust(signers=())

    def issue(self, vens: int) -> list[str]:
        """Write the folder; return the names of the VENs."""
        pki = openadr("rsa", self.clock.now(), source=_OneKey())
        (self.folder / "anchor.pem").write_bytes(pki.anchor_pem)
        (self.folder / "crowd.toml").write_text(_SCHEDULE)
        vtn = pki.vtn("localhost")
        write(vtn, self.folder, "vtn")
        self.trust = Trust(signers=(vtn.fingerprint,))
        return [self._leaf(pki, f"ven-{number}") for number in range(vens)]

    def _leaf(self, pki: OpenAdrPki, name: str) -> str:
        write(pki.ven(name), self.folder, name)
        return name


class _Ven:
    """One VEN on one connection."""

    def __init__(
        self, crowd: _Crowd, http: aiohttp.ClientSession, served: Served, name: str
    ) -> None:
        folder = crowd.folder
        files = TlsFiles(
            certificate=folder / f"{name}.pem",
            key=folder / f"{name}.key",
            ca=folder / "anchor.pem",
        )
        key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
        self._crowd, self._http, self._url, self._name = crowd, http, served.url, name
        self._sealer = Sealer(key, SystemIds())
        self._tls: ssl.SSLContext = openadr_client(files, host_names=False)
        self._id = ""

    async def register(self) -> None:
        """Register with signatures, and see the queue empty."""
        wish = OadrCreatePartyRegistration(
            request_id="r",
            oadr_ven_name=self._name,
            oadr_http_pull_model=True,
            oadr_xml_signature=True,
        )
        created = await self._say("EiRegisterParty", wish)
        if not isinstance(created, OadrCreatedPartyRegistration) or created.ven_id is None:
            raise MisuseError("BENCH", f"a VEN could not register: {created!r:.200}")
        self._id = created.ven_id
        await self._say("OadrPoll", OadrPoll(ven_id=self._id))
        settled = OadrRegisteredReport(ei_response=EiResponse(request_id=""), ven_id=self._id)
        await self._say("EiReport", settled)

    async def poll(self, due: datetime) -> float | str:
        """Poll at an instant; return seconds until the answer was believed, or why there was no good one.

        Where there is no connection it is tried again a second later, as VENs do (section 9.1.7), within the period.
        """
        clock = self._crowd.clock
        await clock.sleep_until(due)
        while True:
            try:
                reply = await self._say("OadrPoll", OadrPoll(ven_id=self._id))
            except aiohttp.ClientConnectionError as error:
                if (clock.now() - due).total_seconds() > PERIOD_S - 1:
                    return type(error).__name__
                await clock.sleep_until(clock.now() + timedelta(seconds=1))
            except GatewayError as error:
                return error.detail
            except TimeoutError:
                return "TimeoutError"
            else:
                good = isinstance(reply, OadrResponse) and reply.ei_response.is_success
                return (clock.now() - due).total_seconds() if good else type(reply).__name__

    async def _say(self, service: str, message: Message) -> Message:
        crowd = self._crowd
        body = self._sealer.seal(crowd.codec.encode(message), crowd.clock.now())
        url = f"{self._url}/{service}"
        async with self._http.post(url, data=body, headers=_XML, ssl=self._tls) as answer:
            text = await answer.read()
            if answer.status != 200:
                raise MisuseError("BENCH", f"the utility answers {answer.status}")
        return opened(crowd.codec, text, crowd.trust, crowd.clock.now()).message


@asynccontextmanager
async def _http() -> AsyncIterator[aiohttp.ClientSession]:
    # Kept open by the VEN for as long as the utility does: all come from one address, whose handshakes have a share.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=600)
    timeout = aiohttp.ClientTimeout(total=2 * PERIOD_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        yield http


async def _polling(vens: list[_Ven], periods: int) -> list[float | str]:
    """Let every VEN poll once a period, spread evenly; return the waits."""
    began = SystemClock().now()
    step = timedelta(seconds=PERIOD_S) / len(vens)
    dues = [
        (ven, began + step * (period * len(vens) + number))
        for period in range(periods)
        for number, ven in enumerate(vens)
    ]
    return list(await asyncio.gather(*(ven.poll(due) for ven, due in dues)))
