"""Values as the pipeline hands them to the store."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from gateway.domain.answers import Ack, Heartbeat, Sample, TelemetryBatch
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.identity import revision
from gateway.domain.intent import FailSafe, State
from gateway.domain.names import EventId, MeterId, SiteId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.settlement import SettlementStatement
from gateway.intents.plan import make_plan
from gateway.pipeline.methods import METHODS
from gateway.pipeline.records import IntentRecord, OutboxItem, Timer, TokenRecord
from gateway.settlement.statement import settle
from tests.intent_samples import EVENT, SITE, START, UTC_1600
from tests.settlement_story import told

NOW = UTC_1600 + timedelta(minutes=1)
PHX = SiteId("phx-1")
IT_LOAD = MeterId("it_load")
AZP = UtilityName("azp")
KEY = EventKey(utility=AZP, event_id=EVENT.event_id)


def after(seconds: float) -> datetime:
    """Return an instant a little later than ``NOW``."""
    return NOW + timedelta(seconds=seconds)


def event(**changes: object) -> GridEvent:
    """Return the sample event, changed."""
    return replace(EVENT, **changes)  # type: ignore[arg-type]  # test shorthand


def raw(body: bytes = b"<oadrDistributeEvent/>") -> RawMessage:
    """Return a message as received."""
    return RawMessage(
        body=body,
        media_type="application/xml",
        sha256=hashlib.sha256(body).hexdigest(),
        peer="AA:BB",
        received_at=NOW,
        signature_verified=True,
    )


@cache
def _story_intent() -> IntentRecord:
    story = told()
    return IntentRecord(
        intent=story.derived(UTC_1600 + timedelta(seconds=31)), event=KEY, version=0
    )


def record(
    intent_id: str = "intent-1",
    n: int = 1,
    *,
    site: SiteId = PHX,
    status: State = State.SCHEDULED,
    event_id: str = "evt-1",
) -> IntentRecord:
    """Return the n-th revision of an intent."""
    changes = {
        "id": intent_id,
        "revision": revision(1, n),
        "sequence": n,
        "site": site,
        "status": status,
    }
    return replace(
        _story_intent(),
        intent=_story_intent().intent.model_copy(update=changes),
        event=EventKey(utility=AZP, event_id=EventId(event_id)),
    )


def item(
    sequence: int,
    *,
    kind: str = "intent",
    subject: str = "intent-1",
    n: int = 1,
    site: SiteId = PHX,
) -> OutboxItem:
    """Return a queued document."""
    return OutboxItem(
        site=site,
        sequence=sequence,
        kind=kind,
        subject=subject,
        revision=revision(1, n),
        body=b'{"limit_kw":"500"}',
        created_at=NOW,
        deliver_by=after(3600),
    )


def ack(n: int = 1, digest: str = "d1") -> Ack:
    """Return a site's acknowledgement of a revision."""
    return Ack(
        revision=revision(1, n), sequence=1, receiver="sched-1", received_at=NOW, digest=digest
    )


def plan(n: int = 1, at: datetime = NOW) -> EffectivePlan:
    """Return the n-th plan of the site."""
    failsafe = FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60)
    return make_plan(SITE, (), revision=revision(1, n), now=at, failsafe=failsafe)


def answer(opt: Opt = Opt.IN, at: datetime = NOW, utility: UtilityName = AZP) -> Participation:
    """Return an answer on its way to the utility."""
    return Participation(
        event=EventKey(utility=utility, event_id=EVENT.event_id),
        version=0,
        opt=opt,
        reason="committed",
        decided_at=at,
        by="site:phx-1",
    )


def timer(key: str = "phase:intent-1", at: datetime = NOW) -> Timer:
    """Return a timer."""
    kind, _, subject = key.partition(":")
    return Timer(key=key, kind=kind, subject=subject, due_at=at)


def batch(
    batch_id: str = "b1", *energies: str, start: datetime = START, meter: MeterId = IT_LOAD
) -> TelemetryBatch:
    """Return a batch of one-minute samples."""
    minute = timedelta(minutes=1)
    samples = tuple(
        Sample(meter=meter, start=start + i * minute, duration=minute, energy_kwh=Decimal(energy))
        for i, energy in enumerate(energies or ("1.5",))
    )
    return TelemetryBatch(batch_id=batch_id, samples=samples)


def heartbeat(software: str = "sim 1") -> Heartbeat:
    """Return a heartbeat."""
    return Heartbeat(at=NOW, software=software, plan_revision=3, known={"intent-1": 4})


@cache
def _settled() -> SettlementStatement:
    return settle(told().inputs(), METHODS).statement


def statement(version: int = 1, **changes: object) -> SettlementStatement:
    """Return a settlement statement."""
    return _settled().model_copy(update={"version": version, **changes})


def token(name: str = "sched", secret: bytes = b"s", at: datetime = NOW) -> TokenRecord:
    """Return a credential."""
    return TokenRecord(
        name=name,
        sha256=hashlib.sha256(secret).hexdigest(),
        site=PHX,
        scopes=("events:read", "ack:write"),
        created_at=at,
        expires_at=after(86400),
    )
