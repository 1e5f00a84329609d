"""Subscriptions: checked when they come, told of what changes, ended when there is nothing left to tell.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP CORE-018, CORE-019, ERR-002; CSIP-AUS S-ALL-25, S-ALL-26, S-ALL-46.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from gateway.domain.errors import MisuseError
from gateway.domain.ports import Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import MAX_BYTES, encode
from gateway.protocols.sep2.server.asking import Page
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.deliveries import endpoint
from gateway.protocols.sep2.server.kinds import LISTS
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Answer, Delivery, Kept, RefusedError, Turn
from gateway.protocols.sep2.server.telling import Teller
from gateway.protocols.sep2.server.watching import CANCELLED, MOVED, Watch
from gateway.protocols.sep2.tables import Edition

LONGEST_URI: Final = 1024
_XML: Final = 0
_VALUES: Final = 1
_NO_ROOM: Final = 2
_CONDITION: Final = 3
_PRINTED: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")
_LEVELS: Final = {
    Edition.Y2018: re.compile(r"[+-]?S1", re.IGNORECASE),
    Edition.Y2023: re.compile(r"[+-]?S[12]", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification on its way."""

    subscription: str
    owner: str
    uri: str
    body: bytes
    told: str
    """Digest of what it tells."""
    ending: bool = False
    """It is the last one."""


class Subscribers:
    """Keeps the subscriptions of a utility.

    Args:
        book: What is kept.
        options: Of the utility.
        ids: For addresses.
        teller: Shows resources.
    """

    def __init__(self, book: Book, options: ServerOptions, ids: Ids, teller: Teller) -> None:
        self._book = book
        self._options = options
        self._ids = ids
        self._teller = teller
        self.watch = Watch(book)

    # --- what subscribers do

    def post(self, turn: Turn, place: Kept, told: sep.Subscription) -> None:
        """Take a subscription; one of the same resource and address is renewed (S-ALL-26).

        Raises:
            RefusedError: 400 with the reason code 3 for a condition, 1 for a resource that cannot be subscribed to, an
                encoding, level or address that is none of ours; 413 when there are too many.
        """
        one = self._check(place.scope, told)
        known = self._book.deliveries.wished(place.scope, one.href, told.notification_uri)
        other = self._book.entry(known)
        if other is not None:
            self._keep(turn, other, told, one)
            turn.answer = Answer(status=204, location=other.href)
            return
        alike = self._book.deliveries.alike(place.scope, one.href)
        whole = self._book.deliveries.count(place.scope)
        if alike >= self._options.most_alike or whole >= self._options.most_subscriptions:
            raise RefusedError(413, _NO_ROOM)
        self._check_endpoint(place.scope, told)
        href = f"{place.href}/{self._ids.token()}"
        made = Kept(
            href=href,
            kind=sep.Subscription,
            place=place.href,
            scope=place.scope,
            value=None,
            at=turn.at,
        )
        self._keep(turn, made, told, one)
        turn.answer = Answer(status=201, location=href)

    def put(self, turn: Turn, subscription: Kept, told: sep.Subscription) -> None:
        """Change where notifications go, or how much they hold; what is subscribed to stays.

        Raises:
            RefusedError: as ``post``.
        """
        old = subscription.value
        one = self._check(subscription.scope, told)
        if not isinstance(old, sep.Subscription) or _path(old) != _path(told):
            raise RefusedError(400, _VALUES)
        if endpoint(old.notification_uri) != endpoint(told.notification_uri):
            self._check_endpoint(subscription.scope, told)
        self._keep(turn, subscription, told, one)
        turn.answer = Answer(status=204)

    def _check(self, owner: str, told: sep.Subscription) -> Kept:
        options = self._options
        if told.condition is not None:
            raise RefusedError(400, _CONDITION)
        level = _LEVELS[options.flavour.edition].fullmatch(told.level.strip())
        if told.encoding != _XML or level is None:
            raise RefusedError(400, _VALUES)
        host = _host(told.notification_uri)
        if not host or (options.notify_hosts and host not in options.notify_hosts):
            raise RefusedError(400, _VALUES)
        one = self.watch.resource_of(told.subscribed_resource)
        if one is None or not self._book.sees(owner, one) or not self.watch.allowed(one):
            raise RefusedError(400, _VALUES)
        return one

    def _check_endpoint(self, owner: str, told: sep.Subscription) -> None:
        known = self._book.deliveries.endpoints(owner)
        fresh = endpoint(told.notification_uri)
        if fresh not in known and len(known) >= self._options.most_endpoints:
            raise RefusedError(413, _NO_ROOM)

    def _keep(self, turn: Turn, kept: Kept, told: sep.Subscription, one: Kept) -> None:
        value = replace(told, href=kept.href)
        turn.keep(replace(kept, value=value))
        before = self._book.deliveries.get(kept.href)
        view = self.watch.view(kept.scope, one, int(turn.at.timestamp()))
        turn.deliveries[kept.href] = Delivery(
            subscription=kept.href,
            owner=kept.scope,
            resource=told.subscribed_resource,
            uri=told.notification_uri,
            # What it was not told yet stays owed: whoever renews has not looked.
            told=view.digest if before is None else before.told,
            renewed_at=turn.at,
            failing_since=None if before is None else before.failing_since,
        )

    # --- what they are told

    def look(self, now: datetime) -> None:
        """Find out who has to be told something, and which subscriptions have ended."""
        self.watch.look(int(now.timestamp()))

    def settle(self, now: datetime) -> Turn:
        """End the subscriptions whose resource is gone, or out of reach: their subscribers are told so once."""
        turn = Turn(at=now)
        for href, status in self.watch.ended.items():
            delivery = self._book.deliveries.get(href)
            turn.kept[href] = None
            turn.deliveries[href] = None
            if delivery is not None and status and not delivery.ending:
                turn.deliveries[href] = replace(delivery, ending=status)
        self.watch.ended.clear()
        return turn

    def notice(self, href: str, now: datetime, origin: str) -> Notice | None:
        """Return what a subscriber has to be told now; None: nothing.

        Args:
            href: The subscription.
            now: Current instant.
            origin: ``https://host:port`` of this server, for addresses that have to be whole.
        """
        delivery = self._book.deliveries.get(href)
        if delivery is None:
            return None
        resource, told = None, delivery.told
        if not delivery.ending:
            one, kept = self.watch.resource_of(delivery.resource), self._book.entry(href)
            if one is None or kept is None or not isinstance(kept.value, sep.Subscription):
                return None
            told = self.watch.view(delivery.owner, one, int(now.timestamp())).digest
            if told == delivery.told:
                return None
            return self._fitting(delivery, kept.value, one, told, now, origin)
        return self._notice(delivery, resource, told, now, origin)

    def _fitting(
        self,
        delivery: Delivery,
        wanted: sep.Subscription,
        one: Kept,
        told: str,
        now: datetime,
        origin: str,
    ) -> Notice | None:
        """Return a notification with as much of the resource as was asked for, and as a document may hold."""
        limit = min(wanted.limit, self._options.most_members)
        while True:
            resource = None
            if limit or one.kind in LISTS:
                try:
                    page = Page(limit=limit)
                    resource = self._teller.shown_now(delivery.owner, one, page, now)
                except RefusedError:
                    return None  # it is gone: the next look ends the subscription
            found = self._notice(delivery, resource, told, now, origin)
            if len(found.body) <= MAX_BYTES or not limit:
                return found
            limit //= 2

    def _notice(
        self,
        delivery: Delivery,
        resource: sep.Resource | None,
        told: str,
        now: datetime,
        origin: str,
    ) -> Notice:
        flavour = self._teller.tongues.of(delivery.owner)
        dated = flavour.edition is Edition.Y2023
        document = sep.Notification(
            subscribed_resource=delivery.resource,
            created_date_time=int(now.timestamp()) if dated else None,
            new_resource_uri=delivery.moved_to or None,
            resource=resource,
            status=delivery.ending,
            subscription_uri=origin + delivery.subscription,
        )
        body = encode(document, flavour)
        return Notice(
            subscription=delivery.subscription,
            owner=delivery.owner,
            uri=delivery.uri,
            # What ends is told under the address that its subscriber knows.
            body=body if delivery.ending else self._book.moves.outward(body),
            told=told,
            ending=bool(delivery.ending),
        )

    # --- what became of it

    def delivered(self, notice: Notice, now: datetime) -> Turn:
        """Note that a subscriber was told, or that it would refuse the same thing again."""
        turn = Turn(at=now)
        delivery = self._book.deliveries.get(notice.subscription)
        if delivery is None:
            return turn
        # A subscription that ended while its notification was under way still has to be told so.
        if delivery.ending and notice.ending:
            turn.deliveries[notice.subscription] = None
        else:
            found = replace(delivery, told=notice.told, failing_since=None)
            turn.deliveries[notice.subscription] = found
        return turn

    def failed(self, notice: Notice, now: datetime) -> Turn:
        """Note that nothing could be delivered; a subscription that nobody answers for long ends."""
        turn = Turn(at=now)
        delivery = self._book.deliveries.get(notice.subscription)
        if delivery is None:
            return turn
        since = delivery.failing_since
        patience = timedelta(seconds=self._options.silent_after)
        if since is None:
            turn.deliveries[notice.subscription] = replace(delivery, failing_since=now)
        elif now - max(since, delivery.renewed_at) >= patience:
            return self.drop(notice.subscription, now)
        return turn

    def drop(self, href: str, now: datetime) -> Turn:
        """Forget a subscription without a word: its subscriber is gone, or does not know it."""
        turn = Turn(at=now)
        turn.kept[href] = None
        turn.deliveries[href] = None
        return turn

    def end(self, href: str, now: datetime, status: int = CANCELLED, moved_to: str = "") -> Turn:
        """End a subscription as an operator wishes; its subscriber is told.

        Args:
            href: Its address.
            now: Current instant.
            status: Of the notification, 1 to 4.
            moved_to: Where the resource stands now, whole; with status 2 alone.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        delivery = self._book.deliveries.get(href)
        if delivery is None or delivery.ending:
            raise MisuseError("UNKNOWN_RESOURCE", "no subscription stands there")
        if bool(moved_to) != (status == MOVED) or (moved_to and not _host(moved_to)):
            raise MisuseError(
                "BAD_RESOURCE", "the new address, whole and https, belongs to status 2"
            )
        turn = Turn(at=now, told=href)
        turn.kept[href] = None
        turn.deliveries[href] = replace(delivery, ending=status, moved_to=moved_to)
        return turn


def _path(one: sep.Subscription) -> str:
    return urlsplit(one.subscribed_resource).path


def _host(uri: str) -> str:
    """Return the host of an address that notifications may go to; empty: it is none."""
    if len(uri) > LONGEST_URI or not _PRINTED.fullmatch(uri) or "\\" in uri:
        return ""
    try:
        parts = urlsplit(uri)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or "@" in parts.netloc or parts.fragment:
        return ""
    return host if _HOST.fullmatch(host) else ""
