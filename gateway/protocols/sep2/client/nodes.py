"""One address of a server, as the mirror knows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import FunctionSet, joined, links_of

DEFAULT_RATE: Final = timedelta(seconds=900)
"""pollRate of a resource that has none, and in whose place 0 stands."""
LONGEST_RATE: Final = timedelta(days=1)
LASTING: Final = {
    sep.RateComponentList: DEFAULT_RATE,
    sep.ReadingType: timedelta(days=1),
    sep.ConsumptionTariffIntervalList: timedelta(hours=6),
}
"""What changes with what leads to it: read again when that does, and else no sooner than this."""


@dataclass(slots=True, kw_only=True)
class Page:
    """A list being read."""

    members: dict[str, sep.Resource] = field(default_factory=dict)
    """href -> member of ours; a member without one is kept by its place."""
    hrefs: set[str] = field(default_factory=set)
    """Of every member that came, ours or not."""
    whole: bool = True
    """False: a member came twice, so that another one may not have come at all."""
    start: int = 0
    """``s`` of the next question."""
    total: int | None = None
    """``all`` as first told."""
    restarts: int = 0


@dataclass(slots=True, kw_only=True)
class Node:
    """One address."""

    href: str
    kind: type[sep.Resource]
    parents: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    value: sep.Resource | None = None
    """What stands there; of a list, its first page."""
    members: tuple[sep.Resource, ...] = ()
    """Of a list: all that concern us, as last read to the end."""
    complete: bool = False
    """A list was read to its end the last time."""
    rate: timedelta = DEFAULT_RATE
    """Its own poll rate or that of what led to it."""
    read_at: datetime | None = None
    """When it was last read to its end."""
    failures: int = 0
    """In a row."""
    page: Page | None = None
    digest: bytes = b""
    """Of the bytes that came last, when the whole of it came in one answer."""
    mark: tuple[object, ...] = ()
    """Of what leads to it, where a change there tells of one here."""
    slow: timedelta | None = None
    """Asked for no more often than this while its server tells us of its changes; None: as its rate says."""
    hinted: bool = False
    """Something changed while it was being read: it is read once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One question."""

    node: str
    href: str
    """With the paging in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """News of one node."""

    node: Node
    gone: bool = False
    """Nothing leads to it any more, or the server says that it is not there."""
    same: bool = False
    """It was read again and says what it said before."""


Lead = tuple[str, type[sep.Resource], tuple[object, ...]]
"""Where a link leads, what stands there, and a mark that changes when it should be read again."""


def leads(
    node: Node, source: sep.Resource, function_sets: frozenset[FunctionSet]
) -> Iterator[Lead]:
    """Yield what a resource of a node leads to."""
    for link, kind in links_of(source, function_sets):
        mark = (getattr(source, "version", None), getattr(link, "all", None))
        yield resolved(node, source, link.href), kind, mark


def resolved(node: Node, source: sep.Resource, href: str) -> str:
    """Return where a link leads: relative to the resource that holds it, and that to where it was read."""
    base = joined(node.href, source.href) if source.href else node.href
    return joined(base, href)


def everywhere(source: sep.Resource, kind: type[sep.Resource]) -> bool:
    """Follow every link."""
    del source, kind
    return True


def rate_of(node: Node, found: sep.Resource, nodes: Mapping[str, Node]) -> timedelta:
    """Return the poll rate that counts: its own, or that of what leads to it (2023 10.2.2.3 rule a)."""
    own = getattr(found, "poll_rate", None)
    if own is not None:
        return min(timedelta(seconds=own), LONGEST_RATE) if own > 0 else DEFAULT_RATE
    above = [nodes[href].rate for href in node.parents if href in nodes]
    return min(above, default=DEFAULT_RATE)
