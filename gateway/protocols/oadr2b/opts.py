"""Table: the life of one opt that was told in its own right, by schedule or for some sites of an event.

    wanted --ask--> asking --taken--> held --withdraw--> withdrawing --gone--> gone
                      |  refused --> refused                 |  kept --> held
                      +------------ lost: the registration is made anew, so it is told again

Spec: OpenADR 2.0b section 8.5; rules 201-211.
"""

from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError


class State(StrEnum):
    """Where an opt stands between us and the VTN."""

    WANTED = "wanted"
    """To be told."""
    ASKING = "asking"
    """oadrCreateOpt is on its way until it is answered."""
    HELD = "held"
    """The VTN has it."""
    REFUSED = "refused"
    UNWANTED = "unwanted"
    """To be taken back."""
    WITHDRAWING = "withdrawing"
    """oadrCancelOpt is on its way until it is answered."""
    GONE = "gone"


class Input(StrEnum):
    """What can happen to an opt."""

    ASK = "ask"
    TAKEN = "taken"
    REFUSED = "refused"
    WITHDRAW = "withdraw"
    """Taken back by the operator."""
    TELL = "tell"
    """oadrCancelOpt is queued."""
    GONE = "gone"
    """The VTN confirmed, or knows no such opt."""
    KEPT = "kept"
    """The VTN refused to take it back."""
    LOST = "lost"
    """The registration is no more; what the VTN knew is gone, or may be."""


TRANSITIONS: Final[dict[tuple[State, Input], State]] = {
    (State.WANTED, Input.ASK): State.ASKING,
    (State.WANTED, Input.WITHDRAW): State.GONE,
    (State.WANTED, Input.LOST): State.WANTED,
    (State.ASKING, Input.TAKEN): State.HELD,
    (State.ASKING, Input.REFUSED): State.REFUSED,
    (State.ASKING, Input.WITHDRAW): State.UNWANTED,
    (State.ASKING, Input.LOST): State.WANTED,
    (State.HELD, Input.WITHDRAW): State.UNWANTED,
    (State.HELD, Input.LOST): State.WANTED,
    (State.REFUSED, Input.WITHDRAW): State.GONE,
    (State.REFUSED, Input.LOST): State.WANTED,
    (State.UNWANTED, Input.TELL): State.WITHDRAWING,
    (State.UNWANTED, Input.TAKEN): State.UNWANTED,
    (State.UNWANTED, Input.REFUSED): State.GONE,
    (State.UNWANTED, Input.LOST): State.GONE,
    (State.WITHDRAWING, Input.TAKEN): State.WITHDRAWING,
    (State.WITHDRAWING, Input.REFUSED): State.WITHDRAWING,
    (State.WITHDRAWING, Input.GONE): State.GONE,
    (State.WITHDRAWING, Input.KEPT): State.HELD,
    (State.WITHDRAWING, Input.LOST): State.GONE,
}
"""(state, input) -> next state. A pair that is absent is an error."""

TERMINAL: Final = frozenset({State.GONE})


def step(state: State, event: Input) -> State:
    """Advance one opt by one input.

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
