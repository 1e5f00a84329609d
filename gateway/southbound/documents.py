"""What the southbound interface answers, as models: the envelope, pages, and small answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.answers import (
    Ack,
    Answer,
    Commitment,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    TelemetryBatch,
)
from gateway.domain.intent import ComputeFlexIntent, Published
from gateway.domain.plan import EffectivePlan
from gateway.domain.settlement import SettlementStatement
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant


class CloudEvent(BaseModel):
    """Envelope of everything on a stream; optional attributes are left out when there is nothing to say.

    Spec: CloudEvents 1.0, JSON format.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Name
    """Equal over repetitions."""
    source: Name
    subject: Name
    time: Instant
    datacontenttype: Literal["application/json"]
    sequence: Annotated[str, Field(pattern=r"^\d{20}$")]
    """Place in the site's stream; orders as a string."""
    traceparent: Text | None = None


class IntentEvent(CloudEvent):
    """One revision of an intent on its way to a site."""

    type: Literal["org.compute-flex.intent.v1"]
    expirytime: Instant | None = None
    """Drop it if it is first seen after this."""
    data: ComputeFlexIntent


class PlanEvent(CloudEvent):
    """One revision of a site's plan on its way to it."""

    type: Literal["org.compute-flex.plan.v1"]
    data: EffectivePlan


class Snapshot(BaseModel):
    """All that holds for a site."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    plan: EffectivePlan | None
    intents: tuple[ComputeFlexIntent, ...]
    """Open ones."""


class ResetEvent(CloudEvent):
    """First on a stream whose cursor is of no use: forget the stream so far, take this, go on from here."""

    type: Literal["org.compute-flex.reset.v1"]
    data: Snapshot


class IntentPage(Published):
    """Intents that follow a cursor, oldest first."""

    items: tuple[IntentEvent, ...]
    next: str
    """Cursor behind the last item; the same as before when there is none."""


class StatementPage(Published):
    """Settlement statements, oldest first."""

    items: tuple[SettlementStatement, ...]
    next: str | None
    """Id to go on after; null at the end."""


class Stored(Published):
    """The answer is stored; the same words for every repetition."""

    status: Literal["stored"] = "stored"


class LeaseDocument(Published):
    """What a heartbeat renews."""

    lease_s: int
    """Fall back to the fail-safe after this long without hearing from the gateway, s."""
    plan_revision: int
    """Newest plan; fetch it when yours is lower. 0: none yet."""
    server_time: Instant
    wanted: tuple[Name, ...] = ()
    """Intents to hand back in ``documents`` of the next heartbeat, if they are still there."""
    void: tuple[Name, ...] = ()
    """Intents that hold no longer; the gateway was restored, and no utility asks for them any more."""


class Health(Published):
    """Whether the gateway works."""

    status: Literal["ok", "not_ready"]
    checks: dict[str, str] = {}
    """Name -> ``ok`` or what is wrong."""


class KeySet(BaseModel):
    """Public keys that intents and plans are signed with (RFC 7517)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    keys: tuple[dict[str, str], ...]


ANSWERS: dict[str, type[Answer]] = {
    "ack": Ack,
    "commitment": Commitment,
    "rejection": Rejection,
    "progress": Progress,
    "completion": Completion,
    "telemetry": TelemetryBatch,
    "heartbeat": Heartbeat,
}
"""Name -> request body."""
