"""Table: the life of one report that we asked the VTN for.

    asking --taken--> running --last--> done
       |  refused --> refused    |  cancel --> cancelling --gone--> done

New metadata of the VTN, or another registration, ends a request without a word (rule 306): it is forgotten.

Spec: OpenADR 2.0b section 8.3.2; rules 306, 328, 335, 336.
"""

from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError


class State(StrEnum):
    """Where a request of ours stands."""

    ASKING = "asking"
    """oadrCreateReport is on its way until it is answered."""
    RUNNING = "running"
    REFUSED = "refused"
    CANCELLING = "cancelling"
    DONE = "done"


class Input(StrEnum):
    """What can happen to a request of ours."""

    TAKEN = "taken"
    REFUSED = "refused"
    DATA = "data"
    """A report came, others will follow."""
    LAST = "last"
    """The only report came, or the period of interest is over."""
    CANCEL = "cancel"
    GONE = "gone"
    """The VTN confirmed the cancellation, or knows no such request."""


TRANSITIONS: Final[dict[tuple[State, Input], State]] = {
    (State.ASKING, Input.TAKEN): State.RUNNING,
    (State.ASKING, Input.REFUSED): State.REFUSED,
    (State.ASKING, Input.DATA): State.RUNNING,
    (State.ASKING, Input.LAST): State.DONE,
    (State.ASKING, Input.CANCEL): State.CANCELLING,
    (State.RUNNING, Input.TAKEN): State.RUNNING,
    (State.RUNNING, Input.DATA): State.RUNNING,
    (State.RUNNING, Input.LAST): State.DONE,
    (State.RUNNING, Input.CANCEL): State.CANCELLING,
    (State.CANCELLING, Input.TAKEN): State.CANCELLING,
    (State.CANCELLING, Input.REFUSED): State.CANCELLING,
    (State.CANCELLING, Input.DATA): State.CANCELLING,
    (State.CANCELLING, Input.LAST): State.CANCELLING,
    (State.CANCELLING, Input.GONE): State.DONE,
    (State.DONE, Input.TAKEN): State.DONE,
    (State.DONE, Input.DATA): State.DONE,
    (State.DONE, Input.LAST): State.DONE,
}
"""(state, input) -> next state. A pair that is absent is an error."""


def step(state: State, event: Input) -> State:
    """Advance one request by one input.

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
