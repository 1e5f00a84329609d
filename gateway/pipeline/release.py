"""The operator decides about what the envelope held for him."""

from dataclasses import replace

from gateway.domain.errors import SessionError
from gateway.domain.names import IntentId
from gateway.intents.derive import derive
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.guarding import guarded, say
from gateway.pipeline.ports import IntentRecord
from gateway.pipeline.turn import Turn


def release(turn: Turn, record: IntentRecord, by: str) -> IntentRecord:
    """Ask the site after all: the operator waives what an intent is held for; what is left of the envelope clips.

    To decline, let the turn decide ``out``; nothing of the envelope stands against that.

    Args:
        turn: The open transaction.
        record: Held by the operator's envelope.
        by: ``operator:<name>``.

    Returns:
        The next revision, published.

    Raises:
        SessionError: ``REFUSED`` when it is not held, or for something that nobody can waive; ``TOO_LATE``.
    """
    intent, site = record.intent, turn.site_of(record)
    event = turn.work.events.newest(record.event)
    if intent.guard is None or not intent.hold_reason or site is None or event is None:
        raise SessionError("REFUSED", f"cannot be released: {intent.hold_reason or 'not held'}")
    if intent.status in TERMINAL or intent.cancelled_at is not None or turn.over(intent):
        raise SessionError("TOO_LATE", "the event is over or was cancelled")
    program = turn.program_of(record)
    frozen = turn.frozen(event, program, site, record)
    envelope = turn.envelope(IntentId(intent.id), site.site, event)
    fresh = derive(event, program, site, turn.book.terms[site.site], envelope, frozen)
    fresh, verdict = guarded(turn, fresh, site, None, waived=True)
    after = replace(record, intent=fresh, opt=None, opt_reason="", opt_at=None)
    say(turn, after, verdict, by)
    turn.log("audit", intent.id, {"word": "released", "by": by, "revision": fresh.revision})
    turn.drop_timers(intent.id, "opt_deadline", "phase")
    turn.ask(after, record)
    turn.replan(site.site)
    return turn.work.intents.get(IntentId(intent.id)) or after
