"""Registration messages of this VEN, and what the VTN's answers change.

Spec: OpenADR 2.0b section 8.4 and the rules named.
"""

from datetime import timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.judging import length
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Memory, Registration
from conformance.reference.wire2b import make, message, response, text

OK: Final = "200"
WRONG_ID: Final = "452"
POLL: Final = "oadr:oadrRequestedOadrPollFreq/xcal:duration"


def asking(request_id: str) -> Element:
    """Make an oadrQueryRegistration."""
    return message("oadr:oadrQueryRegistration", make("pyld:requestID", request_id))


def creating(
    settings: Settings, request_id: str, address: str, current: Registration | None
) -> Element:
    """Make an oadrCreatePartyRegistration; with ``current``, a re-registration under its ids."""
    ven_id = current.ven_id if current is not None else settings.ven_id
    return message(
        "oadr:oadrCreatePartyRegistration",
        make("pyld:requestID", request_id),
        make("ei:registrationID", current.registration_id) if current is not None else None,
        make("ei:venID", ven_id) if ven_id else None,
        make("oadr:oadrProfileName", "2.0b"),
        make("oadr:oadrTransportName", "simpleHttp"),
        make("oadr:oadrTransportAddress", address) if settings.push else None,
        make("oadr:oadrReportOnly", "false"),
        make("oadr:oadrXmlSignature", "true" if settings.signing_key else "false"),
        make("oadr:oadrVenName", settings.ven_name),
        make("oadr:oadrHttpPullModel", "false" if settings.push else "true"),
    )


def cancelling(request_id: str, current: Registration) -> Element:
    """Make an oadrCancelPartyRegistration."""
    return message(
        "oadr:oadrCancelPartyRegistration",
        make("pyld:requestID", request_id),
        make("ei:registrationID", current.registration_id),
        make("ei:venID", current.ven_id),
    )


def registered(memory: Memory, settings: Settings, answer: Element) -> bool:
    """Take an oadrCreatedPartyRegistration; say whether this VEN is registered by it."""
    ven_id = text(answer, "ei:venID")
    registration_id = text(answer, "ei:registrationID")
    if not text(answer, "ei:eiResponse/ei:responseCode").startswith("2") or not registration_id:
        return False
    period = text(answer, POLL)
    memory.registration = Registration(
        registration_id=registration_id,
        ven_id=ven_id,
        vtn_id=text(answer, "ei:vtnID"),
        poll=max(length(period), timedelta(milliseconds=200)) if period else settings.poll,
    )
    return True


def cancelled(memory: Memory, cancel: Element) -> Element:
    """Take the VTN's oadrCancelPartyRegistration and make the answer; wrong ids change nothing."""
    current = memory.registration
    registration_id = text(cancel, "ei:registrationID")
    ven_id = text(cancel, "ei:venID")
    right = (
        current is not None
        and registration_id == current.registration_id
        and ven_id in ("", current.ven_id)
    )
    if right:
        forget(memory)
    return message(
        "oadr:oadrCanceledPartyRegistration",
        response(OK if right else WRONG_ID, text(cancel, "pyld:requestID")),
        make("ei:registrationID", registration_id),
        make("ei:venID", ven_id) if ven_id else None,
    )


def forget(memory: Memory) -> None:
    """Erase everything that belonged to a registration (rule 407)."""
    memory.registration = None
    memory.events.clear()
    memory.wanted.clear()
    memory.asked.clear()
    memory.opts.clear()
