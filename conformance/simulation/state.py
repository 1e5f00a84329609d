"""What a store in memory remembers, and one transaction on it."""

from dataclasses import dataclass, field, fields
from datetime import datetime

from gateway.domain.errors import StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.guard import Move
from gateway.domain.names import IntentId, SiteId, UtilityName
from gateway.domain.opting import OptSchedule
from gateway.domain.participation import Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.reading import Reading
from gateway.domain.settlement import SettlementStatement
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint
from gateway.pipeline.ledger import OpenStatement
from gateway.pipeline.opting import StoredValue
from gateway.pipeline.records import (
    IntentRecord,
    LogEntry,
    OutboxItem,
    SiteStatus,
    StoreIdentity,
    Timer,
    TokenRecord,
)
from gateway.protocols.actions import Fact, FactKind

EventVersion = tuple[EventKey, int, bool]


@dataclass
class State:
    """Everything remembered; values are immutable, so a copy of the containers is a snapshot."""

    raws: dict[str, RawMessage] = field(default_factory=dict)
    events: dict[EventVersion, GridEvent] = field(default_factory=dict)
    contradictions: dict[EventVersion, tuple[GridEvent, ...]] = field(default_factory=dict)
    intents: dict[IntentId, dict[int, IntentRecord]] = field(default_factory=dict)
    moves: dict[IntentId, tuple[Move, ...]] = field(default_factory=dict)
    outbox: dict[SiteId, dict[int, OutboxItem]] = field(default_factory=dict)
    ack_digests: dict[tuple[SiteId, str, int], str] = field(default_factory=dict)
    sequences: dict[SiteId, int] = field(default_factory=dict)
    plans: dict[SiteId, EffectivePlan] = field(default_factory=dict)
    answers: dict[Participation, bool] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    batches: dict[tuple[SiteId, str], bytes] = field(default_factory=dict)
    readings: list[tuple[SiteId, Reading]] = field(default_factory=list)
    heard: dict[SiteId, SiteStatus] = field(default_factory=dict)
    sessions: dict[UtilityName, bytes] = field(default_factory=dict)
    parts: dict[tuple[UtilityName, str], bytes] = field(default_factory=dict)
    log: list[tuple[LogEntry, datetime]] = field(default_factory=list)
    log_seqs: dict[tuple[str, str], int] = field(default_factory=dict)
    statements: dict[str, dict[int, SettlementStatement]] = field(default_factory=dict)
    open_statements: dict[IntentId, OpenStatement] = field(default_factory=dict)
    tokens: dict[str, TokenRecord] = field(default_factory=dict)
    endpoints: dict[tuple[SiteId, str], Endpoint] = field(default_factory=dict)
    deliveries: dict[tuple[SiteId, str, int], Delivery] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    schedules: dict[str, tuple[OptSchedule, bool]] = field(default_factory=dict)
    apart: dict[EventKey, frozenset[SiteId]] = field(default_factory=dict)
    facts: dict[tuple[UtilityName, FactKind, str], Fact] = field(default_factory=dict)
    values: dict[tuple[UtilityName, str, str, datetime], StoredValue] = field(default_factory=dict)

    def copy(self) -> "State":
        """Take a snapshot."""
        copied: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            copied[one.name] = (
                {k: dict(v) if isinstance(v, dict) else v for k, v in value.items()}
                if isinstance(value, dict)
                else list(value)
            )
        return State(**copied)  # type: ignore[arg-type]  # the fields of State itself


class Transaction:
    """One transaction on a snapshot.

    Args:
        state: The snapshot.
        identity: Whose store.
        writable: False: writing is refused.
    """

    def __init__(self, state: State, identity: StoreIdentity, *, writable: bool) -> None:
        self.state = state
        self.identity = identity
        self.writable = writable


class Group:
    """One part of a transaction on a state."""

    def __init__(self, work: "Transaction") -> None:
        self._work = work
        self._state = work.state

    def _writing(self) -> None:
        if not self._work.writable:
            raise StoreError("READ_ONLY", "a read cannot write")
