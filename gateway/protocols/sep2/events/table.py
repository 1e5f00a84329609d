"""Table: the life of one event as the device sees it.

    unknown --found--> scheduled --start--> active --end--> completed
                          |                   |  displaced: suspended, until resumed (2023)
                          |                   |  cancelled with randomization: releasing
                          +--cancelled, superseded, opted out, missed

Primacy, overlap and randomisation decide *when* an input comes; see ``arrange``.

Spec: IEEE 2030.5-2018 10.2.3.3; 2023 10.2.2.3.
"""

from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError


class State(StrEnum):
    """What the device has made of an event."""

    UNKNOWN = "unknown"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    OVERRIDDEN = "overridden"
    """The user overrides it for a while; it keeps its place."""
    SUSPENDED = "suspended"
    """Displaced for now; comes back if time remains (editions that resume)."""
    RELEASING = "releasing"
    """Cancelled with randomization; runs on to the instant drawn."""
    OPTED_OUT = "opted_out"
    WITHDRAWN = "withdrawn"
    """Its program is no longer assigned; comes back if it is assigned again."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    MISSED = "missed"
    """Its time passed without a start: nobody was there, or there was no room for it."""
    EXPIRED = "expired"
    """First seen after its specified end."""
    REFUSED = "refused"


class Input(StrEnum):
    """What happens to an event."""

    FOUND = "found"
    FOUND_EXPIRED = "found_expired"
    FOUND_WRONG = "found_wrong"
    """It cannot be followed, or is nonsense."""
    FOUND_CANCELLED = "found_cancelled"
    FOUND_SUPERSEDED = "found_superseded"
    FOUND_COMPLETED = "found_completed"
    START = "start"
    END = "end"
    ELAPSE = "elapse"
    """Its effective end passes while it is not running."""
    CANCEL = "cancel"
    CANCEL_RANDOMLY = "cancel_randomly"
    RELEASE = "release"
    SUPERSEDE = "supersede"
    """Displaced for good."""
    DISPLACE = "displace"
    """Displaced, with a right to come back."""
    RESUME = "resume"
    COMPLETE = "complete"
    """The server says that it is over, before its specified end."""
    WITHDRAW = "withdraw"
    RELIST = "relist"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    OVERRIDE = "override"
    OVERRIDE_OVER = "override_over"
    ACKNOWLEDGE = "acknowledge"
    CANNOT_SHOW = "cannot_show"


class Effect(StrEnum):
    """What there is to tell the server."""

    RECEIVED = "received"
    STARTED = "started"
    FINISHED = "finished"
    """Completed, in part or without the user: 3, 8, 9 or 10."""
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    RESUMED = "resumed"
    OUT = "out"
    IN = "in"
    REFUSED = "refused"
    EXPIRED = "expired"
    ACKNOWLEDGED = "acknowledged"
    NOT_SHOWN = "not_shown"


_S, _I, _E = State, Input, Effect
Row = tuple[State, tuple[Effect, ...]]


def _over(state: State) -> dict[tuple[State, Input], Row]:
    """Return what ends any event that is neither over nor cancelled already."""
    return {
        (state, _I.CANCEL): (_S.CANCELLED, (_E.CANCELLED,)),
        (state, _I.CANCEL_RANDOMLY): (_S.CANCELLED, (_E.CANCELLED,)),
        (state, _I.SUPERSEDE): (_S.SUPERSEDED, (_E.SUPERSEDED,)),
        (state, _I.WITHDRAW): (_S.WITHDRAWN, ()),
        (state, _I.OPT_OUT): (_S.OPTED_OUT, (_E.OUT,)),
        (state, _I.OPT_IN): (state, (_E.IN,)),
        (state, _I.ACKNOWLEDGE): (state, (_E.ACKNOWLEDGED,)),
        (state, _I.CANNOT_SHOW): (state, (_E.NOT_SHOWN,)),
    }


TRANSITIONS: Final[dict[tuple[State, Input], Row]] = {
    (_S.UNKNOWN, _I.FOUND): (_S.SCHEDULED, (_E.RECEIVED,)),
    (_S.UNKNOWN, _I.FOUND_EXPIRED): (_S.EXPIRED, (_E.EXPIRED,)),
    (_S.UNKNOWN, _I.FOUND_WRONG): (_S.REFUSED, (_E.REFUSED,)),
    (_S.UNKNOWN, _I.FOUND_CANCELLED): (_S.CANCELLED, (_E.RECEIVED, _E.CANCELLED)),
    (_S.UNKNOWN, _I.FOUND_SUPERSEDED): (_S.SUPERSEDED, (_E.RECEIVED, _E.SUPERSEDED)),
    (_S.UNKNOWN, _I.FOUND_COMPLETED): (_S.COMPLETED, (_E.RECEIVED,)),
    **_over(_S.SCHEDULED),
    (_S.SCHEDULED, _I.START): (_S.ACTIVE, (_E.STARTED,)),
    (_S.SCHEDULED, _I.DISPLACE): (_S.SUSPENDED, (_E.SUPERSEDED,)),
    (_S.SCHEDULED, _I.ELAPSE): (_S.MISSED, ()),
    (_S.SCHEDULED, _I.COMPLETE): (_S.COMPLETED, ()),
    **_over(_S.ACTIVE),
    (_S.ACTIVE, _I.CANCEL_RANDOMLY): (_S.RELEASING, ()),
    (_S.ACTIVE, _I.END): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.ACTIVE, _I.COMPLETE): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.ACTIVE, _I.DISPLACE): (_S.SUSPENDED, (_E.SUPERSEDED,)),
    (_S.ACTIVE, _I.OVERRIDE): (_S.OVERRIDDEN, ()),
    **_over(_S.OVERRIDDEN),
    (_S.OVERRIDDEN, _I.OVERRIDE_OVER): (_S.ACTIVE, ()),
    (_S.OVERRIDDEN, _I.OPT_IN): (_S.ACTIVE, (_E.IN,)),
    (_S.OVERRIDDEN, _I.END): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.OVERRIDDEN, _I.COMPLETE): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.OVERRIDDEN, _I.DISPLACE): (_S.SUSPENDED, (_E.SUPERSEDED,)),
    **_over(_S.SUSPENDED),
    (_S.SUSPENDED, _I.START): (_S.ACTIVE, (_E.STARTED,)),
    (_S.SUSPENDED, _I.RESUME): (_S.ACTIVE, (_E.RESUMED,)),
    (_S.SUSPENDED, _I.ELAPSE): (_S.SUPERSEDED, ()),
    (_S.SUSPENDED, _I.COMPLETE): (_S.SUPERSEDED, ()),
    (_S.RELEASING, _I.RELEASE): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.CANCEL): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.END): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.SUPERSEDE): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.DISPLACE): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.WITHDRAW): (_S.CANCELLED, (_E.CANCELLED,)),
    (_S.RELEASING, _I.OPT_OUT): (_S.CANCELLED, (_E.OUT, _E.CANCELLED)),
    **_over(_S.OPTED_OUT),
    (_S.OPTED_OUT, _I.OPT_OUT): (_S.OPTED_OUT, ()),
    (_S.OPTED_OUT, _I.OPT_IN): (_S.SCHEDULED, (_E.IN,)),
    (_S.OPTED_OUT, _I.END): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.OPTED_OUT, _I.COMPLETE): (_S.COMPLETED, (_E.FINISHED,)),
    (_S.WITHDRAWN, _I.RELIST): (_S.SCHEDULED, ()),
}
"""(state, input) -> (next state, what to tell). A pair that is absent is an error."""

TERMINAL: Final = frozenset(State) - {state for state, _ in TRANSITIONS}
"""States that an event never leaves."""
COMPETING: Final = frozenset(
    {State.SCHEDULED, State.ACTIVE, State.OVERRIDDEN, State.SUSPENDED, State.RELEASING}
)
"""States in which an event claims its modes against others; the device of an opted-out one is free for others."""


def step(state: State, event: Input) -> Row:
    """Advance one event by one input.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE`` when the pair is not in the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        detail = f"{event} is not possible while the event is {state}"
        raise SessionError("OUT_OF_SEQUENCE", detail) from None
