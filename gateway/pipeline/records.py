"""What passes between the pipeline and the store: values, one per kind of row."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.answers import Heartbeat
from gateway.domain.event import EventKey
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt


class Seen(StrEnum):
    """What the store already knew."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """Same key, same content: no new effect."""
    CONFLICT = "conflict"
    """Same key, other content: both kept, alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIdentity:
    """Who this store is; ``epoch`` rises with every restore, promotion or copy (R-DUR-12)."""

    store_id: str
    epoch: int
    start: int = 0
    """Gateways started on it so far."""
    instance: str = ""
    """Drawn at the last start; empty before the first one of an epoch."""
    recovering: bool = False
    """True from a restore until utilities and sites have told what they know."""
    fenced_by: str = ""
    """Who else goes on with a copy of this store, for people; empty: nobody, as far as is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """An intent as it stands now, with the site's answer."""

    intent: ComputeFlexIntent
    event: EventKey
    version: int
    """The event version that made this revision."""
    opt: Opt | None = None
    opt_reason: str = ""
    opt_at: datetime | None = None
    acked_revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """One document on its way to a site: a signed CloudEvent, delivered at least once, in order per site."""

    site: SiteId
    sequence: int
    """Strictly increasing per site; the resume cursor."""
    kind: str
    """``intent`` or ``plan``."""
    subject: str
    """Intent id, or the site for a plan."""
    revision: int
    body: bytes
    """The CloudEvent, the same bytes on every channel."""
    created_at: datetime
    deliver_by: datetime | None
    acked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something to be done once at or after ``due_at``; a row, so that it survives every crash."""

    key: str
    """Unique; setting it again moves it."""
    kind: str
    """``opt_deadline``, ``phase``, ``settle``, ``lease`` …"""
    subject: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """When a site was last heard of, and what it said."""

    site: SiteId
    heard_at: datetime
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One record of the Merkle log."""

    index: int
    kind: str
    subject: str
    record: bytes
    """Canonical JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A southbound credential; the secret itself is never stored."""

    name: str
    sha256: str
    site: SiteId
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a heartbeat renews."""

    lease_s: int
    plan_revision: int
    """Newest plan; a site that holds a lower one fetches it."""
    server_time: datetime
    wanted: tuple[IntentId, ...] = ()
    """Intents that the site is asked to hand back: this store was restored from an older backup."""
    void: tuple[IntentId, ...] = ()
    """Intents that hold no longer: they were made after the backup, and no utility asks for them any more."""
