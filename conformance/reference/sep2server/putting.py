"""Documents that clients put, and log events that they post.

Spec: IEEE 2030.5-2018 clause 10.10; CSIP-AUS S-ALL-08 to S-ALL-10, S-ALL-53, S-ALL-55.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.names import tag
from conformance.reference.sep2server.devices import DER_PARTS
from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import View

_NMI: Final = re.compile(r"[A-HJ-NP-Z0-9]{10}[0-9]?")
"""An Australian meter's number: ten characters, never I or O, perhaps with a check digit."""
PROFILED: Final = {"DERCapability": "aus:doeModesSupported"}
"""What CSIP-AUS demands beside our tables."""


def put(name: str, view: View, ids: Ids, root: Element) -> Done:
    """Keep a document in the place of the one before.

    Raises:
        RefusedError: 400 when something is missing that the profile demands.
    """
    demanded = PROFILED.get(name, "")
    if view.settings.csip_aus and demanded and root.find(tag(demanded)) is None:
        raise RefusedError(400)
    view.memory.device(ids[0]).documents[name, *ids[1:]] = root
    return Done(204)


def connection_point(view: View, ids: Ids, root: Element) -> Done:
    """Keep the meter's number.

    Raises:
        RefusedError: 400 for what is no such number, 403 for another one where that may not be changed.
    """
    device, number = view.memory.device(ids[0]), _number(root)
    before = device.documents.get(("ConnectionPoint",))
    if not _NMI.fullmatch(number):
        raise RefusedError(400)
    changed = before is not None and _number(before) != number
    if changed and not view.memory.connection_points_change:
        raise RefusedError(403)
    device.documents["ConnectionPoint",] = root
    return Done(204)


def _number(root: Element) -> str:
    """Return connectionPointId, or id as the first edition of CSIP-AUS had it."""
    found = root.findtext(tag("aus:connectionPointId")) or root.findtext(tag("aus:id")) or ""
    return found.strip()


def log(view: View, mint: Mint, ids: Ids, root: Element) -> Done:
    """Keep a log event."""
    number = mint.number()
    view.memory.device(ids[0]).events[number] = root
    return Done(201, path_of("LogEvent", ids[0], number))


def unlog(view: View, ids: Ids) -> Done:
    """Forget a log event.

    Raises:
        RefusedError: 404.
    """
    if view.memory.device(ids[0]).events.pop(ids[1], None) is None:
        raise RefusedError(404)
    return Done(204)


PUT: Final[Mapping[str, Callable[[View, Ids, Element], Done]]] = {
    **{name: partial(put, name) for name in (*DER_PARTS, "DeviceInformation")},
    "ConnectionPoint": connection_point,
}
