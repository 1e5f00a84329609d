"""What time a utility tells: its own, and that of an assignment which keeps one for itself.

Events stand as the utility's own clock says; a Time that is told apart from it shows what a client makes of it.

Spec: IEEE 2030.5-2018 clause 10.1 (Time); the Time of the assignment that led to an event is the clock for that event
(Response, 2023 clause 9.2.3); CSIP CORE-005, CORE-006, CORE-010.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.checks import valid
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import TIME, Sep2Server

MOST_AHEAD: Final = 86_400
"""Seconds by which a Time may differ from the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a Time says beside the second that it is."""

    tz_offset: int = 0
    """Seconds, east positive."""
    dst_offset: int = 0
    """Seconds that summer time adds."""
    dst_start: int = 0
    """Second since 1970 in which summer time begins."""
    dst_end: int = 0
    quality: int = 4
    """3: from an authoritative source, 4 from one that asks such a source, 7: deliberately not of this world."""
    ahead: int = 0
    """Seconds by which it runs ahead of the utility's clock; negative: behind."""


def set_time(server: Sep2Server, told: Told, now: datetime, fsa: str | None = None) -> Turn:
    """Change what time is told: by the utility, or by one assignment, which from then on has a Time of its own.

    Raises:
        MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
    """
    if abs(told.ahead) > MOST_AHEAD:
        raise MisuseError("BAD_RESOURCE", f"a Time differs by {MOST_AHEAD} seconds at most")
    book = server.book
    turn = Turn(at=now, told=fsa or "")
    href, scope = TIME, ""
    if fsa is not None:
        assignment = book.expect(fsa, sep.FunctionSetAssignments)
        href, scope = f"{assignment.href}/tm", assignment.href
        if isinstance(assignment.value, sep.FunctionSetAssignments):
            linked = replace(assignment.value, time_link=sep.Link(href=href))
            turn.keep(replace(assignment, value=linked))
    value = sep.Time(
        href=href,
        current_time=told.ahead,
        dst_end_time=told.dst_end,
        dst_offset=told.dst_offset,
        dst_start_time=told.dst_start,
        quality=told.quality,
        tz_offset=told.tz_offset,
        poll_rate=server.options.poll_rate,
    )
    kept = Kept(href=href, kind=sep.Time, scope=scope, value=value, at=now)
    turn.keep(valid(server.options.flavour, kept))
    return turn
