"""Which subscribers have to be told something: what each would find now, compared with what it was told last.

Nothing is queued: a change, a restart, an hour in which nobody could be reached all end the same way, in a subscription
whose digest differs from the one that its subscriber was told. Only subscriptions are looked at whose resource was
touched, or whose events stand differently by the hour.

Spec: IEEE 2030.5-2018 clause 8.9 (subscription and notification); CSIP CORE-019 (a change is told for the resource that
changed and not for what leads to it: counts in links tell nothing).
"""

import hashlib
import heapq
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode_all
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.kinds import LISTS
from gateway.protocols.sep2.server.records import Delivery, Kept

CANCELLED: Final = 1
"""Status of a notification: the subscription ends, and nothing is said about why."""
MOVED: Final = 2
DELETED: Final = 4
_ALONE: Final = frozenset({1, 3})
"""Values of ``subscribable`` that allow a subscription without a condition."""


@dataclass(frozen=True, slots=True)
class View:
    """What a subscriber would find."""

    digest: str
    seen: frozenset[str]
    """Stamps on which it depends."""
    until: int | None
    """Second in which it is another by itself."""


class Watch:
    """Looks at resources through the eyes of their subscribers.

    Args:
        book: What is kept.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._digests: dict[str, tuple[int, str]] = {}
        """Address -> (stamp, digest) of what is kept there."""
        self._seen: dict[str, frozenset[str]] = {}
        self._by_stamp: dict[str, set[str]] = {}
        self._later: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}
        """Subscription -> its newest entry in ``_later``."""
        self._shifts = -1
        self.waiting: dict[str, None] = {}
        """Addresses of subscriptions whose subscriber has to be told something, in the order in which it came up."""
        self.fresh: dict[str, None] = {}
        """Those of ``waiting`` that were looked at since somebody emptied this."""
        self.ended: dict[str, int] = {}
        """Subscriptions of which nothing is left to look at -> status that says so."""

    def resource_of(self, told: str) -> Kept | None:
        """Return what an address in a subscription means; its query is ignored, as clause 8.9 says."""
        return self._book.entry(self._book.moves.inner(urlsplit(told).path))

    def allowed(self, one: Kept) -> bool:
        """Say whether something may be subscribed to."""
        return getattr(one.value, "subscribable", None) in _ALONE

    def look(self, now: int) -> None:
        """Find out what has changed since the last time."""
        book = self._book
        touched, book.touched = book.touched, set()
        found = {href for name in touched for href in self._by_stamp.get(name, ())}
        mine = (book.deliveries, self._seen, self.waiting)
        found |= {name for name in touched if any(name in those for those in mine)}
        if self._shifts != book.shifts:
            self._shifts = book.shifts
            found |= {one.subscription for one in book.deliveries if self._lost(one)}
        while self._later and self._later[0][0] <= now:
            at, href = heapq.heappop(self._later)
            if self._due.get(href) == at:
                del self._due[href]
                found.add(href)
        for href in sorted(found):
            self._assess(href, now)
        for name in touched & self._digests.keys():
            if book.entry(name) is None:
                del self._digests[name]

    def _lost(self, delivery: Delivery) -> bool:
        """Say whether a subscriber does not reach its resource any more."""
        one = self.resource_of(delivery.resource)
        return one is None or not self._book.sees(delivery.owner, one)

    def next_at(self) -> int | None:
        """Return the next second in which something changes by itself."""
        while self._later and self._due.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def _assess(self, href: str, now: int) -> None:
        delivery = self._book.deliveries.get(href)
        if delivery is None or delivery.ending or self._book.entry(href) is None:
            self._forget(href)
            self.waiting.pop(href, None)
            if delivery is not None and delivery.ending:
                self.waiting[href] = self.fresh[href] = None
            elif delivery is not None:
                self.ended[href] = 0
            return
        one = self.resource_of(delivery.resource)
        if one is None or not self._book.sees(delivery.owner, one) or not self.allowed(one):
            self.ended[href] = DELETED if one is None else CANCELLED
            return
        self.ended.pop(href, None)
        view = self.view(delivery.owner, one, now)
        self._remember(href, view)
        if view.digest == delivery.told:
            self.waiting.pop(href, None)
        else:
            self.waiting[href] = self.fresh[href] = None

    def _remember(self, href: str, view: View) -> None:
        before = self._seen.get(href, frozenset())
        for name in before - view.seen:
            self._unlink(name, href)
        for name in view.seen - before:
            self._by_stamp.setdefault(name, set()).add(href)
        self._seen[href] = view.seen
        if view.until is None:
            self._due.pop(href, None)
        elif self._due.get(href) != view.until:
            self._due[href] = view.until
            heapq.heappush(self._later, (view.until, href))

    def _forget(self, href: str) -> None:
        self._due.pop(href, None)
        for name in self._seen.pop(href, frozenset()):
            self._unlink(name, href)

    def _unlink(self, name: str, href: str) -> None:
        there = self._by_stamp.get(name)
        if there is not None:
            there.discard(href)
            if not there:
                del self._by_stamp[name]

    # --- what is found

    def view(self, peer: str, one: Kept, now: int) -> View:
        """Return what a peer finds at a resource, as far as it is the resource's own."""
        if one.kind not in LISTS:
            return View(self._digest(one), frozenset({one.href}), None)
        whole = hashlib.sha256(self._digest(one).encode())
        for member in self._book.members(peer, one, now):
            whole.update(self._of_member(member).encode())
        seen = frozenset({one.href, *self._book.marks(peer, one)})
        return View(whole.hexdigest(), seen, self._book.next_change(one, now))

    def _of_member(self, member: Any) -> str:
        """Return the digest of a member; of an event also where it stands.

        ``Any``: of the kind of the list.
        """
        kept = self._book.entry(member.href)
        own = self._digest(kept) if kept is not None else member.href
        if isinstance(member, sep.Event):
            status = member.event_status
            own += f"/{status.current_status}/{status.potentially_superseded}"
        return f"{own};"

    def _digest(self, one: Kept) -> str:
        stamp = self._book.stamp(one.href)
        found = self._digests.get(one.href)
        if found is None or found[0] != stamp:
            body = b"" if one.value is None else encode_all(one.value)
            found = (stamp, hashlib.sha256(one.href.encode() + body).hexdigest())
            self._digests[one.href] = found
        return found[1]
