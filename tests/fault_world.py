"""A whole gateway before a real utility with the fault proxy between them, in one process and virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from certs.files import LeafFiles, write
from certs.issue import openadr
from conformance.faults.disguise import Wardrobe
from conformance.faults.proxy import FaultProxy, Upstream
from conformance.faults.schedule import Schedule
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.virtual import VirtualClock
from gateway.config.load import load
from gateway.domain.event import EventKey
from gateway.domain.names import EventId, UtilityName
from gateway.pipeline.records import IntentRecord
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Registered
from gateway.servers.vtn2b.app import HttpOptions
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.transport.tls import TlsFiles, openadr_client, openadr_server
from tests.vtn_wire import CODEC

START = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
CONTEXT = "http://azp.example/fast-dr"
UTILITY = UtilityName("azp")
POLL = timedelta(seconds=10)

CONFIG = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = 0

[[site]]
id = "phx-1"
timezone = "America/Phoenix"
contracted_import_kw = 120
ramp_down_kw_per_min = 10
ramp_up_kw_per_min = 6
contract_meter = "poc"

[[site.meter]]
id = "poc"
max_kw = 200

[[utility]]
name = "azp"
protocol = "oadr20b"
url = "{url}/OpenADR2/Simple/2.0b"
certificate = "ven.pem"
key = "ven.key"
ca = "root.pem"
ven_name = "phx"
{extra}

[[program]]
utility = "azp"
name = "http://azp.example/fast-dr"
sites = ["phx-1"]
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""


@dataclass
class Stage:
    """Everybody, and what they know."""

    clock: VirtualClock
    utility: UtilityPeer
    proxy: FaultProxy
    gateway: Gateway
    stuck: list[str]

    async def sleep(self, length: timedelta) -> None:
        """Let virtual time pass."""
        await self.clock.sleep_until(self.clock.now() + length)

    async def settle(self) -> None:
        """Wait until the gateway is registered and polls."""
        found = await self.utility.wait_for(Registered, until=self.clock.now() + 60 * POLL)
        assert found is not None, "never registered"
        await self.sleep(2 * POLL)

    async def publish(self, event_id: str, start: timedelta, hours: int = 1) -> datetime:
        """Announce an event that starts so long from now; return its start."""
        at = self.clock.now() + start
        await self.utility.publish(event(event_id, at, hours))
        return at

    async def answered(self, event_id: str, within: timedelta) -> datetime | None:
        """Wait for the gateway's answer; None: it did not come."""
        told = await self.utility.wait_for(
            Answered, lambda fact: fact.event_id == event_id, until=self.clock.now() + within
        )
        return told.at if told else None

    async def intents(self, event_id: str) -> tuple[IntentRecord, ...]:
        """Return what the store made of an event."""
        key = EventKey(utility=UTILITY, event_id=EventId(event_id))
        return await self.gateway.office.store.read(lambda work: work.intents.of_event(key))

    async def session(self) -> bytes | None:
        """Return the session's stored state."""
        return await self.gateway.office.store.read(lambda work: work.sessions.state(UTILITY))

    def fail(self, schedule: str) -> None:
        """From now on, this strikes."""
        self.proxy.schedule = Schedule.parse(schedule)

    def heal(self) -> None:
        """From now on, nothing does."""
        self.proxy.schedule = Schedule()

    def struck(self) -> list[datetime]:
        """Return when faults struck, oldest first."""
        return [passed.at for passed in self.proxy.passed if passed.fault]


def event(event_id: str, start: datetime, hours: int = 1) -> EventSpec:
    """Return an event: half the present consumption."""
    return EventSpec(
        event_id=event_id,
        market_context=CONTEXT,
        start=start,
        signals=(
            SignalSpec(
                name="LOAD_DISPATCH",
                type=SignalType.MULTIPLIER,
                steps=(Step(lasts=timedelta(hours=hours), value=Decimal("0.5")),),
            ),
        ),
        resources=("phx-1",),
    )


def _security(files: LeafFiles, clock: VirtualClock, seed: int) -> Security:
    """Return the high security of a utility that signs everything and wants everything signed."""
    key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
    seal = Sealer(key, SeededIds(seed, "nonces"))
    return Security(SecurityOptions(seal=seal, wanted="always"), CODEC, clock)


@asynccontextmanager
async def staged(
    folder: Path, *, extra: str = "", schedule: str = "", seed: int = 1, signed: bool = False
) -> AsyncIterator[Stage]:
    """Run everybody for the length of a block; the block holds a token."""
    pki = openadr("ecc", START)
    signer = pki.vtn()
    ven, vtn = write(pki.ven("phx"), folder, "ven"), write(signer, folder, "vtn")
    anchor = folder / "root.pem"
    anchor.write_bytes(pki.anchor_pem)
    stuck: list[str] = []
    clock = VirtualClock(START, on_stuck=stuck.append)
    if signed:
        extra += f'xml_signature = true\nsignature_fingerprints = ["{signer.fingerprint}"]\n'
    utility = UtilityPeer(
        VtnOptions(vtn_id="vtn-1", poll_every=POLL),
        clock=clock,
        ids=SeededIds(seed, "utility"),
        codec=CODEC,
        tls=openadr_server(TlsFiles(certificate=vtn.certificate, key=vtn.key, ca=anchor)),
        http=HttpOptions(requests_per_s=0),
        security=_security(vtn, clock, seed) if signed else None,
    )
    with clock.held():
        await utility.start()
        identity = openadr_client(TlsFiles(certificate=ven.certificate, key=ven.key, ca=anchor))
        upstream = Upstream(port=utility.port, tls=identity)
        proxy = FaultProxy(upstream, Wardrobe(pki), clock, Schedule.parse(schedule))
        await proxy.start()
        config = folder / "gateway.toml"
        config.write_text(CONFIG.format(url=proxy.url, extra=extra))
        gateway = Gateway(
            load(config),
            Wiring(
                clock=clock,
                ids=SeededIds(seed, "gateway"),
                chance=SeededChance(seed, "gateway"),
                seed=seeded_key(seed, "installation"),
            ),
        )
        await gateway.start()
        running = asyncio.create_task(gateway.run(), name="gateway")
        try:
            yield Stage(clock, utility, proxy, gateway, stuck)
        finally:
            await proxy.stop()
            running.cancel()
            await asyncio.wait({running})
            await gateway.stop()
            await utility.stop()
    assert not stuck, stuck
    assert running.cancelled() or running.exception() is None
