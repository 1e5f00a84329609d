"""Table: the life of one report request as its requester sees it.

    queued --promised, data--> pending --last data--> ended
       |                          |  cancel --> cancelling --canceled--> ended, --confirmed--> cancelled
       +--refused--> refused      +--new metadata--> ended

Spec: OpenADR 2.0b section 8.3.2; rules 306, 328, 336, 340.
"""

from enum import StrEnum
from typing import Final

from gateway.domain.errors import SessionError


class RequestState(StrEnum):
    """Where a report request stands."""

    QUEUED = "queued"
    """Waiting for a poll, or sent and not answered yet."""
    PENDING = "pending"
    """Promised, or serving data already."""
    REFUSED = "refused"
    CANCELLING = "cancelling"
    ENDED = "ended"
    """Nothing more is due; what comes all the same, as a correction or a last report, is taken."""
    CANCELLED = "cancelled"
    """The VEN has confirmed that nothing follows: its reportRequestID is known no more."""


class RequestInput(StrEnum):
    """What can happen to a report request."""

    PROMISED = "promised"
    """oadrCreatedReport with success."""
    REFUSED = "refused"
    """oadrCreatedReport with an error."""
    DATA = "data"
    """A report, with more to come."""
    LAST_DATA = "last_data"
    """The report that completes a one-shot or a period."""
    DROPPED = "dropped"
    """Not wanted any more before it was ever sent."""
    CANCEL = "cancel"
    """Not wanted any more; the VEN is told."""
    CANCELED = "canceled"
    """oadrCanceledReport that refuses, or with a last report to follow."""
    CONFIRMED = "confirmed"
    """oadrCanceledReport with success, and nothing to follow."""
    REPLACED = "replaced"
    """New metadata: every request of before has ended (rule 306)."""


TRANSITIONS: Final[dict[tuple[RequestState, RequestInput], RequestState]] = {
    (RequestState.QUEUED, RequestInput.PROMISED): RequestState.PENDING,
    (RequestState.QUEUED, RequestInput.REFUSED): RequestState.REFUSED,
    (RequestState.QUEUED, RequestInput.DATA): RequestState.PENDING,
    (RequestState.QUEUED, RequestInput.LAST_DATA): RequestState.ENDED,
    (RequestState.QUEUED, RequestInput.DROPPED): RequestState.ENDED,
    (RequestState.QUEUED, RequestInput.CANCEL): RequestState.CANCELLING,
    (RequestState.QUEUED, RequestInput.REPLACED): RequestState.ENDED,
    (RequestState.PENDING, RequestInput.PROMISED): RequestState.PENDING,
    (RequestState.PENDING, RequestInput.DATA): RequestState.PENDING,
    (RequestState.PENDING, RequestInput.LAST_DATA): RequestState.ENDED,
    (RequestState.PENDING, RequestInput.CANCEL): RequestState.CANCELLING,
    (RequestState.PENDING, RequestInput.REPLACED): RequestState.ENDED,
    (RequestState.CANCELLING, RequestInput.PROMISED): RequestState.CANCELLING,
    (RequestState.CANCELLING, RequestInput.REFUSED): RequestState.REFUSED,
    (RequestState.CANCELLING, RequestInput.DATA): RequestState.CANCELLING,
    (RequestState.CANCELLING, RequestInput.LAST_DATA): RequestState.CANCELLING,
    (RequestState.CANCELLING, RequestInput.CANCELED): RequestState.ENDED,
    (RequestState.CANCELLING, RequestInput.CONFIRMED): RequestState.CANCELLED,
    (RequestState.CANCELLING, RequestInput.REPLACED): RequestState.ENDED,
    # A report that was on its way when the request ended is welcome, also as a correction (rule 346).
    (RequestState.ENDED, RequestInput.DATA): RequestState.ENDED,
    (RequestState.ENDED, RequestInput.LAST_DATA): RequestState.ENDED,
    (RequestState.ENDED, RequestInput.PROMISED): RequestState.ENDED,
    (RequestState.ENDED, RequestInput.CANCELED): RequestState.ENDED,
    (RequestState.ENDED, RequestInput.CONFIRMED): RequestState.CANCELLED,
    # The answer to a request may come behind the confirmation of its end.
    (RequestState.CANCELLED, RequestInput.PROMISED): RequestState.CANCELLED,
    (RequestState.CANCELLED, RequestInput.REFUSED): RequestState.CANCELLED,
}
"""(state, input) -> next state. A pair that is absent is an error."""

OVER: Final = frozenset({RequestState.REFUSED, RequestState.ENDED, RequestState.CANCELLED})
"""States in which nothing more is due."""


def step(state: RequestState, event: RequestInput) -> RequestState:
    """Advance a request by one input.

    Raises:
        SessionError: ``OUT_OF_SEQUENCE`` when the pair is not in the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        detail = f"{event} is not allowed while {state}"
        raise SessionError("OUT_OF_SEQUENCE", detail) from None
