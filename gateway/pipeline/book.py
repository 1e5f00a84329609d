"""What the pipeline knows before anything happens: the operator's settlement of sites and programs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import OptSchedule
from gateway.domain.participation import Participation
from gateway.domain.points import Watch, unwatched
from gateway.domain.ports import Clock, Signer
from gateway.domain.program import Program
from gateway.domain.site import Site
from gateway.intents.derive import Terms
from gateway.pipeline.attempts import Attempts, MemoryAttempts
from gateway.pipeline.ports import Bell, Store
from gateway.settlement.heads import LogKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Sites, programs and identity; does not change while the gateway runs."""

    sites: Mapping[SiteId, Site]
    programs: Mapping[tuple[UtilityName, str], Program]
    terms: Mapping[SiteId, Terms]
    installation_key: bytes = field(repr=False)
    """Keys the derived intent ids; kept with the secrets, never shown."""
    source: str
    """URI of this gateway in every CloudEvent."""
    software: str
    """Name and version for statements."""
    simulated: bool = False
    """True: the sites are simulated, and everything published says so."""
    test_mode: bool = False
    fleet_kw_per_min: Decimal | None = None
    """How fast all sites together may be driven away, kW per minute; None: no such limit."""


def never(_: Mapping[str, object]) -> bool:
    """Recognise nothing."""
    return False


def unwatched_look() -> None:
    """Find nothing that speaks against going on."""


def unscheduled(_: OptSchedule) -> None:
    """Tell nobody: the session finds it in the store."""


def uncounted(_: str, *__: str) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The ports that every step of the story shares."""

    book: Book
    store: Store
    clock: Clock
    signer: Signer
    log_key: LogKey
    """Signs the heads of the evidence log."""
    bell: Bell
    decided: Callable[[Participation], None]
    """Hands a stored answer to the utility's session, after the commit."""
    timers_changed: Callable[[], None]
    """Wakes the timetable after the commit."""
    scheduled: Callable[[OptSchedule], None] = unscheduled
    """Hands a stored schedule to the utility's session, after the commit."""
    recognise: Callable[[Mapping[str, object]], bool] = never
    """Says whether a document carries this gateway's own signature."""
    last_look: Callable[[], None] = unwatched_look
    """Right before anything goes out: raises ``FencedError`` once another gateway goes on instead of this one."""
    count: Callable[..., None] = uncounted
    """Is told what the metrics count: what, and its labels."""
    attempts: Attempts = field(default_factory=MemoryAttempts)
    """Counts what is being worked on."""
    watch: Watch = unwatched
    """Is told the points that a job passes."""
