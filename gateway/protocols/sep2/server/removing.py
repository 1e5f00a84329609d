"""What an operator takes away again: programs, assignments and events.

To a client of 2018 a program that vanishes cancels nothing: events that it has begun run on. So a program whose events
are not over goes only when that is meant; cancel them first.

Spec: IEEE 2030.5-2018 clause 8.7 (assignments), 10.2.3.3 s; 2023 clause 10.2.2.3 p; CSIP BASIC-003.
"""

from datetime import datetime

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import EventState
from gateway.protocols.sep2.server.kinds import EVENTS
from gateway.protocols.sep2.server.programs import PROGRAMS
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.standing import cancelled


def remove_program(server: Sep2Server, program: str, now: datetime, *, force: bool = False) -> Turn:
    """Forget a program with its events and its default, and take it out of every assignment.

    Args:
        server: The utility.
        program: Its mRID.
        now: Current instant.
        force: Even while events of it are not over.

    Raises:
        MisuseError: ``UNKNOWN_RESOURCE``, ``RESOURCE_IN_USE`` while events are not over.
    """
    found = server.book.expect(program, *PROGRAMS)
    turn = _without(server, found, now)
    seconds = int(now.timestamp())
    if not force and any(_runs(server, href, seconds) for href in turn.kept):
        raise MisuseError(
            "RESOURCE_IN_USE", "events of the program are not over: cancel them first"
        )
    return turn


def remove_fsa(server: Sep2Server, fsa: str, now: datetime) -> Turn:
    """Forget an assignment: its devices lose it, its programs stay.

    Raises:
        MisuseError: ``UNKNOWN_RESOURCE``.
    """
    return _without(server, server.book.expect(fsa, sep.FunctionSetAssignments), now)


def remove_event(server: Sep2Server, event: str, now: datetime) -> Turn:
    """Forget an event without a word: to a client of 2018 that cancels nothing, to one of 2023 it does.

    Raises:
        MisuseError: ``UNKNOWN_RESOURCE``.
    """
    found = server.book.expect(event, *EVENTS)
    turn = Turn(at=now, told=event)
    for each in (found, *server.book.entries.values()):
        if each is found or each.scope == found.href:
            turn.kept[each.href] = None
    return turn


def _without(server: Sep2Server, one: Kept, now: datetime) -> Turn:
    """Return a turn that takes something away with all that is its own and every place in which it stands."""
    book = server.book
    turn = Turn(at=now, told=getattr(one.value, "mrid", ""))
    for href in book.entries.of_scope(one.href):
        turn.kept[href] = None
        for member in book.placed(href):
            turn.members[href, member] = False
    for place in book.lists_of(one.href):
        turn.members[place, one.href] = False
    return turn


def _runs(server: Sep2Server, href: str, now: int) -> bool:
    """Say whether an event stands at an address that is neither over nor cancelled."""
    one = server.book.entry(href)
    if one is None or not isinstance(one.value, EVENTS):
        return False
    standing = server.book.standing(one, now)
    return (
        isinstance(standing, sep.Event)
        and not cancelled(standing)
        and standing.event_status.current_status != EventState.COMPLETED
    )
