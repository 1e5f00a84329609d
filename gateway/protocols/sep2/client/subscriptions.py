"""Our subscriptions at one server: made where it allows them, found again after a restart, renewed, mourned.

Nothing of this is stored: the server's own list says what there is. A resource that is subscribed to is polled slowly
instead of not at all; it is polled at its own rate again as soon as a poll finds what no notification told, and until
the next one comes.

Spec: IEEE 2030.5-2018 clause 8.9 (renewal, 8.9.3.4 f and g after an outage); 2023 10.2.2.3 rule r; CSIP CORE-018,
CORE-019, ERR-002; CSIP-AUS ALL-14, S-ALL-26.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.domain.chance import Chance
from gateway.protocols.actions import Message, Method, Note, Send
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.errands import Errand, Errands
from gateway.protocols.sep2.client.fresh import missed
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.own import MOST, Own, OwnList, wish
from gateway.protocols.sep2.client.tell import MEDIA_TYPE
from gateway.protocols.sep2.codec import Flavour, encode

RENEW: Final = timedelta(hours=24)
LOOK_AGAIN: Final = timedelta(hours=1)
"""Between two readings of our own list at least."""
AFTER_END: Final = timedelta(minutes=15)
"""A subscription that the server ended is not asked for again before this, nor before its resource was read again."""
GRACE: Final = timedelta(minutes=2)
"""After a notification that has its resource read: what is found then was told."""
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
MOST_AT_ONCE: Final = 2
_TAKEN: Final = range(200, 300)
_CLOSED: Final = frozenset({403, 404, 405, 410, 413, 501})
"""Answers that concern the list, and not what was to be subscribed to: every other resource would fare the same."""
_LIST: Final = "list"
_MAKE: Final = "make"
_DROP: Final = "drop"
_ALONE: Final = frozenset({1, 3})


@dataclass(slots=True, kw_only=True)
class Subscriptions:
    """Keeps our subscriptions.

    Args:
        options: Of the utility.
        root: The configured address.
        flavour: How documents are written.
        chance: Spreads renewals.
    """

    options: Sep2Options
    root: str
    flavour: Flavour
    chance: Chance
    place: str | None = None
    """Address of the list of our subscriptions; None: not known yet; empty: there is none."""
    known: bool = False
    """The list was read since the start, or cannot be."""
    own: dict[str, Own] = field(default_factory=dict)
    """Address of a resource -> its subscription."""
    ended: dict[str, datetime] = field(default_factory=dict)
    """Resources whose subscription the server ended -> when they may be subscribed to again."""
    notes: list[Note] = field(default_factory=list)
    _by_href: dict[str, str] = field(default_factory=dict)
    """Path of a subscription -> address of its resource."""
    _strays: dict[str, str] = field(default_factory=dict)
    """Address of a resource that was not read since the start -> subscription that the server has."""
    _wanted: dict[str, None] = field(default_factory=dict)
    """Resources that may be subscribed to."""
    _errands: Errands = field(default_factory=Errands)
    _asked: dict[Errand, datetime] = field(default_factory=dict)
    """What is under way -> since when."""
    _failures: int = 0
    _quiet_until: datetime | None = None
    _list: OwnList = field(init=False)

    def __post_init__(self) -> None:
        self._list = self._fresh_list()

    # --- what the mirror says

    def found(self, place: str, now: datetime) -> None:
        """Take the address of the list of our subscriptions; empty: there is none."""
        if not self.options.notify_url or place == self.place:
            return
        self.place, self.known = place, not place
        if place:
            self._errands.put((_LIST, place), now)

    def follow(self, change: Change, mirror: Mirror, now: datetime, *, told: bool = False) -> None:
        """Take news of a node, ``told`` by a notification or read."""
        node = change.node
        if not self.options.notify_url or node.kind.__name__ not in self.options.subscribe:
            return
        href = node.href
        if change.gone or getattr(node.value, "subscribable", None) not in _ALONE:
            self._wanted.pop(href, None)
            self._errands.drop((_MAKE, href))
            self.ended.pop(href, None)
            if href in self.own:
                self._leave(href, mirror, now)
            return
        self._wanted.setdefault(href)
        own = self.own.get(href)
        if own is not None:
            self._compare(own, node, mirror, now, told=told)
            return
        stray = self._strays.pop(href, None)
        if stray is not None:
            self._keep(href, stray, mirror, now)
        elif (_MAKE, href) not in self._errands and (_MAKE, href) not in self._asked:
            self._errands.put((_MAKE, href), self.ended.get(href, now))

    def _compare(self, own: Own, node: Node, mirror: Mirror, now: datetime, *, told: bool) -> None:
        held = _held(node)
        known, own.known = own.known, held
        if told:
            self.heard(node.href, mirror, now)
            return
        hinted = own.hinted_at is not None and now - own.hinted_at < GRACE
        if hinted or known is None or known is held or not own.trusted:
            return
        if missed(known, held):
            own.trusted = False
            mirror.pace(node.href, None, now)
            self._note("notification_missing", href=node.href)

    def heard(self, href: str, mirror: Mirror, now: datetime) -> None:
        """Take that a notification of a resource came: what is told is polled slowly again."""
        own = self.own.get(href)
        if own is not None and not own.trusted:
            own.trusted = True
            mirror.pace(href, self.options.subscribed_poll_rate, now)

    def hint(self, href: str, mirror: Mirror, now: datetime) -> None:
        """Have a resource read because a notification says less than all of it."""
        own = self.own.get(href)
        if own is not None:
            own.hinted_at = now
        mirror.hint(href, now)

    # --- what notifications say

    def resource_of(self, subscription_uri: str, resource: str) -> str | None:
        """Return the address that a notification tells of.

        Returns:
            Empty while it may still turn out to be ours; None: it is none of ours.
        """
        told = urljoin(self.root, resource)
        href = self._by_href.get(_path(urljoin(self.root, subscription_uri)))
        if href is not None:
            return href if _path(href) == _path(told) else None
        for mine in (told, told.partition("?")[0]):
            own = self.own.get(mine)
            if (own is not None and not own.href) or (_MAKE, mine) in self._asked:
                return mine
        return None if self.known and told not in self._strays else ""

    def end(self, href: str, status: int, mirror: Mirror, now: datetime) -> None:
        """Take that the server ended a subscription: its resource is polled, and subscribed to again later."""
        self._forget(href, mirror, now)
        self.ended[href] = now + AFTER_END
        self._note("subscription_ended", href=href, status=str(status))
        for parent in (href, *(mirror.nodes[href].parents if href in mirror.nodes else ())):
            mirror.hint(parent, now)
        self._errands.drop((_MAKE, href))

    # --- what is asked

    def take(self, now: datetime) -> list[Send]:
        """Return what is to be asked now."""
        found: list[Send] = []
        while len(self._asked) < MOST_AT_ONCE:
            at = self.next_at()
            if at is None or at > now:
                break
            first = self._errands.first()
            errand = first[1] if self.known and first else (_LIST, self.place or "")
            self._errands.drop(errand)
            if errand[0] == _LIST and not self._list.pages:
                self._list.began = now
            send = self._send(errand)
            if send is not None:
                self._asked[errand] = now
                found.append(send)
        return found

    def next_at(self) -> datetime | None:
        """Return when something is to be asked; None: nothing is, until an answer comes."""
        if not self.place or len(self._asked) >= MOST_AT_ONCE:
            return None
        first = self._errands.first()
        at = first[0] if first is not None else None
        if not self.known:  # what there is already is not made twice
            at = self._errands.due((_LIST, self.place))
        if at is None or self._quiet_until is None:
            return at
        return max(at, self._quiet_until)

    def _send(self, errand: Errand) -> Send | None:
        word, href = errand
        method: Method = "GET"
        body, to = b"", href
        if word == _LIST:
            to = self._list.query(href)
        elif word == _DROP:
            method = "DELETE"
        else:
            if href not in self._wanted or (href not in self.own and len(self.own) >= MOST):
                return None
            method, to, body = (
                "POST",
                self.place or "",
                encode(wish(href, self.options), self.flavour),
            )
        return Send(
            request_id=f"sub {word} {href}",
            service=f"subscription_{word}",
            body=body,
            media_type=MEDIA_TYPE,
            method=method,
            href=to,
        )

    # --- what is answered

    def answered(self, key: str, message: Message, mirror: Mirror, now: datetime) -> None:
        """Take the answer to something that was asked."""
        errand = _errand(key)
        if self._asked.pop(errand, None) is None:
            return
        self._failures, self._quiet_until = 0, None
        word, href = errand
        if word == _LIST:
            self._listed(message, mirror, now)
        elif word == _MAKE:
            self._made(href, message, mirror, now)

    def failed(self, key: str, now: datetime, retry_after: timedelta | None) -> None:
        """Take the news that there was no answer: everything waits a while."""
        errand = _errand(key)
        if self._asked.pop(errand, None) is None:
            return
        self._failures += 1
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 16), LONGEST_PAUSE)
        self._quiet_until = now + max(self._spread(pause), retry_after or timedelta(0))
        self._errands.put(errand, now)

    def _made(self, href: str, message: Message, mirror: Mirror, now: datetime) -> None:
        if message.status not in _TAKEN:
            self._note("not_subscribed", href=href, status=str(message.status))
            self._forget(href, mirror, now)
            self._errands.put((_MAKE, href), now + self._spread(RENEW))
            if message.status in _CLOSED:
                self._quiet_until = now + LOOK_AGAIN
            return
        if href not in self._wanted:  # it went meanwhile
            if message.location:
                self._errands.put((_DROP, urljoin(self.place or "", message.location)), now)
            return
        location = urljoin(self.place or "", message.location) if message.location else ""
        before = self.own.get(href)
        if before is not None and before.href and _path(before.href) != _path(location):
            self._errands.put((_DROP, before.href), now)
        self._keep(href, location, mirror, now)

    def _keep(self, href: str, location: str, mirror: Mirror, now: datetime) -> None:
        before = self.own.get(href)
        if before is not None:
            self._by_href.pop(_path(before.href), None)
        # What changed between the last reading and the subscription, nobody tells: the reading that is due finds it.
        own = self.own[href] = before or Own(href=location, since=now)
        own.href, own.since = location, now
        if location:
            self._by_href[_path(location)] = href
        self.ended.pop(href, None)
        if own.trusted:
            mirror.pace(href, self.options.subscribed_poll_rate, now)
        self._errands.put((_MAKE, href), now + self._spread(RENEW))

    def _listed(self, message: Message, mirror: Mirror, now: datetime) -> None:
        """Take a page of the list of our subscriptions."""
        listed, place = self._list, self.place or ""
        if listed.take(place, message) and not listed.whole:
            self._errands.put((_LIST, place), now)
            return
        self._list = self._fresh_list()
        self.known = True
        if listed.whole:
            self._reconcile(listed.pages, listed.began or now, mirror, now)
        else:
            self._note("subscriptions_not_listed", status=str(message.status))
        self._errands.put((_LIST, place), now + self._spread(max(LOOK_AGAIN, listed.rate)))

    def _fresh_list(self) -> OwnList:
        return OwnList(old_namespace=self.options.old_namespace)

    def _reconcile(
        self, page: dict[str, sep.Subscription], began: datetime, mirror: Mirror, now: datetime
    ) -> None:
        listed: dict[str, str] = {}
        for href, one in page.items():
            if one.notification_uri != self.options.notify_url:
                continue
            resource = urljoin(self.root, one.subscribed_resource)
            mine = self.own.get(resource)
            if resource in listed and (mine is None or _path(mine.href) != _path(href)):
                self._errands.put((_DROP, href), now)  # the same twice: one of them is enough
                continue
            if resource in listed:
                self._errands.put((_DROP, listed[resource]), now)
            listed[resource] = href
        for resource, href in listed.items():
            self._adopt(resource, href, mirror, now)
        for resource, mine in list(self.own.items()):
            # What was made while the list was being read need not stand in it.
            if mine.href and resource not in listed and mine.since < began:
                self._note("subscription_lost", href=resource)
                self._forget(resource, mirror, now)
                self._errands.put((_MAKE, resource), now)

    def _adopt(self, resource: str, href: str, mirror: Mirror, now: datetime) -> None:
        if resource in self.own:
            if _path(self.own[resource].href) != _path(href):
                self._keep(resource, href, mirror, now)
        elif resource in self._wanted:
            self._keep(resource, href, mirror, now)
        elif mirror.settled and not _unread(mirror, resource):
            self._strays.pop(resource, None)
            self._errands.put((_DROP, href), now)
        else:
            self._strays[resource] = href

    def recovered(self, mirror: Mirror, now: datetime) -> None:
        """Look at everything once more, after the server was away (8.9.3.4 f, g)."""
        if self.place:
            self._errands.put((_LIST, self.place), now)
        for href in self.own:
            mirror.hint(href, now)

    # --- inside

    def _leave(self, href: str, mirror: Mirror, now: datetime) -> None:
        location = self.own[href].href
        self._forget(href, mirror, now)
        if location:
            self._errands.put((_DROP, location), now)

    def _forget(self, href: str, mirror: Mirror, now: datetime) -> None:
        own = self.own.pop(href, None)
        self._errands.drop((_MAKE, href))
        if own is not None:
            self._by_href.pop(_path(own.href), None)
            mirror.pace(href, None, now)

    def _spread(self, pause: timedelta) -> timedelta:
        return pause * (1 - self.chance.randint(0, 100) / 1000)

    def _note(self, word: str, **fields: str) -> None:
        self.notes.append(Note(word=word, fields=fields))


def _errand(key: str) -> Errand:
    word, _, href = key.partition(" ")
    return word, href


def _path(href: str) -> str:
    """Return what of an address names a resource, wherever its server stands."""
    parts = urlsplit(href)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _unread(mirror: Mirror, href: str) -> bool:
    node = mirror.nodes.get(href)
    return node is not None and node.read_at is None


def _held(node: Node) -> tuple[sep.Resource, ...]:
    """Return what a node holds, as far as it counts."""
    if (
        node.members
        or node.value is None
        or isinstance(node.value, sep.List | sep.SubscribableList)
    ):
        return node.members
    return (node.value,)
