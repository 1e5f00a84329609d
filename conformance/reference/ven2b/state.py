"""What the reference VEN remembers; it outlives a restart."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lxml.etree import _Element as Element

from gateway.domain.timespan import Span


@dataclass(slots=True, kw_only=True)
class Registration:
    """A registration in force."""

    registration_id: str
    ven_id: str
    vtn_id: str
    poll: timedelta


@dataclass(slots=True, kw_only=True)
class Known:
    """An event in its newest version, and what this VEN said of it."""

    event_id: str
    version: int
    start: datetime
    length: timedelta
    """Zero: until it is cancelled."""
    startafter: timedelta
    offset: timedelta
    """Drawn once, between zero and ``startafter``."""
    opt: str
    code: str
    always: bool
    """The VTN wants an answer."""
    levels: tuple[tuple[timedelta, str], ...]
    """Length and value of each interval of the signal that is followed."""
    test: bool = False
    """Answered, never acted upon (rule 6)."""
    by_opt: bool = False
    """An oadrCreateOpt decided; only another one may change that (rules 16 and 206)."""
    cancelled: bool = False
    stops: datetime | None = None
    """When a cancelled event ends its effect."""
    request_id: str = ""
    """Of the oadrDistributeEvent that brought it last."""

    def end(self) -> datetime | None:
        """Return when its effect ends; None for an open end."""
        whole = self.start + self.offset + self.length if self.length else None
        if self.stops is None or whole is None:
            return self.stops or whole
        return min(self.stops, whole)

    def runs(self, now: datetime) -> bool:
        """Say whether this VEN acts on it now."""
        end = self.end()
        begun = self.start + self.offset <= now
        meant = self.opt == "optIn" and not self.test
        return meant and begun and (end is None or now < end)


@dataclass(slots=True, kw_only=True)
class Wanted:
    """A report that the VTN has asked for."""

    request_id: str
    specifier: str
    points: tuple[str, ...]
    granularity: timedelta
    back: timedelta
    """Zero: once."""
    start: datetime
    end: datetime | None
    """None: until it is cancelled."""
    due: datetime
    covered: datetime
    """Values before this instant were reported."""
    last: bool = False
    """Nothing follows the next report."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """Everything at once."""

    registration: Registration | None = None
    events: dict[str, Known] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """reportRequestIDs of reports that this VEN wants of the VTN."""
    opts: dict[str, Element] = field(default_factory=dict)
    """oadrCreateOpt messages in force, by optID."""
    inside: str = ""
    """reportRequestID of a METADATA request that goes with the next oadrRegisteredReport; empty: none."""
    unwanted: str = ""
    """reportRequestID of a report that the next oadrUpdatedReport to it cancels; empty: none."""
    failures: list[Span] = field(default_factory=list)
    """When the meter did not work; the last one may have no end yet."""
    override: bool = False
    """Somebody at the site has taken over."""
    nonces: dict[str, datetime] = field(default_factory=dict)
    """Of signed messages that came lately, with their timestamps."""
    numbers: int = 0
    """Of the ids given out."""
