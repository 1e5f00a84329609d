"""The mirror: what a client knows of the server's tree, when each part is due again, and what to ask for next.

A node stands for one address. What it holds leads to further nodes; a node that nothing leads to any more is gone. The
mirror is no truth: after a restart it is empty and fills itself again. It never asks for one node twice at a time,
never faster than the server's poll rates, and reads lists page by page to their end or not at all.

Spec: IEEE 2030.5-2018 clauses 4.6.2 (paging), 5.5.2.7 (moved resources), 8.5.3; 2023 10.2.2.3 rule a
(poll rates).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin

from gateway.domain.chance import Chance
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import (
    MEMBERS,
    FunctionSet,
    members_of,
    total_of,
)
from gateway.protocols.sep2.client.nodes import (
    DEFAULT_RATE,
    LASTING,
    Change,
    Fetch,
    Lead,
    Node,
    Page,
    everywhere,
    leads,
    rate_of,
    resolved,
)
from gateway.protocols.sep2.client.timetable import Timetable

__all__ = ["DEFAULT_RATE", "Change", "Fetch", "Mirror", "Node", "Page"]

FIRST_PAUSE: Final = timedelta(seconds=1)
"""After the first failure in a row; it doubles up to the poll rate."""
MOST_MEMBERS: Final = 20_000
"""Of one list; a longer one is cut and never counts as complete."""
MOST_RESTARTS: Final = 3
"""Times in a row that a list which changes while it is read is begun anew."""
HINT_PAUSE: Final = timedelta(seconds=1)
"""Between two readings of a node that notifications ask for."""
MOST_NODES: Final = 100_000
MOST_DANGLING: Final = 10_000
"""Addresses without anything that are remembered."""


@dataclass(slots=True, kw_only=True)
class Mirror:
    """Knows a server's tree.

    Args:
        root: Address of the DeviceCapability.
        function_sets: What we take part in.
        chance: For jitter.
        ours: Says whether a member of a list concerns us.
        follows: Says whether links of a kind are followed from a resource; what moved is told by ``open``, ``shut``.
        page: ``l`` of our questions.
    """

    root: str
    function_sets: frozenset[FunctionSet]
    chance: Chance
    ours: Callable[[sep.Resource], bool]
    follows: Callable[[sep.Resource, type[sep.Resource]], bool] = everywhere
    page: int = 100
    nodes: dict[str, Node] = field(default_factory=dict)
    most: int = 4
    """Questions on their way at a time."""
    _kinds: dict[type[sep.Resource], dict[str, Node]] = field(default_factory=dict)
    times: Timetable = field(default_factory=Timetable)
    _unread: set[str] = field(default_factory=set)
    """Nodes that were neither read nor found wanting yet."""
    _dangling: dict[str, datetime] = field(default_factory=dict)
    """Addresses at which nothing stood -> when they are asked for again, should a link still lead there."""

    def begin(self, now: datetime) -> None:
        """Plant the root."""
        if self.root not in self.nodes:
            self.times.most = self.most
            self._plant(Node(href=self.root, kind=sep.DeviceCapability))
            self._unread.add(self.root)
            self.times.set(self.root, now)

    @property
    def settled(self) -> bool:
        """Say whether everything that is known of was read once, or at least asked for in vain."""
        return not self._unread

    # --- asking

    def take(self, now: datetime, room: int) -> list[Fetch]:
        """Return the questions to ask now, ``room`` at most; each node is then busy until its answer or failure."""
        return [
            Fetch(node=href, href=self._asked(self.nodes[href]))
            for href in self.times.take(now, room)
        ]

    def next_due(self) -> datetime | None:
        """Return when something is to be asked for; None: nothing is, until an answer comes."""
        return self.times.next_due()

    def ask_soon(self, href: str, now: datetime) -> None:
        """Ask for a node as soon as may be: a notification hints at news, or something was done there."""
        self.times.hurry(href, now)

    def hint(self, href: str, now: datetime) -> None:
        """Take word that a node has changed: it is read soon, and once more when it is being read already."""
        node = self.nodes.get(href)
        if node is None:
            return  # it is read when something leads to it
        if self.times.slots[href].busy or node.page is not None:
            node.hinted = True
            return
        at = max(now, node.read_at + HINT_PAUSE) if node.read_at is not None else now
        if self.times.slots[href].due_at > at:
            self.times.set(href, at, urgent=True)

    def told(self, href: str, found: sep.Resource, now: datetime) -> list[Change]:
        """Take the whole of a resource as though it had been asked for; one that is being read is read once more."""
        node = self.nodes.get(href)
        if node is None or self.times.slots[href].busy or node.page is not None:
            self.hint(href, now)
            return []
        node.digest = b""
        if node.kind not in MEMBERS:
            same = node.value == found
            node.value = found
            return self._read(node, now, same=same)
        node.value = found
        read = tuple(member for member in members_of(found) if self.ours(member))
        same = node.read_at is not None and node.complete and read == node.members
        if not same:
            node.members, node.complete = read, True
        return self._read(node, now, same=same)

    def pace(self, href: str, slow: timedelta | None, now: datetime) -> None:
        """Have a node asked for no more often than so, or (None) at its own rate again, from now on."""
        node = self.nodes.get(href)
        if node is None:
            return
        node.slow = slow
        slot = self.times.slots[href]
        if slow is None and not slot.busy and slot.due_at > now + node.rate:
            self.times.set(href, now + self._jittered(node.rate))

    def _asked(self, node: Node) -> str:
        if node.kind not in MEMBERS:
            return node.href
        if node.page is None:
            node.page = Page()
        joint = "&" if "?" in node.href else "?"
        return f"{node.href}{joint}s={node.page.start}&l={self.page}"

    # --- looking

    def at(self, node: Node, source: sep.Resource, link: sep.Link | None) -> Node | None:
        """Return the node that a link leads to; None: there is no such link, or nothing is known of what it leads to.

        Args:
            node: Where the link was read.
            source: The resource that holds it, the node's value or one of its members.
            link: The link.
        """
        return None if link is None else self.nodes.get(resolved(node, source, link.href))

    def resolved(self, node: Node, source: sep.Resource, link: sep.Link) -> str:
        """Return the address that a link leads to, whether or not anything is known of it."""
        return resolved(node, source, link.href)

    def href_of(self, node: Node, source: sep.Resource) -> str:
        """Return the address of a member of a list, resolved; empty when it bears none."""
        return urljoin(node.href, source.href) if source.href else ""

    def of_kind(self, kind: type[sep.Resource]) -> list[Node]:
        """Return every node of a kind."""
        return list(self._kinds.get(kind, {}).values())

    def above(self, href: str) -> set[str]:
        """Return everything that leads to a node, itself included."""
        found, open_ends = {href}, [href]
        while open_ends:
            node = self.nodes.get(open_ends.pop())
            fresh = (node.parents if node else set()) - found
            found |= fresh
            open_ends.extend(fresh)
        return found

    # --- hearing

    def known(self, href: str, digest: bytes) -> sep.Resource | None:
        """Return what stands at an address when bytes of a digest came from there, if they came last time too."""
        node = self.nodes.get(href)
        if node is None or not digest or node.digest != digest or (node.page and node.page.start):
            return None
        return node.value

    def answered(
        self, href: str, found: sep.Resource, now: datetime, digest: bytes = b"", aside: int = 0
    ) -> list[Change]:
        """Take the answer to a question.

        Args:
            href: The node.
            found: What came, of the node's kind.
            now: Current instant.
            digest: Of the bytes that came.
            aside: Members that came and could not be read: a list that has any is not complete.

        Returns:
            News, in order: the node itself when what it holds has changed or was read to its end, and nodes that are
            gone.
        """
        node = self.nodes.get(href)
        if node is None:
            return []
        self.times.ended(href)
        node.failures = 0
        node.rate = rate_of(node, found, self.nodes)
        node.digest = b"" if node.page and node.page.start else digest
        if node.kind not in MEMBERS:
            same = node.value == found
            if not same:
                node.value = found
            return self._read(node, now, same=same)
        return self._page(node, found, now, aside)

    def failed(
        self,
        href: str,
        now: datetime,
        retry_after: timedelta | None = None,
        *,
        in_time: bool = True,
    ) -> None:
        """Take the news that a question got no answer: it is put off, longer each time, up to its poll rate."""
        node = self.nodes.get(href)
        if node is None:
            return
        self.times.ended(href, in_time=in_time)
        node.failures += 1
        self._unread.discard(href)
        pause = min(FIRST_PAUSE * 2 ** min(node.failures - 1, 20), node.rate)
        pause = max(self._jittered(pause), retry_after or timedelta(0))
        self.times.set(href, now + pause)

    def missing(self, href: str, now: datetime) -> list[Change]:
        """Take the news that nothing stands at an address: what led there is read anew, and it is gone until then."""
        node = self.nodes.get(href)
        if node is None:
            return []
        if not node.parents:
            self.failed(href, now)
            return []
        for parent in node.parents:
            self.ask_soon(parent, now)
        # A link that goes on dangling must not have both ends of it asked for without a pause.
        if len(self._dangling) >= MOST_DANGLING:
            self._dangling = {at: due for at, due in self._dangling.items() if due > now}
        if len(self._dangling) < MOST_DANGLING:
            self._dangling[href] = now + self._jittered(node.rate)
        return self._remove(node)

    def _page(self, node: Node, found: sep.Resource, now: datetime, aside: int) -> list[Change]:
        page = node.page or Page()
        node.page = page
        page.whole = page.whole and not aside
        total = total_of(found)
        if page.total is not None and total != page.total and page.restarts < MOST_RESTARTS:
            return self._anew(node, page, now)
        if page.start == 0:
            node.value = found
        page.total = total
        members = members_of(found)
        if page.start and any(member.href in page.hrefs for member in members if member.href):
            # It moved on between two pages, or the server does not page: something else was not seen.
            if page.restarts < MOST_RESTARTS:
                return self._anew(node, page, now)
            page.whole = False
        for place, member in enumerate(members, page.start):
            page.hrefs.add(member.href or "")
            if self.ours(member):
                page.members[member.href or f"#{place}"] = member
        page.start += len(members) + aside
        ended = page.start >= total or not (members or aside)
        if not ended and page.start < MOST_MEMBERS:
            node.digest = b""
            self.times.set(node.href, now, urgent=True)
            return []
        read, complete = tuple(page.members.values()), page.start >= total and page.whole
        same = node.read_at is not None and complete == node.complete and read == node.members
        if not same:  # what was derived from it is known by it
            node.members, node.complete = read, complete
        node.page = None
        return self._read(node, now, same=same)

    def _anew(self, node: Node, page: Page, now: datetime) -> list[Change]:
        """Begin a list anew that changed while it was read."""
        node.page = Page(restarts=page.restarts + 1)
        self.times.set(node.href, now)
        return []

    def _read(self, node: Node, now: datetime, *, same: bool) -> list[Change]:
        """Finish a node that was read to its end: what it leads to, and when it is due again."""
        node.read_at = now
        self._unread.discard(node.href)
        rate = max(node.rate, LASTING.get(node.kind, node.rate))
        pause = self._jittered(max(rate, node.slow) if node.slow is not None else rate)
        pause, node.hinted = HINT_PAUSE if node.hinted else pause, False
        self.times.set(node.href, now + pause)
        if same and all(href in self.nodes for href in node.children):
            return [Change(node=node, same=True)]
        changes = [Change(node=node)]
        after = {href: (kind, mark) for href, kind, mark in self._leads_to(node)}
        before, node.children = node.children, set(after)
        for href, (kind, mark) in after.items():
            self._join(href, kind, node, now)
            if kind in LASTING:
                self._marked(href, mark, now)
        for href in before - node.children:
            changes += self._leave(href, node)
        return changes

    def _marked(self, href: str, mark: tuple[object, ...], now: datetime) -> None:
        """Have what lasts read again once what leads to it tells of a change."""
        node = self.nodes.get(href)
        if node is None or node.mark == mark:
            return
        if node.mark:  # a new one is asked for anyway, a dangling one when its time comes
            self.ask_soon(href, now)
        node.mark = mark

    def _leads_to(self, node: Node) -> Iterator[Lead]:
        for source in node.members if node.kind in MEMBERS else (node.value,):
            if source is not None:
                found = leads(node, source, self.function_sets)
                yield from (lead for lead in found if self.follows(source, lead[1]))

    def open(self, node: Node, source: sep.Resource, now: datetime) -> None:
        """Follow what leads on from a resource of a node, since it may be by now."""
        for href, kind, _ in leads(node, source, self.function_sets):
            if self.follows(source, kind):
                node.children.add(href)
                self._join(href, kind, node, now)

    def shut(self, node: Node, source: sep.Resource, shared: Callable[[str], bool]) -> list[Change]:
        """Leave what a resource of a node led to and may lead to no more, but for addresses that others share."""
        changes: list[Change] = []
        for href, kind, _ in leads(node, source, self.function_sets):
            if href in node.children and not self.follows(source, kind) and not shared(href):
                node.children.discard(href)
                changes += self._leave(href, node)
        return changes

    def _join(self, href: str, kind: type[sep.Resource], parent: Node, now: datetime) -> None:
        node = self.nodes.get(href)
        if node is None:
            if len(self.nodes) >= MOST_NODES:
                return
            due = max(now, self._dangling.pop(href, now))
            node = self._plant(Node(href=href, kind=kind, rate=parent.rate))
            if due == now:
                self._unread.add(href)
            self.times.set(href, due)
        node.parents.add(parent.href)

    def _leave(self, href: str, parent: Node) -> list[Change]:
        node = self.nodes.get(href)
        if node is None:
            return []
        node.parents.discard(parent.href)
        return [] if node.parents or href == self.root else self._remove(node)

    def _remove(self, node: Node) -> list[Change]:
        del self.nodes[node.href]
        del self._kinds[node.kind][node.href]
        self.times.drop(node.href)
        self._unread.discard(node.href)
        changes = [Change(node=node, gone=True)]
        for child in node.children:
            changes += self._leave(child, node)
        return changes

    # --- when

    def _jittered(self, pause: timedelta) -> timedelta:
        """Lengthen a pause by up to a tenth, so that a fleet does not ask in step; a poll rate is never undercut."""
        return pause * (1 + self.chance.randint(0, 100) / 1000)

    def _plant(self, node: Node) -> Node:
        self.nodes[node.href] = node
        self._kinds.setdefault(node.kind, {})[node.href] = node
        return node
