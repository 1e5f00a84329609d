"""Intents: every revision that was ever made, the newest of each first at hand."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Index,
    Row,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import ExactDecimal, optional_instant_at, optional_micros
from gateway.domain.errors import StoreError
from gateway.domain.event import EventKey
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName
from gateway.domain.participation import Opt
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.records import IntentRecord
from gateway.store.codec import model_bytes, read_model
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class IntentRow(StoreRow, table=True):
    """One revision of an intent, with the site's answer to it."""

    __tablename__ = "intent"
    __table_args__ = (
        Index(None, "utility", "event_id"),
        Index("ix_intent_current", "site", "status", sqlite_where=text("current = 1")),
    )

    intent_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True, sa_type=BigInteger)
    born: int = Field(sa_type=BigInteger, index=True)
    """Place among all intents by their first revision."""
    current: int
    """1 until a later revision comes. The digest is over 1: only current rows are ever checked."""
    utility: str
    event_id: str
    version: int = Field(sa_type=BigInteger)
    site: str
    status: str
    limit_kw: Decimal | None = Field(sa_type=ExactDecimal)
    """Lowest resolved cap of the ask that obliges, kW."""
    opt: str | None
    opt_reason: str
    opt_at: int | None = Field(sa_type=BigInteger)
    acked_revision: int = Field(sa_type=BigInteger)
    body: bytes
    digest: bytes


_INTENT: Final = table_of(IntentRow)
_GUARD: Final = Guard(
    _INTENT,
    ("intent_id", "revision"),
    (
        "intent_id",
        "revision",
        "born",
        "current",
        "utility",
        "event_id",
        "version",
        "site",
        "status",
        "opt",
        "opt_reason",
        "opt_at",
        "acked_revision",
        "body",
    ),
)
_COLUMNS: Final = [column for column in _INTENT.c if column.name != "limit_kw"]
_UPSERT: Final = insert(_INTENT).on_conflict_do_update(
    index_elements=["intent_id", "revision"],
    set_={
        column.name: insert(_INTENT).excluded[column.name]
        for column in _INTENT.c
        if not column.primary_key
    },
)
_NEWEST: Final = (
    select(*_COLUMNS)
    .where(_INTENT.c.intent_id == bindparam("intent_id"))
    .order_by(_INTENT.c.revision.desc())
    .limit(1)
)
_LAST_BORN: Final = select(func.coalesce(func.max(_INTENT.c.born), 0))
_later: Final = _INTENT.alias("later")
_IS_NEWEST: Final = ~exists().where(
    _later.c.intent_id == _INTENT.c.intent_id, _later.c.revision > _INTENT.c.revision
)
_OF_EVENT: Final = (
    select(*_COLUMNS)
    .where(
        _INTENT.c.utility == bindparam("utility"),
        _INTENT.c.event_id == bindparam("event_id"),
        _IS_NEWEST,
    )
    .order_by(_INTENT.c.born)
)
# A site's history grows for ever, so its current intents are found by an index of their own.
_OF_SITE: Final = (
    select(*_COLUMNS)
    .where(_INTENT.c.site == bindparam("site"), _INTENT.c.current == literal_column("1"))
    .order_by(_INTENT.c.born)
)
_LIVE: Final = _INTENT.c.status.not_in(sorted(state.value for state in TERMINAL))
_LIVE_OF_SITE: Final = _OF_SITE.where(_LIVE)
_SUPERSEDE: Final = (
    update(_INTENT)
    .where(
        _INTENT.c.intent_id == bindparam("b_intent_id"),
        _INTENT.c.revision == bindparam("b_revision"),
    )
    .values(current=0)
)
ALL_LIVE: Final = select(*_COLUMNS).where(and_(_LIVE, _IS_NEWEST))
GUARD: Final = _GUARD


class Intents:
    """See ``gateway.pipeline.ports.Intents``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, intent_id: IntentId) -> IntentRecord | None:
        """Return the newest revision."""
        row = self._newest(intent_id)
        if row is None:
            return None
        _GUARD.require(self._transaction, row)
        return _record(row)

    def put(self, record: IntentRecord) -> None:
        """Insert or replace; a revision lower than the stored one is refused (``StoreError`` STALE_REVISION).

        Raises:
            StoreError: ``STALE_REVISION``.
        """
        intent = record.intent
        stored = self._newest(IntentId(intent.id))
        if stored is None:
            born = self._transaction.run(_LAST_BORN).scalar_one() + 1
        else:
            _GUARD.sound(self._transaction, (stored,))
            born = stored.born
            if intent.revision < stored.revision:
                raise StoreError(
                    "STALE_REVISION",
                    f"intent {intent.id} has revision {stored.revision}; {intent.revision} is older",
                )
            if intent.revision > stored.revision:
                self._transaction.run(
                    _SUPERSEDE, {"b_intent_id": intent.id, "b_revision": stored.revision}
                )
        self._transaction.run(_UPSERT, _values(record, born))

    def of_event(self, key: EventKey) -> tuple[IntentRecord, ...]:
        """Return the siblings that one event made, oldest first."""
        return self._records(
            self._transaction.run(_OF_EVENT, {"utility": key.utility, "event_id": key.event_id})
        )

    def of_site(self, site: SiteId, *, live: bool = True) -> tuple[IntentRecord, ...]:
        """Return a site's intents, oldest first; ``live`` leaves out terminal states."""
        statement = _LIVE_OF_SITE if live else _OF_SITE
        return self._records(self._transaction.run(statement, {"site": site}))

    def _newest(self, intent_id: IntentId) -> Row[Any] | None:
        return self._transaction.run(_NEWEST, {"intent_id": intent_id}).first()

    def _records(self, rows: Iterable[Row[Any]]) -> tuple[IntentRecord, ...]:
        return tuple(map(_record, _GUARD.sound(self._transaction, rows)))


def _values(record: IntentRecord, born: int) -> dict[str, object]:
    intent = record.intent
    sealed = _GUARD.sealed(
        {
            "intent_id": intent.id,
            "revision": intent.revision,
            "born": born,
            "current": 1,
            "utility": record.event.utility,
            "event_id": record.event.event_id,
            "version": record.version,
            "site": intent.site,
            "status": intent.status.value,
            "opt": record.opt.value if record.opt else None,
            "opt_reason": record.opt_reason,
            "opt_at": optional_micros(record.opt_at),
            "acked_revision": record.acked_revision,
            "body": model_bytes(intent),
        }
    )
    return {**sealed, "limit_kw": _limit(intent)}


def _limit(intent: ComputeFlexIntent) -> Decimal | None:
    segments = intent.ask.segments if intent.ask else ()
    caps = [s.resolved_import_max_kw for s in segments if s.resolved_import_max_kw is not None]
    return min(caps, default=None)


def _record(row: Row[Any]) -> IntentRecord:
    return IntentRecord(
        intent=read_model(ComputeFlexIntent, row.body),
        event=EventKey(utility=UtilityName(row.utility), event_id=EventId(row.event_id)),
        version=row.version,
        opt=Opt(row.opt) if row.opt else None,
        opt_reason=row.opt_reason,
        opt_at=optional_instant_at(row.opt_at),
        acked_revision=row.acked_revision,
    )
