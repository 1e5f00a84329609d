"""How far each subscriber was told, found by subscription and by what is subscribed to."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway.protocols.sep2.server.records import Delivery

_HTTPS: Final = 443


@dataclass(slots=True)
class Deliveries:
    """Every delivery that is owed, or may be some day."""

    _by_href: dict[str, Delivery] = field(default_factory=dict)
    _by_wish: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Owner, path of the resource, notificationURI -> subscription; those that end left out."""
    _endpoints: dict[str, Counter[str]] = field(default_factory=dict)
    """Owner -> where its notifications go; those that end left out."""

    _alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Owner and path of a resource -> its subscriptions; those that end left out."""

    def put(self, one: Delivery) -> None:
        """Add or change one."""
        self.remove(one.subscription)
        self._by_href[one.subscription] = one
        if not one.ending:
            self._by_wish[_wish(one)] = one.subscription
            self._endpoints.setdefault(one.owner, Counter())[endpoint(one.uri)] += 1
            self._alike[_wish(one)[:2]] += 1

    def remove(self, href: str) -> None:
        """Forget one."""
        one = self._by_href.pop(href, None)
        if one is None or one.ending:
            return
        if self._by_wish.get(_wish(one)) == href:
            del self._by_wish[_wish(one)]
        self._alike[_wish(one)[:2]] -= 1
        if not self._alike[_wish(one)[:2]]:
            del self._alike[_wish(one)[:2]]
        there = self._endpoints[one.owner]
        there[endpoint(one.uri)] -= 1
        if not there[endpoint(one.uri)]:
            del there[endpoint(one.uri)]
        if not there:
            del self._endpoints[one.owner]

    def get(self, href: str) -> Delivery | None:
        """Return the delivery of a subscription."""
        return self._by_href.get(href)

    def __contains__(self, href: str) -> bool:
        """Say whether a subscription is known."""
        return href in self._by_href

    def __iter__(self) -> Iterator[Delivery]:
        """Yield every delivery, in the order in which they last changed."""
        return iter(self._by_href.values())

    def wished(self, owner: str, path: str, uri: str) -> str:
        """Return the subscription of one owner to one resource with one notificationURI; empty: there is none."""
        return self._by_wish.get((owner, path, uri), "")

    def count(self, owner: str) -> int:
        """Return how many subscriptions an owner has."""
        return self._endpoints.get(owner, Counter()).total()

    def alike(self, owner: str, path: str) -> int:
        """Return how many subscriptions an owner has to one resource."""
        return self._alike[owner, path]

    def endpoints(self, owner: str) -> frozenset[str]:
        """Return the hosts and ports that the notifications of an owner go to."""
        return frozenset(self._endpoints.get(owner, ()))


def endpoint(uri: str) -> str:
    """Return host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.hostname}:{parts.port or _HTTPS}"


def _wish(one: Delivery) -> tuple[str, str, str]:
    return one.owner, urlsplit(one.resource).path, one.uri
