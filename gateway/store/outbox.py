"""The outbox: documents on their way to sites, in order per site, and what the sites have seen."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, Row, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import (
    instant_at,
    micros,
    optional_instant_at,
    optional_micros,
)
from gateway.domain.answers import Ack
from gateway.domain.errors import SessionError
from gateway.domain.identity import STEP
from gateway.domain.names import SiteId
from gateway.pipeline.records import OutboxItem, Seen
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class StreamRow(StoreRow, table=True):
    """The highest sequence given out per site."""

    __tablename__ = "stream"

    site: str = Field(primary_key=True)
    newest: int = Field(sa_type=BigInteger)


class OutboxRow(StoreRow, table=True):
    """One document for one site."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "site", "subject", "revision"),)

    site: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str
    subject: str
    revision: int = Field(sa_type=BigInteger)
    body: bytes
    created_at: int = Field(sa_type=BigInteger)
    deliver_by: int | None = Field(sa_type=BigInteger)
    digest: bytes
    acked_at: int | None = Field(default=None, sa_type=BigInteger)
    ack_digest: str | None = None
    """What the site says it received; set only on the revision it named."""
    ack_receiver: str | None = None


_STREAM: Final = table_of(StreamRow)
OUTBOX: Final = table_of(OutboxRow)
GUARD: Final = Guard(
    OUTBOX,
    ("site", "sequence"),
    ("site", "sequence", "kind", "subject", "revision", "body", "created_at", "deliver_by"),
)
LATEST: Final = select(OUTBOX).order_by(literal_column("rowid").desc()).limit(10_000)
"""What sites may still ask for, as a rule."""
_NEXT: Final = (
    insert(_STREAM)
    .values(newest=bindparam("floor") + 1)
    .on_conflict_do_update(
        index_elements=["site"],
        set_={"newest": func.max(_STREAM.c.newest, bindparam("floor")) + 1},
    )
    .returning(_STREAM.c.newest)
)
_NEWEST: Final = select(_STREAM.c.newest).where(_STREAM.c.site == bindparam("site"))
_OLDEST: Final = select(func.min(OUTBOX.c.sequence)).where(OUTBOX.c.site == bindparam("site"))
_ADD: Final = insert(OUTBOX)
_AFTER: Final = (
    select(OUTBOX)
    .where(OUTBOX.c.site == bindparam("site"), OUTBOX.c.sequence > bindparam("after"))
    .order_by(OUTBOX.c.sequence)
    .limit(bindparam("most"))
)
_AFTER_OF_KIND: Final = _AFTER.where(OUTBOX.c.kind == bindparam("kind"))
_OF_SUBJECT: Final = (
    OUTBOX.c.site == bindparam("b_site"),
    OUTBOX.c.subject == bindparam("b_subject"),
)
_NAMED: Final = select(OUTBOX.c.acked_at, OUTBOX.c.ack_digest).where(
    *_OF_SUBJECT, OUTBOX.c.revision == bindparam("b_revision")
)
_SEEN: Final = (
    update(OUTBOX)
    .where(
        *_OF_SUBJECT,
        OUTBOX.c.revision <= bindparam("b_revision"),
        OUTBOX.c.acked_at.is_(None),
    )
    .values(acked_at=bindparam("b_at"))
)
_RECEIVED: Final = (
    update(OUTBOX)
    .where(*_OF_SUBJECT, OUTBOX.c.revision == bindparam("b_revision"))
    .values(ack_digest=bindparam("b_digest"), ack_receiver=bindparam("b_receiver"))
)


class Outbox:
    """See ``gateway.pipeline.ports.Outbox``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def next_sequence(self, site: SiteId) -> int:
        """Reserve the next place in a site's stream.

        Places of a later epoch begin above all that an earlier one can have given out, ``(epoch - 1) * 2^32``: a site
        whose cursor stands beyond a restored store's last place still gets everything that follows.
        """
        floor = (self._transaction.identity.epoch - 1) * STEP
        found: int = self._transaction.run(_NEXT, {"site": site, "floor": floor}).scalar_one()
        return found

    def add(self, item: OutboxItem) -> None:
        """Queue one document."""
        self._transaction.run(
            _ADD,
            GUARD.sealed(
                {
                    "site": item.site,
                    "sequence": item.sequence,
                    "kind": item.kind,
                    "subject": item.subject,
                    "revision": item.revision,
                    "body": item.body,
                    "created_at": micros(item.created_at),
                    "deliver_by": optional_micros(item.deliver_by),
                }
            )
            | {"acked_at": optional_micros(item.acked_at)},
        )

    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        """Return what follows a cursor, oldest first, digest-checked; a corrupt item is passed over with an alarm."""
        values: dict[str, object] = {"site": site, "most": limit, "kind": kind}
        if kind is None:
            del values["kind"]
        statement = _AFTER if kind is None else _AFTER_OF_KIND
        found: list[OutboxItem] = []
        # Fewer than asked for means the end of the stream, so gaps are filled up.
        while len(found) < limit:
            rows = self._transaction.run(statement, {**values, "after": sequence}).all()
            found += sound_items(self._transaction, rows)
            if len(rows) < limit:
                break
            sequence = rows[-1].sequence
        return tuple(found[:limit])

    def newest_sequence(self, site: SiteId) -> int:
        """Return the highest sequence given out, 0 for none."""
        found: int | None = self._transaction.run(_NEWEST, {"site": site}).scalar()
        return found or 0

    def oldest_sequence(self, site: SiteId) -> int:
        """Return the lowest sequence still kept, 0 for none."""
        found: int | None = self._transaction.run(_OLDEST, {"site": site}).scalar()
        return found or 0

    def acknowledge(self, site: SiteId, subject: str, ack: Ack, at: datetime) -> Seen:
        """Mark one revision, and all lower ones of that subject, as seen by the site.

        Returns:
            ``CONFLICT`` when the site acknowledged this revision before with another digest; the first one stays.

        Raises:
            SessionError: ``NOT_FOUND`` when that revision was never queued for this site.
        """
        named = {"b_site": site, "b_subject": subject, "b_revision": ack.revision}
        row = self._transaction.run(_NAMED, named).first()
        if row is None:
            raise SessionError("NOT_FOUND", f"revision {ack.revision} was not sent to this site")
        if row.ack_digest is not None:
            return Seen.DUPLICATE if row.ack_digest == ack.digest else Seen.CONFLICT
        self._transaction.run(_SEEN, {**named, "b_at": micros(at)})
        self._transaction.run(
            _RECEIVED, {**named, "b_digest": ack.digest, "b_receiver": ack.receiver}
        )
        return Seen.NEW if row.acked_at is None else Seen.DUPLICATE


def sound_items(transaction: Transaction, rows: Iterable[Row[Any]]) -> tuple[OutboxItem, ...]:
    """Return the intact documents among rows; the others are set aside."""
    return tuple(map(_item, GUARD.sound(transaction, rows)))


def _item(row: Row[Any]) -> OutboxItem:
    return OutboxItem(
        site=SiteId(row.site),
        sequence=row.sequence,
        kind=row.kind,
        subject=row.subject,
        revision=row.revision,
        body=row.body,
        created_at=instant_at(row.created_at),
        deliver_by=optional_instant_at(row.deliver_by),
        acked_at=optional_instant_at(row.acked_at),
    )
