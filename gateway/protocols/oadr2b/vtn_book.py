"""The VTN's memory: shelves of records, and pages on which one door writes before anything counts.

A door works on a ``Page``; what it wrote becomes part of the ``Book`` only when the page is turned in, after the
store has taken it. A door that fails leaves no trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from gateway.domain.errors import SessionError
from gateway.domain.ports import Ids
from gateway.protocols.oadr2b.errors import response_code
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.vtn_facts import Fact, Refused
from gateway.protocols.oadr2b.vtn_records import Key, Record, VenRecord

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

    def take(self, changes: dict[Place, Record | None]) -> None:
        """Make changes count."""
        for (kind, owner, key), record in changes.items():
            shelf = self._shelves.setdefault((kind, owner), {})
            before = shelf.pop(key, None) if record is None else shelf.get(key)
            if isinstance(before, VenRecord):
                self._ven_of.pop(before.fingerprint, None)
            if record is not None:
                shelf[key] = record
            if isinstance(record, VenRecord) and record.fingerprint:
                self._ven_of[record.fingerprint] = record.ven_id


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
