"""Where one endpoint stands in its site's stream, and what is to be done next: one look at the store, nothing kept.

The outbox is the queue. A document leaves the line when it was delivered, when a newer revision took its place, or when
it is too late; only a document that fails by itself is put beside the line, so that it holds nobody up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.names import SiteId
from gateway.pipeline.deliveries import SETTLED, Delivery, Endpoint, Fate, Standing, died
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.southbound.webhook.payload import last_instant, webhook_id

PAGE: Final = 100
MOST_STEPS: Final = 1000
"""Documents passed in one look; the rest follows in the next one."""
RECHECK: Final = timedelta(seconds=60)
_INSTANT: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Which endpoint, as configured."""

    site: SiteId
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A document to be delivered, and when it may be tried."""

    item: OutboxItem
    delivery: Delivery
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one look found."""

    endpoint: Endpoint
    settle: tuple[Delivery, ...]
    """To be written down before anything else."""
    moved: bool
    """The endpoint's row must be written too."""
    due: Due | None
    """What is to be tried first."""
    asks: bool
    """Something is waiting, or new: the endpoint may be asked whether it wants deliveries."""
    idle: bool
    """Disabled, and no intent of the site is live: nothing is tried."""
    newest_at: datetime | None
    wake_at: datetime
    """Look again then, if nothing rings before and nothing is due: something will be too late. Always to come."""
    more: bool
    """Look again at once: there was too much for one look."""

    @property
    def dead(self) -> tuple[Delivery, ...]:
        """New dead letters."""
        return tuple(one for one in self.settle if one.fate is Fate.DEAD)


def known_endpoint(work: Work, spot: Spot, now: datetime) -> Endpoint:
    """Return what is known of an endpoint; one with another address has to be asked anew, from where it stood."""
    found = work.deliveries.endpoint(spot.site, spot.name)
    if found is None:
        return Endpoint(site=spot.site, name=spot.name, url=spot.url, since=now, changed_at=now)
    if found.url != spot.url:
        return replace(
            found,
            url=spot.url,
            standing=Standing.NEW,
            proof="",
            per_min=0,
            asked=0,
            ask_at=None,
            changed_at=now,
            why="",
        )
    return found


@dataclass
class _Walk:
    """One pass along the line."""

    work: Work
    endpoint: Endpoint
    now: datetime

    def __post_init__(self) -> None:
        self.cursor = self.endpoint.cursor
        self.settle: list[Delivery] = []
        self.head: OutboxItem | None = None
        self.more = False

    def to_the_head(self) -> None:
        """Pass whatever is settled; stop at the first document that is not."""
        steps = 0
        while steps < MOST_STEPS:
            page = self.work.outbox.after(self.endpoint.site, self.cursor, PAGE)
            for item in page:
                if not self._passed(item):
                    self.head = item
                    return
                self.cursor = item.sequence
                steps += 1
            if len(page) < PAGE:
                return
        self.more = True

    def _passed(self, item: OutboxItem) -> bool:
        known = self.fate(item)
        if known is not None and (known.fate in SETTLED or known.fate is Fate.ASIDE):
            return True
        return self._closed(item, known)

    def _closed(self, item: OutboxItem, known: Delivery | None) -> bool:
        """Settle a document that must not be sent any more."""
        if self.work.deliveries.superseded(item):
            if known is not None:
                self._superseded(known)
            return True
        end = last_instant(item)
        if end is None or end >= self.now:
            return False
        if end >= self.endpoint.since:
            self._died(known or self.fresh(item), self._why(known))
        return True

    def overdue(self) -> None:
        """Find what became too late behind the head."""
        endpoint = self.endpoint
        late = self.work.deliveries.overdue(endpoint.site, endpoint.name, self.cursor, self.now)
        done = {one.sequence for one in self.settle}
        for item in late:
            if item.sequence in done:
                continue
            known = self.fate(item) or self.fresh(item)
            before_its_time = item.deliver_by is not None and item.deliver_by < endpoint.since
            if before_its_time or self.work.deliveries.superseded(item):
                self._superseded(known)
            else:
                self._died(known, self._why(known))
        self.more = self.more or len(late) == PAGE

    def beside(self) -> Iterator[Due]:
        """Yield what waits beside the line, without what is settled by now."""
        for known in self.work.deliveries.aside(self.endpoint.site, self.endpoint.name):
            found = self.work.outbox.after(known.site, known.sequence - 1, 1)
            if not found or found[0].sequence != known.sequence:
                self._died(known, "NOT_KEPT")
            elif not self._closed(found[0], known):
                at = max(known.next_at or self.now, known.polite_until or self.now)
                yield Due(item=found[0], delivery=known, at=at)

    def fate(self, item: OutboxItem) -> Delivery | None:
        """Return what is known of a document here."""
        return self.work.deliveries.get(item.site, self.endpoint.name, item.sequence)

    def fresh(self, item: OutboxItem) -> Delivery:
        """Return the first row of a document here."""
        return Delivery(
            site=item.site,
            endpoint=self.endpoint.name,
            sequence=item.sequence,
            webhook_id=webhook_id(item),
            kind=item.kind,
            subject=item.subject,
            revision=item.revision,
            deliver_by=last_instant(item),
            anchor_at=self.now,
        )

    def _why(self, known: Delivery | None) -> str:
        if known is not None and known.reason:
            return known.reason
        words = {Standing.NEW: "NOT_WANTED_YET", Standing.DISABLED: "DISABLED"}
        return words.get(self.endpoint.standing, "NOT_TRIED")

    def _superseded(self, known: Delivery) -> None:
        settled = replace(known, fate=Fate.SUPERSEDED, next_at=None, ended_at=self.now)
        self.settle.append(settled)

    def _died(self, known: Delivery, reason: str) -> None:
        self.settle.append(died(known, self.now, reason))


def look(work: Work, spot: Spot, now: datetime) -> View:
    """Look along the line of one endpoint.

    Args:
        work: A transaction that may be one of reading only: nothing is written here.
        spot: Which endpoint.
        now: Decides what is due, and what is too late.
    """
    known = work.deliveries.endpoint(spot.site, spot.name)
    walk = _Walk(work, known_endpoint(work, spot, now), now)
    walk.to_the_head()
    walk.overdue()
    newest_at = _newest_at(work, spot.site)
    dues = list(walk.beside())
    if walk.head is not None:
        dues.append(_head(walk, walk.head, newest_at))
    endpoint = replace(walk.endpoint, cursor=walk.cursor)
    idle = endpoint.standing is Standing.DISABLED and not work.intents.of_site(spot.site)
    first = min(dues, key=lambda due: due.at, default=None)
    deadline = work.deliveries.next_deadline(spot.site, walk.cursor, now)
    wakes = [now + RECHECK, *([deadline + _INSTANT] if deadline else [])]
    return View(
        endpoint=endpoint,
        settle=tuple(walk.settle),
        moved=endpoint != known,
        due=None if idle else first,
        asks=endpoint.standing is Standing.NEW,
        idle=idle,
        newest_at=newest_at,
        wake_at=min(wakes),
        more=walk.more,
    )


def _newest_at(work: Work, site: SiteId) -> datetime | None:
    newest = work.outbox.newest_sequence(site)
    found = work.outbox.after(site, newest - 1, 1)
    return found[0].created_at if found else None


def _head(walk: _Walk, item: OutboxItem, newest_at: datetime | None) -> Due:
    """Return the head of the line; something new behind it starts its schedule anew."""
    known = walk.fate(item)
    if known is None:
        return Due(item=item, delivery=walk.fresh(item), at=walk.now)
    if newest_at is not None and newest_at > known.anchor_at:
        at = max(known.polite_until or walk.now, walk.now)
        return Due(item=item, delivery=replace(known, tries=0, anchor_at=walk.now), at=at)
    return Due(item=item, delivery=known, at=known.next_at or walk.now)


def write_down(work: Work, view: View) -> None:
    """Store what a look found, in the transaction that looked."""
    for delivery in view.settle:
        work.deliveries.put(delivery)
    if view.moved:
        work.deliveries.put_endpoint(view.endpoint)
