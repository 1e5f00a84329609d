"""Everything that the server keeps, found by address, by mRID and by who may see it.

A peer is its LFDI. It reaches what concerns itself and the devices that it manages: their own resources, the
assignments that they are given, and the programs of those. Everything else does not exist for it.

Spec: IEEE 2030.5-2018 clause 6.8 (access control); CSIP Implementation Guide v2.1 6.1.2-6.1.4.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.deliveries import Deliveries
from gateway.protocols.sep2.server.kinds import AGGREGATORS, EVENT_LISTS, EVENTS, LISTS
from gateway.protocols.sep2.server.moves import Moves
from gateway.protocols.sep2.server.records import Delivery, Kept, Pair, Turn
from gateway.protocols.sep2.server.shelf import Packed, Shelf, kind_of
from gateway.protocols.sep2.server.standing import Course, Terms, courses

MOST_SCOPES: Final = 50
"""Of one peer, to be told apart where a list changes; of a larger aggregator every change counts."""
PROGRAM_LINKS: Final = (
    "der_program_list_link",
    "demand_response_program_list_link",
    "tariff_profile_list_link",
    "messaging_program_list_link",
)
"""Of an assignment, to the lists of its programs."""
_NAMED: Final = (sep.MirrorUsagePoint, sep.FlowReservationRequest)
"""Named by whoever made them, so that two may bear one mRID: never found by it alone."""
_END_DEVICE: Final = sep.EndDevice.__name__


@dataclass(slots=True, kw_only=True)
class Book:
    """What stands where.

    Args:
        terms: How long what has ended stays listed.
    """

    terms: Terms
    entries: Shelf = field(default_factory=Shelf)
    deliveries: Deliveries = field(default_factory=Deliveries)
    moves: Moves = field(default_factory=Moves)
    touched: set[str] = field(default_factory=set)
    """Stamps that changed since somebody emptied this."""
    watched: bool = True
    """Somebody does."""
    shifts: int = 0
    """Grows whenever somebody may reach something else than before."""
    _children: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    """List -> scope -> addresses."""
    _placed: dict[str, dict[str, None]] = field(default_factory=dict)
    """List -> addresses that stand there beside their own place."""
    _shown_in: dict[str, set[str]] = field(default_factory=dict)
    _by_mrid: dict[str, str] = field(default_factory=dict)
    _devices: dict[str, str] = field(default_factory=dict)
    """LFDI -> address of its EndDevice."""
    _managed: dict[str, set[str]] = field(default_factory=dict)
    _last: int = 0
    _stamps: dict[str, int] = field(default_factory=dict)
    """Drawn from one count, so that one which was dropped never comes back."""
    _reach: dict[str, frozenset[str]] = field(default_factory=dict)
    _acts: dict[str, frozenset[str]] = field(default_factory=dict)
    _courses: dict[str, Mapping[str, Course]] = field(default_factory=dict)

    # --- taking

    def take(self, turn: Turn) -> None:
        """Take over what a turn changed, once it is stored."""
        self.load(turn.kept.items(), turn.members.items())
        self.owe(turn.deliveries.items())
        self.moves.take(turn.moves.items())

    def owe(self, deliveries: Iterable[tuple[str, Delivery | None]]) -> None:
        """Take over how far subscribers were told."""
        for href, one in deliveries:
            if one is None:
                self.deliveries.remove(href)
            else:
                self.deliveries.put(one)
            self.touched.add(href)

    def restore(self, rows: Iterable[Packed]) -> None:
        """Take over what a store had kept, before anything else; nearly all of it unread."""
        lay, children = self.entries.lay, self._children
        for row in rows:
            href, kind, place, scope, manager, _, _ = row
            lay(row)
            if place:
                children.setdefault(place, {}).setdefault(scope, {})[href] = None
            if kind == _END_DEVICE:
                self._devices[scope] = href
                if manager:
                    self._managed.setdefault(manager, set()).add(scope)
            elif _is_named(kind):
                self._by_mrid[getattr(self.entries[href].value, "mrid", "")] = href
        self.shifts += 1

    def load(
        self, kept: Iterable[tuple[str, Kept | None]], members: Iterable[tuple[Pair, bool]]
    ) -> None:
        """Take over entries and memberships."""
        for href, one in kept:
            self._remove(href)
            if one is not None:
                self._add(one)
            else:
                self._stamps.pop(href, None)
        for (place, href), stands in members:
            there = self._placed.setdefault(place, {})
            if stands:
                there[href] = None
                self._shown_in.setdefault(href, set()).add(place)
            else:
                there.pop(href, None)
                self._shown_in.get(href, set()).discard(place)
            self._touch(_members_of(place))
            self._touch(_any_of(place))
            self._reach.clear()
            self.shifts += 1

    def _add(self, one: Kept) -> None:
        self.entries[one.href] = one
        value = one.value
        if one.place:
            scopes = self._children.setdefault(one.place, {})
            scopes.setdefault(one.scope, {})[one.href] = None
        if isinstance(value, sep.EndDevice):
            self._devices[one.scope] = one.href
            if one.manager:
                self._managed.setdefault(one.manager, set()).add(one.scope)
        mrid = getattr(value, "mrid", None)
        if mrid is not None and not isinstance(value, _NAMED):
            self._by_mrid[mrid] = one.href
        self._touched(one)

    def _remove(self, href: str) -> None:
        one = self.entries.pop(href, None)
        if one is None:
            return
        if one.place:
            self._children[one.place][one.scope].pop(href, None)
        if isinstance(one.value, sep.EndDevice):
            self._devices.pop(one.scope, None)
            self._managed.get(one.manager, set()).discard(one.scope)
        mrid = getattr(one.value, "mrid", None)
        if mrid is not None and self._by_mrid.get(mrid) == href:
            del self._by_mrid[mrid]
        self._touched(one)

    def _touched(self, one: Kept) -> None:
        self._touch(one.href)
        if one.place:
            self._touch(_members_of(one.place, one.scope))
            self._touch(_any_of(one.place))
            self._courses.pop(one.place, None)
        for place in self._shown_in.get(one.href, ()):
            self._touch(_members_of(place))
            self._touch(_any_of(place))
        if one.kind is sep.EndDevice:
            for lfdi in (one.scope, one.manager):
                self._touch(_who(lfdi))
                self._reach.pop(lfdi, None)
                self._acts.pop(lfdi, None)
            self.shifts += 1
        elif one.kind is sep.FunctionSetAssignments:
            self._reach.clear()
            self.shifts += 1

    def _touch(self, name: str) -> None:
        self._last += 1
        self._stamps[name] = self._last
        if self.watched:
            self.touched.add(name)

    def marks(self, peer: str, place: Kept) -> list[str]:
        """Return the names of the stamps that change whenever a peer finds other members in a list."""
        if place.scope:
            return [_members_of(place.href), _members_of(place.href, place.scope)]
        lfdis = self.acts_for(peer)
        if len(lfdis) > MOST_SCOPES:
            return [_who(peer), _any_of(place.href)]
        return [_who(peer), *(_members_of(place.href, scope) for scope in ("", *lfdis))]

    def stamp(self, name: str) -> int:
        """Return a number that changes whenever what stands at an address, or what one of ``marks`` means, does."""
        return self._stamps.get(name, 0)

    # --- finding

    def entry(self, href: str) -> Kept | None:
        """Return what is kept at an address."""
        return self.entries.get(href)

    def named(self, mrid: str) -> Kept | None:
        """Return what bears an mRID, in canonical form."""
        return self.entries.get(self._by_mrid.get(mrid, ""))

    def expect(self, mrid: str, *kinds: type[sep.Resource]) -> Kept:
        """Return what bears an mRID and is of one of some kinds.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        found = self.named(mrid)
        if found is None or not issubclass(found.kind, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise MisuseError("UNKNOWN_RESOURCE", f"no {names} bears the mRID {mrid[:40]}")
        return found

    def device(self, lfdi: str) -> Kept | None:
        """Return the EndDevice of an LFDI."""
        return self.entries.get(self._devices.get(lfdi, ""))

    def devices(self) -> Iterator[Kept]:
        """Yield every EndDevice."""
        return (self.entries[href] for href in self._devices.values())

    def lacking(self, ending: str) -> list[str]:
        """Return the addresses of the EndDevices with a certificate of their own that have nothing at an ending."""
        managed = frozenset().union(*self._managed.values())
        return [
            href
            for lfdi, href in self._devices.items()
            if f"{href}/{ending}" not in self.entries and lfdi not in managed
        ]

    def acts_for(self, peer: str) -> frozenset[str]:
        """Return the LFDIs for which a peer may speak: its own and those that it manages, when registered."""
        if peer not in self._devices:
            return frozenset()
        found = self._acts.get(peer)
        if found is None:
            found = self._acts[peer] = frozenset({peer, *self._managed.get(peer, ())})
        return found

    def is_aggregator(self, peer: str) -> bool:
        """Say whether a peer may register devices: the operator said so, or gave it one to manage."""
        return self._devices.get(peer, "") in self.placed(AGGREGATORS) or bool(
            self._managed.get(peer)
        )

    def reach(self, peer: str) -> frozenset[str]:
        """Return every scope that a peer may see, beside what is for all."""
        found = self._reach.get(peer)
        if found is None:
            lfdis = self.acts_for(peer)
            groups: set[str] = set()
            for lfdi in lfdis:
                groups.update(self._assigned(lfdi))
            found = self._reach[peer] = lfdis | groups
        return found

    def _assigned(self, lfdi: str) -> Iterator[str]:
        """Yield the assignments of a device and their programs."""
        device = self.device(lfdi)
        link = getattr(device.value, "function_set_assignments_list_link", None) if device else None
        for href in self._placed.get(link.href if link else "", ()):
            yield href
            assignment = self.entries.get(href)
            value = assignment.value if assignment else None
            for name in PROGRAM_LINKS:
                programs: sep.ListLink | None = getattr(value, name, None)
                yield from self._placed.get(programs.href, ()) if programs else ()

    def sees(self, peer: str, one: Kept) -> bool:
        """Say whether something exists for a peer."""
        return not one.scope or one.scope in self.reach(peer)

    # --- lists

    def children(self, place: str, scope: str | None = None) -> list[Kept]:
        """Return what has its place in a list, in no order; of one scope or of all."""
        scopes = self._children.get(place, {})
        chosen = scopes.values() if scope is None else [scopes.get(scope, {})]
        return [self.entries[href] for found in chosen for href in found]

    def placed(self, place: str) -> tuple[str, ...]:
        """Return the addresses that stand in a list beside their own place."""
        return tuple(self._placed.get(place, ()))

    def lists_of(self, href: str) -> frozenset[str]:
        """Return the lists in which something stands beside its own place."""
        return frozenset(self._shown_in.get(href, ()))

    def members(self, peer: str, place: Kept, now: int) -> list[Any]:
        """Return what a peer finds in a list, in its order, events as they stand.

        ``Any``: of the kind of the list.
        """
        if place.scope:
            found = self.children(place.href)
        else:
            scopes = {"", *self.acts_for(peer)}
            found = [one for scope in scopes for one in self.children(place.href, scope)]
        found += [self.entries[href] for href in self._placed.get(place.href, ())]
        values = [self.standing(one, now) for one in found]
        order = LISTS[place.kind].order
        return sorted((value for value in values if value is not None), key=order)

    def standing(self, one: Kept, now: int) -> sep.Resource | None:
        """Return what stands at an address now; None: nothing that is listed."""
        if not isinstance(one.value, EVENTS):
            return one.value
        return self.course(one).at(now)

    def course(self, one: Kept) -> Course:
        """Return the course of a kept event."""
        found = self._courses.get(one.place)
        if found is None:
            events = (kept.value for kept in self.children(one.place))
            found = courses((e for e in events if isinstance(e, sep.Event)), self.terms)
            self._courses[one.place] = found
        return found[getattr(one.value, "mrid", "")]

    def next_change(self, place: Kept, now: int) -> int | None:
        """Return the next second in which a list of events looks different by itself."""
        if place.kind not in EVENT_LISTS:
            return None
        changes = (self.course(one).next_change(now) for one in self.children(place.href))
        return min((at for at in changes if at is not None), default=None)


@cache
def _is_named(kind: str) -> bool:
    """Say whether what is of a kind is found by its mRID."""
    found = kind_of(kind)
    return "mrid" in found.__dataclass_fields__ and not issubclass(found, _NAMED)


def _members_of(place: str, scope: str = "") -> str:
    return f"{place}#{scope}"


def _any_of(place: str) -> str:
    return f"{place}#*"


def _who(lfdi: str) -> str:
    return f"@{lfdi}"
