"""What the pipeline asks of the store: one transaction at a time, grouped by what is remembered.

``write`` runs a function in one transaction on the one writer and returns once it is durable; it may share its commit
with others (group commit) but is atomic and isolated by itself. ``read`` runs on a connection that cannot write.
The function must be plain and quick: it gets a ``Work`` and returns a value.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.domain.answers import (
    Ack,
    TelemetryBatch,
)
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import IntentId, MeterId, SiteId, UtilityName
from gateway.domain.participation import Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.points import Step
from gateway.domain.reading import Reading
from gateway.domain.timespan import Span
from gateway.pipeline.deliveries import Deliveries
from gateway.pipeline.desk import Bell, SiteDesk
from gateway.pipeline.ledger import OpenStatements, Statements
from gateway.pipeline.moves import Moves
from gateway.pipeline.opting import Opting, Told
from gateway.pipeline.records import (
    IntentRecord,
    Lease,
    LogEntry,
    OutboxItem,
    Seen,
    SiteStatus,
    StoreIdentity,
    Timer,
    TokenRecord,
)
from gateway.protocols.parts import State

__all__ = [
    "Bell",
    "Deliveries",
    "Events",
    "IntentRecord",
    "Intents",
    "Lease",
    "Log",
    "LogEntry",
    "Moves",
    "Opting",
    "Outbox",
    "OutboxItem",
    "Participations",
    "Plans",
    "Seen",
    "Sessions",
    "SiteDesk",
    "SiteStatus",
    "Statements",
    "Store",
    "StoreIdentity",
    "Telemetry",
    "Timer",
    "Timers",
    "TokenRecord",
    "Tokens",
    "Told",
    "Work",
]

T = TypeVar("T")


class Events(Protocol):
    """The inbox: raw messages and the events in them, unique by (utility, event id, version)."""

    def remember(self, event: GridEvent, raw: RawMessage) -> Seen:
        """Store one version of an event and, once per digest, its raw message."""
        ...

    def keep(self, raw: RawMessage) -> None:
        """Store a raw message by itself, once per digest."""
        ...

    def newest(self, key: EventKey) -> GridEvent | None:
        """Return the highest version known."""
        ...

    def open(self, utility: UtilityName, now: datetime) -> tuple[GridEvent, ...]:
        """Return the newest version of every event neither cancelled nor over at ``now``."""
        ...

    def recent(self, limit: int) -> tuple[GridEvent, ...]:
        """Return the newest versions, latest received first."""
        ...

    def raw(self, sha256: str) -> RawMessage | None:
        """Return a raw message by its digest."""
        ...


class Intents(Protocol):
    """One record per (event, site), its newest revision; every revision is kept."""

    def get(self, intent_id: IntentId) -> IntentRecord | None:
        """Return the newest revision."""
        ...

    def put(self, record: IntentRecord) -> None:
        """Insert or replace; a revision lower than the stored one is refused (``StoreError`` STALE_REVISION)."""
        ...

    def of_event(self, key: EventKey) -> tuple[IntentRecord, ...]:
        """Return the siblings that one event made."""
        ...

    def of_site(self, site: SiteId, *, live: bool = True) -> tuple[IntentRecord, ...]:
        """Return a site's intents, oldest first; ``live`` leaves out terminal states."""
        ...


class Outbox(Protocol):
    """What is on its way to sites, and whether they have seen it."""

    def next_sequence(self, site: SiteId) -> int:
        """Reserve the next place in a site's stream."""
        ...

    def add(self, item: OutboxItem) -> None:
        """Queue one document."""
        ...

    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        """Return what follows a cursor, oldest first, digest-checked."""
        ...

    def newest_sequence(self, site: SiteId) -> int:
        """Return the highest sequence given out, 0 for none."""
        ...

    def oldest_sequence(self, site: SiteId) -> int:
        """Return the lowest sequence still kept, 0 for none."""
        ...

    def acknowledge(self, site: SiteId, subject: str, ack: Ack, at: datetime) -> Seen:
        """Mark one revision, and all lower ones of that subject, as seen by the site."""
        ...


class Plans(Protocol):
    """The effective plan of each site, newest revision."""

    def get(self, site: SiteId) -> EffectivePlan | None:
        """Return the newest plan, None before the first."""
        ...

    def put(self, plan: EffectivePlan) -> None:
        """Store a newer plan."""
        ...


class Participations(Protocol):
    """Answers on their way to utilities."""

    def queue(self, participation: Participation) -> None:
        """Store an answer to be sent by the utility's session."""
        ...

    def pending(self, utility: UtilityName) -> tuple[Participation, ...]:
        """Return answers that no session has taken yet, oldest first."""
        ...

    def taken(self, participation: Participation) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        ...


class Timers(Protocol):
    """Due dates as rows."""

    def set(self, timer: Timer) -> None:
        """Insert or move a timer."""
        ...

    def drop(self, key: str) -> None:
        """Remove a timer; unknown keys are fine."""
        ...

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Return what is due, earliest first."""
        ...

    def next_due(self) -> datetime | None:
        """Return the earliest due date."""
        ...


class Telemetry(Protocol):
    """Batches as received and the readings in them."""

    def add(self, site: SiteId, batch: TelemetryBatch, received_at: datetime) -> Seen:
        """Store a batch and its readings once per (site, batch id)."""
        ...

    def readings(self, site: SiteId, meter: MeterId, span: Span) -> tuple[Reading, ...]:
        """Return stored readings that start in ``span``, by start, then by arrival."""
        ...

    def metered(self, site: SiteId, meter: MeterId, span: Span) -> int:
        """Count the instants in ``span`` at which stored readings start."""
        ...

    def heard(self, status: SiteStatus) -> None:
        """Remember the newest heartbeat of a site."""
        ...

    def status(self, site: SiteId) -> SiteStatus | None:
        """Return the newest heartbeat."""
        ...


class Sessions(Protocol):
    """State of the protocol sessions, opaque."""

    def state(self, utility: UtilityName) -> bytes | None:
        """Return the state, whole; of one that is stored in parts, the object that they are."""
        ...

    def put(self, utility: UtilityName, state: State) -> None:
        """Replace the state by a whole one, or take the parts of it that changed."""
        ...


class Log(Protocol):
    """The one append-only Merkle log for evidence and audit (RFC 6962)."""

    def append(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        """Append one record in its envelope (``settlement.records``) and canonical form; return its index."""
        ...

    def entries(
        self,
        *,
        kinds: tuple[str, ...] = (),
        subject: str | None = None,
        since: datetime | None = None,
    ) -> tuple[LogEntry, ...]:
        """Return records in order: of these kinds (empty: all), of one subject, logged at or after an instant."""
        ...

    def at(self, indexes: Collection[int]) -> tuple[LogEntry, ...]:
        """Return the records at these places, in order."""
        ...

    def leaf_hashes(self, size: int) -> tuple[bytes, ...]:
        """Return the first ``size`` leaf hashes, for proofs."""
        ...

    def size(self) -> int:
        """Return the number of records."""
        ...


class Tokens(Protocol):
    """Southbound credentials."""

    def add(self, token: TokenRecord) -> None:
        """Store a new credential; the name is unique."""
        ...

    def by_digest(self, sha256: str) -> TokenRecord | None:
        """Find a credential by the digest of its secret."""
        ...

    def all(self) -> tuple[TokenRecord, ...]:
        """List credentials, revoked ones too."""
        ...

    def revoke(self, name: str, at: datetime) -> bool:
        """Revoke by name; False when unknown or revoked before."""
        ...


class Work(Protocol):
    """One transaction."""

    @property
    def events(self) -> Events:
        """Events of this transaction."""
        ...

    @property
    def intents(self) -> Intents:
        """Intents of this transaction."""
        ...

    @property
    def moves(self) -> Moves:
        """Moves of this transaction."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Outbox of this transaction."""
        ...

    @property
    def plans(self) -> Plans:
        """Plans of this transaction."""
        ...

    @property
    def participations(self) -> Participations:
        """Participations of this transaction."""
        ...

    @property
    def timers(self) -> Timers:
        """Timers of this transaction."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Telemetry of this transaction."""
        ...

    @property
    def sessions(self) -> Sessions:
        """Sessions of this transaction."""
        ...

    @property
    def log(self) -> Log:
        """Log of this transaction."""
        ...

    @property
    def open_statements(self) -> OpenStatements:
        """Statements that may be corrected, of this transaction."""
        ...

    @property
    def statements(self) -> Statements:
        """Statements of this transaction."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Tokens of this transaction."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """Endpoints of webhooks of this transaction."""
        ...

    @property
    def opting(self) -> Opting:
        """Opt schedules of this transaction."""
        ...

    @property
    def told(self) -> Told:
        """What utilities told us, in this transaction."""
        ...

    @property
    def identity(self) -> StoreIdentity:
        """Identity of this transaction."""
        ...


class Store(Protocol):
    """Durable memory."""

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Run ``job`` in one transaction; return after it is durable.

        Args:
            job: What to do.
            step: What it is for; the gateway names it always, a test need not.

        Raises:
            StoreError: the store is busy, full, broken or fenced off; nothing of ``job`` remains.
        """
        ...

    async def read(self, job: Callable[[Work], T]) -> T:
        """Run ``job`` on a snapshot that cannot write."""
        ...
