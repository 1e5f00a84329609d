"""What the scripted server takes: creations, replacements, removals, by the method table of clause 4 and the WADL."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Final

from conformance.kit.sep2.names import MEDIA_TYPE, tag
from conformance.kit.sep2.tables import document_faults
from conformance.kit.sep2.values import Account
from conformance.kit.transcript import Message
from conformance.kit.xml import Element, parse
from conformance.peers.scriptsep2.documents import Documents
from conformance.peers.scriptsep2.subscribing import Subscriptions
from conformance.peers.scriptsep2.tree import Key, Tree

Said = tuple[int, tuple[tuple[str, str], ...]]
PUT: Final = frozenset(
    {
        "DERAvailability", "DERCapability", "DERSettings", "DERStatus", "DeviceInformation", "EndDevice",
        "MirrorUsagePoint", "PowerStatus", "DeviceStatus", "ConnectionPoint", "Subscription",
    }
)  # fmt: skip
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EndDeviceList": ("EndDevice",),
    "ResponseList": (
        "Response",
        "DERControlResponse",
        "DrResponse",
        "PriceResponse",
        "TextResponse",
    ),
    "MirrorUsagePointList": ("MirrorUsagePoint",),
    "MirrorUsagePoint": ("MirrorMeterReading", "MirrorMeterReadingList", "MirrorUsagePoint"),
    "LogEventList": ("LogEvent",),
    "SubscriptionList": ("Subscription",),
    "DERList": ("DER",),
}
"""What may be posted where."""
_PROFILED: Final[Mapping[str, str]] = {"ConnectionPoint": "aus:ConnectionPoint"}
_REMOVABLE: Final = frozenset({"Subscription", "MirrorUsagePoint", "EndDevice", "LogEvent"})


class Taker:
    """Changes the tree as the client asks.

    Args:
        tree: What there is.
        documents: Says what lies where.
        subscriptions: Of the client.
    """

    def __init__(self, tree: Tree, documents: Documents, subscriptions: Subscriptions) -> None:
        self._tree = tree
        self._documents = documents
        self._subscriptions = subscriptions

    def take(self, request: Message, key: Key) -> Said:
        """Do what a request asks; return status and headers."""
        name = key[0]
        if request.method == "DELETE" and name in _REMOVABLE:
            return self._remove(key)
        allowed = self._allowed(name)
        if request.method not in allowed:
            return 405, (("Allow", ", ".join(("GET", "HEAD", *allowed))),)
        kind = request.header("Content-Type").partition(";")[0].strip().lower()
        if kind != MEDIA_TYPE:
            return 415, ()
        root = parse(request.plain).root
        if root is None or next(document_faults(root), ""):
            return 400, ()
        if request.method == "PUT":
            return self._replace(key, root)
        return self._create(key, root)

    def _allowed(self, name: str) -> tuple[str, ...]:
        put = ("PUT",) if name in PUT else ()
        return (*put, *(("POST",) if name in _MEMBERS else ()))

    def _replace(self, key: Key, root: Element) -> Said:
        if root.tag != tag(_PROFILED.get(key[0], key[0])):
            return 400, ()
        if key[0] == "Subscription":
            return self._subscriptions.replace(key, root)
        if key[0] != "EndDevice":
            self._tree.posted[key] = deepcopy(root)
        return 204, ()

    def _create(self, key: Key, root: Element) -> Said:
        if root.tag not in {tag(name) for name in _MEMBERS[key[0]]}:
            return 400, ()
        if key[0] == "EndDeviceList":
            return self._register(root)
        if key[0] == "SubscriptionList":
            return self._subscriptions.create(root)
        if key[0] == "MirrorUsagePoint":
            return 201, (("Location", self._tree.href(*key)),)
        again = self._same(key, root)
        if again is not None:
            return 204, (("Location", self._tree.href(*again)),)
        members = self._tree.lists.setdefault(key, [])
        member = (key[0].removesuffix("List"), *key[1:], str(len(members)))
        members.append(member)
        self._tree.posted[member] = deepcopy(root)
        return 201, (("Location", self._tree.href(*member)),)

    def _register(self, root: Element) -> Said:
        """Take an EndDevice in-band: one of those that controls are for, without an assignment yet."""
        lfdi = (root.findtext(tag("lFDI")) or "").upper()
        if lfdi in self._tree.accounts:
            return 409, ()
        if lfdi not in self._tree.expected:
            return 403, ()
        self._tree.accounts[lfdi] = Account(lfdi=lfdi, post_s=self._tree.rates.post)
        return 201, (("Location", self._tree.href("EndDevice", lfdi)),)

    def _same(self, key: Key, root: Element) -> Key | None:
        """Return the mirror of the same mRID that is there already."""
        mrid = root.findtext(tag("mRID"))
        if key[0] != "MirrorUsagePointList" or not mrid:
            return None
        members = self._tree.lists.get(key, [])
        found = (m for m in members if self._tree.posted[m].findtext(tag("mRID")) == mrid)
        return next(found, None)

    def _remove(self, key: Key) -> Said:
        if key not in self._tree.posted:
            return 404, ()
        del self._tree.posted[key]
        for members in self._tree.lists.values():
            if key in members:
                members.remove(key)
        return 204, ()
