"""Members of a list that cannot be read: direct control is answered 253, everything else is told the operator.

An event that nobody can read is not absent. So that the server hears of it, once, and nothing takes it for vanished,
a stand-in of the same mRID goes into the list, with a time that is none and nothing that it asks for.

Spec: IEEE 2030.5-2018 10.2.3.3; IEEE 2030.5-2018 leniency.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.errors import WireError
from gateway.protocols.actions import Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Decoded, Unreadable
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.lexical import sound

NEVER: Final = 0
"""A start that no event has."""
MOST_NAMED: Final = 5
"""Broken members of one document that are told one by one."""
_ALL_BITS: Final = 7
_MOST_CATEGORIES: Final = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A document as it can be worked with."""

    value: sep.Resource
    aside: int
    """Members that are missing in it, since not even their name could be read."""
    notes: tuple[Note, ...] = ()


def with_refusals(found: Decoded[sep.Resource], href: str) -> Taken:
    """Return a list with stand-ins for what of its events cannot be read.

    Args:
        found: As read.
        href: Where it came from.
    """
    broken = [one for one in found.unreadable if one.path.count("/") == 1]
    if not found.unreadable:
        return Taken(value=found.value, aside=0)
    value, missing = found.value, len(broken)
    if isinstance(value, sep.DERControlList):
        controls = [each for one in broken if (each := _control(one)) is not None]
        value = replace(value, der_control=(*value.der_control, *controls))
        missing -= len(controls)
    elif isinstance(value, sep.EndDeviceControlList):
        loads = [load for one in broken if (load := _load_control(one)) is not None]
        value = replace(value, end_device_control=(*value.end_device_control, *loads))
        missing -= len(loads)
    return Taken(value=value, aside=missing, notes=tuple(_notes(found.unreadable, href)))


def _notes(broken: Iterable[Unreadable], href: str) -> list[Note]:
    told = list(broken)
    notes = [
        Note(
            word="unreadable_member",
            fields={
                "href": href,
                "mrid": one.mrid or "",
                "reason": one.reason,
                "detail": one.detail,
            },
        )
        for one in told[:MOST_NAMED]
    ]
    if len(told) > MOST_NAMED:
        fields = {"href": href, "more": str(len(told) - MOST_NAMED)}
        notes.append(Note(word="unreadable_members", fields=fields))
    return notes


def _control(one: Unreadable) -> sep.DERControl | None:
    name = _name(one)
    if name is None:
        return None
    return sep.DERControl(
        href=one.href,
        mrid=name,
        creation_time=NEVER,
        event_status=_STATUS,
        interval=_INTERVAL,
        der_control_base=sep.DERControlBase(),
        device_category=_hex(one.category, _MOST_CATEGORIES),
        reply_to=_reply_to(one),
        response_required=_hex(one.response_required, _ALL_BITS + 1),
    )


def _load_control(one: Unreadable) -> sep.EndDeviceControl | None:
    name = _name(one)
    if name is None:
        return None
    return sep.EndDeviceControl(
        href=one.href,
        mrid=name,
        creation_time=NEVER,
        event_status=_STATUS,
        interval=_INTERVAL,
        device_category=_hex(one.category, _MOST_CATEGORIES) or 0,
        dr_program_mandatory=False,
        load_shift_forward=False,
        reply_to=_reply_to(one),
        response_required=_hex(one.response_required, _ALL_BITS + 1),
    )


_STATUS: Final = sep.EventStatus(current_status=0, date_time=NEVER, potentially_superseded=False)
_INTERVAL: Final = sep.DateTimeInterval(start=NEVER, duration=2**32 - 1)
"""Not over, so that it is refused rather than late."""


def _name(one: Unreadable) -> str | None:
    try:
        return mrid(one.mrid or "")
    except WireError:
        return None


def _reply_to(one: Unreadable) -> str | None:
    return one.reply_to if one.reply_to and sound(one.reply_to) else None


def _hex(text: str | None, below: int) -> int | None:
    try:
        number = int(text or "", 16)
    except ValueError:
        return None
    return number if 0 <= number < below else None
