"""VEN: a request that says it is of another profile is answered 459, in the message that answers its kind.

Nothing of it counts. An answer of the VTN that says so gets none: it is taken for unreadable.

Spec: OpenADR 2.0b sections 8.7 and 9.1; attribute schemaVersion.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.protocols.oadr2b import ven_answers
from gateway.protocols.oadr2b.codec import OtherVersionError
from gateway.protocols.oadr2b.errors import response_code
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.ven_state import Purpose
from gateway.protocols.oadr2b.ven_turn import EI_REGISTER_PARTY, EI_REPORT, Turn, refusal


def refuse(turn: Turn, fault: OtherVersionError) -> bool:
    """Answer a request that a poll, or a question for events, has brought.

    Returns:
        False: it is no request, so nothing is answered.
    """
    message = fault.message
    if isinstance(message, OadrDistributeEvent):
        ven_answers.send_created(turn, (), message.request_id, _refusal(fault))
        return True
    write = _ANSWERS.get(type(message))
    if write is None:
        return False
    service, answer = write(turn, message, _refusal(fault))
    turn.queue(Purpose.ANSWER, service, answer)
    return True


def _refusal(fault: OtherVersionError) -> EiResponse:
    request_id = str(getattr(fault.message, "request_id", ""))
    return refusal(response_code(fault), fault.detail, request_id)


def _create_report(turn: Turn, _: Message, why: EiResponse) -> tuple[str, Message]:
    pending = tuple(turn.state.running)
    ven_id = turn.registration.ven_id
    return EI_REPORT, OadrCreatedReport(
        ei_response=why, oadr_pending_reports=pending, ven_id=ven_id
    )


def _cancel_report(turn: Turn, _: Message, why: EiResponse) -> tuple[str, Message]:
    pending = tuple(turn.state.running)
    ven_id = turn.registration.ven_id
    return EI_REPORT, OadrCanceledReport(
        ei_response=why, oadr_pending_reports=pending, ven_id=ven_id
    )


def _register_report(turn: Turn, _: Message, why: EiResponse) -> tuple[str, Message]:
    return EI_REPORT, OadrRegisteredReport(ei_response=why, ven_id=turn.registration.ven_id)


def _update_report(turn: Turn, _: Message, why: EiResponse) -> tuple[str, Message]:
    return EI_REPORT, OadrUpdatedReport(ei_response=why, ven_id=turn.registration.ven_id)


def _end(_: Turn, message: OadrCancelPartyRegistration, why: EiResponse) -> tuple[str, Message]:
    return EI_REGISTER_PARTY, OadrCanceledPartyRegistration(
        ei_response=why, registration_id=message.registration_id, ven_id=message.ven_id
    )


def _renew(turn: Turn, _: Message, why: EiResponse) -> tuple[str, Message]:
    return EI_REGISTER_PARTY, OadrResponse(ei_response=why, ven_id=turn.registration.ven_id)


# Any: the key of each line is the type of the message that its function takes.
_ANSWERS: Final[Mapping[type[Message], Callable[[Turn, Any, EiResponse], tuple[str, Message]]]] = {
    OadrCreateReport: _create_report,
    OadrCancelReport: _cancel_report,
    OadrRegisterReport: _register_report,
    OadrUpdateReport: _update_report,
    OadrCancelPartyRegistration: _end,
    OadrRequestReregistration: _renew,
}
