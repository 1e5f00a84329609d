"""VEN: EiOpt: schedules of availability, and opts for some sites of an event.

What is wanted is remembered; what the VTN lacks of it follows from the state of each opt, whatever happened to the
messages: a lost registration, a restored backup and an outage end alike.

Spec: OpenADR 2.0b section 8.5; rules 16, 17, 201-211, 309.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from gateway.domain.names import SiteId
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt, Participation
from gateway.protocols.actions import FactKind
from gateway.protocols.oadr2b.errors import INVALID_ID
from gateway.protocols.oadr2b.events import State as EventState
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EiTarget,
    Message,
    OadrCancelOpt,
    OadrCreatedOpt,
    OadrCreateOpt,
    OptType,
    QualifiedEventId,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.opts import Input, State, allowed, step
from gateway.protocols.oadr2b.ven_state import EventRecord, OptRecord, Outgoing, Purpose
from gateway.protocols.oadr2b.ven_turn import EI_OPT, Turn


def scheduled(turn: Turn, schedule: OptSchedule) -> None:
    """Take a schedule, or that it was taken back; the same twice changes nothing."""
    known = turn.state.opts.get(schedule.opt_id)
    if schedule.cancelled_at is not None:
        if known is not None and allowed(known.state, Input.WITHDRAW):
            _move(turn, known, Input.WITHDRAW)
        if schedule.opt_id not in turn.state.opts:
            turn.tell(FactKind.OPT, schedule.opt_id, state=State.GONE.value, code="", text="")
        return
    if known is None and not schedule.over(turn.now):
        _put(
            turn,
            OptRecord(
                opt_id=schedule.opt_id,
                state=State.WANTED,
                opt=_type(schedule.opt),
                reason=schedule.reason,
                sites=schedule.sites,
                windows=schedule.windows,
                program=schedule.program,
                device_class=schedule.device_class,
            ),
        )


def qualified(turn: Turn, decision: Participation) -> None:
    """Take an answer that is meant for some sites of an event only.

    From then on nothing but another such opt changes the answer of these sites (rules 16 and 17).
    """
    event = turn.state.events.get(decision.event.event_id)
    if (
        event is None
        or event.version != decision.version
        or event.state is not EventState.OPEN
        or not event.required
    ):
        turn.note("opt_not_wanted", event_id=decision.event.event_id)
        return
    for site in decision.sites:
        _qualify(turn, event, site, _type(decision.opt))


def _qualify(turn: Turn, event: EventRecord, site: SiteId, opt: OptType) -> None:
    for known in tuple(turn.state.opts.values()):
        if (known.event_id, known.sites) != (event.event_id, (site,)):
            continue
        if (known.opt, known.version) == (opt, event.version) and known.state is not State.REFUSED:
            return
        _forget(turn, known)
    opts_in = opt is OptType.OPT_IN
    _put(
        turn,
        OptRecord(
            opt_id=turn.fresh_id(),
            state=State.WANTED,
            opt=opt,
            reason="participating" if opts_in else "notParticipating",
            sites=(site,),
            event_id=event.event_id,
            version=event.version,
        ),
    )


def _type(opt: Opt) -> OptType:
    return OptType.OPT_IN if opt is Opt.IN else OptType.OPT_OUT


# --- what is told


def pursue(turn: Turn) -> None:
    """Queue what the VTN lacks; the metadata goes first (rule 309)."""
    for record in tuple(turn.state.opts.values()):
        if _is_over(turn, record):
            _forget(turn, record)
        elif record.state in {State.ASKING, State.WITHDRAWING} and not _queued(turn, record):
            _move(turn, record, Input.LOST)
    if turn.queued(Purpose.METADATA):
        return
    for record in tuple(turn.state.opts.values()):
        if record.state is State.WANTED:
            _ask(turn, record)
        elif record.state is State.UNWANTED:
            _withdraw(turn, record)


def _is_over(turn: Turn, record: OptRecord) -> bool:
    """Say whether nothing follows from an opt any more.

    One that is on its way is waited for, and one that the VTN has is known as long as reports reach back.
    """
    if record.state not in {State.WANTED, State.HELD, State.REFUSED}:
        return False
    held = record.state is State.HELD
    if record.event_id:
        event = turn.state.events.get(record.event_id)
        return event is None or (event.state is not EventState.OPEN and not held)
    by = turn.now - turn.options.report_buffer if held else turn.now
    return all(window.end is not None and window.end <= by for window in record.windows)


def overridden(turn: Turn, site: SiteId, at: datetime) -> bool:
    """Say whether the operator had a site taken out at an instant: by a schedule, or out of an event that was on."""
    return any(
        record.opt is OptType.OPT_OUT
        and record.state is not State.REFUSED
        and (not record.sites or site in record.sites)
        and _is_on(turn, record, at)
        for record in turn.state.opts.values()
    )


def _is_on(turn: Turn, record: OptRecord, at: datetime) -> bool:
    if not record.event_id:
        return any(w.start <= at and (w.end is None or at < w.end) for w in record.windows)
    event = turn.state.events.get(record.event_id)
    if event is None or event.starts_at is None or at < event.starts_at:
        return False
    return event.ends_at is None or at < event.ends_at


def _queued(turn: Turn, record: OptRecord) -> bool:
    return any(
        item.service == EI_OPT and item.subject == record.opt_id for item in turn.state.outbox
    )


def _ask(turn: Turn, record: OptRecord) -> None:
    about = bool(record.event_id)
    request_id = turn.fresh_id()
    message = OadrCreateOpt(
        opt_id=record.opt_id,
        opt_type=record.opt,
        opt_reason=record.reason,
        market_context=record.program or None,
        ven_id=turn.registration.ven_id,
        vavailability=None if about else tuple(map(_available, record.windows)),
        created_date_time=turn.now,
        request_id=request_id,
        qualified_event_id=QualifiedEventId(
            event_id=record.event_id, modification_number=record.version
        )
        if about
        else None,
        ei_target=_target(turn, record),
        oadr_device_class=EiTarget(end_device_assets=(record.device_class,))
        if record.device_class
        else None,
    )
    turn.queue(Purpose.CREATE_OPT, EI_OPT, message, request_id, record.opt_id)
    _move(turn, record, Input.ASK)


def _available(window: Window) -> WsCalendarInterval:
    """Write a window; one without an end has the duration zero (rule 210)."""
    length = window.end - window.start if window.end is not None else window.start - window.start
    return WsCalendarInterval(dtstart=window.start, duration=length)


def _target(turn: Turn, record: OptRecord) -> EiTarget:
    if not record.sites:
        return EiTarget(ven_ids=(turn.registration.ven_id,))
    return EiTarget(resource_ids=tuple(map(turn.setting.offers.resource_of, record.sites)))


def _withdraw(turn: Turn, record: OptRecord) -> None:
    request_id = turn.fresh_id()
    message = OadrCancelOpt(
        request_id=request_id, opt_id=record.opt_id, ven_id=turn.registration.ven_id
    )
    turn.queue(Purpose.CANCEL_OPT, EI_OPT, message, request_id, record.opt_id)
    _move(turn, record, Input.TELL)


# --- what is answered


def created(turn: Turn, outgoing: Outgoing, reply: Message | None) -> None:
    """Take the answer to an oadrCreateOpt."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    if isinstance(reply, OadrCreatedOpt) and reply.opt_id != outgoing.subject:
        turn.note("opt_id_differs", told=outgoing.subject, answered=reply.opt_id[:64])
    refused = answer is not None and not answer.is_success
    code = "" if answer is None else answer.response_code
    text = "" if answer is None else answer.response_description or ""
    _answered(turn, outgoing, Input.REFUSED if refused else Input.TAKEN, code, text)


def canceled(turn: Turn, outgoing: Outgoing, reply: Message | None) -> None:
    """Take the answer to an oadrCancelOpt; an opt that the VTN does not know is gone all the same."""
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    code = "" if answer is None else answer.response_code
    text = "" if answer is None else answer.response_description or ""
    gone = answer is None or answer.is_success or code == str(INVALID_ID)
    _answered(turn, outgoing, Input.GONE if gone else Input.KEPT, code, text)


def given_up(turn: Turn, outgoing: Outgoing, reason: str) -> None:
    """Take the news that the VTN will never take a message."""
    create = outgoing.purpose is Purpose.CREATE_OPT
    _answered(turn, outgoing, Input.REFUSED if create else Input.KEPT, reason, "")


def _answered(turn: Turn, outgoing: Outgoing, what: Input, code: str, text: str) -> None:
    record = turn.state.opts.get(outgoing.subject)
    if record is None or not allowed(record.state, what):
        return
    if what in {Input.REFUSED, Input.KEPT}:
        turn.note("opt_refused", opt_id=record.opt_id, code=code)
    state = step(record.state, what)
    _move(turn, record, what)
    if not record.event_id:
        turn.tell(FactKind.OPT, record.opt_id, state=state.value, code=code, text=text[:256])


# --- what is remembered


def lost(turn: Turn) -> None:
    """The registration is no more, and what was told under it (rule 407): it is told again under the next one."""
    for record in tuple(turn.state.opts.values()):
        state = step(record.state, Input.LOST)
        if not record.event_id and state is not record.state:
            turn.tell(FactKind.OPT, record.opt_id, state=state.value, code="", text="")
        _move(turn, record, Input.LOST)


def _move(turn: Turn, record: OptRecord, what: Input) -> None:
    state = step(record.state, what)
    if state is State.GONE:
        _forget(turn, record)
    else:
        _put(turn, replace(record, state=state))


def _put(turn: Turn, record: OptRecord) -> None:
    turn.state = replace(turn.state, opts={**turn.state.opts, record.opt_id: record})


def _forget(turn: Turn, record: OptRecord) -> None:
    for item in tuple(_messages(turn, record)):
        turn.drop(item)
    opts = {key: value for key, value in turn.state.opts.items() if key != record.opt_id}
    turn.state = replace(turn.state, opts=opts)


def _messages(turn: Turn, record: OptRecord) -> Iterator[Outgoing]:
    for item in turn.state.outbox:
        about = item.service == EI_OPT and item.subject == record.opt_id
        if about and item != turn.link.in_flight:
            yield item
