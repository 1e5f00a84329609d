"""Endpoints of webhooks: their place in the stream, what became of each document, and every attempt."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, Row, Table, and_, bindparam, func, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import (
    instant_at,
    micros,
    optional_instant_at,
    optional_micros,
)
from gateway.domain.names import SiteId
from gateway.pipeline.deliveries import Delivery, Endpoint, Fate, Standing
from gateway.pipeline.records import OutboxItem
from gateway.store.attempts import Attempts
from gateway.store.guard import DIGEST, Guard
from gateway.store.outbox import OUTBOX, sound_items
from gateway.store.row import StoreRow, table_of


def covered(table: Table) -> tuple[str, ...]:
    """Return every column but the digest."""
    return tuple(column.name for column in table.columns if column.name != DIGEST)


class EndpointRow(StoreRow, table=True):
    """One endpoint."""

    __tablename__ = "webhook_endpoint"

    site: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    url: str
    since: int = Field(sa_type=BigInteger)
    standing: str
    cursor: int = Field(sa_type=BigInteger)
    proof: str
    per_min: int
    asked: int
    ask_at: int | None = Field(sa_type=BigInteger)
    changed_at: int = Field(sa_type=BigInteger)
    why: str
    digest: bytes


class DeliveryRow(StoreRow, table=True):
    """One document at one endpoint."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (Index(None, "fate"),)

    site: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    webhook_id: str
    kind: str
    subject: str
    revision: int = Field(sa_type=BigInteger)
    deliver_by: int | None = Field(sa_type=BigInteger)
    fate: str
    attempts: int
    tries: int
    anchor_at: int = Field(sa_type=BigInteger)
    next_at: int | None = Field(sa_type=BigInteger)
    polite_until: int | None = Field(sa_type=BigInteger)
    ended_at: int | None = Field(sa_type=BigInteger)
    delivered_at: int | None = Field(sa_type=BigInteger)
    reason: str
    digest: bytes


_ENDPOINT: Final = table_of(EndpointRow)
_DELIVERY: Final = table_of(DeliveryRow)
_GUARD: Final = Guard(_ENDPOINT, ("site", "name"), covered(_ENDPOINT))
_FATES: Final = Guard(_DELIVERY, ("site", "endpoint", "sequence"), covered(_DELIVERY))
_FIND_ENDPOINT: Final = select(_ENDPOINT).where(
    _ENDPOINT.c.site == bindparam("site"), _ENDPOINT.c.name == bindparam("name")
)
_PUT_ENDPOINT: Final = insert(_ENDPOINT).prefix_with("OR REPLACE")
_OF_ENDPOINT: Final = (
    _DELIVERY.c.site == bindparam("site"),
    _DELIVERY.c.endpoint == bindparam("endpoint"),
)
_FIND: Final = select(_DELIVERY).where(*_OF_ENDPOINT, _DELIVERY.c.sequence == bindparam("sequence"))
_PUT: Final = insert(_DELIVERY).prefix_with("OR REPLACE")
_ASIDE: Final = (
    select(_DELIVERY)
    .where(*_OF_ENDPOINT, _DELIVERY.c.fate == Fate.ASIDE.value)
    .order_by(_DELIVERY.c.sequence)
)
_DELIVERED: Final = select(_DELIVERY).where(
    *_OF_ENDPOINT,
    _DELIVERY.c.sequence > bindparam("after"),
    _DELIVERY.c.fate == Fate.DELIVERED.value,
)
_NEWER: Final = (
    select(OUTBOX.c.sequence)
    .where(
        OUTBOX.c.site == bindparam("site"),
        OUTBOX.c.subject == bindparam("subject"),
        OUTBOX.c.revision > bindparam("revision"),
        OUTBOX.c.kind == bindparam("kind"),
    )
    .limit(1)
)
_BEHIND: Final = (OUTBOX.c.site == bindparam("site"), OUTBOX.c.sequence > bindparam("cursor"))
_OVERDUE: Final = (
    select(OUTBOX)
    .outerjoin(
        _DELIVERY,
        and_(
            _DELIVERY.c.site == OUTBOX.c.site,
            _DELIVERY.c.sequence == OUTBOX.c.sequence,
            _DELIVERY.c.endpoint == bindparam("endpoint"),
        ),
    )
    .where(
        *_BEHIND,
        OUTBOX.c.deliver_by < bindparam("now"),
        or_(_DELIVERY.c.fate.is_(None), _DELIVERY.c.fate == Fate.WAITING.value),
    )
    .order_by(OUTBOX.c.sequence)
    .limit(100)
)
_DEADLINE: Final = select(func.min(OUTBOX.c.deliver_by)).where(
    *_BEHIND, OUTBOX.c.deliver_by >= bindparam("now")
)


class Deliveries(Attempts):
    """See ``gateway.pipeline.deliveries.Deliveries``."""

    __slots__ = ()

    def endpoint(self, site: SiteId, name: str) -> Endpoint | None:
        """Return what is known of an endpoint; a corrupt row counts as none, with an alarm."""
        row = self._transaction.run(_FIND_ENDPOINT, {"site": site, "name": name}).first()
        sound = _GUARD.sound(self._transaction, () if row is None else (row,))
        return _endpoint(sound[0]) if sound else None

    def put_endpoint(self, endpoint: Endpoint) -> None:
        """Insert or replace."""
        self._transaction.run(_PUT_ENDPOINT, _GUARD.sealed(_endpoint_values(endpoint)))

    def get(self, site: SiteId, endpoint: str, sequence: int) -> Delivery | None:
        """Return one document's fate."""
        named = {"site": site, "endpoint": endpoint, "sequence": sequence}
        found = self._fates(self._transaction.run(_FIND, named))
        return found[0] if found else None

    def put(self, delivery: Delivery) -> None:
        """Insert or replace."""
        self._transaction.run(_PUT, _FATES.sealed(_delivery_values(delivery)))

    def aside(self, site: SiteId, endpoint: str) -> tuple[Delivery, ...]:
        """Return what waits beside the line."""
        return self._fates(self._transaction.run(_ASIDE, {"site": site, "endpoint": endpoint}))

    def listed(
        self,
        *,
        site: SiteId | None = None,
        endpoint: str | None = None,
        fates: Collection[Fate] = (),
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Return documents' fates, newest in the stream first."""
        statement = select(_DELIVERY)
        if site is not None:
            statement = statement.where(_DELIVERY.c.site == site)
        if endpoint is not None:
            statement = statement.where(_DELIVERY.c.endpoint == endpoint)
        if fates:
            statement = statement.where(_DELIVERY.c.fate.in_([fate.value for fate in fates]))
        ordered = statement.order_by(
            _DELIVERY.c.sequence.desc(), _DELIVERY.c.site, _DELIVERY.c.endpoint
        )
        return self._fates(self._transaction.ask(ordered.limit(limit)))

    def delivered(self, site: SiteId, endpoint: str, after: int) -> tuple[Delivery, ...]:
        """Return what was delivered after a place of the stream."""
        named = {"site": site, "endpoint": endpoint, "after": after}
        return self._fates(self._transaction.run(_DELIVERED, named))

    def _fates(self, rows: Iterable[Row[Any]]) -> tuple[Delivery, ...]:
        return tuple(map(_delivery, _FATES.sound(self._transaction, rows)))

    def superseded(self, item: OutboxItem) -> bool:
        """Say whether a newer revision of the same subject was queued."""
        named = {
            "site": item.site,
            "subject": item.subject,
            "revision": item.revision,
            "kind": item.kind,
        }
        return self._transaction.run(_NEWER, named).first() is not None

    def overdue(
        self, site: SiteId, endpoint: str, cursor: int, now: datetime
    ) -> tuple[OutboxItem, ...]:
        """Return unsettled documents behind a cursor that are too late."""
        named = {"site": site, "endpoint": endpoint, "cursor": cursor, "now": micros(now)}
        return sound_items(self._transaction, self._transaction.run(_OVERDUE, named).all())

    def next_deadline(self, site: SiteId, cursor: int, now: datetime) -> datetime | None:
        """Return the next ``deliver_by`` behind a cursor."""
        named = {"site": site, "cursor": cursor, "now": micros(now)}
        return optional_instant_at(self._transaction.run(_DEADLINE, named).scalar())


def _endpoint_values(endpoint: Endpoint) -> dict[str, object]:
    return {
        "site": endpoint.site,
        "name": endpoint.name,
        "url": endpoint.url,
        "since": micros(endpoint.since),
        "standing": endpoint.standing.value,
        "cursor": endpoint.cursor,
        "proof": endpoint.proof,
        "per_min": endpoint.per_min,
        "asked": endpoint.asked,
        "ask_at": optional_micros(endpoint.ask_at),
        "changed_at": micros(endpoint.changed_at),
        "why": endpoint.why,
    }


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        site=SiteId(row.site),
        name=row.name,
        url=row.url,
        since=instant_at(row.since),
        standing=Standing(row.standing),
        cursor=row.cursor,
        proof=row.proof,
        per_min=row.per_min,
        asked=row.asked,
        ask_at=optional_instant_at(row.ask_at),
        changed_at=instant_at(row.changed_at),
        why=row.why,
    )


def _delivery_values(delivery: Delivery) -> dict[str, object]:
    return {
        "site": delivery.site,
        "endpoint": delivery.endpoint,
        "sequence": delivery.sequence,
        "webhook_id": delivery.webhook_id,
        "kind": delivery.kind,
        "subject": delivery.subject,
        "revision": delivery.revision,
        "deliver_by": optional_micros(delivery.deliver_by),
        "fate": delivery.fate.value,
        "attempts": delivery.attempts,
        "tries": delivery.tries,
        "anchor_at": micros(delivery.anchor_at),
        "next_at": optional_micros(delivery.next_at),
        "polite_until": optional_micros(delivery.polite_until),
        "ended_at": optional_micros(delivery.ended_at),
        "delivered_at": optional_micros(delivery.delivered_at),
        "reason": delivery.reason,
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        site=SiteId(row.site),
        endpoint=row.endpoint,
        sequence=row.sequence,
        webhook_id=row.webhook_id,
        kind=row.kind,
        subject=row.subject,
        revision=row.revision,
        deliver_by=optional_instant_at(row.deliver_by),
        fate=Fate(row.fate),
        attempts=row.attempts,
        tries=row.tries,
        anchor_at=instant_at(row.anchor_at),
        next_at=optional_instant_at(row.next_at),
        polite_until=optional_instant_at(row.polite_until),
        ended_at=optional_instant_at(row.ended_at),
        delivered_at=optional_instant_at(row.delivered_at),
        reason=row.reason,
    )
