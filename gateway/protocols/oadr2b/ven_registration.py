"""VEN: registering, renewing, cancelling, and what the VTN may ask about it.

Spec: OpenADR 2.0b section 8.4; rules 400-407 and 517.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final, assert_never

from gateway.domain.errors import SessionError
from gateway.domain.event import RawMessage
from gateway.domain.registering import Order, Standing
from gateway.domain.timespan import instant_text
from gateway.protocols.oadr2b import ven_events, ven_opts, ven_reports, ven_requester
from gateway.protocols.oadr2b.errors import INVALID_ID
from gateway.protocols.oadr2b.messages import (
    Message,
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrQueryRegistration,
    OadrRequestReregistration,
    OadrResponse,
)
from gateway.protocols.oadr2b.registration import VALID, Input, State, allowed, step
from gateway.protocols.oadr2b.ven_link import backoff, start_polling, without_link
from gateway.protocols.oadr2b.ven_state import Purpose, Registration
from gateway.protocols.oadr2b.ven_turn import EI_REGISTER_PARTY, Turn, refusal

_AFRESH: Final = "afresh"
_NONE_YET: Final = "there is no registration to ask about; one that was ended begins by renew"
_PATIENT: Final = timedelta(minutes=15)
_REGISTRATION: Final = (Purpose.QUERY, Purpose.REGISTER, Purpose.UNREGISTER)


def begin(turn: Turn) -> None:
    """Start or resume: decide whether the stored registration still fits the configuration."""
    known = turn.registration
    if known.asked_ven_id != turn.options.ven_id and known.state is not State.UNREGISTERED:
        without_link(turn)
        turn.state = replace(turn.state, registration=Registration(), running={}, owed=())
        ven_opts.lost(turn)
        ven_requester.forget(turn)
    turn.register(asked_ven_id=turn.options.ven_id)


def pursue(turn: Turn) -> None:
    """Queue what registering needs next: a query, a registration, then the metadata and the question for events."""
    if turn.registration.state in VALID:
        if turn.registration.state is State.REGISTERED:
            _catch_up(turn)
        return
    if turn.queued(*_REGISTRATION) or turn.registration.state is State.CANCELLING:
        return
    retry_at = turn.registration.retry_at
    if turn.registration.state is State.CANCELLED and retry_at is None:
        return
    if retry_at is not None and turn.now < retry_at:
        return
    if turn.options.query_first and not turn.link.queried and not turn.registration.registration_id:
        _query(turn)
    else:
        create(turn)


def _catch_up(turn: Turn) -> None:
    if (
        not turn.queued(Purpose.METADATA)
        and turn.registration.metadata != turn.setting.offers.digest
    ):
        ven_reports.offer(turn)
    if not turn.link.synced and not turn.queued(Purpose.REQUEST_EVENT):
        ven_events.request(turn)


def _query(turn: Turn) -> None:
    turn.register(state=step(turn.registration.state, Input.QUERY), retry_at=None)
    _ask(turn)


def _ask(turn: Turn) -> None:
    request_id = turn.fresh_id()
    query = OadrQueryRegistration(request_id=request_id)
    turn.queue(Purpose.QUERY, EI_REGISTER_PARTY, query, request_id)


def create(turn: Turn, *, afresh: bool = False) -> None:
    """Send oadrCreatePartyRegistration, with the ids we have or as if for the first time (rule 406)."""
    renews = turn.registration.state in VALID
    turn.register(
        state=step(turn.registration.state, Input.RENEW if renews else Input.CREATE), retry_at=None
    )
    known = turn.registration
    keeps = bool(known.registration_id) and not afresh
    request_id = turn.fresh_id()
    message = OadrCreatePartyRegistration(
        request_id=request_id,
        registration_id=known.registration_id if keeps else None,
        ven_id=(known.ven_id if keeps else turn.options.ven_id) or None,
        oadr_ven_name=turn.options.ven_name,
        oadr_transport_address=turn.options.address or None,
        oadr_xml_signature=turn.options.xml_signature,
        oadr_http_pull_model=not turn.options.pushes,
    )
    subject = _AFRESH if afresh else ""
    turn.queue(Purpose.REGISTER, EI_REGISTER_PARTY, message, request_id, subject)


def queried(turn: Turn, reply: Message | None) -> None:
    """Take the answer to a query; whatever it is, registering comes next where there is no registration yet."""
    if turn.registration.state in VALID:
        _told(turn, reply)
        return
    turn.connect(queried=True)
    if not isinstance(reply, OadrCreatedPartyRegistration):
        turn.note("query_unanswered")
    elif not any(profile.oadr_profile_name == "2.0b" for profile in reply.oadr_profiles):
        turn.note("profile_missing", wanted="2.0b")
    create(turn)


def _told(turn: Turn, reply: Message | None) -> None:
    """Note what the VTN says of a registration that holds; a query changes nothing."""
    if not isinstance(reply, OadrCreatedPartyRegistration):
        turn.note("query_unanswered")
        return
    known = turn.registration
    ids = (reply.registration_id or known.registration_id, reply.ven_id or known.ven_id)
    word = (
        "registration_known"
        if ids == (known.registration_id, known.ven_id)
        else "registration_differs"
    )
    turn.note(word, vtn_id=reply.vtn_id, code=reply.ei_response.response_code)


def created(turn: Turn, reply: Message | None, *, afresh: bool = False) -> None:
    """Take the answer to a registration, ``afresh``: to one without our ids."""
    if (
        isinstance(reply, OadrCreatedPartyRegistration)
        and reply.ei_response.is_success
        and reply.registration_id
        and reply.ven_id
    ):
        ids = (reply.registration_id, reply.ven_id)
        known = turn.registration
        if afresh or ids != (known.registration_id, known.ven_id):
            _replaced(turn)
        _registered(turn, reply, *ids)
    else:
        _refused(turn, reply)


def _replaced(turn: Turn) -> None:
    """Forget what belonged to another registration: the VTN has erased what it knew of us (rule 406)."""
    without_link(turn)
    ven_reports.forget(turn)
    ven_opts.lost(turn)
    ven_requester.forget(turn)
    turn.register(metadata="")


def _registered(
    turn: Turn, reply: OadrCreatedPartyRegistration, registration_id: str, ven_id: str
) -> None:
    known = turn.registration
    if turn.options.ven_id and turn.options.ven_id != ven_id:
        turn.note("ven_id_differs", configured=turn.options.ven_id, given=ven_id)
    turn.register(
        state=step(known.state, Input.CREATED),
        registration_id=registration_id,
        ven_id=ven_id,
        vtn_id=reply.vtn_id,
        poll_every=reply.oadr_requested_oadr_poll_freq,
        retry_at=None,
    )
    turn.note("registered", ven_id=ven_id, vtn_id=reply.vtn_id)
    if turn.link.synced:
        start_polling(turn)


def _refused(turn: Turn, reply: Message | None) -> None:
    answer = getattr(reply, "ei_response", None)
    code = answer.response_code if answer is not None else "none"
    had_ids = bool(turn.registration.registration_id)
    turn.note("registration_refused", code=code)
    turn.register(
        state=step(turn.registration.state, Input.REFUSED),
        registration_id="",
        ven_id="",
        metadata="",
        retry_at=None if had_ids else turn.now + (turn.options.register_again or _PATIENT),
    )
    without_link(turn)
    ven_reports.forget(turn)
    ven_opts.lost(turn)
    ven_requester.forget(turn)


def lost(turn: Turn, code: str, raw: RawMessage) -> None:
    """The VTN does not know us: register again with the ids we have, then offer and ask anew.

    Spec: OpenADR 2.0b rule 517 (463, 452).
    """
    turn.note("registration_lost", code=code)
    if turn.registration.state is State.CANCELLING:
        _ended(turn, raw)
        turn.register(retry_at=None)
        return
    losses = turn.link.losses + 1
    without_link(turn)
    ven_reports.forget(turn)
    ven_opts.lost(turn)
    ven_requester.forget(turn)
    turn.register(
        state=step(turn.registration.state, Input.LOST),
        metadata="",
        retry_at=turn.now + backoff(turn, losses - 1) if losses > 1 else None,
    )
    turn.connect(losses=losses)


def asked_to_renew(turn: Turn, message: OadrRequestReregistration) -> None:
    """Answer oadrRequestReregistration, and renew with our ids."""
    answer = turn.judged("", message.ven_id)
    reply = OadrResponse(ei_response=answer, ven_id=turn.registration.ven_id)
    turn.queue(Purpose.ANSWER, EI_REGISTER_PARTY, reply)
    if answer.is_success and allowed(turn.registration.state, Input.RENEW):
        create(turn)


def asked_to_end(turn: Turn, message: OadrCancelPartyRegistration, raw: RawMessage) -> None:
    """Answer oadrCancelPartyRegistration; wrong ids change nothing."""
    known = turn.registration
    named = (message.registration_id, message.ven_id or known.ven_id)
    if named != (known.registration_id, known.ven_id):
        answer = refusal(INVALID_ID, "no such registration here", message.request_id)
    else:
        answer = turn.ok(message.request_id)
        _ended(turn, raw)
    reply = OadrCanceledPartyRegistration(
        ei_response=answer, registration_id=message.registration_id, ven_id=message.ven_id
    )
    turn.queue(Purpose.ANSWER, EI_REGISTER_PARTY, reply)


def _ended(turn: Turn, raw: RawMessage) -> None:
    again = turn.options.register_again
    turn.register(
        state=step(turn.registration.state, Input.CANCELED),
        registration_id="",
        ven_id="",
        metadata="",
        retry_at=None if again is None else turn.now + again,
    )
    without_link(turn)
    ven_reports.forget(turn)
    ven_opts.lost(turn)
    ven_requester.forget(turn)
    ven_events.let_all_go(turn, raw)
    turn.note("registration_ended")


# --- what an operator orders


def ordered(turn: Turn, order: Order) -> None:
    """Do it; raises ``SessionError`` ``OUT_OF_SEQUENCE`` where the registration stands otherwise."""
    valid = turn.registration.state in VALID
    match order:
        case Order.CANCEL:
            cancel(turn)
        case Order.QUERY:
            if not valid:
                raise SessionError("OUT_OF_SEQUENCE", _NONE_YET)
            if not turn.queued(Purpose.QUERY):
                _ask(turn)
        case Order.RENEW | Order.NEW if valid:
            create(turn, afresh=order is Order.NEW)
        case Order.RENEW | Order.NEW:
            step(turn.registration.state, Input.CREATE)  # not while one is being made or ended
            turn.register(retry_at=turn.now)
            if order is Order.NEW:
                turn.register(registration_id="", ven_id="")
        case unknown:
            assert_never(unknown)


def standing(known: Registration) -> Standing:
    """Return how a registration stands, for people."""
    return Standing(
        state=known.state,
        registration_id=known.registration_id,
        ven_id=known.ven_id,
        vtn_id=known.vtn_id,
        poll_every=known.poll_every,
        retry_at="" if known.retry_at is None else instant_text(known.retry_at),
    )


def cancel(turn: Turn) -> None:
    """End the registration by our own wish; raises ``SessionError`` when there is none."""
    turn.register(state=step(turn.registration.state, Input.CANCEL))
    request_id = turn.fresh_id()
    message = OadrCancelPartyRegistration(
        request_id=request_id,
        registration_id=turn.registration.registration_id,
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.UNREGISTER, EI_REGISTER_PARTY, message, request_id)


def canceled(turn: Turn, reply: Message | None, raw: RawMessage) -> None:
    """Take the answer to our cancellation; we register again only when told to."""
    if isinstance(reply, OadrCanceledPartyRegistration) and reply.ei_response.is_success:
        _ended(turn, raw)
        turn.register(retry_at=None)
        return
    turn.note("cancellation_refused")
    turn.register(state=step(turn.registration.state, Input.REFUSED))
