"""What is remembered about pushing a site's stream to its own endpoints: how far each is, and every attempt."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from gateway.domain.names import SiteId
from gateway.pipeline.records import OutboxItem


class Standing(StrEnum):
    """Whether an endpoint is delivered to."""

    NEW = "new"
    """It has not said yet that it wants deliveries."""
    READY = "ready"
    DISABLED = "disabled"
    """It said that it is gone; tried again only while an intent of its site is live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How far one endpoint of one site is; a row, so that no restart loses its place."""

    site: SiteId
    name: str
    url: str
    """The address that the standing is about; another one begins anew."""
    since: datetime
    """Known from then on; what was too late by then was never meant for it."""
    standing: Standing = Standing.NEW
    cursor: int = 0
    """All up to here is settled, or waits beside the line."""
    proof: str = ""
    """How it said that it wants deliveries: ``origin`` or ``challenge``."""
    per_min: int = 0
    """Deliveries a minute that it allows; 0: as many as come."""
    asked: int = 0
    """Times that it was asked in vain since the last success."""
    ask_at: datetime | None = None
    """Not asked again before; None: at once."""
    changed_at: datetime
    why: str = ""
    """Last reason of its standing."""


class Fate(StrEnum):
    """What became of one document at one endpoint."""

    WAITING = "waiting"
    """Tried, and not there yet; at the head of the line."""
    ASIDE = "aside"
    """Waits beside the line: it failed by itself, or is sent once more; holds nobody up."""
    DELIVERED = "delivered"
    """Answered with 2xx; that is no acknowledgement."""
    SUPERSEDED = "superseded"
    """A newer revision took its place."""
    DEAD = "dead"
    """A dead letter: kept, listed, never sent again by itself."""


SETTLED: Final = frozenset({Fate.DELIVERED, Fate.SUPERSEDED, Fate.DEAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document at one endpoint, from its first attempt on or from when it died without one."""

    site: SiteId
    endpoint: str
    sequence: int
    webhook_id: str
    kind: str
    subject: str
    revision: int
    deliver_by: datetime | None
    fate: Fate = Fate.WAITING
    attempts: int = 0
    tries: int = 0
    """Place in the schedule."""
    anchor_at: datetime
    """The schedule counts from here."""
    next_at: datetime | None = None
    """Not tried before."""
    polite_until: datetime | None = None
    """The endpoint asked to be left alone until then."""
    ended_at: datetime | None = None
    delivered_at: datetime | None = None
    """First answer with 2xx; kept when it is sent once more."""
    reason: str = ""
    """Outcome of the last attempt, or why it died."""

    @property
    def key(self) -> str:
        """How people name it: site, endpoint and place in the stream."""
        return f"{self.site}/{self.endpoint}/{self.sequence}"


def died(delivery: Delivery, at: datetime, reason: str) -> Delivery:
    """Return a delivery that is given up: a dead letter, unless an earlier attempt had reached the endpoint."""
    fate = Fate.DEAD if delivery.delivered_at is None else Fate.DELIVERED
    return replace(delivery, fate=fate, next_at=None, ended_at=at, reason=reason)


def afresh(delivery: Delivery, fate: Fate = Fate.WAITING) -> Delivery:
    """Return a delivery that is to be made once more, from the start of its schedule."""
    return replace(
        delivery, fate=fate, tries=0, next_at=None, polite_until=None, ended_at=None, reason=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt; written down before it is made, completed after."""

    site: SiteId
    endpoint: str
    sequence: int
    """0: no document, but a question or a test."""
    webhook_id: str
    at: datetime
    outcome: str = "unknown"
    """``unknown``: the gateway ended in between; the endpoint may have it."""
    status: int | None = None
    duration: timedelta | None = None
    answer: bytes = b""
    """Its first 2 KiB."""
    detail: str = ""
    number: int = 0
    """Counts all attempts; given by the store."""


class Deliveries(Protocol):
    """Endpoints, documents on their way to them, attempts."""

    def endpoint(self, site: SiteId, name: str) -> Endpoint | None:
        """Return what is known of an endpoint; a row that does not fit its digest counts as none, with an alarm.

        That sends again what was sent before, under the same ids: receivers know it.
        """
        ...

    def put_endpoint(self, endpoint: Endpoint) -> None:
        """Insert or replace."""
        ...

    def get(self, site: SiteId, endpoint: str, sequence: int) -> Delivery | None:
        """Return one document's fate; None: never tried."""
        ...

    def put(self, delivery: Delivery) -> None:
        """Insert or replace."""
        ...

    def aside(self, site: SiteId, endpoint: str) -> tuple[Delivery, ...]:
        """Return what waits beside the line, in order of the stream."""
        ...

    def listed(
        self,
        *,
        site: SiteId | None = None,
        endpoint: str | None = None,
        fates: Collection[Fate] = (),
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Return documents' fates, newest in the stream first; empty ``fates``: all."""
        ...

    def delivered(self, site: SiteId, endpoint: str, after: int) -> tuple[Delivery, ...]:
        """Return what was delivered after a place of the stream."""
        ...

    def superseded(self, item: OutboxItem) -> bool:
        """Say whether a newer revision of the same subject was queued."""
        ...

    def overdue(
        self, site: SiteId, endpoint: str, cursor: int, now: datetime
    ) -> tuple[OutboxItem, ...]:
        """Return unsettled documents behind a cursor whose ``deliver_by`` has passed, a hundred at most."""
        ...

    def next_deadline(self, site: SiteId, cursor: int, now: datetime) -> datetime | None:
        """Return the next ``deliver_by`` behind a cursor."""
        ...

    def begin(self, attempt: Attempt) -> int:
        """Write down that an attempt is about to be made; return its number."""
        ...

    def end(self, attempt: Attempt) -> None:
        """Complete it, by its number."""
        ...

    def attempts(
        self, site: SiteId, endpoint: str, *, before: int | None = None, limit: int = 100
    ) -> tuple[Attempt, ...]:
        """Return attempts, newest first; ``before``: older than this number."""
        ...
