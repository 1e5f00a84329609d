"""An application error in the payload type that fits the request (OpenADR 2.0b section 8.7, rules 500 and 517)."""

from gateway.protocols.oadr2b import vtn_registration
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCanceledOpt,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelOpt,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedOpt,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrRequestEvent,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError, Strangers


def request_id_of(message: Message) -> str:
    """Return the requestID that an answer echoes: the message's own, or that of what it answers; empty without."""
    own = getattr(message, "request_id", None)
    if own is None:
        answer = getattr(message, "ei_response", None)
        own = answer.request_id if isinstance(answer, EiResponse) else ""
    return str(own)


def refusal(
    page: Page, message: Message, fault: RefusalError, *, stranger: bool = False
) -> Message:
    """Write the answer that refuses a message; a stranger gets what the options say (rule 517)."""
    answer = EiResponse(
        response_code=fault.code,
        response_description=fault.detail,
        request_id=request_id_of(message),
    )
    unknown = stranger and fault.reason == "NOT_REGISTERED"
    if isinstance(message, OadrQueryRegistration | OadrCreatePartyRegistration):
        return vtn_registration.refused(page, answer.request_id, fault)
    if unknown and page.options.strangers is Strangers.PLAIN:
        return OadrResponse(ei_response=answer)
    if unknown and page.options.strangers is Strangers.REREGISTER:
        return OadrRequestReregistration(ven_id=getattr(message, "ven_id", None) or "")
    return _fitting(page, message, answer)


def misplaced(message: Message) -> RefusalError:
    """Return the fault of a message that its service does not take."""
    return RefusalError("COMPLIANCE", f"{type(message).__name__} is not a request for this service")


def _fitting(page: Page, message: Message, answer: EiResponse) -> Message:
    match message:
        case OadrCancelPartyRegistration():
            return OadrCanceledPartyRegistration(
                ei_response=answer, registration_id=message.registration_id, ven_id=message.ven_id
            )
        case OadrRequestEvent():
            return OadrDistributeEvent(
                ei_response=answer, request_id=page.ids.uuid(), vtn_id=page.options.vtn_id
            )
        case OadrCreateOpt():
            return OadrCreatedOpt(ei_response=answer, opt_id=message.opt_id)
        case OadrCancelOpt():
            return OadrCanceledOpt(ei_response=answer, opt_id=message.opt_id)
        case _:
            return _report_refusal(message, answer)


def _report_refusal(message: Message, answer: EiResponse) -> Message:
    match message:
        case OadrRegisterReport():
            return OadrRegisteredReport(ei_response=answer)
        case OadrCreateReport():
            return OadrCreatedReport(ei_response=answer)
        case OadrUpdateReport():
            return OadrUpdatedReport(ei_response=answer)
        case OadrCancelReport():
            return OadrCanceledReport(ei_response=answer)
        case _:
            return OadrResponse(ei_response=answer)
