"""The VTN's memory: shelves of records, and pages on which one door writes before anything counts.

A door works on a ``Page``; what it wrote becomes part of the ``Book`` only when the page is turned in, after the
store has taken it. A door that fails leaves no trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar

from gateway.domain.errors import SessionError
from gateway.domain.ports import Ids
from gateway.protocols.oadr2b.errors import response_code
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.vtn_facts import Fact, Refused
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    EventRecord,
    Key,
    Record,
    VenRecord,
)

R = TypeVar("R", bound=Record)
Place: TypeAlias = tuple[type[object], str, Key]
"""Kind, owner and key of a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedVen:
    """A VEN that may register."""

    ven_id: str = ""
    """Pre-allocated venID; empty: the VTN gives one."""
    fingerprints: tuple[str, ...] = ()
    """Of its certificates, two while one is rolled over; empty: any certificate that the authority signed."""


class Strangers(StrEnum):
    """What a VEN that is not registered is told."""

    REFUSE = "refuse"
    """463 in the payload type that fits its request (rule 517)."""
    PLAIN = "plain"
    """463 in an oadrResponse, whatever it asked."""
    REREGISTER = "reregister"
    """oadrRequestReregistration, as some VTNs in the field do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VtnOptions:
    """How this VTN behaves."""

    vtn_id: str
    poll_every: timedelta = timedelta(seconds=10)
    """oadrRequestedOadrPollFreq."""
    resend_after: timedelta | None = None
    """An unanswered message is sent again at the first poll after this time; None: one poll period."""
    resends: int = 20
    """An unanswered message is sent at most once plus this often."""
    expected: tuple[ExpectedVen, ...] = ()
    """VENs that may register; empty: any whose certificate the authority signed."""
    closed: bool = False
    """Only VENs that are expected, or allocated a venID, may register."""
    strangers: Strangers = Strangers.REFUSE
    push: bool = False
    """VENs may have their messages pushed to them (oadrHttpPullModel false)."""
    refuse_overlap: bool = False
    """Events of one market context may not overlap for one VEN; rule 18 of the newer edition allows it."""
    opt_default: bool = True
    """Whether a VEN takes part outside of all its opt schedules (rule 201)."""
    opt_out_wins: bool = True
    """Where an optIn and an optOut schedule overlap (rule 201)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one door did: the answer, what must be remembered before it is given, and what there is to tell."""

    reply: Message | None = None
    """None: HTTP 200 with an empty body."""
    changes: dict[Place, Record | None] = field(default_factory=dict)
    """New state of each touched record; None: forgotten."""
    facts: tuple[Fact, ...] = ()
    at: datetime


class RefusalError(SessionError):
    """A message that is answered with an application error, ``detail`` being its responseDescription."""

    @property
    def code(self) -> str:
        """Return the responseCode of the reason, three digits."""
        return str(response_code(self))


class Book:
    """All records, by kind and owner."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[type[object], str], dict[Key, Record]] = {}
        self._ven_of: dict[str, str] = {}
        self._allocated: dict[str, str] = {}
        self._events_for: dict[str, dict[Key, EventRecord]] = {}

    def shelf(self, kind: type[R], owner: str) -> dict[Key, R]:
        """Return a copy of one owner's records of one kind."""
        found = self._shelves.get((kind, owner), {})
        return {key: record for key, record in found.items() if isinstance(record, kind)}

    def find(self, kind: type[R], owner: str, key: Key) -> R | None:
        """Return one record, None when there is none."""
        record = self._shelves.get((kind, owner), {}).get(key)
        return record if isinstance(record, kind) else None

    def owners(self, kind: type[Record]) -> tuple[str, ...]:
        """Return everybody who owns records of a kind."""
        return tuple(owner for (k, owner), shelf in self._shelves.items() if k is kind and shelf)

    def ven_of(self, fingerprint: str) -> VenRecord | None:
        """Return the VEN that registered with a certificate."""
        ven_id = self._ven_of.get(fingerprint)
        return None if ven_id is None else self.find(VenRecord, ven_id, ())

    def allocation_of(self, fingerprint: str) -> AllocationRecord | None:
        """Return the allocation that names a certificate."""
        ven_id = self._allocated.get(fingerprint)
        return None if ven_id is None else self.find(AllocationRecord, "", (ven_id,))

    def events_for(self, ven_id: str) -> dict[Key, EventRecord]:
        """Return a copy of the events that a VEN is among the audience of."""
        return self._events_for.get("", {}) | self._events_for.get(ven_id, {})

    def take(self, changes: dict[Place, Record | None]) -> None:
        """Make changes count."""
        for (kind, owner, key), record in changes.items():
            shelf = self._shelves.setdefault((kind, owner), {})
            before = shelf.pop(key, None) if record is None else shelf.get(key)
            if not shelf and record is None:
                del self._shelves[kind, owner]
            self._strike(before)
            if record is not None:
                shelf[key] = record
                self._index(record)

    def _strike(self, record: Record | None) -> None:
        """Take a record that counts no more out of the indexes."""
        match record:
            case VenRecord():
                if self._ven_of.get(record.fingerprint) == record.ven_id:
                    del self._ven_of[record.fingerprint]
            case AllocationRecord():
                for fingerprint in record.fingerprints:
                    if self._allocated.get(fingerprint) == record.ven_id:
                        del self._allocated[fingerprint]
            case EventRecord():
                for ven_id in record.audience or ("",):
                    self._events_for[ven_id].pop(record.key, None)
            case _:
                pass

    def _index(self, record: Record) -> None:
        match record:
            case VenRecord() if record.fingerprint:
                self._ven_of[record.fingerprint] = record.ven_id
            case AllocationRecord():
                for fingerprint in record.fingerprints:
                    self._allocated[fingerprint] = record.ven_id
            case EventRecord():
                for ven_id in record.audience or ("",):
                    self._events_for.setdefault(ven_id, {})[record.key] = record
            case _:
                pass


@dataclass(slots=True, kw_only=True)
class Page:
    """One door's view of the book, with its own writing on top."""

    book: Book
    now: datetime
    ids: Ids
    options: VtnOptions
    changes: dict[Place, Record | None] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)

    def find(self, kind: type[R], owner: str, key: Key = ()) -> R | None:
        """Return one record, None when there is none."""
        place: Place = (kind, owner, key)
        if place in self.changes:
            record = self.changes[place]
            return record if isinstance(record, kind) else None
        return self.book.find(kind, owner, key)

    def all(self, kind: type[R], owner: str = "") -> list[R]:
        """Return one owner's records of one kind, in the order of their keys."""
        shelf = self.book.shelf(kind, owner)
        for (k, o, key), record in self.changes.items():
            if k is kind and o == owner:
                shelf.pop(key, None)
                if isinstance(record, kind):
                    shelf[key] = record
        return [shelf[key] for key in sorted(shelf)]

    def events_for(self, ven_id: str) -> list[EventRecord]:
        """Return the events that a VEN is among the audience of, in the order of their ids."""
        found = self.book.events_for(ven_id)
        for (kind, _, key), record in self.changes.items():
            if kind is EventRecord:
                found.pop(key, None)
                if isinstance(record, EventRecord) and record.concerns(ven_id):
                    found[key] = record
        return [found[key] for key in sorted(found)]

    def vens(self) -> Iterator[VenRecord]:
        """Yield every registered VEN."""
        for owner in sorted(self.book.owners(VenRecord)):
            found = self.find(VenRecord, owner)
            if found is not None:
                yield found

    def put(self, record: Record) -> None:
        """Write a record."""
        self.changes[type(record), record.owner, record.key] = record

    def drop(self, record: Record) -> None:
        """Forget a record."""
        self.changes[type(record), record.owner, record.key] = None

    def tell(self, fact: Fact) -> None:
        """Note a fact for the outside."""
        self.facts.append(fact)

    def refuse(self, ven_id: str, message: Message | None, refusal: RefusalError) -> None:
        """Note that a message is answered with an error."""
        name = "" if message is None else type(message).__name__
        self.tell(Refused(ven_id=ven_id, message=name, code=refusal.code, detail=refusal.detail))

    def turn(self, reply: Message | None = None) -> Turn:
        """Close the page."""
        return Turn(reply=reply, changes=self.changes, facts=tuple(self.facts), at=self.now)
