"""What the server assigns to one device: its programs, their defaults and the lists of their events.

Programs reached through the device's function set assignments take precedence; only where none of these offers a
function set does the DeviceCapability count.

Spec: IEEE 2030.5-2018 clauses 8.7 (FSA), Annex C.4-C.6; CSIP Implementation Guide v2.1 section 6.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.convert import Reader
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.pricing import Quote
from gateway.protocols.sep2.events.values import Program


class Unread(Exception):  # noqa: N818 - no error: what is assigned is not known before everything was read once
    """Part of what leads to the programs was not read yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A program and where its events are listed."""

    program: Program
    listing: Node | None
    """None: the program lists none, or the list is not known."""
    name: str = ""
    """Its description."""
    default: sep.DefaultDERControl | None = None
    default_href: str = ""
    found: sep.Resource | None = None
    """The program as listed; None: it is none of DER or demand response."""
    href: str = ""
    """Where it stands."""
    component: str = ""
    """mRID of the RateComponent whose intervals are listed."""
    ready: tuple[sep.Resource, ...] | None = None
    """Members that can be taken; None: all of them."""
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    """mRID of an interval, as told -> its prices."""
    as_of: datetime | None = None
    """When the last of all this was read; None: when the list was."""

    @property
    def events(self) -> tuple[sep.Resource, ...]:
        """Return the events that can be taken."""
        if self.ready is not None:
            return self.ready
        return self.listing.members if self.listing is not None else ()

    @property
    def read_at(self) -> datetime | None:
        """Return when they were read; None: they were not."""
        return self.as_of or (self.listing.read_at if self.listing is not None else None)

    @property
    def whole(self) -> bool:
        """Say whether these are all that is listed."""
        node = self.listing
        return node is not None and node.complete and len(self.events) == len(node.members)


_LISTS: Final = (
    "der_program_list_link",
    "demand_response_program_list_link",
    "messaging_program_list_link",
)


def assigned(
    mirror: Mirror, place: Node, device: sep.EndDevice, reader: Reader
) -> tuple[Assigned, ...]:
    """Return the programs of a device, each once.

    Args:
        mirror: What is known of the server.
        place: The list that the device stands in.
        device: As read.
        reader: How this utility is read.

    Raises:
        Unread: something on the way was not read to its end yet.
    """
    found: dict[tuple[str, str], Assigned] = {}
    for node in program_lists(mirror, place, device, _LISTS):
        for one in _of_list(mirror, node, reader):
            found.setdefault(one.program.key, one)
    return tuple(found.values())


def leads(mirror: Mirror, place: Node, device: sep.EndDevice) -> tuple[str, ...]:
    """Return the addresses of the lists of a device's programs: devices with equal ones have equal programs.

    Raises:
        Unread: as ``assigned``.
    """
    return tuple(node.href for node in program_lists(mirror, place, device, _LISTS))


def program_lists(
    mirror: Mirror, place: Node, device: sep.EndDevice, links: tuple[str, ...]
) -> Iterator[Node]:
    """Yield the lists of programs that count for a device, by the names of the links to them.

    Raises:
        Unread: the assignments of the device were not read to their end yet, or the list that it stood in has moved and
            was not read where it is now: until then what was assigned stays so.
    """
    if place.href not in mirror.nodes:
        raise Unread
    assignments = mirror.at(place, device, device.function_set_assignments_list_link)
    fsas = members(assignments) if assignments is not None else ()
    root = mirror.nodes[mirror.root]
    for attribute in links:
        offered = False
        for fsa in fsas:
            link = getattr(fsa, attribute)
            offered = offered or link is not None
            node = mirror.at(assignments, fsa, link) if assignments is not None else None
            if node is not None:
                yield node
        if not offered and root.value is not None:
            node = mirror.at(root, root.value, getattr(root.value, attribute))
            if node is not None:
                yield node


def _of_list(mirror: Mirror, node: Node, reader: Reader) -> Iterator[Assigned]:
    for member in members(node):
        known, known_at = None, ""
        try:
            match member:
                case sep.DERProgram():
                    known, known_at = _default(mirror, node, member)
                    program = reader.program(member, known)
                    listing = mirror.at(node, member, member.der_control_list_link)
                case sep.DemandResponseProgram():
                    program = reader.dr_program(member)
                    listing = mirror.at(node, member, member.end_device_control_list_link)
                case sep.MessagingProgram():
                    program = reader.messaging_program(member)
                    listing = mirror.at(node, member, member.text_message_list_link)
                case _:
                    continue
        except WireError:
            continue  # its mRID is none: nothing that it lists could be answered
        yield Assigned(
            program=program,
            listing=listing,
            name=member.description or "",
            default=known,
            default_href=known_at,
            found=member,
            href=mirror.href_of(node, member),
        )


def _default(
    mirror: Mirror, node: Node, member: sep.DERProgram
) -> tuple[sep.DefaultDERControl | None, str]:
    """Return a program's default and where it stands; raises ``Unread`` where it was not read yet."""
    found = mirror.at(node, member, member.default_der_control_link)
    if found is None:
        return None, ""
    if found.value is None:
        raise Unread
    return (found.value if isinstance(found.value, sep.DefaultDERControl) else None), found.href


def members(node: Node) -> tuple[sep.Resource, ...]:
    """Return the members of a list.

    Raises:
        Unread: it was not read to its end yet.
    """
    if node.read_at is None:
        raise Unread
    return node.members
