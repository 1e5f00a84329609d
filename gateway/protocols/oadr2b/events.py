"""Table: the life of one event as its receiver sees it.

    unknown --announced--> open --withdrawn--> cancelled
       |                    |  vanished: gone, until a new version is listed
       +--rejected--> refused  the clock: completed

Between far, near, active and completed the clock alone decides; ``status_at`` tells which.

Spec: OpenADR 2.0b section 8.1; rules 13, 21, 31, 36, 47, 56-61, 66.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError
from gateway.protocols.oadr2b.messages import EiActivePeriod, EventStatus

_NOTHING: Final = timedelta(0)


class State(StrEnum):
    """What the receiver has made of an event."""

    UNKNOWN = "unknown"
    OPEN = "open"
    """Taken in; far, near or active by the clock."""
    REFUSED = "refused"
    """Answered with an error and optOut."""
    GONE = "gone"
    """No longer listed: cancelled by implication (rule 61). Only a higher modificationNumber brings it back."""
    CANCELLED = "cancelled"
    """Cancelled in words; final."""
    COMPLETED = "completed"


class Input(StrEnum):
    """What a listing, or the clock, says about an event."""

    ANNOUNCED = "announced"
    """First seen, or listed with a higher modificationNumber."""
    REPEATED = "repeated"
    """Listed with the number already known."""
    OUTDATED = "outdated"
    """Listed with a lower number."""
    REJECTED = "rejected"
    """First seen or changed, and not acceptable."""
    EXPIRED = "expired"
    """First seen, and over already."""
    WITHDRAWN = "withdrawn"
    """Listed as cancelled, at the number known or a higher one."""
    VANISHED = "vanished"
    """Missing from a complete listing."""
    ENDED = "ended"
    """Its active period is over."""


class Effect(StrEnum):
    """What the receiver does."""

    TAKE = "take"
    """Hand it in and wait for the decision."""
    REPEAT = "repeat"
    """Give the last answer again; no new decision."""
    REFUSE = "refuse"
    """Answer the error and optOut."""
    REFUSE_OLD = "refuse_old"
    """Answer 450 and keep the newer version (rule 58)."""
    DROP = "drop"
    """Answer the error and optOut, and hand in that the version taken before no longer holds."""
    DECLINE = "decline"
    """Answer optOut without an error: there is nothing left to do."""
    RELEASE = "release"
    """Hand in the cancellation and confirm it."""
    CONFIRM = "confirm"
    """Confirm a cancellation that changes nothing (rules 21 and 60)."""
    LET_GO = "let_go"
    """Hand in the cancellation; there is nobody to answer."""
    NOTHING = "nothing"


TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, Effect]]] = {
    (State.UNKNOWN, Input.ANNOUNCED): (State.OPEN, Effect.TAKE),
    (State.UNKNOWN, Input.REJECTED): (State.REFUSED, Effect.REFUSE),
    (State.UNKNOWN, Input.EXPIRED): (State.COMPLETED, Effect.DECLINE),
    (State.UNKNOWN, Input.WITHDRAWN): (State.CANCELLED, Effect.CONFIRM),
    (State.OPEN, Input.ANNOUNCED): (State.OPEN, Effect.TAKE),
    (State.OPEN, Input.REPEATED): (State.OPEN, Effect.REPEAT),
    (State.OPEN, Input.OUTDATED): (State.OPEN, Effect.REFUSE_OLD),
    (State.OPEN, Input.REJECTED): (State.REFUSED, Effect.DROP),
    (State.OPEN, Input.WITHDRAWN): (State.CANCELLED, Effect.RELEASE),
    (State.OPEN, Input.VANISHED): (State.GONE, Effect.LET_GO),
    (State.OPEN, Input.ENDED): (State.COMPLETED, Effect.NOTHING),
    (State.REFUSED, Input.ANNOUNCED): (State.OPEN, Effect.TAKE),
    (State.REFUSED, Input.REPEATED): (State.REFUSED, Effect.REPEAT),
    (State.REFUSED, Input.OUTDATED): (State.REFUSED, Effect.REFUSE_OLD),
    (State.REFUSED, Input.REJECTED): (State.REFUSED, Effect.REFUSE),
    (State.REFUSED, Input.WITHDRAWN): (State.CANCELLED, Effect.CONFIRM),
    (State.REFUSED, Input.VANISHED): (State.COMPLETED, Effect.NOTHING),
    (State.REFUSED, Input.ENDED): (State.COMPLETED, Effect.NOTHING),
    (State.GONE, Input.ANNOUNCED): (State.OPEN, Effect.TAKE),
    (State.GONE, Input.REPEATED): (State.GONE, Effect.DECLINE),
    (State.GONE, Input.OUTDATED): (State.GONE, Effect.REFUSE_OLD),
    (State.GONE, Input.REJECTED): (State.REFUSED, Effect.REFUSE),
    (State.GONE, Input.WITHDRAWN): (State.CANCELLED, Effect.CONFIRM),
    (State.GONE, Input.VANISHED): (State.GONE, Effect.NOTHING),
    (State.GONE, Input.ENDED): (State.COMPLETED, Effect.NOTHING),
    (State.COMPLETED, Input.ANNOUNCED): (State.OPEN, Effect.TAKE),
    (State.COMPLETED, Input.REPEATED): (State.COMPLETED, Effect.REPEAT),
    (State.COMPLETED, Input.OUTDATED): (State.COMPLETED, Effect.REFUSE_OLD),
    (State.COMPLETED, Input.REJECTED): (State.REFUSED, Effect.REFUSE),
    (State.COMPLETED, Input.WITHDRAWN): (State.CANCELLED, Effect.CONFIRM),
    (State.COMPLETED, Input.VANISHED): (State.COMPLETED, Effect.NOTHING),
    (State.CANCELLED, Input.ANNOUNCED): (State.CANCELLED, Effect.REFUSE_OLD),
    (State.CANCELLED, Input.REPEATED): (State.CANCELLED, Effect.REFUSE_OLD),
    (State.CANCELLED, Input.OUTDATED): (State.CANCELLED, Effect.REFUSE_OLD),
    (State.CANCELLED, Input.REJECTED): (State.CANCELLED, Effect.REFUSE_OLD),
    (State.CANCELLED, Input.WITHDRAWN): (State.CANCELLED, Effect.CONFIRM),
    (State.CANCELLED, Input.VANISHED): (State.CANCELLED, Effect.NOTHING),
}
"""(state, input) -> (next state, what to do). A pair that is absent is an error."""

TERMINAL: Final = frozenset({State.CANCELLED})
"""States that an event never leaves."""


def step(state: State, event: Input) -> tuple[State, Effect]:
    """Advance one event by one input.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE`` when the pair is not in the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        detail = f"{event} is not allowed while {state}"
        raise SessionError("OUT_OF_SEQUENCE", detail) from None


def allowed(state: State, event: Input) -> bool:
    """Say whether the pair is in the table."""
    return (state, event) in TRANSITIONS


def compare(known: int | None, listed: int, status: EventStatus) -> Input:
    """Say what a listing means by its modificationNumber.

    Args:
        known: Number known so far; None: the event is unknown.
        listed: Number in the listing.
        status: eventStatus in the listing; only ``cancelled`` counts (rule 114).
    """
    if known is not None and listed < known:
        return Input.OUTDATED
    if status is EventStatus.CANCELLED:
        return Input.WITHDRAWN
    return Input.REPEATED if listed == known else Input.ANNOUNCED


def ends_at(period: EiActivePeriod, offset: timedelta = _NOTHING) -> datetime | None:
    """Return the end of the active period, exclusive; None while open-ended (rule 47)."""
    return period.dtstart + offset + period.duration if period.duration else None


def status_at(period: EiActivePeriod, now: datetime, offset: timedelta = _NOTHING) -> EventStatus:
    """Return where an event that is not cancelled stands.

    Args:
        period: As listed.
        now: By the reader's clock.
        offset: Random delay of the reader; it shifts start and end alike (rule 30).
    """
    start, end = period.dtstart + offset, ends_at(period, offset)
    if end is not None and now >= end:
        return EventStatus.COMPLETED
    if now >= start:
        return EventStatus.ACTIVE
    ramp_up = period.x_ei_ramp_up or _NOTHING
    near = ramp_up > _NOTHING and now >= start - ramp_up
    return EventStatus.NEAR if near else EventStatus.FAR
