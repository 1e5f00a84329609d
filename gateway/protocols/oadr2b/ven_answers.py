"""VEN: oadrCreatedEvent: answers to deliveries, decisions that come later, and changes of mind.

Spec: OpenADR 2.0b rules 12, 35, 36, 42, 48; section 8.1.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.domain.errors import MisuseError, WireError
from gateway.domain.participation import Opt, Participation
from gateway.protocols.oadr2b.events import State
from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    EventResponse,
    Message,
    OadrCreatedEvent,
    OptType,
    QualifiedEventId,
)
from gateway.protocols.oadr2b.ven_state import Answer, EventRecord, Outgoing, Purpose
from gateway.protocols.oadr2b.ven_turn import EI_EVENT, Turn

MOST_OWED: Final = 8
"""Deliveries of one version that are answered when the decision comes late; older ones are dropped."""
_ANSWERABLE: Final = frozenset({State.OPEN, State.COMPLETED})


def response(answer: Answer, event_id: str, version: int, request_id: str) -> EventResponse:
    """Write one eventResponse."""
    return EventResponse(
        response_code=answer.code,
        response_description=answer.text or None,
        request_id=request_id,
        qualified_event_id=QualifiedEventId(event_id=event_id, modification_number=version),
        opt_type=answer.opt,
    )


def send_created(
    turn: Turn, responses: Sequence[EventResponse], request_id: str, top: EiResponse | None = None
) -> None:
    """Queue an oadrCreatedEvent, unless there is nothing to say.

    Args:
        turn: The pad.
        responses: One per event and delivery.
        request_id: Of the oadrDistributeEvent; empty for a change of mind (rule 42).
        top: Judgement of the message as a whole; None: success.
    """
    if not responses and top is None:
        return
    message = OadrCreatedEvent(
        ei_response=top or turn.ok(request_id),
        event_responses=tuple(responses),
        ven_id=turn.registration.ven_id,
    )
    turn.queue(Purpose.CREATED_EVENT, EI_EVENT, message)


def owe(record: EventRecord, request_id: str) -> EventRecord:
    """Remember that a delivery waits for the decision."""
    owed = tuple(dict.fromkeys((*record.owed, request_id)))[-MOST_OWED:]
    return replace(record, owed=owed)


def decided(turn: Turn, decisions: Sequence[Participation]) -> None:
    """Take answers of sites or the operator; the same answer twice changes nothing.

    Raises:
        MisuseError: ``PARTIAL_OPT``: 2.0b knows in and out only, and the program's policy settles which.
    """
    told: dict[str, list[EventResponse]] = {}
    for decision in decisions:
        record = _answered(turn, decision)
        if record is None or record.answer is None or not record.required:
            continue
        responses = [
            response(record.answer, record.event_id, record.version, request_id)
            for request_id in record.owed or (record.request_id,)
        ]
        told.setdefault(record.owed[-1] if record.owed else "", []).extend(responses)
    for request_id, responses in told.items():
        send_created(turn, responses, request_id)


def _answered(turn: Turn, decision: Participation) -> EventRecord | None:
    """Write one answer down.

    Returns:
        The record with the answer and the deliveries that waited for it; None when there is nothing to tell.
    """
    if decision.opt is Opt.PARTIAL:
        raise MisuseError("PARTIAL_OPT", "a partial answer must be settled before it goes upstream")
    record = turn.state.events.get(decision.event.event_id)
    if record is None or record.version != decision.version or record.state not in _ANSWERABLE:
        # The event was changed, cancelled or dropped meanwhile; a newer question has been asked, or none is left.
        turn.note("decision_too_late", event_id=decision.event.event_id)
        return None
    opt = OptType.OPT_IN if decision.opt is Opt.IN else OptType.OPT_OUT
    known = record.answer
    if known is not None and (known.opt is opt or known.code != OK):
        return None
    answer = Answer(code=OK, opt=opt, text=decision.reason)
    turn.put_event(replace(record, answer=answer, owed=()))
    return replace(record, answer=answer, owed=record.owed if known is None else ())


def acknowledged(turn: Turn, outgoing: Outgoing, reply: Message | None) -> None:
    """Take the answer to an oadrCreatedEvent; after an error each event is told once more on its own."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    if answer is None or answer.is_success:
        return
    turn.note("created_event_refused", code=answer.response_code)
    try:
        sent = turn.setting.codec.decode(outgoing.body.encode())
    except WireError:
        return
    if isinstance(sent, OadrCreatedEvent) and len(sent.event_responses) > 1:
        for each in sent.event_responses:
            alone = replace(sent, event_responses=(each,))
            turn.queue(Purpose.CREATED_EVENT, EI_EVENT, alone)
