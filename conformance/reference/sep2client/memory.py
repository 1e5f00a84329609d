"""What the reference client knows: events and what was said about them outlive a restart, what it has read does not."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """Where an event is."""

    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


@dataclass
class Event:
    """One DERControl for one EndDevice."""

    mrid: str
    lfdi: str
    program: str
    """mRID of its program."""
    primacy: int
    created: int
    start: datetime
    """Effective: randomisation included; on the server's clock."""
    end: datetime
    base: dict[str, str]
    """Mode -> value."""
    href: str
    reply_to: str = ""
    required: int = 0
    """responseRequired."""
    spread: int = 0
    """Greatest randomisation, seconds."""
    phase: Phase = Phase.WAITING
    ends_by: int = 3
    """Response with which it ends."""
    looked: bool = False
    """It was read once more before its start."""
    opted_out: bool = False

    @property
    def modes(self) -> set[str]:
        """Return what it controls; how fast is none of that."""
        return self.base.keys() - {"rampTms"}

    @property
    def rank(self) -> tuple[int, int, str]:
        """Return what decides between events: the greatest wins."""
        return (-self.primacy, self.created, self.mrid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A Response that waits to be sent."""

    reply_to: str
    lfdi: str
    mrid: str
    status: int
    at: datetime
    """On the server's clock."""
    priced: bool = False
    """It is about a price."""


@dataclass
class Memory:
    """What outlives a restart."""

    events: dict[tuple[str, str], Event] = field(default_factory=dict)
    """By LFDI and mRID."""
    notices: list[Notice] = field(default_factory=list)
    said: set[tuple[str, str, int]] = field(default_factory=set)
    """Responses that were decided on, by LFDI, mRID and status: each is sent once."""
    offset: timedelta = timedelta(0)
    """By how much the server's clock was ahead of ours."""
    port: int = 0
    """On which it listens for notifications: subscriptions that outlive a restart lead there."""


@dataclass
class Program:
    """A DERProgram as it was read last."""

    mrid: str
    primacy: int
    default: dict[str, str] = field(default_factory=dict)
    settings: dict[str, int] = field(default_factory=dict)
    """setGradW and the like of its default."""


@dataclass
class Device:
    """An EndDevice that this client acts for."""

    lfdi: str
    href: str
    links: dict[str, str] = field(default_factory=dict)
    """Name of the link -> where it points."""
    post_s: int = 900
    accepted: bool = False
    """Its registration was checked, and is ours."""
    lists: list[str] = field(default_factory=list)
    """Where the lists of its programs lie."""
    tariffs: list[str] = field(default_factory=list)
    """Where the lists of its tariffs lie."""
    programs: dict[str, Program] = field(default_factory=dict)
    ders: list[dict[str, str]] = field(default_factory=list)
    """Of each DER, name of the link -> where it points."""
