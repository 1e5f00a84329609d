"""VEN: oadrDistributeEvent in, ``GridEvent``s inward, oadrCreatedEvent out.

Each listing of an event becomes an ``Input`` of the table in ``events.py``; the ``Effect`` that the table gives is
performed here. Every event that wants an answer gets one for every delivery, as soon as there is one to give.

Spec: OpenADR 2.0b section 8.1; rules 12, 19, 30, 35, 48, 58, 61, 62, 65.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import GatewayError, MisuseError, SessionError, SignalError
from gateway.domain.event import RawMessage
from gateway.protocols.actions import SYNCHRONISED
from gateway.protocols.oadr2b.errors import INVALID_ID, OUT_OF_SEQUENCE, response_code
from gateway.protocols.oadr2b.event_rules import current_value_off
from gateway.protocols.oadr2b.events import Effect, Input, State, compare, ends_at, step
from gateway.protocols.oadr2b.messages import (
    OK,
    Message,
    OadrDistributeEvent,
    OadrEvent,
    OadrRequestEvent,
    OptType,
)
from gateway.protocols.oadr2b.normalize import (
    grid_event,
)
from gateway.protocols.oadr2b.ven_answers import owe, send_created
from gateway.protocols.oadr2b.ven_event_book import (
    END_TOLERANCE,
    MOST_EVENTS,
    make_room,
    open_events,
    over,
    release_at,
    released,
    sweep,
    write_event,
)
from gateway.protocols.oadr2b.ven_link import ahead, doubt, measure_clock, start_polling, surely
from gateway.protocols.oadr2b.ven_listing import Listing, Tray, listings
from gateway.protocols.oadr2b.ven_state import Answer, EventRecord, Purpose
from gateway.protocols.oadr2b.ven_turn import EI_EVENT, Turn, refusal

_NOTHING: Final = timedelta(0)
_CREATED_WINDOW: Final = timedelta(minutes=5)
_JUST_RESTORED: Final = timedelta(minutes=10)
_CONFIRMED: Final = Answer(code=OK, opt=OptType.OPT_IN, text="cancelled")
_OVER: Final = Answer(code=OK, opt=OptType.OPT_OUT, text="over already")
_RELEASED: Final = Answer(
    code=OK, opt=OptType.OPT_OUT, text="released when it was no longer listed"
)
_OLD: Final = Answer(
    code=str(OUT_OF_SEQUENCE), opt=OptType.OPT_OUT, text="a newer version is known"
)


def request(turn: Turn) -> None:
    """Ask for all events."""
    request_id = turn.fresh_id()
    message = OadrRequestEvent(
        request_id=request_id,
        ven_id=turn.registration.ven_id,
        reply_limit=turn.options.reply_limit,
    )
    turn.queue(Purpose.REQUEST_EVENT, EI_EVENT, message, request_id)


def requested(turn: Turn, reply: Message | None, raw: RawMessage) -> None:
    """Take the answer to oadrRequestEvent; polling begins, whatever it is.

    One that a pushed listing has crossed on the way may be the older of the two: it is asked for anew instead.
    """
    if turn.link.crossed:
        turn.note("listings_crossed")
        turn.connect(crossed=False, synced=False)
        return
    if isinstance(reply, OadrDistributeEvent):
        distributed(turn, reply, raw, limited=turn.options.reply_limit is not None)
        turn.connect(told_at=turn.now)
        note_listing(turn, reply)
        turn.note(SYNCHRONISED)
    else:
        turn.note("events_not_told")
    polled_from_now(turn)


def polled_from_now(turn: Turn) -> None:
    """Begin to poll: the events are known, or will not be told in answer to a question.

    Only in the first case are we synchronised: an empty answer tells nothing, so whoever waits for the present events
    after a restored backup goes on waiting.
    """
    turn.connect(synced=True)
    start_polling(turn)


def note_listing(turn: Turn, message: OadrDistributeEvent) -> None:
    """Remember how new what we know is (rule 115)."""
    turn.connect(listed_at=created_at(message) or turn.link.listed_at)


def created_at(message: OadrDistributeEvent) -> datetime | None:
    """Return when a listing was written; None for one without events, which does not tell."""
    return max(
        (e.ei_event.event_descriptor.created_date_time for e in message.oadr_events), default=None
    )


def distributed(
    turn: Turn, message: OadrDistributeEvent, raw: RawMessage, *, limited: bool = False
) -> None:
    """Take a listing of events.

    Args:
        turn: The pad.
        message: As received.
        raw: Its bytes.
        limited: It may be cut off, so that missing events mean nothing (rule 61).
    """
    if message.ei_response is not None and not message.ei_response.is_success:
        turn.note("events_with_error", code=message.ei_response.response_code)
        return
    if message.vtn_id != turn.registration.vtn_id:
        turn.note("foreign_vtn", vtn_id=message.vtn_id[:64])
        if message.oadr_events or message.unreadable:
            top = refusal(
                INVALID_ID, "this is not the vtnID we registered with", message.request_id
            )
            send_created(turn, (), message.request_id, top)
        return
    sweep(turn)
    tray = Tray(turn=turn, request_id=message.request_id)
    listed: set[str] = set()
    for listing in listings(turn, message, raw):
        if listing.event_id in listed:
            fault = SessionError("COMPLIANCE", "an event may be listed once (rule 70)")
            tray.answer(listing, _answer_to(fault))
            continue
        listed.add(listing.event_id)
        _take(tray, listing)
    if turn.options.implied_cancel and not limited:
        _miss(tray, listed)
    make_room(turn)
    turn.emit(tray.events, raw)
    send_created(turn, tray.responses, message.request_id)


def _take(tray: Tray, listing: Listing) -> None:
    record = tray.turn.state.events.get(listing.event_id)
    before = record.state if record else State.UNKNOWN
    what = compare(record.version if record else None, listing.version, listing.status)
    takes = what is Input.ANNOUNCED
    full = before is State.UNKNOWN and len(tray.turn.state.events) > MOST_EVENTS
    if takes and (listing.fault is not None or full):
        what = Input.REJECTED
    elif takes and before is State.UNKNOWN and _is_over(tray.turn, listing):
        what = Input.EXPIRED
    state, effect = step(before, what)
    _PERFORM[effect](tray, listing, record, state)


def _is_over(turn: Turn, listing: Listing) -> bool:
    if listing.event is None:
        return False
    period = listing.event.ei_event.ei_active_period
    end = ends_at(period, period.startafter or _NOTHING)
    return end is not None and end <= surely(turn)


# --- effects


def _accept(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    turn = tray.turn
    if listing.event is None or listing.accepted is None:
        return
    try:
        xml = write_event(turn, listing.event)
    except MisuseError as error:
        # What cannot be written down cannot be remembered, and its neighbours must not suffer for it.
        _drop(tray, replace(listing, fault=error), record, State.REFUSED)
        return
    _remark(turn, listing.event)
    offset = _offset(turn, listing.event, record)
    event = grid_event(listing.accepted, listing.delivery, offset=offset)
    event = replace(event, doubt=doubt(turn))
    taken = EventRecord(
        event_id=listing.event_id,
        version=listing.version,
        state=state,
        required=listing.required,
        startafter=event.randomise,
        offset=offset,
        owed=(tray.request_id,) if listing.required else (),
        request_id=tray.request_id,
        touched_at=turn.now,
        starts_at=event.start,
        ends_at=event.end,
        xml=xml,
        path=listing.delivery.path,
        raw_sha256=listing.delivery.raw_sha256,
        doubted=bool(event.doubt),
    )
    turn.put_event(taken)
    tray.events.append(event)


def _offset(turn: Turn, event: OadrEvent, record: EventRecord | None) -> timedelta:
    """Draw the random delay once; a modification keeps it unless startafter itself changes (rule 30)."""
    startafter = event.ei_event.ei_active_period.startafter or _NOTHING
    if record is not None and record.startafter == startafter:
        return record.offset
    return (
        timedelta(seconds=turn.draw(startafter // timedelta(seconds=1))) if startafter else _NOTHING
    )


def _remark(turn: Turn, event: OadrEvent) -> None:
    """Note breaches that change nothing for us."""
    descriptor, period = event.ei_event.event_descriptor, event.ei_event.ei_active_period
    age = turn.now - descriptor.created_date_time
    if abs(age) > _CREATED_WINDOW:
        turn.note(
            "created_time_off", event_id=descriptor.event_id, age_s=f"{age.total_seconds():.0f}"
        )
    if age < _NOTHING and turn.link.offset_s is None:
        measure_clock(turn, descriptor.created_date_time)
    if period.x_ei_notification is None:
        turn.note("notification_missing", event_id=descriptor.event_id)
    if current_value_off(event.ei_event, turn.now):
        turn.note("current_value_off", event_id=descriptor.event_id)


def _repeat(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    if record is None:
        return
    seen = replace(
        record,
        state=state,
        required=listing.required,
        request_id=tray.request_id,
        touched_at=tray.turn.now,
    )
    if record.answer is not None:
        tray.answer(listing, record.answer)
    elif listing.required:
        seen = owe(seen, tray.request_id)
    tray.turn.put_event(seen)


def _refuse(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    turn = tray.turn
    fault = listing.fault or SignalError("DEPLOYMENT", "too many events are known here already")
    answer = _answer_to(fault)
    turn.note("event_refused", event_id=listing.event_id, code=answer.code, why=answer.text)
    turn.put_event(replace(_blank(tray, listing, record, state), answer=answer))
    tray.answer(listing, answer)


def _answer_to(fault: GatewayError) -> Answer:
    return Answer(code=str(response_code(fault)), opt=OptType.OPT_OUT, text=fault.detail[:256])


def _blank(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> EventRecord:
    period = listing.event.ei_event.ei_active_period if listing.event else None
    return EventRecord(
        event_id=listing.event_id,
        version=listing.version,
        state=state,
        required=listing.required,
        startafter=record.startafter if record else _NOTHING,
        offset=record.offset if record else _NOTHING,
        request_id=tray.request_id,
        touched_at=tray.turn.now,
        ends_at=ends_at(period) if period else None,
    )


def _refuse_old(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    tray.answer(listing, _OLD)


def _drop(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    if record is not None:
        tray.events += released(tray.turn, record, version=listing.version)
    _refuse(tray, listing, record, state)


def _decline(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    answer = _OVER if state is State.COMPLETED else _RELEASED
    tray.turn.put_event(replace(_blank(tray, listing, record, state), answer=answer))
    tray.answer(listing, answer)


def _release(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    if record is None:
        return
    if listing.accepted is not None:
        event = grid_event(
            listing.accepted,
            listing.delivery,
            offset=record.offset,
            cancelled_at=release_at(tray.turn, record),
        )
        tray.events.append(event)
    else:
        tray.events += released(tray.turn, record, version=listing.version)
    _confirm(tray, listing, record, state)


def _confirm(tray: Tray, listing: Listing, record: EventRecord | None, state: State) -> None:
    tray.turn.put_event(replace(_blank(tray, listing, record, state), answer=_CONFIRMED))
    tray.answer(listing, _CONFIRMED)


_Perform = Callable[[Tray, Listing, EventRecord | None, State], None]
_PERFORM: Final[Mapping[Effect, _Perform]] = {
    Effect.TAKE: _accept,
    Effect.REPEAT: _repeat,
    Effect.REFUSE: _refuse,
    Effect.REFUSE_OLD: _refuse_old,
    Effect.DROP: _drop,
    Effect.DECLINE: _decline,
    Effect.RELEASE: _release,
    Effect.CONFIRM: _confirm,
}
"""Effects of a listing; ``LET_GO`` and ``NOTHING`` follow from its absence."""


# --- what is missing


def _miss(tray: Tray, listed: set[str]) -> None:
    """Conclude from a complete listing which events are cancelled (rule 61)."""
    turn = tray.turn
    for record in tuple(turn.state.events.values()):
        if record.event_id in listed:
            continue
        state, effect = step(record.state, Input.VANISHED)
        if effect is not Effect.LET_GO:
            if state is not record.state:
                turn.put_event(over(record, state, turn.now))
        elif record.ends_at is None or record.ends_at - ahead(turn) - turn.now > _tolerance(turn):
            tray.events += released(turn, record, implied=True)
            turn.put_event(over(record, state, turn.now))
            turn.note("event_vanished", event_id=record.event_id)


def _tolerance(turn: Turn) -> timedelta:
    """Return how shortly before its end an event may be missing without being cancelled.

    Right after a restore it is no time at all: what the utility does not list any more is not imposed anew.
    """
    restored_at = turn.state.restored_at
    fresh = restored_at is not None and turn.now - restored_at < _JUST_RESTORED
    return _NOTHING if fresh and not turn.link.synced else END_TOLERANCE


def let_all_go(turn: Turn, raw: RawMessage) -> None:
    """Release every event: the registration that brought them is no more (rule 407)."""
    events = [
        event for record in open_events(turn) for event in released(turn, record, implied=True)
    ]
    turn.emit(events, raw)
    turn.state = replace(turn.state, events={})
    turn.setting.decoded.clear()
