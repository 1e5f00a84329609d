"""Resources as bytes: links with their counts, lists page by page, written once until something in them changes.

Spec: IEEE 2030.5-2018 clause 4.6.2 (paging), 4.7 (members carry their address).
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.server.asking import Page, page_of
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.kinds import LISTS, Listing
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, RefusedError
from gateway.protocols.sep2.server.tongues import Tongues

MOST_WRITTEN: Final = 30_000
"""Answers that are kept written."""
LARGEST_WRITTEN: Final = 1 << 16
"""Bytes of one that is kept."""
_LINKS: Final[dict[type[object], tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True)
class _Written:
    """An answer, good while nothing in it has changed."""

    body: bytes
    stamps: tuple[tuple[str, int], ...]
    since: int
    until: int | None
    """Second in which an event in it stands differently."""


@dataclass(slots=True, kw_only=True)
class _Sight:
    """What one answer was made of."""

    peer: str
    now: int
    seen: set[str]
    until: int | None = None

    def changes_at(self, at: int | None) -> None:
        if at is not None and (self.until is None or at < self.until):
            self.until = at


class Teller:
    """Writes what peers ask for.

    Args:
        book: What is kept.
        options: Of the utility.
    """

    def __init__(self, book: Book, options: ServerOptions) -> None:
        self._book = book
        self.tongues = Tongues(options)
        self._options = options
        self._written: OrderedDict[tuple[str, str, str, bool], _Written] = OrderedDict()

    def tell(self, peer: str, one: Kept, query: str, now: datetime) -> bytes:
        """Return a resource as a peer sees it.

        Raises:
            RefusedError: 400 for a query that cannot be read, 404 when nothing stands there.
        """
        flavour = self.tongues.of(peer)
        if isinstance(one.value, sep.Time):
            return encode(_told_at(one.value, int(now.timestamp())), flavour)
        at = int(now.timestamp())
        # What a group shares looks the same to each of its members.
        key = ("" if one.scope else peer, one.href, query, flavour.old)
        found = self._written.get(key)
        if found is not None and self._good(found, at):
            return found.body
        sight = _Sight(peer=peer, now=at, seen={one.href})
        body = encode(self.shown(one, page_of(query), sight), flavour)
        if len(body) <= LARGEST_WRITTEN:
            self._keep(key, body, sight)
        return body

    def shown_now(self, peer: str, one: Kept, page: Page, now: datetime) -> sep.Resource:
        """Return a resource as a peer sees it, as a value.

        Raises:
            RefusedError: 404 when nothing stands there.
        """
        return self.shown(one, page, _Sight(peer=peer, now=int(now.timestamp()), seen=set()))

    def _good(self, found: _Written, now: int) -> bool:
        if now < found.since or (found.until is not None and now >= found.until):
            return False
        stamp = self._book.stamp
        return all(stamp(href) == number for href, number in found.stamps)

    def _keep(self, key: tuple[str, str, str, bool], body: bytes, sight: _Sight) -> None:
        stamps = tuple((href, self._book.stamp(href)) for href in sight.seen)
        self._written[key] = _Written(body, stamps, sight.now, sight.until)
        if len(self._written) > MOST_WRITTEN:
            self._written.popitem(last=False)

    def shown(self, one: Kept, page: Page, sight: _Sight) -> sep.Resource:
        """Return a resource as it stands, its links counted, of a list the part that is asked for."""
        listing = LISTS.get(one.kind)
        if listing is not None and one.value is not None:
            return self._list(one, listing, page, sight)
        found = self._book.standing(one, sight.now)
        if found is None:
            raise RefusedError(404)
        if one.place and isinstance(found, sep.Event):
            sight.seen.update(self._siblings(one))
            sight.changes_at(self._book.course(one).next_change(sight.now))
        return self._counted(found, sight)

    def _siblings(self, one: Kept) -> list[str]:
        """Return the stamps of the other events of a list, on which the status of each depends."""
        place = self._book.entry(one.place)
        return [] if place is None else self._book.marks("", place)

    def _list(self, one: Kept, listing: Listing, page: Page, sight: _Sight) -> sep.Resource:
        members = self._members(one, sight)
        total = len(members)
        if page.after is not None and listing.time is not None:
            time, after = listing.time, page.after
            members = [member for member in members if time(member) > after]
        end = page.start + min(page.limit, self._options.most_members)
        part = tuple(self._counted(member, sight) for member in members[page.start : end])
        told: dict[str, Any] = {listing.field: part, "all": total, "results": len(part)}
        if not self._options.subscriptions:
            told |= _unsubscribed(one.value)
        return replace(one.value, **told)  # type: ignore[type-var,return-value] # a list, by its kind

    def _members(self, one: Kept, sight: _Sight) -> list[Any]:
        sight.seen.add(one.href)
        sight.seen.update(self._book.marks(sight.peer, one))
        sight.changes_at(self._book.next_change(one, sight.now))
        return self._book.members(sight.peer, one, sight.now)

    def _counted(self, found: sep.Resource, sight: _Sight) -> sep.Resource:
        """Tell in each link to a list how many members are in it."""
        told: dict[str, Any] = {}
        if found.href:
            sight.seen.add(found.href)
        for name in _links(type(found)):
            link: sep.ListLink | None = getattr(found, name)
            place = self._book.entry(link.href) if link is not None else None
            if link is not None and place is not None:
                told[name] = replace(link, all=len(self._members(place, sight)))
        if not self._options.subscriptions:
            told |= _unsubscribed(found)
        return replace(found, **told) if told else found


def _told_at(kept: sep.Time, now: int) -> sep.Time:
    """Return a Time as it is told; what is kept as its ``currentTime`` is how far it runs ahead of the clock."""
    current = now + kept.current_time
    summer = kept.dst_start_time <= current < kept.dst_end_time
    local = current + kept.tz_offset + (kept.dst_offset if summer else 0)
    return replace(kept, current_time=current, local_time=local)


def _unsubscribed(found: object) -> dict[str, None]:
    """Return what a resource does not tell where nothing can be subscribed to."""
    names = ("subscribable", "subscription_list_link")
    return {name: None for name in names if getattr(found, name, None) is not None}


def _links(kind: type[sep.Resource]) -> tuple[str, ...]:
    found = _LINKS.get(kind)
    if found is None:
        names = kind.__dataclass_fields__
        found = _LINKS[kind] = tuple(name for name in names if name.endswith("_list_link"))
    return found
