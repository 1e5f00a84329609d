"""What the reference VTN remembers; it outlives a restart."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from lxml.etree import _Element as Element

OPEN_END: Final = timedelta(0)
Steps = tuple[tuple[timedelta, Decimal], ...]
"""How long each value holds, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of an event."""

    name: str = "SIMPLE"
    type: str = "level"
    unit: str = ""
    """``W``, ``kW``, ``USD/kWh``; empty: none."""
    steps: Steps = ((timedelta(minutes=5), Decimal(1)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as the utility means it."""

    event_id: str
    start: datetime
    signals: tuple[Signal, ...] = (Signal(),)
    context: str = "http://gridgate.example/program"
    version: int = 0
    priority: int = 0
    startafter: timedelta = timedelta(0)
    notification: timedelta = timedelta(0)
    ramp_up: timedelta = timedelta(0)
    recovery: timedelta = timedelta(0)
    always: bool = True
    test: bool = False
    comment: str = ""
    vens: tuple[str, ...] = ()
    """venIDs that get it; empty: all."""
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    baseline: Steps = ()
    """Expected use in kW without the event, from its start on; empty: not stated."""
    cancelled: bool = False

    def length(self) -> timedelta:
        """Return the length of the active period; zero is an open end."""
        return sum((lasts for lasts, _ in self.signals[0].steps), timedelta(0))

    def status(self, now: datetime) -> str:
        """Return eventStatus (rule 13)."""
        if self.cancelled:
            return "cancelled"
        if now >= self.start:
            ended = self.length() and now >= self.start + self.length()
            return "completed" if ended else "active"
        near = self.ramp_up > timedelta(0) and now >= self.start - self.ramp_up
        return "near" if near else "far"

    def concerns(self, ven_id: str) -> bool:
        """Say whether a VEN gets it."""
        return not self.vens or ven_id in self.vens

    def over(self) -> datetime | None:
        """Return when it has ended for certain, its random delay included; None: open end."""
        return self.start + self.length() + self.startafter if self.length() else None

    def overlaps(self, other: "Event") -> bool:
        """Say whether both may run at some instant in one market context (rule 18)."""
        if other.cancelled or self.event_id == other.event_id or self.context != other.context:
            return False
        ends, others_end = self.over(), other.over()
        return (others_end is None or self.start < others_end) and (
            ends is None or other.start < ends
        )

    def listed(self, now: datetime) -> bool:
        """Say whether it belongs in a listing (rule 50)."""
        if self.cancelled or not self.length():
            return True
        return now < self.start + self.length() + self.startafter


@dataclass(slots=True, kw_only=True)
class Ven:
    """One registered VEN."""

    ven_id: str
    registration_id: str
    peer: str
    """Fingerprint of its certificate; empty over plain HTTP."""
    pull: bool
    address: str = ""
    queue: "deque[Element | None]" = field(default_factory=deque)
    """Messages for it in order; None: the listing of events as it is then."""
    offers: dict[str, frozenset[str]] = field(default_factory=dict)
    """Its report specifiers and their data points."""
    wanted: set[str] = field(default_factory=set)
    """reportRequestIDs of reports that it owes."""
    ending: set[str] = field(default_factory=set)
    """reportRequestIDs to be cancelled with the next oadrUpdatedReport."""
    closing: dict[str, bool] = field(default_factory=dict)
    """reportRequestIDs that it was told to end, and whether a last report is to follow."""
    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    """Cancelled versions that it has taken note of."""
    opts: dict[str, Element] = field(default_factory=dict)
    """Its schedules by optID."""
    opted: set[str] = field(default_factory=set)
    """Events that it took part in, or not, by oadrCreateOpt; nothing else changes that (rules 16 and 17)."""
    asked: dict[str, "Asked"] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A report that a VEN wants of this VTN."""

    request_id: str
    specifier: str
    points: tuple[str, ...]
    granularity: timedelta
    back: timedelta
    due: datetime
    end: datetime | None
    last: bool = False
    """Cancelled; one more report follows."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """Everything at once."""

    vens: dict[str, Ven] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    answers: list[tuple[str, str, int, str, str]] = field(default_factory=list)
    """venID, eventID, version, optType, code of each answer to an event, oldest first."""
    numbers: int = 0
