"""Subscriptions: taken, renewed and ended by clients.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP CORE-018, CORE-019; CSIP-AUS S-ALL-25, S-ALL-26.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from lxml.etree import _Element as Element

from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of, resource_at
from conformance.reference.sep2server.reading import digest, read
from conformance.reference.sep2server.refusal import CONDITION, RefusedError
from conformance.reference.sep2server.state import Subscription
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import Lister, Maker, View
from conformance.reference.sep2server.wire import one, text

_XML: Final = "0"


def subscription(view: View, ids: Ids) -> Element | None:
    """Make one subscription."""
    held = _held(view, ids)
    if held is None:
        return None
    content = {
        "subscribedResource": held.resource,
        "encoding": 0,
        "level": held.level,
        "limit": held.limit,
        "notificationURI": held.uri,
    }
    return view.document("Subscription", ids, content)


def rows(view: View, ids: Ids) -> list[Row]:
    """List the subscriptions of a device: by href."""
    lfdi = view.memory.device(ids[0]).lfdi
    mine = [s.number for s in view.memory.subscriptions.values() if s.lfdi == lfdi]
    return [Row(ids=(ids[0], number)) for number in sorted(mine)]


def post(view: View, mint: Mint, ids: Ids, root: Element) -> Done:
    """Take a subscription; one to the same resource and address is renewed.

    Raises:
        RefusedError: 400, see ``_judge``.
    """
    path, shown = _judge(view, root)
    lfdi, uri = view.reach.lfdi, text(root, "notificationURI")
    same = (
        s
        for s in view.memory.subscriptions.values()
        if (s.lfdi, s.resource, s.uri) == (lfdi, path, uri)
    )
    known = next(same, None)
    number = known.number if known else mint.number()
    _keep(view, number, path, shown, root)
    return Done(204 if known else 201, path_of("Subscription", ids[0], number))


def put(view: View, ids: Ids, root: Element) -> Done:
    """Change a subscription.

    Raises:
        RefusedError: 404; 400, see ``_judge``.
    """
    if _held(view, ids) is None:
        raise RefusedError(404)
    path, shown = _judge(view, root)
    _keep(view, ids[1], path, shown, root)
    return Done(204)


def remove(view: View, ids: Ids) -> Done:
    """End a subscription.

    Raises:
        RefusedError: 404.
    """
    if _held(view, ids) is None:
        raise RefusedError(404)
    del view.memory.subscriptions[ids[1]]
    return Done(204)


def _held(view: View, ids: Ids) -> Subscription | None:
    found = view.memory.subscriptions.get(ids[1])
    return found if found is not None and found.lfdi == view.reach.lfdi else None


def _judge(view: View, root: Element) -> tuple[str, Element]:
    """Return the path of what is wanted, and what lies there.

    Raises:
        RefusedError: 400 for a condition (reason 3), and for a resource that cannot be subscribed to or is not the
            subscriber's, an encoding or an address that is none of ours (reason 1).
    """
    if one(root, "Condition") is not None:
        raise RefusedError(400, CONDITION)
    path = urlsplit(text(root, "subscribedResource")).path
    found = resource_at(path)
    if found is None or not _subscribable(view, found[0]):
        raise RefusedError(400)
    try:
        shown = read(view, *found, None)
    except RefusedError:
        raise RefusedError(400) from None
    uri = text(root, "notificationURI")
    scheme = "https" if view.settings.client_tls else "http"
    if text(root, "encoding") != _XML or not uri.startswith(f"{scheme}://"):
        raise RefusedError(400)
    return path, shown


def _subscribable(view: View, name: str) -> bool:
    lister = view.lists.get(name)
    return name == "DefaultDERControl" or (lister is not None and lister.subscribable)


def _keep(view: View, number: str, path: str, found: Element, root: Element) -> None:
    """Keep what was asked for; what is there at the first time needs not be told."""
    before = view.memory.subscriptions.get(number)
    view.memory.subscriptions[number] = Subscription(
        number=number,
        told=before.told if before and before.resource == path else digest(found),
        lfdi=view.reach.lfdi,
        resource=path,
        uri=text(root, "notificationURI"),
        limit=int(text(root, "limit")),
        level=text(root, "level"),
    )


MAKERS: Final[Mapping[str, Maker]] = {"Subscription": subscription}
LISTS: Final[Mapping[str, Lister]] = {
    "SubscriptionList": Lister(member="Subscription", members=rows)
}
