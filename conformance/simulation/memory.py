"""A store in memory that keeps every promise of the real one but durability; both pass the same contract tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from conformance.simulation.memory_opting import Opting, Told
from conformance.simulation.memory_rest import (
    Deliveries,
    Log,
    OpenStatements,
    Sessions,
    Statements,
    Telemetry,
    Timers,
    Tokens,
)
from conformance.simulation.memory_story import (
    Events,
    Intents,
    Moves,
    Outbox,
    Participations,
    Plans,
)
from conformance.simulation.state import State, Transaction
from gateway.domain.errors import StoreError
from gateway.domain.points import Step
from gateway.pipeline.records import (
    StoreIdentity,
)

T = TypeVar("T")


class MemoryWork(Transaction):
    """One transaction, with everything that a job may ask of it."""

    def __init__(self, state: State, identity: StoreIdentity, *, writable: bool) -> None:
        super().__init__(state, identity, writable=writable)
        self.events = Events(self)
        self.intents = Intents(self)
        self.moves = Moves(self)
        self.outbox = Outbox(self)
        self.plans = Plans(self)
        self.participations = Participations(self)
        self.timers = Timers(self)
        self.telemetry = Telemetry(self)
        self.sessions = Sessions(self)
        self.log = Log(self)
        self.statements = Statements(self)
        self.open_statements = OpenStatements(self)
        self.tokens = Tokens(self)
        self.deliveries = Deliveries(self)
        self.opting = Opting(self)
        self.told = Told(self)


@dataclass
class MemoryStore:
    """A store that forgets with the process that holds it."""

    identity: StoreIdentity = field(
        default_factory=lambda: StoreIdentity(store_id="store-in-memory", epoch=1)
    )
    state: State = field(default_factory=State)
    refusal: StoreError | None = None
    """Set it to see what callers do when nothing can be written."""

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        """Run on a copy, which becomes the state when the job returns."""
        if self.refusal is not None:
            raise self.refusal
        copy = self.state.copy()
        value = job(MemoryWork(copy, self.identity, writable=True))
        self.state = copy
        return value

    async def read(self, job: Callable[[MemoryWork], T]) -> T:
        """Run on the state as it is; values are immutable, and a job that writes is refused."""
        return job(MemoryWork(self.state, self.identity, writable=False))

    async def raise_epoch(self, above: int = 0) -> StoreIdentity:
        """Begin a new epoch."""
        epoch = max(self.identity.epoch, above) + 1
        self.identity = StoreIdentity(store_id=self.identity.store_id, epoch=epoch)
        return self.identity

    async def close(self) -> None:
        """Do nothing."""
