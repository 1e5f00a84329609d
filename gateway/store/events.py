"""The inbox: every version of every grid event, and the bytes they came in."""

import hashlib
from datetime import datetime
from typing import Any, Final

from pydantic.main import IncEx
from sqlalchemy import (
    BigInteger,
    Index,
    Row,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import BIG_KEY, instant_at, micros, optional_micros
from gateway.domain.errors import StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import UtilityName
from gateway.pipeline.records import Seen
from gateway.store.codec import GRID_EVENT, decoded
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class RawRow(StoreRow, table=True):
    """A message as received; its key is its digest."""

    __tablename__ = "raw_message"

    sha256: str = Field(primary_key=True)
    body: bytes
    media_type: str
    peer: str
    received_at: int = Field(sa_type=BigInteger)
    signature_verified: int


class EventRow(StoreRow, table=True):
    """One version of an event; a cancellation without a new version is a row beside it (OpenADR 2.0b rule 61)."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("utility", "event_id", "version", "cancelled", "variant"),
        Index(None, "utility", "ends_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    utility: str
    event_id: str
    version: int = Field(sa_type=BigInteger)
    cancelled: int
    variant: int
    """0; contradictions under the same key count up."""
    received_at: int = Field(sa_type=BigInteger, index=True)
    ends_at: int | None = Field(sa_type=BigInteger)
    content: bytes
    """Digest of what the event asks for."""
    body: bytes
    digest: bytes


_RAW: Final = table_of(RawRow)
_EVENT: Final = table_of(EventRow)
_GUARD: Final = Guard(
    _EVENT,
    ("utility", "event_id", "version"),
    (
        "utility",
        "event_id",
        "version",
        "cancelled",
        "variant",
        "received_at",
        "ends_at",
        "content",
        "body",
    ),
)
_KEEP_RAW: Final = insert(_RAW).on_conflict_do_nothing()
_INSERT: Final = insert(_EVENT)
_DELETE: Final = delete(_EVENT).where(_EVENT.c.id == bindparam("row_id"))
_SAME_KEY: Final = (
    select(_EVENT)
    .where(
        _EVENT.c.utility == bindparam("utility"),
        _EVENT.c.event_id == bindparam("event_id"),
        _EVENT.c.version == bindparam("version"),
        _EVENT.c.cancelled == bindparam("cancelled"),
    )
    .order_by(_EVENT.c.variant)
)
_NEWEST: Final = (
    select(_EVENT)
    .where(
        _EVENT.c.utility == bindparam("utility"),
        _EVENT.c.event_id == bindparam("event_id"),
        _EVENT.c.variant == 0,
    )
    .order_by(_EVENT.c.version.desc(), _EVENT.c.cancelled.desc())
    .limit(1)
)
_later: Final = _EVENT.alias("later")
_IS_NEWEST: Final = and_(
    _EVENT.c.variant == 0,
    ~exists().where(
        _later.c.utility == _EVENT.c.utility,
        _later.c.event_id == _EVENT.c.event_id,
        _later.c.variant == 0,
        or_(
            _later.c.version > _EVENT.c.version,
            and_(
                _later.c.version == _EVENT.c.version,
                _later.c.cancelled > _EVENT.c.cancelled,
            ),
        ),
    ),
)
_OPEN: Final = (
    select(_EVENT)
    .where(
        _EVENT.c.utility == bindparam("utility"),
        _EVENT.c.cancelled == 0,
        or_(_EVENT.c.ends_at.is_(None), _EVENT.c.ends_at > bindparam("now")),
        _IS_NEWEST,
    )
    .order_by(_EVENT.c.id)
)
_RECENT: Final = (
    select(_EVENT)
    .where(_IS_NEWEST)
    .order_by(_EVENT.c.received_at.desc(), _EVENT.c.id.desc())
    .limit(bindparam("most"))
)
_ONE_RAW: Final = select(_RAW).where(_RAW.c.sha256 == bindparam("sha256"))


_NOT_ASKED: Final[dict[str, IncEx | bool]] = {
    "received_at": True,
    "created_at": True,
    "cancelled_at": True,
    "cancel_implied": True,
    "standing": True,
    "doubt": True,
    "signals": {"__all__": {"current_value"}},
    "comment": True,
    "source": True,
    "unmapped": True,
    "raw_sha256": True,
}


def obligation(event: GridEvent) -> bytes:
    """Return a digest of what an event asks for: two deliveries that ask for the same are one.

    Left out is what may differ between deliveries of one version: when and in which message it came, the message's
    own ids, status words and current values, comments, and at which instant a cancellation was noticed.
    """
    # Cancelled or not is part of the key already.
    return hashlib.sha256(GRID_EVENT.dump_json(event, exclude=_NOT_ASKED)).digest()


class Events:
    """See ``gateway.pipeline.ports.Events``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def remember(self, event: GridEvent, raw: RawMessage) -> Seen:
        """Store one version of an event and, once per digest, its raw message.

        A duplicate leaves no trace: a utility that repeats itself at every poll does not fill the disk.
        """
        content = obligation(event)
        known = self._transaction.run(
            _SAME_KEY,
            {
                "utility": event.utility,
                "event_id": event.event_id,
                "version": event.version,
                "cancelled": int(event.cancelled_at is not None),
            },
        ).all()
        sound = _GUARD.sound(self._transaction, known)
        first_is_sound = bool(sound) and sound[0].variant == 0
        if not first_is_sound:
            for row in known[:1] if known and known[0].variant == 0 else ():
                self._transaction.run(_DELETE, {"row_id": row.id})
            self._store(event, raw, content, variant=0)
            return Seen.NEW
        if sound[0].content == content:
            return Seen.DUPLICATE
        if all(row.content != content for row in sound):
            self._store(event, raw, content, variant=max(row.variant for row in known) + 1)
        return Seen.CONFLICT

    def keep(self, raw: RawMessage) -> None:
        """Store a raw message by itself, once per digest."""
        if raw.sha256 in self._transaction.raw_kept:
            return
        self._transaction.run(
            _KEEP_RAW,
            {
                "sha256": raw.sha256,
                "body": raw.body,
                "media_type": raw.media_type,
                "peer": raw.peer,
                "received_at": micros(raw.received_at),
                "signature_verified": int(raw.signature_verified),
            },
        )
        self._transaction.raw_kept.add(raw.sha256)

    def _store(self, event: GridEvent, raw: RawMessage, content: bytes, variant: int) -> None:
        self.keep(raw)
        self._transaction.run(
            _INSERT,
            _GUARD.sealed(
                {
                    "utility": event.utility,
                    "event_id": event.event_id,
                    "version": event.version,
                    "cancelled": int(event.cancelled_at is not None),
                    "variant": variant,
                    "received_at": micros(event.received_at),
                    "ends_at": optional_micros(event.end),
                    "content": content,
                    "body": GRID_EVENT.dump_json(event),
                }
            ),
        )

    def newest(self, key: EventKey) -> GridEvent | None:
        """Return the highest version known, its cancellation if there is one."""
        row = self._transaction.run(
            _NEWEST, {"utility": key.utility, "event_id": key.event_id}
        ).first()
        if row is None:
            return None
        _GUARD.require(self._transaction, row)
        return _event(row)

    def open(self, utility: UtilityName, now: datetime) -> tuple[GridEvent, ...]:
        """Return the newest version of every event neither cancelled nor over at ``now``, oldest first."""
        rows = self._transaction.run(_OPEN, {"utility": utility, "now": micros(now)})
        return tuple(map(_event, _GUARD.sound(self._transaction, rows)))

    def recent(self, limit: int) -> tuple[GridEvent, ...]:
        """Return the newest versions, latest received first."""
        rows = self._transaction.run(_RECENT, {"most": limit})
        return tuple(map(_event, _GUARD.sound(self._transaction, rows)))

    def raw(self, sha256: str) -> RawMessage | None:
        """Return a raw message by its digest.

        Raises:
            StoreError: ``CORRUPT_ROW``.
        """
        row = self._transaction.run(_ONE_RAW, {"sha256": sha256}).first()
        if row is None:
            return None
        if not isinstance(row.body, bytes) or hashlib.sha256(row.body).hexdigest() != sha256:
            raise StoreError("CORRUPT_ROW", f"raw message {sha256} does not fit its digest")
        return RawMessage(
            body=row.body,
            media_type=row.media_type,
            sha256=row.sha256,
            peer=row.peer,
            received_at=instant_at(row.received_at),
            signature_verified=bool(row.signature_verified),
        )


def _event(row: Row[Any]) -> GridEvent:
    return decoded(GRID_EVENT, row.body)
