"""What a server grants to the requests of one device: events of their own list, the newest answer to each request.

Spec: IEEE 2030.5-2018 FlowReservationResponse (subject, energyAvailable, powerAvailable).
"""

from dataclasses import replace
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Assigned
from gateway.protocols.sep2.client.flow import subject_of
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.enums import EventState
from gateway.protocols.sep2.events.codes import FunctionSet
from gateway.protocols.sep2.events.values import Program

_GONE: Final = frozenset(
    {EventState.CANCELLED, EventState.CANCELLED_WITH_RANDOMIZATION, EventState.SUPERSEDED}
)


def granted(
    mirror: Mirror, place: Node, device: sep.EndDevice, server: str
) -> tuple[Assigned, ...]:
    """Return the list in which a device is answered; none when there is none, or it was not read yet.

    Args:
        mirror: What is known of the server.
        place: The list that the device stands in.
        device: As read.
        server: What makes mRIDs of this server its own.
    """
    node = mirror.at(place, device, device.flow_reservation_response_list_link)
    if node is None or node.read_at is None:
        return ()
    found = [one for one in node.members if isinstance(one, sep.FlowReservationResponse)]
    newest: dict[str, int] = {}
    for one in found:
        if one.event_status.current_status not in _GONE:
            subject = subject_of(one)
            newest[subject] = max(one.creation_time, newest.get(subject, one.creation_time))
    ready = tuple(
        one if one.creation_time >= newest.get(subject_of(one), 0) else _superseded(one)
        for one in found
    )
    program = Program(server=server, mrid="", function_set=FunctionSet.FLOW, primacy=0)
    return (Assigned(program=program, listing=node, ready=ready),)


def _superseded(one: sep.FlowReservationResponse) -> sep.FlowReservationResponse:
    if one.event_status.current_status in _GONE:
        return one
    status = replace(one.event_status, current_status=int(EventState.SUPERSEDED))
    return replace(one, event_status=status)
