"""What a site sends back: the counter-messages of an intent (compute-flex B.3).

Request bodies refuse unknown fields.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.intent import Revision
from gateway.domain.participation import Opt
from gateway.domain.quantity import ExactNumber
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant


class Answer(BaseModel):
    """Base of every request body: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Ack(Answer):
    """Seen; says nothing about taking part."""

    revision: Revision
    sequence: int
    receiver: Name
    received_at: Instant
    digest: Name
    """SHA-256 of the canonical intent as received."""


class CommittedStep(Answer):
    """Power promised for one stretch."""

    start: Instant
    duration: Duration | None
    kw: ExactNumber
    """Highest import in this stretch, kW."""


class Commitment(Answer):
    """In, out or in part; binding once upstream has been told."""

    revision: Revision
    opt: Opt
    steps: tuple[CommittedStep, ...] = ()
    reason: Name = "committed"
    actions: tuple[Name, ...] = ()
    """Labels of how: ``dvfs``, ``pause``, ``resize`` …"""
    earliest_start: Instant | None = None
    valid_until: Instant | None = None


RejectionReason = Literal[
    "invalid",
    "expired",
    "late",
    "unsupported_kind",
    "infeasible",
    "outside_envelope",
    "budget_exhausted",
    "maintenance",
    "safety",
    "not_mine",
    "conflict",
]


class Rejection(Answer):
    """Cannot be done, and why."""

    revision: Revision
    reason: RejectionReason
    detail: Text = ""


class Progress(Answer):
    """How it goes."""

    revision: Revision
    state: Literal["ramping_in", "holding", "breached", "ramping_out", "recovering"]
    measured_kw: ExactNumber | None
    target_kw: ExactNumber | None
    at: Instant
    jobs_paused: int = 0
    jobs_capped: int = 0
    eta: Instant | None = None


class Sample(Answer):
    """One metered interval, half-open ``[start, start + duration)``."""

    meter: Name
    start: Instant
    duration: Duration
    energy_kwh: ExactNumber
    """Import positive."""
    quality: Literal["A", "E", "T"] = "A"
    source: Literal["revenue_meter", "sub_meter", "pdu", "bmc", "gpu", "estimate"] = "sub_meter"


class TelemetryBatch(Answer):
    """Samples that are stored together, once, by ``batch_id``."""

    batch_id: Name
    samples: Annotated[tuple[Sample, ...], Field(min_length=1, max_length=5000)]
    clock_offset_ms: int | None = None


class Heartbeat(Answer):
    """The site lives; renews the lease, and compares what it knows with what we know (after a restore)."""

    at: Instant
    software: Name
    plan_revision: int = 0
    """Highest plan revision applied; 0: none yet."""
    known: dict[str, int] = {}
    """Highest revision seen per open intent id."""
    answers: dict[str, Opt] = {}
    """Last answer given to that revision, where one was given."""
    documents: Annotated[tuple[dict[str, object], ...], Field(max_length=64)] = ()
    """Intents as they were received, signature included; only those that the last answer asked for."""


class Completion(Answer):
    """The site's own account of a finished event."""

    revision: Revision
    delivered_kwh: ExactNumber | None
    """Energy drawn in the event as the site metered it."""
    recovered_at: Instant | None
    lost_work: dict[str, ExactNumber] = {}
    """Job or tier -> throughput lost, as a fraction of the run."""
    actions: tuple[Name, ...] = ()
