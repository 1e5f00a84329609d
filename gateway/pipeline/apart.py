"""Sites of one event that are answered for in their own name, and those that a schedule takes out."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.domain.event import EventKey, GridEvent
from gateway.domain.names import SiteId
from gateway.domain.opting import scheduled_out
from gateway.domain.participation import Opt, Participation
from gateway.domain.protocol import ProtocolName
from gateway.pipeline.board import Board, end_of
from gateway.pipeline.ports import IntentRecord

SCHEDULED: Final = "scheduled"
"""Reason of an answer that the operator's opt schedule gave."""
GATEWAY: Final = "gateway"
"""Who decided, when nobody was asked."""
Names = tuple[SiteId, ...]


def may_be_alone(board: Board, event: EventKey) -> bool:
    """Say whether the utility of an event takes answers for some of its sites (OpenADR 2.0b rules 16 and 206)."""
    newest = board.work.events.newest(event)
    return (
        newest is not None and newest.protocol is ProtocolName.OADR20B and newest.response_required
    )


def scheduled(board: Board, key: EventKey, version: int) -> Sequence[IntentRecord]:
    """Return the unanswered intents of a version whose sites are out by schedule, set apart where others are asked."""
    asked = [
        record
        for record in board.work.intents.of_event(key)
        if record.version == version and record.intent.cancelled_at is None
    ]
    schedules = board.work.opting.open(key.utility, board.now) if asked else ()
    out = [
        record
        for record in asked
        if record.opt is None
        and not board.over(record.intent)
        and scheduled_out(
            schedules,
            SiteId(record.intent.site),
            record.intent.provenance.authority.program,
            record.intent.timing.start,
            end_of(record.intent),
        )
    ]
    if len(out) < len(asked) and out and may_be_alone(board, key):
        for record in out:
            board.work.opting.set_apart(key, SiteId(record.intent.site))
    return out


def names(board: Board, record: IntentRecord) -> tuple[Names, ...]:
    """Return in whose names an answer is told: the event's, its site's own, or both where nobody else answers."""
    alone = board.alone(record)
    if not alone:
        return ((),)
    apart = board.work.opting.apart(record.event)
    others = any(sibling.intent.site not in apart for sibling in board.same_version(record))
    return (alone,) if others else ((), alone)


def tell(board: Board, record: IntentRecord, opt: Opt, by: str, named: Iterable[Names]) -> None:
    """Have an answer told under each of these names."""
    for sites in named:
        answer = Participation(
            event=record.event,
            version=record.version,
            opt=opt,
            reason=record.opt_reason,
            decided_at=board.now,
            by=by,
            sites=sites,
        )
        queue(board, answer)


def decline(board: Board, event: GridEvent, word: str, reason: str = "not_mine") -> None:
    """Answer an event that makes no intent: a utility that asks gets an answer."""
    board.log("audit", event.event_id, {"word": word, "program": event.program})
    answer = Participation(
        event=EventKey(utility=event.utility, event_id=event.event_id),
        version=event.version,
        opt=Opt.OUT,
        reason=reason,
        decided_at=board.now,
        by=GATEWAY,
    )
    queue(board, answer)


def queue(board: Board, answer: Participation) -> None:
    """Store an answer for the utility's session, and hand it over after the commit."""
    board.work.participations.queue(answer)
    board.decided.append(answer)
