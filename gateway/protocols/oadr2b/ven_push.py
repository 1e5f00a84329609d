"""VEN in push mode: what the VTN sends of its own accord, answered in the same exchange; and staying in step with it.

Whatever a poll may bring is also pushed, to the service that it belongs to. The work is the same; only the answer goes
back as the reply instead of as a message of our own. An oadrDistributeEvent is acknowledged by the 200 alone, its
oadrCreatedEvent follows by itself. There are no polls: the events are asked for at the start and every now and then.

Spec: OpenADR 2.0b sections 8.1, 8.6, 9.1.1.2 and 9.1.5; rules 37, 405, 500 and 517.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from gateway.domain.errors import IdentityError, WireError
from gateway.domain.event import RawMessage
from gateway.protocols.actions import Message as Arrived
from gateway.protocols.actions import Reply
from gateway.protocols.oadr2b import ven_events, ven_registration, ven_security
from gateway.protocols.oadr2b.codec import OtherVersionError
from gateway.protocols.oadr2b.errors import COMPLIANCE, NOT_REGISTERED, response_code
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrRegisterReport,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.registration import VALID, State
from gateway.protocols.oadr2b.ven_event_book import open_events
from gateway.protocols.oadr2b.ven_inbox import take_polled
from gateway.protocols.oadr2b.ven_state import Purpose
from gateway.protocols.oadr2b.ven_turn import (
    EI_EVENT,
    EI_REGISTER_PARTY,
    EI_REPORT,
    Turn,
    raw_message,
    refusal,
)

PUSHED: Final[Mapping[str, tuple[type[Message], ...]]] = {
    EI_EVENT: (OadrDistributeEvent,),
    EI_REPORT: (OadrCreateReport, OadrCancelReport, OadrRegisterReport, OadrUpdateReport),
    EI_REGISTER_PARTY: (OadrCancelPartyRegistration, OadrRequestReregistration),
}
"""Services that a push VEN offers, and what each takes; EiOpt has no message that a VTN begins."""
READABLE: Final = frozenset(
    {"SCHEMA_VERSION", "INVALID_NUMBER", "INVALID_TIME", "INVALID_DURATION", "INVALID_TEXT"}
)
"""Faults of documents that are XML of the schema's shape: they get an application answer."""
NOT_ACCEPTABLE: Final = 406
_UNDER_WAY: Final = {
    State.QUERYING: State.UNREGISTERED,
    State.REGISTERING: State.UNREGISTERED,
    State.RENEWING: State.REGISTERED,
}
"""States that wait for the answer to a message with our address; where they lead back to."""
_JUST_TOLD: Final = timedelta(seconds=30)
"""An empty listing so shortly after an answer that listed events may have been overtaken by that answer."""


def take(turn: Turn, arrived: Arrived) -> None:
    """Take a request of the VTN; the first action is the reply to it.

    Nothing of it counts, and so nothing is answered, before the whole turn is stored.
    """
    try:
        message = ven_security.read(turn, arrived)
    except IdentityError as error:
        _reply(turn, _response(turn, refusal(response_code(error), error.detail[:256], "")))
        return
    except WireError as error:
        turn.note("push_unreadable", service=arrived.service, reason=error.reason)
        _reply(turn, _unreadable(turn, error))
        return
    if turn.registration.state not in VALID:
        _reply(turn, _unregistered(turn, message))
        return
    if not isinstance(message, PUSHED.get(arrived.service, ())):
        text = f"{type(message).__name__} is no request for this service"
        turn.note("push_misplaced", service=arrived.service, message=type(message).__name__)
        _reply(turn, _response(turn, refusal(COMPLIANCE, text, request_id_of(message))))
        return
    _reply(turn, _taken(turn, message, raw_message(arrived, turn.now)))


def _reply(turn: Turn, reply: Reply) -> None:
    turn.actions.insert(0, reply)


def request_id_of(message: Message) -> str:
    """Return the requestID of a request; empty for a kind that has none."""
    return str(getattr(message, "request_id", ""))


def _response(turn: Turn, answer: EiResponse) -> Reply:
    ven_id = turn.registration.ven_id or None
    response = OadrResponse(ei_response=answer, ven_id=ven_id)
    return Reply(body=turn.setting.codec.encode(response))


def _unreadable(turn: Turn, error: WireError) -> Reply:
    """Answer what cannot be read: 406, or an application error where its form is in order (section 9.1.5)."""
    if error.reason not in READABLE:
        return Reply(body=b"", status=NOT_ACCEPTABLE)
    request_id = request_id_of(error.message) if isinstance(error, OtherVersionError) else ""
    return _response(turn, refusal(response_code(error), error.detail[:256], request_id))


def _unregistered(turn: Turn, message: Message) -> Reply:
    """Ignore a message while there is no registration (rule 405); one that was just ended may be ended once more."""
    turn.note("push_ignored", message=type(message).__name__, state=turn.registration.state)
    if isinstance(message, OadrCancelPartyRegistration) and _has_ended(turn, message):
        canceled = OadrCanceledPartyRegistration(
            ei_response=turn.ok(message.request_id),
            registration_id=message.registration_id,
            ven_id=message.ven_id,
        )
        return Reply(body=turn.setting.codec.encode(canceled))
    text = "this VEN is not registered with you"
    return _response(turn, refusal(NOT_REGISTERED, text, request_id_of(message)))


def _has_ended(turn: Turn, message: OadrCancelPartyRegistration) -> bool:
    ended = turn.registration.ended
    return ended is not None and ended == (message.registration_id, message.ven_id or ended[1])


def _taken(turn: Turn, message: Message, raw: RawMessage) -> Reply:
    if isinstance(message, OadrDistributeEvent):
        _listed(turn, message, raw)
        if turn.options.push_reply == "empty":
            return Reply(body=b"")
        return _response(turn, turn.ok(message.request_id))
    known = (turn.registration.registration_id, turn.registration.ven_id)
    before = {item.key for item in turn.state.outbox}
    take_polled(turn, message, raw)
    if turn.registration.state not in VALID:
        turn.register(ended=known)
    for item in turn.state.outbox:
        # What a poll would be answered with by a message of our own is the reply here.
        if item.purpose is Purpose.ANSWER and item.key not in before:
            turn.drop(item)
            return Reply(body=item.body.encode())
    return _response(turn, turn.ok(request_id_of(message)))


# --- events


def _listed(turn: Turn, message: OadrDistributeEvent, raw: RawMessage) -> None:
    """Take a pushed listing, complete by rule 50; one that may be the older of two cancels nothing by what it lacks."""
    asking = turn.link.in_flight
    crossed = asking is not None and asking.purpose is Purpose.REQUEST_EVENT
    doubtful = _lacks(turn, message) and (crossed or _overtaken(turn, message))
    ven_events.distributed(turn, message, raw, limited=doubtful)
    if crossed:
        turn.connect(crossed=True)
    if doubtful:
        turn.note("listings_crossed")
        turn.connect(synced=False)
    else:
        ven_events.note_listing(turn, message)


def _lacks(turn: Turn, message: OadrDistributeEvent) -> bool:
    listed = {event.ei_event.event_descriptor.event_id for event in message.oadr_events}
    listed |= {broken.qualified_event_id.event_id for broken in message.unreadable}
    return any(record.event_id not in listed for record in open_events(turn))


def _overtaken(turn: Turn, message: OadrDistributeEvent) -> bool:
    """Say whether an answer to our own question may have been written after this listing, and arrived before it."""
    created = ven_events.created_at(message)
    if created is not None:
        return turn.link.listed_at is not None and created < turn.link.listed_at
    told_at = turn.link.told_at
    return told_at is not None and turn.now - told_at < _JUST_TOLD


# --- staying in step


def stay_in_step(turn: Turn) -> None:
    """Ask for the events when it is time to."""
    at = turn.link.next_poll_at
    if not turn.options.pushes or turn.registration.state not in VALID or not turn.link.synced:
        return
    if at is not None and turn.now >= at:
        turn.connect(next_poll_at=turn.now + turn.period)
        if not turn.queued(Purpose.REQUEST_EVENT):
            ven_events.request(turn)


# --- where the VTN finds us, and who it is


def note_certificate(turn: Turn, peer: str) -> None:
    """Remember the certificate that the VTN shows as a server: whoever pushes must have it, also after a restart."""
    if turn.options.pushes and peer and peer != turn.registration.certificate:
        turn.register(certificate=peer)


def readdressed(turn: Turn) -> None:
    """Renew the registration when it was made for another address, mode or security."""
    known = turn.registration
    address = turn.options.address
    signed = turn.options.xml_signature
    if (known.asked_address, known.asked_signature) == (address, signed):
        return
    if known.state is State.CANCELLING:
        return
    if known.state in _UNDER_WAY:
        # It was about to be said with the old address.
        for item in turn.state.outbox:
            if item.purpose in {Purpose.QUERY, Purpose.REGISTER}:
                turn.drop(item)
        turn.register(state=_UNDER_WAY[known.state], retry_at=None)
    turn.register(asked_address=address, asked_signature=signed)
    if turn.registration.state in VALID:
        ven_registration.create(turn)
