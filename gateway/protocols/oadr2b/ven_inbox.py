"""VEN: what each answer means, by why the message was sent; and what a poll may bring, by its kind.

Spec: OpenADR 2.0b section 8.6; rules 500 and 517.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.domain.event import RawMessage
from gateway.protocols.oadr2b import (
    ven_answers,
    ven_delivery,
    ven_events,
    ven_link,
    ven_opts,
    ven_refusals,
    ven_registration,
    ven_reports,
    ven_requester,
)
from gateway.protocols.oadr2b.codec import OtherVersionError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrRegisterReport,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.registration import VALID
from gateway.protocols.oadr2b.ven_state import Outgoing, Purpose
from gateway.protocols.oadr2b.ven_turn import Turn

REGISTERING: Final = frozenset({Purpose.QUERY, Purpose.REGISTER, Purpose.UNREGISTER})
"""Purposes whose answers need no registration."""
_NOT_REGISTERED: Final = frozenset({"463"})
_UNKNOWN_TO_POLL: Final = frozenset({"452", "463"})


def error_code(reply: Message | None) -> str:
    """Return the response code of an answer that reports an error, else the empty text."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    return "" if answer is None or answer.is_success else answer.response_code


def take_answer(turn: Turn, outgoing: Outgoing, reply: Message | None, raw: RawMessage) -> None:
    """Take the answer to a message; an empty body (None) counts as an acknowledgement.

    An answer of another kind than expected says no more than its response code.
    """
    code = error_code(reply)
    # Our regular sign of life: a venID that is wrong in it is one that the VTN has forgotten.
    regular = Purpose.REQUEST_EVENT if turn.options.pushes else Purpose.POLL
    unknown = _UNKNOWN_TO_POLL if outgoing.purpose is regular else _NOT_REGISTERED
    if code in unknown and outgoing.purpose not in REGISTERING:
        ven_registration.lost(turn, code, raw)
        return
    _ANSWERS[outgoing.purpose](turn, outgoing, reply, raw)


def _events(turn: Turn, _: Outgoing, reply: Message | None, raw: RawMessage) -> None:
    ven_events.requested(turn, reply, raw)


def _created_event(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_answers.acknowledged(turn, outgoing, reply)


def _updated(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    cancelled = ven_delivery.updated(turn, outgoing, reply)
    cancel = reply.oadr_cancel_report if isinstance(reply, OadrUpdatedReport) else None
    if cancel is not None:
        ven_reports.end_requests(turn, cancelled, to_follow=cancel.report_to_follow)


def _metadata(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_reports.offered(turn, outgoing, reply)


def _queried(turn: Turn, _: Outgoing, reply: Message | None, __: RawMessage) -> None:
    ven_registration.queried(turn, reply)


def _registered(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_registration.created(turn, reply, afresh=bool(outgoing.subject))


def _unregistered(turn: Turn, _: Outgoing, reply: Message | None, raw: RawMessage) -> None:
    ven_registration.canceled(turn, reply, raw)


def _opted(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_opts.created(turn, outgoing, reply)


def _unopted(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_opts.canceled(turn, outgoing, reply)


def _asked(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_requester.answered(turn, outgoing, reply)


def _unasked(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    ven_requester.canceled(turn, outgoing, reply)


def _acknowledged(turn: Turn, outgoing: Outgoing, reply: Message | None, _: RawMessage) -> None:
    code = error_code(reply)
    if code:
        turn.note("answer_refused", code=code, service=outgoing.service)


def refuse_other(turn: Turn, outgoing: Outgoing, fault: OtherVersionError) -> bool:
    """Refuse what a poll, or a question for events, has brought and that says it is of another profile.

    Returns:
        False: the question has got no answer; for a poll, which has taken a request out of the queue, that is not so.
    """
    if outgoing.purpose not in {Purpose.POLL, Purpose.REQUEST_EVENT}:
        return False
    is_request = ven_refusals.refuse(turn, fault)
    if not is_request or outgoing.purpose is Purpose.REQUEST_EVENT:
        return False
    ven_link.succeeded(turn, outgoing)
    turn.connect(poll_failures=0, losses=0)
    ven_link.polled(turn, more=True)
    return True


def _polled(turn: Turn, _: Outgoing, reply: Message | None, raw: RawMessage) -> None:
    turn.connect(poll_failures=0, losses=0)
    more = take_polled(turn, reply, raw)
    if turn.registration.state in VALID:
        ven_link.polled(turn, more=more)


_Take = Callable[[Turn, Outgoing, Message | None, RawMessage], None]
_ANSWERS: Final[Mapping[Purpose, _Take]] = {
    Purpose.QUERY: _queried,
    Purpose.REGISTER: _registered,
    Purpose.UNREGISTER: _unregistered,
    Purpose.METADATA: _metadata,
    Purpose.REQUEST_EVENT: _events,
    Purpose.POLL: _polled,
    Purpose.CREATED_EVENT: _created_event,
    Purpose.UPDATE: _updated,
    Purpose.ASK_REPORT: _asked,
    Purpose.CANCEL_ASKED: _unasked,
    Purpose.CREATE_OPT: _opted,
    Purpose.CANCEL_OPT: _unopted,
    Purpose.ANSWER: _acknowledged,
}


def take_polled(turn: Turn, reply: Message | None, raw: RawMessage) -> bool:
    """Take what a poll brought.

    Args:
        turn: The pad.
        reply: None for an empty body, which some VTNs send for an empty queue.
        raw: Its bytes.

    Returns:
        True: the queue may hold more, so poll again at once.
    """
    if reply is None:
        return False
    if isinstance(reply, OadrResponse):
        if not reply.ei_response.is_success:
            turn.note("poll_refused", code=reply.ei_response.response_code)
        return False
    take = _POLLED.get(type(reply))
    if take is None:
        # A message that no poll may bring: asking again at once would bring it again.
        turn.note("unexpected_poll_answer", message=type(reply).__name__)
        return False
    take(turn, reply, raw)
    return True


def _create_report(turn: Turn, message: OadrCreateReport, _: RawMessage) -> None:
    ven_reports.requested(turn, message)


def _register_report(turn: Turn, message: OadrRegisterReport, _: RawMessage) -> None:
    ven_requester.offered(turn, message)


def _update_report(turn: Turn, message: OadrUpdateReport, _: RawMessage) -> None:
    ven_requester.updated(turn, message)


def _cancel_report(turn: Turn, message: OadrCancelReport, _: RawMessage) -> None:
    ven_reports.cancelled(turn, message)


def _reregistration(turn: Turn, message: OadrRequestReregistration, _: RawMessage) -> None:
    ven_registration.asked_to_renew(turn, message)


# Any: the key of each line is the type of the message that its function takes.
_POLLED: Final[Mapping[type[Message], Callable[[Turn, Any, RawMessage], None]]] = {
    OadrDistributeEvent: ven_events.distributed,
    OadrCreateReport: _create_report,
    OadrRegisterReport: _register_report,
    OadrUpdateReport: _update_report,
    OadrCancelReport: _cancel_report,
    OadrCancelPartyRegistration: ven_registration.asked_to_end,
    OadrRequestReregistration: _reregistration,
}
