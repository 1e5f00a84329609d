"""The operator's answers to flow reservations.

Spec: IEEE 2030.5-2018 FlowReservationResponse.
"""

from datetime import datetime

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums_device import RequestState
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.reserving import GrantTerms, answer
from gateway.protocols.sep2.server.server import Sep2Server


class Reserver:
    """Answers requests; each door returns a turn, which is to be stored and taken.

    Args:
        server: The utility.
    """

    def __init__(self, server: Sep2Server) -> None:
        self.server = server
        self.book = server.book

    def grant(self, request: str, terms: GrantTerms, now: datetime) -> Turn:
        """Answer a request; an answer given before counts no more.

        Args:
            request: Its address.
            terms: What is granted.
            now: Current instant.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``, ``EVENT_ENDED`` for a request that was withdrawn.
        """
        one = self.book.entry(request)
        if one is None or not isinstance(one.value, sep.FlowReservationRequest):
            raise MisuseError("UNKNOWN_RESOURCE", "no request stands there")
        if one.value.request_status.request_status == RequestState.CANCELLED:
            raise MisuseError("EVENT_ENDED", "the request was withdrawn")
        turn = Turn(at=now)
        answer(turn, one, terms, self.book, self.server.options, self.server.ids)
        return turn
