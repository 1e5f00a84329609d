"""An installation for the command line: test certificates, a configuration, a store with one settled event."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from certs.files import write
from certs.issue import openadr
from gateway.app.bootstrap import data_dir, store_url
from gateway.app.ids import SystemIds
from gateway.app.secrets import installation_key, log_key
from gateway.config.load import Loaded, load
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import EventId, UtilityName
from gateway.domain.participation import Opt
from gateway.domain.settlement import SettlementStatement
from gateway.pipeline.methods import METHODS
from gateway.pipeline.ports import Work
from gateway.pipeline.records import IntentRecord
from gateway.protocols.oadr2b.normalize import grid_events
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.targets import Audience
from gateway.settlement.evidence import closing_documents, result_of
from gateway.settlement.statement import settle
from gateway.store.open import open_store
from tests.intent_samples import EVENT, UTC_1600
from tests.oadr2b_world import CODEC, NOW, SCOPE, event, listing
from tests.settlement_story import FIRST, LAST, Story
from tests.store_samples import plan, record

CONFIG: Final = """\
[gateway]
data_dir = "data"
test_mode = true
timezone = "America/Phoenix"

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
url = "https://localhost:9/OpenADR2/Simple/2.0b"
certificate = "ven.pem"
key = "ven.key"
ca = "root.pem"
ven_name = "phx"

[[program]]
utility = "azp"
name = "http://azp.example/fast-dr"
sites = ["phx-1"]
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""


def installation(folder: Path) -> Path:
    """Write test certificates and a configuration without faults; return the configuration."""
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    write(pki.ven("phx"), folder, "ven")
    write(pki.server("localhost"), folder, "server")
    (folder / "root.pem").write_bytes(pki.anchor_pem)
    config = folder / "gateway.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return config


@dataclass
class ToldStory(Story):
    """A story that remembers what it logged, so that a real store can be told the same."""

    told: list[tuple[str, str, Mapping[str, object], datetime]] = field(default_factory=list)

    def log(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        self.told.append((kind, subject, document, at))
        return super().log(kind, subject, document, at)


def settled_story() -> tuple[ToldStory, SettlementStatement]:
    """Tell the small event to its end."""
    story = ToldStory()
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
    story.run_meter(UTC_1600, LAST)
    settled = settle(story.inputs(), METHODS)
    for kind, document in closing_documents(result_of(settled)):
        story.log(kind, story.intent_id, document, LAST + timedelta(minutes=45))
    return story, settled.statement


def delivered() -> tuple[tuple[GridEvent, ...], RawMessage]:
    """Return two events of one message, and the message."""
    message = listing(event("ev-1"), event("ev-2", start=NOW + timedelta(hours=5)))
    body = CODEC.encode(message)
    raw = RawMessage(
        body=body,
        media_type="application/xml",
        sha256=hashlib.sha256(body).hexdigest(),
        peer="AA:BB",
        received_at=NOW,
    )
    audience = Audience.of("ven-1", VenOptions(), SCOPE)
    return grid_events(message, raw, UtilityName("azp"), audience), raw


def filled(config: Path) -> SettlementStatement:
    """Fill the store of an installation: two events, an intent, a plan, a statement with its records."""
    return asyncio.run(_fill(load(config)))


async def _fill(loaded: Loaded) -> SettlementStatement:
    story, statement = settled_story()
    events, raw = delivered()
    keys = data_dir(loaded) / "keys"
    log_key(keys)
    installation_key(keys, lambda: bytes(32))

    def job(work: Work) -> None:
        for kind, subject, document, at in story.told:
            work.log.append(kind, subject, document, at)
        work.statements.put(statement)
        for one in events:
            work.events.remember(one, raw)
        known = record()
        key = EventKey(utility=UtilityName("azp"), event_id=EventId("ev-1"))
        work.intents.put(
            IntentRecord(intent=known.intent, event=key, version=0, opt=Opt.IN, opt_at=NOW)
        )
        work.plans.put(plan())

    async with await open_store(store_url(loaded), ids=SystemIds()) as store:
        await store.write(job)
    return statement
