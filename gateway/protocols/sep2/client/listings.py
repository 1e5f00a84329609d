"""What many devices share, read once: the programs behind equal assignments, the events of one list.

Spec: IEEE 2030.5-2018 clauses 8.7 (assignments), 10.2.3.3 (events).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urljoin

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Assigned, assigned, leads, program_lists
from gateway.protocols.sep2.client.convert import Listed, readable
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.messages import shown
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.pricing import Quote
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.tariffs import LISTS, tariffs
from gateway.protocols.sep2.events.codes import Code
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.events.intake import Scope as Listing
from gateway.protocols.sep2.events.values import Control, Key, Program


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """The programs of all devices with equal assignments."""

    found: tuple[Assigned, ...]
    programs: tuple[Program, ...]
    primacies: Mapping[str, int]
    """mRID of a program -> its primacy."""
    names: Mapping[str, str]
    """mRID of a program -> its description."""
    defaults: Mapping[str, tuple[sep.DefaultDERControl | None, str]]
    """mRID of a program -> its default as last read, and where."""
    dr_programs: Mapping[str, tuple[sep.DemandResponseProgram, str]] = field(default_factory=dict)
    """mRID of a program for demand response -> as last read, and where it stands."""


NOTHING_OFFERED: Final = Offer(found=(), programs=(), primacies={}, names={}, defaults={})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """One reading of a list of events, as one of our programs."""

    href: str
    events: tuple[sep.Resource, ...]
    whole: bool
    name: str
    told: Mapping[str, Quote]
    """mRID of an interval, as told -> its prices."""
    quotes: Mapping[Key, Quote]
    controls: tuple[Control, ...]
    listed: Mapping[Key, Listed]
    replies: Mapping[str, str]
    """mRID -> replyTo, resolved."""
    scope: Listing | None
    """What the list is the whole of, when it was read to its end."""
    random: bool
    """Something in it is drawn."""
    blank: tuple[Key, ...]
    """Messages that nobody can be shown."""


@dataclass(slots=True, kw_only=True)
class Listings:
    """What was read, in the shape that devices take it in.

    Args:
        setting: The utility.
    """

    setting: Setting
    _offers: dict[tuple[str, ...], Offer] = field(default_factory=dict)
    _views: dict[tuple[str, str], View] = field(default_factory=dict)

    def stale(self) -> None:
        """Take that something in the server's tree has changed that is not one device's alone."""
        self._offers = {}

    def offer(
        self, mirror: Mirror, place: Node, endpoint: sep.EndDevice, engine: EventEngine
    ) -> Offer:
        """Return the programs of a device.

        Args:
            mirror: What is known of the server.
            place: The list that the device stands in.
            endpoint: As listed.
            engine: Of the device: its tariffs of before stand until the server's were read.

        Raises:
            Unread: something on the way was not read to its end yet.
        """
        key: tuple[str, ...] = leads(mirror, place, endpoint)
        prices, read = self._prices(mirror, place, endpoint)
        key = (*key, "", *prices)
        known = self._offers.get(key) if read else None
        if known is None:
            found = assigned(mirror, place, endpoint, self.setting.reader)
            if prices or not read:
                found += tariffs(mirror, place, endpoint, self.setting.reader, engine)
            known = _offer(found)
            if read:
                self._offers[key] = known
        return known

    def _prices(
        self, mirror: Mirror, place: Node, endpoint: sep.EndDevice
    ) -> tuple[tuple[str, ...], bool]:
        """Return the addresses of the lists of a device's tariffs, and whether all of them were read."""
        if FunctionSet.PRICING not in self.setting.options.function_sets:
            return (), True
        nodes = list(program_lists(mirror, place, endpoint, LISTS))
        read = all(node.read_at is not None for node in nodes)
        return tuple(node.href for node in nodes), read

    def view(self, one: Assigned) -> View | None:
        """Return a program's events as they were read last; None: they were not."""
        node = one.listing
        if node is None or one.read_at is None:
            return None
        key = (node.href, one.program.mrid)
        known = self._views.get(key)
        if known is None or not _says(known, one):
            known = self._views[key] = self._view(one, node)
        return known

    def forget(self, href: str) -> None:
        """Forget a list: it is gone, or every device is to take it in anew."""
        self._views = {key: one for key, one in self._views.items() if key[0] != href}

    def _view(self, one: Assigned, node: Node) -> View:
        terms = self.setting.terms(one.program.mrid, one.name)
        controls: list[Control] = []
        listed: dict[Key, Listed] = {}
        quotes: dict[Key, Quote] = {}
        replies: dict[str, str] = {}
        for found in readable(one.events):
            control = self.setting.reader.control(found, one.program.mrid, one.component)
            if terms is None and one.program.mrid:  # what answers a request has its terms
                control = replace(control, refusal=Code.NOT_APPLICABLE)
            controls.append(control)
            listed[control.key] = found
            if found.mrid in one.quotes:
                quotes[control.key] = one.quotes[found.mrid]
            if found.reply_to:
                replies[control.mrid] = urljoin(node.href, found.reply_to)
        server, component = one.program.server, one.component or None
        whole = Listing(server=server, program=one.program.mrid, component=component)
        return View(
            href=node.href,
            events=one.events,
            whole=one.whole,
            name=one.name,
            quotes=quotes,
            told=one.quotes,
            controls=tuple(controls),
            listed=listed,
            replies=replies,
            scope=whole if one.whole else None,
            random=any(any(control.randomization) for control in controls),
            blank=tuple(key for key, found in listed.items() if _blank(found)),
        )


def _blank(found: Listed) -> bool:
    return isinstance(found, sep.TextMessage) and not shown(found.text_message)


def _says(view: View, one: Assigned) -> bool:
    """Say whether a view is what a list says now."""
    return (
        (view.events is one.events or view.events == one.events)
        and view.whole == one.whole
        and view.name == one.name
        and view.told == one.quotes
    )


def _offer(found: tuple[Assigned, ...]) -> Offer:
    return Offer(
        found=found,
        programs=tuple(one.program for one in found),
        primacies={one.program.mrid: one.program.primacy for one in found},
        names={one.program.mrid: one.name for one in found},
        defaults={one.program.mrid: (one.default, one.default_href) for one in found},
        dr_programs={
            one.program.mrid: (one.found, one.href)
            for one in found
            if isinstance(one.found, sep.DemandResponseProgram)
        },
    )
