"""Subscriptions as the scripted server takes them: made, renewed, replaced, by whoever may (clause 8.9)."""

from copy import deepcopy
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.sep2.names import tag
from conformance.kit.xml import Element
from conformance.peers.scriptsep2.tree import Key, Tree

Said = tuple[int, tuple[tuple[str, str], ...]]
_XML: Final = "0"
_LONGEST: Final = 255
"""Members that a notification of a list carries at most."""


class Subscriptions:
    """Keeps the client's subscriptions in the tree.

    Args:
        tree: What there is.
        secure: Whether the server is reached by https, and so must be the client.
    """

    def __init__(self, tree: Tree, *, secure: bool) -> None:
        self._tree = tree
        self._secure = secure
        self._made = 0
        self._to: dict[Key, Key] = {}
        """Subscription -> what it is to, wherever that lies by now."""

    def all(self) -> list[Key]:
        """Return the keys of the subscriptions, the oldest first."""
        return list(self._tree.lists.get(self._list, ()))

    @property
    def _list(self) -> Key:
        return ("SubscriptionList", self._tree.own)

    def to(self, resource: Key) -> Key | None:
        """Return the subscription to a resource."""
        return next((key for key in self.all() if self.resource(key) == resource), None)

    def href(self, key: Key) -> str:
        """Return where a subscription lies."""
        return self._tree.href(*key)

    def resource(self, key: Key) -> Key | None:
        """Return what a subscription is to."""
        return self._to.get(key)

    def text(self, key: Key, name: str) -> str:
        """Return what a subscription says."""
        return (self._tree.posted[key].findtext(tag(name)) or "").strip()

    def limit(self, key: Key) -> int:
        """Return how many members of a list its notifications carry; 0: they say only that something has changed."""
        return min(int(self.text(key, "limit") or 0), _LONGEST)

    def _resource(self, root: Element) -> Key | None:
        where = (root.findtext(tag("subscribedResource")) or "").strip()
        return self._tree.key(urlsplit(where).path)

    def create(self, root: Element) -> Said:
        """Take a new subscription, or the same once more."""
        resource = self._fitting(root)
        if resource is None:
            return 400, ()
        for key in self.all():
            if self._same(key, root):
                self._tree.posted[key] = deepcopy(root)
                return 204, (("Location", self._tree.href(*key)),)
        self._made += 1
        key = ("Subscription", self._tree.own, str(self._made))
        self._tree.lists.setdefault(self._list, []).append(key)
        self._tree.posted[key] = deepcopy(root)
        self._to[key] = resource
        return 201, (("Location", self._tree.href(*key)),)

    def replace(self, key: Key, root: Element) -> Said:
        """Take a subscription in the place of one that is there."""
        if key not in self._tree.posted:
            return 404, ()
        resource = self._fitting(root)
        if resource is None:
            return 400, ()
        self._tree.posted[key] = deepcopy(root)
        self._to[key] = resource
        return 204, ()

    def drop(self, key: Key) -> None:
        """Forget one."""
        self._tree.posted.pop(key, None)
        members = self._tree.lists.get(self._list, [])
        if key in members:
            members.remove(key)

    def _same(self, key: Key, root: Element) -> bool:
        names = ("subscribedResource", "notificationURI")
        return all(self.text(key, n) == (root.findtext(tag(n)) or "").strip() for n in names)

    def _fitting(self, root: Element) -> Key | None:
        """Return what a subscription is to, where this server can serve it."""
        resource = self._resource(root)
        if resource is None or resource[0] not in self._tree.subscribable:
            return None
        where = urlsplit((root.findtext(tag("notificationURI")) or "").strip())
        schemes = ("https",) if self._secure else ("https", "http")
        plain = root.find(tag("Condition")) is None and root.findtext(tag("encoding")) == _XML
        return resource if plain and where.scheme in schemes and where.hostname else None
