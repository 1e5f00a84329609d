"""What the makers of documents work with: everything there is, who asks, and when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.build import link, make
from conformance.kit.sep2.values import Content
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.rates import poll_rate
from conformance.reference.sep2server.reach import Reach
from conformance.reference.sep2server.settings import Settings
from conformance.reference.sep2server.state import Memory

ROOTS: Final[Mapping[str, str]] = {
    "ActiveDERControlList": "DERControlList",
    "ConnectionPoint": "aus:ConnectionPoint",
}
"""Names of documents, where they are others than those of the links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One caller's view at one instant."""

    memory: Memory
    settings: Settings
    reach: Reach
    now: datetime
    lists: "Mapping[str, Lister]" = field(repr=False)
    makers: "Mapping[str, Maker]" = field(repr=False)

    def rows(self, name: str, ids: Ids) -> list[Row]:
        """Return the members of a list, in its order."""
        return self.lists[name].members(self, ids)

    def links(self, *names: str, of: Ids = ()) -> dict[str, Element]:
        """Return links to resources, by the names of their elements."""
        return {f"{name}Link": link(path_of(name, *of)) for name in names}

    def counted(self, *names: str, of: Ids = ()) -> dict[str, Element]:
        """Return links to lists, which say how long these are."""
        return {f"{n}Link": link(path_of(n, *of), len(self.rows(n, of))) for n in names}

    def document(
        self, name: str, ids: Ids, content: Content, attributes: Content | None = None
    ) -> Element:
        """Make a document with its own address and rate."""
        usual = {"href": path_of(name, *ids), "pollRate": poll_rate(self.memory, name)}
        aus = self.settings.csip_aus
        return make(ROOTS.get(name, name), content, {**usual, **(attributes or {})}, aus=aus)

    @property
    def polled(self) -> timedelta:
        """Return how often the lists of programs are read."""
        return timedelta(seconds=poll_rate(self.memory, "DERProgramList") or 0)


Maker = Callable[[View, Ids], Element | None]
"""Makes a document; None: there is none (yet)."""
Members = Callable[[View, Ids], list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lister:
    """One kind of list."""

    member: str
    """Name of what stands in it."""
    members: Members
    subscribable: bool = False


def by_mrid(rows: Sequence[tuple[str, Ids]]) -> list[Row]:
    """Return rows in the order of most lists: mRID downwards.

    Args:
        rows: mRID and ids of each.
    """
    return [Row(ids=ids) for _, ids in sorted(rows, reverse=True)]
