"""One transaction, grouped as the pipeline asks for it."""

from gateway.pipeline.records import StoreIdentity
from gateway.store.deliveries import Deliveries
from gateway.store.events import Events
from gateway.store.evidence_log import EvidenceLog
from gateway.store.intents import Intents
from gateway.store.moves import Moves
from gateway.store.open_statements import OpenStatements
from gateway.store.opting import Opting
from gateway.store.outbox import Outbox
from gateway.store.participations import Participations
from gateway.store.plans import Plans
from gateway.store.sessions import Sessions
from gateway.store.statements import Statements
from gateway.store.telemetry import Telemetry
from gateway.store.timers import Timers
from gateway.store.tokens import Tokens
from gateway.store.told import Told
from gateway.store.transaction import Transaction


class SqlWork:
    """See ``gateway.pipeline.ports.Work``; a group is made when it is first asked for."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._log: EvidenceLog | None = None

    @property
    def events(self) -> Events:
        """The inbox."""
        return Events(self._transaction)

    @property
    def intents(self) -> Intents:
        """Intents."""
        return Intents(self._transaction)

    @property
    def moves(self) -> Moves:
        """What the operator's envelope counts."""
        return Moves(self._transaction)

    @property
    def outbox(self) -> Outbox:
        """Documents on their way to sites."""
        return Outbox(self._transaction)

    @property
    def plans(self) -> Plans:
        """Effective plans."""
        return Plans(self._transaction)

    @property
    def participations(self) -> Participations:
        """Answers on their way to utilities."""
        return Participations(self._transaction)

    @property
    def timers(self) -> Timers:
        """Due dates."""
        return Timers(self._transaction)

    @property
    def telemetry(self) -> Telemetry:
        """Batches, readings, heartbeats."""
        return Telemetry(self._transaction)

    @property
    def sessions(self) -> Sessions:
        """Snapshots of sessions."""
        return Sessions(self._transaction)

    @property
    def log(self) -> EvidenceLog:
        """The Merkle log."""
        if self._log is None:
            self._log = EvidenceLog(self._transaction)
        return self._log

    @property
    def statements(self) -> Statements:
        """The ledger."""
        return Statements(self._transaction)

    @property
    def open_statements(self) -> OpenStatements:
        """What late meter data may correct."""
        return OpenStatements(self._transaction)

    @property
    def tokens(self) -> Tokens:
        """Southbound credentials."""
        return Tokens(self._transaction)

    @property
    def deliveries(self) -> Deliveries:
        """Endpoints of webhooks."""
        return Deliveries(self._transaction)

    @property
    def opting(self) -> Opting:
        """Opt schedules."""
        return Opting(self._transaction)

    @property
    def told(self) -> Told:
        """What utilities told us."""
        return Told(self._transaction)

    @property
    def identity(self) -> StoreIdentity:
        """Who this store is."""
        return self._transaction.identity

    def finish(self) -> None:
        """Write what still waits in memory; the transaction ends after this."""
        if self._log is not None:
            self._log.flush()
