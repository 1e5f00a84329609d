"""Table: party registration, for either role.

    unregistered --query--> querying --create--> registering --created--> registered --cancel--> cancelling
          ^                                                                |      ^                  |
          +---------------- lost (463), refused ---------------------------+      renew/created   canceled
                                                                                                     v
                                                    cancelled --create--> registering            cancelled

Spec: OpenADR 2.0b section 8.4; rules 401-407 and 517.
"""

from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError


class State(StrEnum):
    """Where a registration stands."""

    UNREGISTERED = "unregistered"
    QUERYING = "querying"
    REGISTERING = "registering"
    REGISTERED = "registered"
    RENEWING = "renewing"
    """Being renewed; the previous registration holds meanwhile."""
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class Input(StrEnum):
    """What can happen to a registration."""

    QUERY = "query"
    """oadrQueryRegistration sent."""
    CREATE = "create"
    """oadrCreatePartyRegistration sent while unregistered."""
    RENEW = "renew"
    """The same, while registered."""
    CREATED = "created"
    """oadrCreatedPartyRegistration with success."""
    REFUSED = "refused"
    """An error in answer to what was sent."""
    LOST = "lost"
    """The VTN says it does not know the VEN (463, or 452 to a poll)."""
    CANCEL = "cancel"
    """oadrCancelPartyRegistration sent."""
    CANCELED = "canceled"
    """The registration has ended, by either side."""


TRANSITIONS: Final[dict[tuple[State, Input], State]] = {
    (State.UNREGISTERED, Input.QUERY): State.QUERYING,
    (State.UNREGISTERED, Input.CREATE): State.REGISTERING,
    (State.QUERYING, Input.CREATE): State.REGISTERING,
    (State.QUERYING, Input.REFUSED): State.UNREGISTERED,
    (State.REGISTERING, Input.CREATED): State.REGISTERED,
    (State.REGISTERING, Input.REFUSED): State.UNREGISTERED,
    (State.REGISTERED, Input.RENEW): State.RENEWING,
    (State.REGISTERED, Input.LOST): State.UNREGISTERED,
    (State.REGISTERED, Input.CANCEL): State.CANCELLING,
    (State.REGISTERED, Input.CANCELED): State.CANCELLED,
    (State.RENEWING, Input.CREATED): State.REGISTERED,
    (State.RENEWING, Input.REFUSED): State.UNREGISTERED,
    (State.RENEWING, Input.LOST): State.UNREGISTERED,
    (State.RENEWING, Input.CANCELED): State.CANCELLED,
    (State.CANCELLING, Input.CANCELED): State.CANCELLED,
    (State.CANCELLING, Input.REFUSED): State.REGISTERED,
    (State.CANCELLED, Input.QUERY): State.QUERYING,
    (State.CANCELLED, Input.CREATE): State.REGISTERING,
}
"""(state, input) -> next state. A pair that is absent is an error."""

VALID: Final = frozenset({State.REGISTERED, State.RENEWING})
"""States in which other services may be used."""


def step(state: State, event: Input) -> State:
    """Advance a registration by one input.

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
