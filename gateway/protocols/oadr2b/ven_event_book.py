"""VEN: the events it remembers: their content, their end, and when they may be forgotten."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import GatewayError
from gateway.domain.event import GridEvent
from gateway.protocols.oadr2b.events import Input, State, allowed, step
from gateway.protocols.oadr2b.messages import OadrDistributeEvent, OadrEvent
from gateway.protocols.oadr2b.normalize import Accepted, Delivery, accept, grid_event
from gateway.protocols.oadr2b.ven_link import off_by, surely
from gateway.protocols.oadr2b.ven_state import EventRecord
from gateway.protocols.oadr2b.ven_turn import Turn, without

REMEMBERED: Final = timedelta(days=1)
"""How long an event that is over stays known after its last listing, so that old numbers are still refused."""
MOST_EVENTS: Final = 2000
COMMENT_KEPT: Final = 256
"""Characters of a vtnComment that a session remembers; it was handed in whole, with its bytes, when it came."""
DECODED_KEPT: Final = 200
"""Events that are kept decoded too; the others are read again when they end."""
END_TOLERANCE: Final = timedelta(seconds=30)
"""A listing that lacks an event this shortly before its end is no cancellation: clocks differ by so much."""


def open_events(turn: Turn) -> tuple[EventRecord, ...]:
    """Return what is far, near or active."""
    return tuple(record for record in turn.state.events.values() if record.state is State.OPEN)


def write_event(turn: Turn, event: OadrEvent) -> str:
    """Return an event as a document of its own, to be remembered; of a long comment only the beginning."""
    event = _with_short_comment(event)
    message = OadrDistributeEvent(
        request_id="", vtn_id=turn.registration.vtn_id, oadr_events=(event,)
    )
    decoded = turn.setting.decoded
    decoded[event.ei_event.event_descriptor.event_id] = event
    if len(decoded) > DECODED_KEPT:
        del decoded[next(iter(decoded))]
    return turn.setting.codec.encode(message).decode()


def _with_short_comment(event: OadrEvent) -> OadrEvent:
    inner = event.ei_event
    comment = inner.event_descriptor.vtn_comment
    if comment is None or len(comment) <= COMMENT_KEPT:
        return event
    short = replace(inner.event_descriptor, vtn_comment=comment[:COMMENT_KEPT])
    return replace(event, ei_event=replace(inner, event_descriptor=short))


def content_of(turn: Turn, record: EventRecord) -> Accepted | None:
    """Return the version of an event that was taken; None when it can no longer be followed."""
    event = turn.setting.decoded.get(record.event_id)
    version = event.ei_event.event_descriptor.modification_number if event else None
    if event is None or version != record.version:
        message = turn.setting.codec.decode(record.xml.encode())
        if not isinstance(message, OadrDistributeEvent) or not message.oadr_events:
            return None
        event = message.oadr_events[0]
    try:
        return accept(event, turn.audience)
    except GatewayError:
        # The operator has changed programs or settings since: there is nobody left to tell.
        return None


def released(
    turn: Turn, record: EventRecord, *, version: int | None = None, implied: bool = False
) -> list[GridEvent]:
    """Build the news that an event ends, from the version that was taken."""
    content = content_of(turn, record) if record.xml else None
    if content is None:
        return []
    event = grid_event(
        content,
        _delivery(turn, record),
        offset=record.offset,
        version=version,
        cancelled_at=release_at(turn, record),
        implied=implied,
    )
    return [event]


def believed(turn: Turn) -> list[GridEvent]:
    """Return what waited because the clocks did not agree, and need not wait any more.

    They agree again, or the operator has settled that the dates count as they stand.
    """
    unknown = turn.link.offset_s is None
    if unknown or (off_by(turn) and turn.setting.scope.clock_policy != "trust_ours"):
        return []
    events: list[GridEvent] = []
    for record in open_events(turn):
        content = content_of(turn, record) if record.doubted and record.xml else None
        if content is not None:
            turn.put_event(replace(record, doubted=False))
            events.append(grid_event(content, _delivery(turn, record), offset=record.offset))
    return events


def _delivery(turn: Turn, record: EventRecord) -> Delivery:
    return Delivery(
        utility=turn.setting.scope.utility,
        vtn_id=turn.registration.vtn_id,
        request_id=record.request_id,
        received_at=turn.now,
        raw_sha256=record.raw_sha256,
        path=record.path,
    )


def release_at(turn: Turn, record: EventRecord) -> datetime:
    """Draw when a cancelled event ends: at once, or, when it runs and has startafter, within that time (rule 65)."""
    spread = record.startafter // timedelta(seconds=1)
    runs = record.starts_at is not None and record.starts_at <= turn.now
    if not runs or not spread:
        return turn.now
    at = turn.now + timedelta(seconds=turn.draw(spread))
    return at if record.ends_at is None else max(turn.now, min(at, record.ends_at))


def over(record: EventRecord, state: State, now: datetime) -> EventRecord:
    """Return the record of an event from which nothing more follows."""
    return replace(record, state=state, owed=(), xml="", touched_at=now)


def sweep(turn: Turn) -> None:
    """Let the clock end events, and forget those that are long over."""
    gone: set[str] = set()
    for record in tuple(turn.state.events.values()):
        by = surely(turn) if record.doubted else turn.now
        ended = record.ends_at is not None and record.ends_at <= by
        if ended and allowed(record.state, Input.ENDED):
            state, _ = step(record.state, Input.ENDED)
            turn.put_event(replace(record, state=state, xml="", touched_at=turn.now))
        elif record.state is not State.OPEN and record.touched_at + REMEMBERED < turn.now:
            gone.add(record.event_id)
    _forget(turn, gone)


def make_room(turn: Turn) -> None:
    """Forget the events that have been over longest when there are too many."""
    surplus = len(turn.state.events) - MOST_EVENTS
    if surplus > 0:
        over_first = sorted(
            (record for record in turn.state.events.values() if record.state is not State.OPEN),
            key=lambda record: record.touched_at,
        )
        _forget(turn, {record.event_id for record in over_first[:surplus]})


def _forget(turn: Turn, gone: set[str]) -> None:
    if gone:
        turn.state = replace(turn.state, events=without(turn.state.events, gone))
        for event_id in gone:
            turn.setting.decoded.pop(event_id, None)
