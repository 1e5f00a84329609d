"""Messages of EiRegisterParty and the VEN's plain requests (2.0b section 8.1, 8.4)."""

from datetime import timedelta

from conformance.kit.oadr20b.build import answer, duration, make, message, optional
from conformance.kit.xml import Element


def profiles() -> Element:
    """Make ``oadrProfiles``: 2.0b over simple HTTP."""
    transport = make("oadr:oadrTransport", make("oadr:oadrTransportName", "simpleHttp"))
    return make(
        "oadr:oadrProfiles",
        make(
            "oadr:oadrProfile",
            make("oadr:oadrProfileName", "2.0b"),
            make("oadr:oadrTransports", transport),
        ),
    )


def created_registration(
    request_id: str,
    vtn_id: str,
    *,
    registration_id: str | None,
    ven_id: str | None,
    poll: timedelta | None,
    code: str = "200",
) -> Element:
    """Make an ``oadrCreatedPartyRegistration``; None leaves an element out."""
    freq = None
    if poll is not None:
        freq = make("oadr:oadrRequestedOadrPollFreq", make("xcal:duration", duration(poll)))
    return answer(
        "oadr:oadrCreatedPartyRegistration",
        request_id,
        code,
        optional("ei:registrationID", registration_id),
        optional("ei:venID", ven_id),
        make("ei:vtnID", vtn_id),
        profiles(),
        freq,
    )


def cancel_registration(request_id: str, registration_id: str, ven_id: str) -> Element:
    """Make an ``oadrCancelPartyRegistration``."""
    return message(
        "oadr:oadrCancelPartyRegistration",
        make("pyld:requestID", request_id),
        make("ei:registrationID", registration_id),
        make("ei:venID", ven_id),
    )


def canceled_registration(
    request_id: str, code: str, registration_id: str | None, ven_id: str | None
) -> Element:
    """Make an ``oadrCanceledPartyRegistration``."""
    registration = optional("ei:registrationID", registration_id)
    return answer(
        "oadr:oadrCanceledPartyRegistration", request_id, code, registration, ven_id=ven_id
    )


def request_reregistration(ven_id: str) -> Element:
    """Make an ``oadrRequestReregistration``."""
    return message("oadr:oadrRequestReregistration", make("ei:venID", ven_id))


def query_registration(request_id: str) -> Element:
    """Make an ``oadrQueryRegistration``."""
    return message("oadr:oadrQueryRegistration", make("pyld:requestID", request_id))


def create_registration(
    request_id: str,
    *,
    name: str,
    pull: bool,
    address: str | None = None,
    registration_id: str | None = None,
    ven_id: str | None = None,
    signature: bool = False,
) -> Element:
    """Make an ``oadrCreatePartyRegistration``."""
    return message(
        "oadr:oadrCreatePartyRegistration",
        make("pyld:requestID", request_id),
        optional("ei:registrationID", registration_id),
        optional("ei:venID", ven_id),
        make("oadr:oadrProfileName", "2.0b"),
        make("oadr:oadrTransportName", "simpleHttp"),
        optional("oadr:oadrTransportAddress", address),
        make("oadr:oadrReportOnly", "false"),
        make("oadr:oadrXmlSignature", "true" if signature else "false"),
        make("oadr:oadrVenName", name),
        make("oadr:oadrHttpPullModel", "true" if pull else "false"),
    )


def poll(ven_id: str) -> Element:
    """Make an ``oadrPoll``."""
    return message("oadr:oadrPoll", make("ei:venID", ven_id))


def request_event(request_id: str, ven_id: str, limit: int | None = None) -> Element:
    """Make an ``oadrRequestEvent``."""
    inner = make(
        "pyld:eiRequestEvent",
        make("pyld:requestID", request_id),
        make("ei:venID", ven_id),
        optional("pyld:replyLimit", None if limit is None else str(limit)),
    )
    return message("oadr:oadrRequestEvent", inner)
