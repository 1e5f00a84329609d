"""The reference client's subscriptions: made where the server offers them, renewed daily, looked for after an outage.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP conformance procedures CORE-018, CORE-019, ERR-002.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from lxml.etree import _Element as Element

from conformance.reference.sep2client.link import Link, RefusedError
from conformance.reference.sep2client.wire import document, local, number, text

KINDS: Final = (
    "EndDeviceList", "FunctionSetAssignmentsList", "DERProgramList", "DERControlList", "DefaultDERControl"
)  # fmt: skip
"""What this client subscribes to."""
OFFERED: Final = ("1", "3")
"""Values of ``subscribable`` by which a subscription without conditions is allowed."""
RENEW: Final = timedelta(hours=24)
REFUSED: Final = timedelta(hours=1)
"""Before a subscription that was refused is asked for again."""
UNREAD: Final = timedelta(hours=3)
"""After which a resource that is read no more is not subscribed to any more."""
LOOK_S: Final = 900
LIMIT: Final = 255
_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_FINE, _BAD, _UNKNOWN = 201, 400, 404


@dataclass(slots=True)
class Offer:
    """A resource that may be subscribed to."""

    resource: str
    """As it is linked."""
    kind: str
    read_at: datetime


@dataclass(slots=True)
class Own:
    """A subscription of ours."""

    resource: str
    href: str
    since: datetime
    """It was made, or renewed."""


class Subscriptions:
    """Knows what we are subscribed to, by the path of the resource.

    Args:
        link: To the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.uri = ""
        """Where we are told; empty: nowhere."""
        self.own: dict[str, Own] = {}
        self.wanted = True
        """False: an operator has ended all of them."""
        self._offers: dict[str, Offer] = {}
        self._not_before: dict[str, datetime] = {}
        """Resources whose subscription was refused, or ended by the server -> when they may be asked for again."""
        self._looked = False

    def offer(self, href: str, root: Element, now: datetime) -> bool:
        """Note whether what was read may be subscribed to; say whether that is news."""
        place = path(href)
        known = place in self._offers
        if root.get("subscribable") not in OFFERED:
            self._offers.pop(place, None)
            return known
        self._offers[place] = Offer(resource=href, kind=local(root), read_at=now)
        return not known

    def has(self, href: str) -> bool:
        """Say whether changes of a resource are told."""
        return path(href) in self.own

    def doubt(self) -> None:
        """Have the server's list of our subscriptions read again: it may have lost them."""
        self._looked = False

    # --- what the server is asked

    async def keep(self, place: str, now: datetime) -> int:
        """Look for, make, renew and end subscriptions.

        Args:
            place: List of our subscriptions.
            now: On our clock.

        Raises:
            LaterError: not now.
        """
        if not self._looked:
            await self._look(place, now)
            self._looked = True
        for offer in self._due(now):
            await self._make(place, offer, now)
        for own in self._stale(now):
            await self._end(own)
        return LOOK_S

    async def _look(self, place: str, now: datetime) -> None:
        try:
            _, found = await self._link.members(place, "Subscription")
        except RefusedError:
            return
        ours = [one for one in found if text(one, "notificationURI") == self.uri]
        since = {where: own.since for where, own in self.own.items()}
        self.own = {}
        for one in ours:
            resource = text(one, "subscribedResource")
            where = path(resource)
            self.own[where] = Own(resource, one.get("href", ""), since.get(where, now))

    def _due(self, now: datetime) -> list[Offer]:
        """Return what is to be subscribed to, or subscribed to once more."""
        return [
            offer
            for where, offer in list(self._offers.items())
            if self.wanted
            and now - offer.read_at < UNREAD
            and self._not_before.get(where, now) <= now
            and (where not in self.own or self.own[where].since + RENEW <= now)
        ]

    async def _make(self, place: str, offer: Offer, now: datetime) -> None:
        told = document(
            "Subscription",
            ("subscribedResource", offer.resource),
            ("encoding", 0),
            ("level", "+S1"),
            ("limit", LIMIT),
            ("notificationURI", self.uri),
        )
        where = path(offer.resource)
        try:
            href = await self._link.send("POST", place, told)
        except RefusedError:
            self._not_before[where] = now + REFUSED
            return
        self.own[where] = Own(offer.resource, href, now)

    def _stale(self, now: datetime) -> list[Own]:
        """Return the subscriptions to what is read no more, or to what nobody wants to be told of."""
        return [
            own
            for where, own in self.own.items()
            if not self.wanted or (now - own.since >= UNREAD and where not in self._read(now))
        ]

    def _read(self, now: datetime) -> set[str]:
        return {where for where, one in self._offers.items() if now - one.read_at < UNREAD}

    async def _end(self, own: Own) -> None:
        with suppress(RefusedError):
            await self._link.send("DELETE", own.href, b"")
        self.own.pop(path(own.resource), None)

    # --- what the server tells

    def take(self, told: Element, now: datetime) -> tuple[int, str]:
        """Take a notification; return the status of the answer, and the name of what is to be read again."""
        if local(told) != "Notification":
            return _BAD, ""
        own = self._by_href(text(told, "subscriptionURI"))
        if own is None:
            return _UNKNOWN, ""
        where = path(own.resource)
        kind = self._offers[where].kind if where in self._offers else ""
        if path(text(told, "subscribedResource")) != where:
            return _BAD, ""
        inside = told.find("{*}Resource")
        if inside is not None and inside.get(_XSI_TYPE, "").rpartition(":")[2] != kind:
            return _BAD, ""
        if number(told, "status"):
            del self.own[where]
            self._not_before[where] = now + RENEW
        return _FINE, kind

    def _by_href(self, href: str) -> Own | None:
        found = (own for own in self.own.values() if path(own.href) == path(href))
        return next(found, None)


def path(href: str) -> str:
    """Return what of an address names a resource."""
    return urlsplit(href).path
