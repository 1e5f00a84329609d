"""A subscription of ours: what is asked for, and the list in which the server has it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.domain.errors import WireError
from gateway.protocols.actions import Message
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import decode

MOST: Final = 20_000
PAGE: Final = 100
"""Members of the list that are asked for at once."""
_OK: Final = 200
_XML: Final = 0


@dataclass(slots=True, kw_only=True)
class Own:
    """One subscription of ours."""

    href: str
    """Where the server put it; empty: it did not say."""
    since: datetime
    """When we came to know it, or the server last took it."""
    known: tuple[sep.Resource, ...] | None = None
    """What its resource held when it was last read or told; None: it was not since the subscription was made."""
    trusted: bool = True
    """False: a poll found what should have been told."""
    hinted_at: datetime | None = None
    """When a notification last had it read: what is found soon after was told."""


def wish(href: str, options: Sep2Options) -> sep.Subscription:
    """Return the subscription to ask for.

    Args:
        href: Address of the resource, whole.
        options: Of the utility.
    """
    served = urlsplit(href)._replace(scheme="", netloc="", fragment="").geturl()
    return sep.Subscription(
        subscribed_resource=served,
        encoding=_XML,
        level="+S1" if options.edition == "2018" else "+S2",
        limit=options.list_limit,
        notification_uri=options.notify_url,
    )


@dataclass(slots=True, kw_only=True)
class OwnList:
    """The list of our subscriptions, being read page by page."""

    old_namespace: bool
    rate: timedelta = timedelta(0)
    """Its poll rate, as last told."""
    began: datetime | None = None
    """When its first page was asked for."""
    whole: bool = False
    """It was read to its end."""
    pages: dict[str, sep.Subscription] = field(default_factory=dict)
    """Address -> subscription."""

    def query(self, place: str) -> str:
        """Return the address of the next page."""
        joint = "&" if "?" in place else "?"
        return f"{place}{joint}s={len(self.pages)}&l={PAGE}"

    def take(self, place: str, message: Message) -> bool:
        """Take a page; False: it is none, and the list cannot be read."""
        found = self._read(message)
        if found is None:
            return False
        before = len(self.pages)
        for one in found.subscription:
            self.pages[urljoin(place, one.href or f"#{len(self.pages)}")] = one
        self.rate = timedelta(seconds=found.poll_rate or 0)
        self.whole = not before < len(self.pages) < min(found.all, MOST)
        return True

    def _read(self, message: Message) -> sep.SubscriptionList | None:
        if message.status != _OK:
            return None
        try:
            body, old = message.body, self.old_namespace
            return decode(body, sep.SubscriptionList, old_namespace=old).value
        except WireError:
            return None
