"""What cannot be taken in is kept with its bytes and the reason, answered, and out of everybody's way (R-OUT-4)."""

from dataclasses import replace

from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.participation import Opt, Participation
from gateway.pipeline.apart import GATEWAY
from gateway.pipeline.ports import Timer
from gateway.pipeline.turn import Turn

UNUSABLE = "unusable"


def put_aside(turn: Turn, event: GridEvent, raw: RawMessage, reason: str, *, ends: bool) -> None:
    """Set one version of an event aside: the utility is told out, and nothing of it is ever tried again.

    A newer version, and a cancellation, are items of their own.

    Args:
        turn: The open transaction.
        event: What cannot be taken in.
        raw: The bytes it came in.
        reason: Why.
        ends: Whether obligations under older versions end too, as the utility replaced them; False: even that was
            tried and failed, so they stand and the operator must look.
    """
    turn.work.events.keep(raw)
    document = {
        "word": "set_aside",
        "kind": "event",
        "utility": event.utility,
        "version": event.version,
        "cancelled": event.cancelled_at is not None,
        "raw_sha256": raw.sha256,
        "reason": reason,
        "older_versions": "ended" if ends else "stand",
    }
    turn.log("audit", event.event_id, document)
    if event.cancelled_at is None:
        key = EventKey(utility=event.utility, event_id=event.event_id)
        answer = Participation(
            event=key,
            version=event.version,
            opt=Opt.OUT,
            reason=UNUSABLE,
            decided_at=turn.now,
            by=GATEWAY,
        )
        turn.work.participations.queue(answer)
        turn.decided.append(answer)
    if ends:
        taken_back = event.cancelled_at or turn.now
        turn.admit(replace(event, cancelled_at=taken_back, signals=()))


def put_timer_aside(turn: Turn, timer: Timer, reason: str) -> None:
    """Set a timer aside; setting it again, for another instant, makes it another item."""
    turn.work.timers.drop(timer.key)
    document = {
        "word": "timer_set_aside",
        "kind": timer.kind,
        "due_at": timer.due_at.isoformat(),
        "reason": reason,
    }
    turn.log("audit", timer.subject, document)
