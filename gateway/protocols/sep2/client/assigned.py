"""What the server assigns to one device: its programs, their defaults and the lists of their events.

Programs reached through the device's function set assignments take precedence; only where none of these offers a
function set does the DeviceCapability count.

Spec: IEEE 2030.5-2018 clauses 8.7 (FSA), Annex C.4-C.6; CSIP Implementation Guide v2.1 section 6.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.convert import Reader
from gateway.protocols.sep2.client.mirror import Mirror, Node
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
    for node in _program_lists(mirror, place, device):
        for one in _of_list(mirror, node, reader):
            found.setdefault(one.program.key, one)
    return tuple(found.values())


def _program_lists(mirror: Mirror, place: Node, device: sep.EndDevice) -> Iterator[Node]:
    assignments = mirror.at(place, device, device.function_set_assignments_list_link)
    fsas = _members(assignments) if assignments is not None else ()
    root = mirror.nodes[mirror.root]
    for attribute in _LISTS:
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
    for member in _members(node):
        try:
            match member:
                case sep.DERProgram():
                    default = mirror.at(node, member, member.default_der_control_link)
                    if default is not None and default.value is None:
                        raise Unread
                    value = default.value if default is not None else None
                    known = value if isinstance(value, sep.DefaultDERControl) else None
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
        yield Assigned(program=program, listing=listing, name=member.description or "")


def _members(node: Node) -> tuple[sep.Resource, ...]:
    if node.read_at is None:
        raise Unread
    return node.members
