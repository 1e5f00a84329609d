"""Notifications: what a subscriber is told, and when there is something to tell.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP errata 42 and 44.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urljoin

from lxml.etree import _Element as Element

from conformance.kit.sep2.build import make, written
from conformance.kit.sep2.names import XSI
from conformance.reference.sep2server.desk import Desk
from conformance.reference.sep2server.events import changes, gone_at
from conformance.reference.sep2server.paths import path_of, resource_at
from conformance.reference.sep2server.reading import digest, read
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.state import Memory, Subscription
from conformance.reference.sep2server.wire import local

CHANGED: Final = 0
DELETED: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one subscriber is to be told."""

    body: bytes
    told: str
    """Digest of what it knows then; empty: the resource is gone, and the subscription with it."""


class Teller:
    """Finds what is to be told.

    Args:
        memory: Everything.
        desk: Shows resources.
        url: Where this server is.
    """

    def __init__(self, memory: Memory, desk: Desk, url: Callable[[], str]) -> None:
        self._memory = memory
        self._desk = desk
        self._url = url

    def owed(self, one: Subscription, now: datetime) -> Notice | None:
        """Return what a subscriber does not know yet; None: it knows everything."""
        view = self._desk.view(one.lfdi, now)
        found = resource_at(one.resource)
        assert found is not None, "judged when it was subscribed to"  # noqa: S101 - as it says
        try:
            known = digest(read(view, *found, None))
        except RefusedError:
            return Notice(body=self._written(one, None, DELETED), told="")
        if known == one.told:
            return None
        shown = read(view, *found, {"l": str(one.limit)}) if one.limit else None
        return Notice(body=self._written(one, shown, CHANGED), told=known)

    def _written(self, one: Subscription, shown: Element | None, status: int) -> bytes:
        device = self._memory.devices[one.lfdi]
        name = local(shown) if shown is not None else ""
        content = {
            "subscribedResource": one.resource,
            "Resource": shown,
            "status": status,
            "subscriptionURI": urljoin(
                self._url(), path_of("Subscription", device.number, one.number)
            ),
        }
        root = make("Notification", content, aus=True)
        if shown is not None:
            shown.set(f"{{{XSI}}}type", name)
        return written(root)

    def next_change(self, now: datetime) -> datetime | None:
        """Return when time alone changes something next; None: never."""
        polled = self._desk.view("", now).polled
        coming: list[datetime] = []
        for program in self._memory.programs.values():
            others = list(program.controls.values())
            for control in others:
                coming += [at for at, _ in changes(control, others)]
                coming.append(gone_at(control, polled))
        return min((at for at in coming if at > now), default=None)
