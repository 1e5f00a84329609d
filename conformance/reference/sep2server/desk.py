"""Which door a request goes through: what may be read, put, posted and deleted where.

Spec: IEEE 2030.5-2018 clause 5.5; the methods of the WADL.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.names import tag
from conformance.reference.sep2server import (
    devices,
    entry,
    mirrors,
    programs,
    putting,
    registering,
    responses,
    subscriptions,
    tariffs,
)
from conformance.reference.sep2server.access import admit
from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paths import Ids, resource_at
from conformance.reference.sep2server.reach import Reach
from conformance.reference.sep2server.reading import read
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.settings import Settings
from conformance.reference.sep2server.state import Memory
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import Lister, Maker, View
from conformance.reference.sep2server.wire import read as read_body

Post = Callable[[View, Mint, Ids, Element], Done]
Put = Callable[[View, Ids, Element], Done]
Delete = Callable[[View, Ids], Done]
MAKERS: Final[Mapping[str, Maker]] = {
    **entry.MAKERS,
    **devices.MAKERS,
    **programs.MAKERS,
    **mirrors.MAKERS,
    **responses.MAKERS,
    **subscriptions.MAKERS,
    **tariffs.MAKERS,
}
LISTS: Final[Mapping[str, Lister]] = {
    **devices.LISTS,
    **programs.LISTS,
    **mirrors.LISTS,
    **responses.LISTS,
    **subscriptions.LISTS,
    **tariffs.LISTS,
}
_RESPONSES: Final = (
    *("Response", "DERControlResponse", "DrResponse", "PriceResponse", "TextResponse"),
    "FlowReservationResponseResponse",
)
POST: Final[Mapping[str, tuple[tuple[str, ...], Post]]] = {
    "EndDeviceList": (("EndDevice",), registering.post),
    "LogEventList": (("LogEvent",), putting.log),
    "SubscriptionList": (("Subscription",), subscriptions.post),
    "MirrorUsagePointList": (("MirrorUsagePoint",), mirrors.post),
    "MirrorUsagePoint": (("MirrorMeterReading", "MirrorMeterReadingList"), mirrors.tell),
    "ResponseList": (_RESPONSES, responses.post),
}
"""What may be posted where, and what becomes of it."""
PUT: Final[Mapping[str, Put]] = {
    **putting.PUT,
    "EndDevice": registering.put,
    "MirrorUsagePoint": mirrors.put,
    "Subscription": subscriptions.put,
}
DELETE: Final[Mapping[str, Delete]] = {
    "EndDevice": registering.remove,
    "LogEvent": putting.unlog,
    "MirrorUsagePoint": mirrors.remove,
    "Subscription": subscriptions.remove,
}
PROFILED: Final = {"ConnectionPoint": "aus:ConnectionPoint"}


class Desk:
    """Takes every request.

    Args:
        memory: Everything.
        settings: Of the server.
        mint: New names.
    """

    def __init__(self, memory: Memory, settings: Settings, mint: Mint) -> None:
        self._memory = memory
        self._settings = settings
        self._mint = mint

    def view(self, lfdi: str, now: datetime) -> View:
        """Return what a caller sees."""
        return View(
            memory=self._memory,
            settings=self._settings,
            reach=Reach(self._memory, lfdi),
            now=now,
            lists=LISTS,
            makers=MAKERS,
        )

    def read(self, view: View, path: str, query: Mapping[str, str]) -> Element:
        """Answer a GET.

        Raises:
            RefusedError: 400, 403, 404.
        """
        return read(view, *self._resource(path), query)

    def change(self, view: View, method: str, path: str, body: bytes) -> Done:
        """Carry out a PUT, POST or DELETE.

        Raises:
            RefusedError: 400, 403, 404, 409.
        """
        name, ids = self._resource(path)
        admit(view.memory, view.reach, name, ids)
        if method == "DELETE":
            return DELETE[name](view, ids)
        root = read_body(body)
        wanted = POST[name][0] if method == "POST" else (PROFILED.get(name, name),)
        if root.tag not in {tag(one) for one in wanted}:
            raise RefusedError(400)
        if method == "POST":
            return POST[name][1](view, self._mint, ids, root)
        return PUT[name](view, ids, root)

    def _resource(self, path: str) -> tuple[str, Ids]:
        found = resource_at(path)
        profiled = found is not None and found[0] in PROFILED and not self._settings.csip_aus
        if found is None or profiled:
            raise RefusedError(404)
        return found

    def allowed(self, path: str) -> tuple[str, ...]:
        """Return the methods that a resource takes.

        Raises:
            RefusedError: 404.
        """
        name, _ = self._resource(path)
        tables = {"PUT": PUT, "POST": POST, "DELETE": DELETE}
        return ("GET", "HEAD", *(method for method, table in tables.items() if name in table))
