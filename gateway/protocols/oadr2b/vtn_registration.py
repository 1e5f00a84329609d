"""Who may register, as what, and how a registration ends.

    stranger --create--> registered --create with ids--> registered (same ids)
                         registered --create without ids--> registered afresh, everything else forgotten
                         registered --cancel, by either side--> stranger

Spec: OpenADR 2.0b section 8.4.1, rules 401-407 and 517.
"""

from dataclasses import replace

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrProfile,
    OadrQueryRegistration,
    OadrResponse,
)
from gateway.protocols.oadr2b.vtn_address import address_of, may_push_to
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, Page, RefusalError
from gateway.protocols.oadr2b.vtn_events import listed
from gateway.protocols.oadr2b.vtn_facts import Registered, Unregistered
from gateway.protocols.oadr2b.vtn_queue import answered, enqueue, enqueue_events
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    OfferRecord,
    OptRecord,
    QueueRecord,
    RequestRecord,
    SupplyRecord,
    VenRecord,
    Waiting,
)

PROFILES = (OadrProfile(oadr_profile_name="2.0b", oadr_transports=("simpleHttp",)),)
"""Everything this VTN supports (rule 403)."""


def expected(page: Page, peer: str, wanted: str | None = None) -> ExpectedVen:
    """Find what is known beforehand about the holder of a certificate.

    Args:
        page: Where to read.
        peer: Fingerprint of the certificate.
        wanted: venID that it asks for.

    Raises:
        RefusalError: 463 for a certificate that is not expected.
    """
    named = page.book.allocation_of(peer) if peer else None
    if named is not None:
        if peer not in named.counting(page.now):
            raise RefusalError("NOT_REGISTERED", "this certificate was replaced by another one")
        return ExpectedVen(ven_id=named.ven_id, fingerprints=named.fingerprints)
    for ven in page.options.expected:
        if peer in ven.fingerprints:
            return ven
    held = page.find(AllocationRecord, "", (wanted or "",))
    if held is not None and not held.fingerprints:
        return ExpectedVen(ven_id=held.ven_id)
    for ven in page.options.expected:
        if not ven.fingerprints:
            return ven
    if page.options.expected or page.options.closed:
        raise RefusalError("NOT_REGISTERED", "this certificate is not authorised here")
    return ExpectedVen()


def known(page: Page, peer: str, ven_id: str | None) -> VenRecord | None:
    """Find the registration behind a connection: by certificate, over plain HTTP by venID.

    While a certificate is rolled over, either of a VEN's two stands for the registration made with the other. One that
    was taken off an allocation, or whose overlap is over, stands for nothing any more.
    """
    if not peer:
        found = page.find(VenRecord, ven_id or "")
        return found if found is not None and not found.fingerprint else None
    own = page.book.ven_of(peer)
    if own is not None:
        held = page.find(AllocationRecord, "", (own.ven_id,))
        named = held.counting(page.now) if held is not None else ()
        withdrawn = named and peer not in named
        return None if withdrawn else page.find(VenRecord, own.ven_id)
    return _rolled_over(page, peer)


def _rolled_over(page: Page, peer: str) -> VenRecord | None:
    """Find the registration made with another certificate of the same VEN."""
    named = page.book.allocation_of(peer)
    if named is not None:
        counts = peer in named.counting(page.now)
        return page.find(VenRecord, named.ven_id) if counts else None
    for ven in page.options.expected:
        if peer in ven.fingerprints:
            others = (page.book.ven_of(fingerprint) for fingerprint in ven.fingerprints)
            return next((other for other in others if other is not None), None)
    return None


def identify(page: Page, peer: str, ven_id: str | None) -> VenRecord:
    """Find the VEN that sent a message, and compare the venID in it.

    Args:
        page: Where to read.
        peer: Fingerprint of its certificate; empty over plain HTTP.
        ven_id: As the message gives it; None where it may be left out, and was.

    Raises:
        RefusalError: 463 for a stranger or for the venID of another VEN, 452 for a venID that is nobody's.

    Spec: OpenADR 2.0b rules 500, 512 and 517, section 9.2.1.1.
    """
    ven = known(page, peer, ven_id)
    if ven is None:
        raise RefusalError("NOT_REGISTERED", "this VEN is not registered here")
    if ven_id is not None and ven_id != ven.ven_id:
        if page.find(VenRecord, ven_id) is not None:
            raise RefusalError("NOT_REGISTERED", "this venID belongs to another certificate")
        raise RefusalError("INVALID_ID", "this venID is not the one given at registration")
    return ven


def query(page: Page, peer: str, message: OadrQueryRegistration) -> OadrCreatedPartyRegistration:
    """Tell what this VTN offers; the ids only to a VEN that is registered."""
    ven = known(page, peer, None)
    return _created(page, message.request_id, ven)


def create(
    page: Page, peer: str, message: OadrCreatePartyRegistration
) -> OadrCreatedPartyRegistration:
    """Register a VEN, or renew its registration.

    Raises:
        RefusalError: 463 for a stranger or another VEN's venID, 452 for ids that do not fit, 459 for another profile or
            transport, 469 for push where it is not offered.
    """
    ven = known(page, peer, message.ven_id)
    allowed = expected(page, peer, message.ven_id)
    _check_offer(page, message)
    if message.registration_id is not None:
        return _renew(page, ven, message)
    ven_id = _ven_id(page, peer, ven, allowed, message.ven_id)
    if ven is not None:
        forget(page, ven)
    fresh = VenRecord(
        ven_id=ven_id,
        registration_id=page.ids.uuid(),
        fingerprint=peer,
        ven_name=message.oadr_ven_name or "",
        registered_at=page.now,
        xml_signature=message.oadr_xml_signature,
        report_only=message.oadr_report_only,
        transport_address=address_of(message),
    )
    page.put(fresh)
    # Metadata goes before anything but events that the VEN asks for itself (rule 309).
    enqueue(page, ven_id, Waiting.REGISTER_REPORT)
    if not fresh.report_only and listed(page, ven_id):
        enqueue_events(page, ven_id)
    page.tell(Registered(ven_id=ven_id, ven_name=fresh.ven_name, fingerprint=peer, renewed=False))
    return _created(page, message.request_id, fresh)


def _check_offer(page: Page, message: OadrCreatePartyRegistration) -> None:
    if message.oadr_profile_name != "2.0b" or message.oadr_transport_name != "simpleHttp":
        raise RefusalError("COMPLIANCE", "only profile 2.0b over simpleHttp is offered here")
    if message.oadr_http_pull_model is not False:
        return
    if not page.options.push:
        raise RefusalError(
            "DEPLOYMENT", "only pull is offered here: register with oadrHttpPullModel true"
        )
    if not may_push_to(message.oadr_transport_address or ""):
        raise RefusalError("COMPLIANCE", "push needs an oadrTransportAddress: https://host:port/…")


def _ven_id(
    page: Page, peer: str, ven: VenRecord | None, allowed: ExpectedVen, wanted: str | None
) -> str:
    """Choose the venID of a fresh registration: the pre-allocated one, the present one, the wished one, a new one."""
    if allowed.ven_id and wanted not in {None, allowed.ven_id}:
        raise RefusalError("INVALID_ID", "this certificate was allocated another venID")
    chosen = allowed.ven_id or wanted or (ven.ven_id if ven else "") or page.ids.uuid()
    held = page.find(AllocationRecord, "", (chosen,))
    if held is not None and held.fingerprints and peer not in held.counting(page.now):
        raise RefusalError("NOT_REGISTERED", "this venID is allocated to another certificate")
    holder = page.find(VenRecord, chosen)
    if holder is not None and (ven is None or holder.ven_id != ven.ven_id):
        raise RefusalError("NOT_REGISTERED", "this venID belongs to another certificate")
    return chosen


def _renew(
    page: Page, ven: VenRecord | None, message: OadrCreatePartyRegistration
) -> OadrCreatedPartyRegistration:
    wrong = ven is None or message.registration_id != ven.registration_id
    if ven is None or wrong or message.ven_id not in {None, ven.ven_id}:
        raise RefusalError(
            "INVALID_ID", "no registration has these ids: register without a registrationID"
        )
    renewed = replace(
        ven,
        ven_name=message.oadr_ven_name or ven.ven_name,
        xml_signature=message.oadr_xml_signature,
        report_only=message.oadr_report_only,
        transport_address=address_of(message),
    )
    page.put(renewed)
    answered(page, ven.ven_id, Waiting.REREGISTRATION, "")
    page.tell(
        Registered(
            ven_id=ven.ven_id, ven_name=ven.ven_name, fingerprint=ven.fingerprint, renewed=True
        )
    )
    return _created(page, message.request_id, renewed)


def _created(
    page: Page, echo: str, ven: VenRecord | None, code: str = OK, detail: str | None = None
) -> OadrCreatedPartyRegistration:
    return OadrCreatedPartyRegistration(
        ei_response=EiResponse(response_code=code, response_description=detail, request_id=echo),
        registration_id=ven.registration_id if ven else None,
        ven_id=ven.ven_id if ven else None,
        vtn_id=page.options.vtn_id,
        oadr_profiles=PROFILES,
        oadr_requested_oadr_poll_freq=page.options.poll_every,
    )


def refused(page: Page, echo: str, refusal: RefusalError) -> OadrCreatedPartyRegistration:
    """Write the answer to a registration that is refused."""
    return _created(page, echo, None, refusal.code, refusal.detail)


def cancel(
    page: Page, ven: VenRecord, message: OadrCancelPartyRegistration
) -> OadrCanceledPartyRegistration:
    """End a registration as the VEN asks.

    Raises:
        RefusalError: 452 for a wrong registrationID; the registration stays.
    """
    if message.registration_id != ven.registration_id:
        raise RefusalError("INVALID_ID", "this registrationID is not the one given at registration")
    forget(page, ven)
    page.tell(Unregistered(ven_id=ven.ven_id, by="ven"))
    return OadrCanceledPartyRegistration(
        ei_response=EiResponse(request_id=message.request_id),
        registration_id=ven.registration_id,
        ven_id=ven.ven_id,
    )


def canceled(page: Page, ven: VenRecord, message: OadrCanceledPartyRegistration) -> OadrResponse:
    """Take a VEN's answer to our cancellation; the registration ends only when it agrees."""
    echo = message.ei_response.request_id
    settled = answered(page, ven.ven_id, Waiting.CANCEL_REGISTRATION, echo)
    if settled and message.ei_response.is_success:
        forget(page, ven)
        page.tell(Unregistered(ven_id=ven.ven_id, by="vtn"))
    return OadrResponse(ei_response=EiResponse(request_id=echo), ven_id=ven.ven_id)


def forget(page: Page, ven: VenRecord) -> None:
    """Erase a registration and all that hangs on it (rules 406 and 407)."""
    kinds = (DeliveryRecord, QueueRecord, OfferRecord, RequestRecord, OptRecord, SupplyRecord)
    for kind in kinds:
        for record in page.all(kind, ven.ven_id):
            page.drop(record)
    page.drop(ven)


def allocate(page: Page, allocation: AllocationRecord) -> None:
    """Give a venID out beforehand, or change whose certificates may use it.

    Raises:
        MisuseError: ``FINGERPRINT_TAKEN`` when a certificate is allocated another venID.
    """
    for fingerprint in allocation.fingerprints:
        other = page.book.allocation_of(fingerprint)
        if other is not None and other.ven_id != allocation.ven_id:
            detail = f"certificate {fingerprint} is allocated to {other.ven_id!r}: take it off there first"
            raise MisuseError("FINGERPRINT_TAKEN", detail)
    page.put(allocation)


def remove(page: Page, ven_id: str) -> None:
    """Forget a VEN without asking it: its registration, all that hangs on it, and its allocation.

    Raises:
        MisuseError: ``UNKNOWN_VEN``.
    """
    ven = page.find(VenRecord, ven_id)
    held = page.find(AllocationRecord, "", (ven_id,))
    if ven is None and held is None:
        raise MisuseError("UNKNOWN_VEN", f"no VEN {ven_id!r} is registered or allocated")
    if held is not None:
        page.drop(held)
    if ven is not None:
        forget(page, ven)
        page.tell(Unregistered(ven_id=ven_id, by="vtn"))
