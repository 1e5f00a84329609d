"""The exchange with the VTN: what is sent next, when to poll, what a failure means, how far its clock is off.

One request is outstanding at a time, so answers and reports arrive in order. Messages of one lane keep their order;
one that the VTN cannot digest holds back its own lane only, never the polls.

Spec: OpenADR 2.0b sections 8.6, 9.1.4-9.1.8; rule 500.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.protocols.actions import Send
from gateway.protocols.oadr2b import registration
from gateway.protocols.oadr2b.events import State as EventState
from gateway.protocols.oadr2b.messages import OadrPoll
from gateway.protocols.oadr2b.ven_state import Outgoing, Purpose, Wait
from gateway.protocols.oadr2b.ven_turn import EI_REGISTER_PARTY, OADR_POLL, Turn

MOST_DRAINED: Final = 50
"""Polls in a row, so that a VTN that never runs dry does not keep us busy for ever."""
FIRST_WAIT: Final = timedelta(seconds=1)
LEAST_CAP: Final = timedelta(seconds=60)
MOST_CAP: Final = timedelta(minutes=15)
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
_SPREAD: Final = 0.1
_BUSY: Final = frozenset({"STATUS_503", "STATUS_429"})
"""Leave the VTN alone altogether for a while (section 9.1.5)."""
_FINAL: Final = frozenset(
    {"STATUS_400", "STATUS_404", "STATUS_406", "STATUS_413", "STATUS_415", "STATUS_501"}
)
"""The same message would fail again (section 9.1.5)."""
_ANSWERED: Final = "STATUS_"
"""Start of the reasons that tell of an answer; all others are failures of the link itself."""
_PATIENCE: Final = {
    Purpose.REQUEST_EVENT: 3,
    Purpose.UPDATE: None,
    Purpose.CREATE_OPT: None,
    Purpose.CANCEL_OPT: None,
    Purpose.ASK_REPORT: None,
}
"""Attempts until a message that the VTN answers but does not digest is given up; None: never."""
_USUAL_PATIENCE: Final = 8
_REGISTERING: Final = frozenset({Purpose.QUERY, Purpose.REGISTER, Purpose.UNREGISTER})
CLOCK_ALARM_S: Final = 30.0
CLOCK_LIMIT_S: Final = 300.0
"""Beyond this, "now" means another time to the VTN than to us: the operator's policy decides."""
_SLEWED: Final = timedelta(seconds=1)
_CLOCK_STEP_S: Final = 2.0
"""The Date header has whole seconds: smaller changes of the offset are noise."""


def backoff(turn: Turn, failures: int) -> timedelta:
    """Return the wait after so many failures in a row: 1 s, doubled each time, ±10 %, capped.

    Spec: OpenADR 2.0b sections 9.1.4 and 9.1.7; the cap is the poll period within one and fifteen minutes.
    """
    cap = min(max(turn.period, LEAST_CAP), MOST_CAP)
    plain = min(FIRST_WAIT * (1 << min(failures - 1, 20)), cap)
    spread: float = 1 - _SPREAD + 2 * _SPREAD * turn.setting.tools.chance.random()
    return plain * spread


# --- what goes out


def send_next(turn: Turn) -> None:
    """Send the next message, if one may be sent now and none is in flight."""
    if turn.link.in_flight is not None or _held(turn.link.not_before, turn.now):
        return
    outgoing = _sendable(turn) or _poll(turn)
    if outgoing is None:
        return
    turn.connect(in_flight=outgoing)
    turn.actions.append(
        Send(request_id=outgoing.key, service=outgoing.service, body=outgoing.body.encode())
    )


def _sendable(turn: Turn) -> Outgoing | None:
    for item in _heads(turn):
        wait = turn.link.waits.get(item.key)
        if wait is None or not _held(wait.not_before, turn.now):
            return item
    return None


def _heads(turn: Turn) -> Iterator[Outgoing]:
    """Yield the oldest message of each lane that may be used in this state of the registration.

    A lane is a service, or the reports: data that the VTN cannot digest must not keep answers about reports back.
    """
    valid = turn.registration.state in registration.VALID
    seen: set[str] = set()
    for item in turn.state.outbox:
        lane = item.purpose if item.purpose is Purpose.UPDATE else item.service
        if lane not in seen and (valid or item.service == EI_REGISTER_PARTY):
            seen.add(lane)
            yield item


def _held(not_before: datetime | None, now: datetime) -> bool:
    return not_before is not None and now < not_before


def _poll(turn: Turn) -> Outgoing | None:
    at = poll_at(turn)
    if turn.options.pushes or at is None or turn.now < at:
        return None
    turn.connect(polled_at=turn.now)
    poll = OadrPoll(ven_id=turn.registration.ven_id)
    body = turn.setting.codec.encode(poll).decode()
    return Outgoing(key=turn.fresh_id(), purpose=Purpose.POLL, service=OADR_POLL, body=body)


def poll_at(turn: Turn) -> datetime | None:
    """Return when the next poll may go out, or in push mode the next question for events; None: not yet at all."""
    if turn.registration.state not in registration.VALID or not turn.link.synced:
        return None
    at = turn.link.next_poll_at
    held = turn.options.answer_before_poll and not turn.options.pushes
    if at is not None and held and _undecided(turn):
        regular = (turn.link.polled_at or turn.now) + turn.period
        return max(at, regular + turn.period)
    return at


def _undecided(turn: Turn) -> bool:
    return any(
        record.owed and record.state is EventState.OPEN for record in turn.state.events.values()
    )


def start_polling(turn: Turn) -> None:
    """Set the first poll, somewhere in the first period so that a fleet does not poll in step (section 9.1.8).

    In push mode the events have just been told: the next question comes in the second half of the period.
    """
    if turn.link.next_poll_at is None:
        share = float(turn.options.jitter) * turn.setting.tools.chance.random()
        spread = turn.period * (1 - share / 2 if turn.options.pushes else share)
        turn.connect(next_poll_at=turn.now + spread)


def polled(turn: Turn, *, more: bool) -> None:
    """Plan the next poll: at once while the queue gives something, else a period after the last one."""
    regular = (turn.link.polled_at or turn.now) + turn.period
    if more and turn.link.drained + 1 < MOST_DRAINED:
        turn.connect(next_poll_at=turn.now, drained=turn.link.drained + 1)
        return
    if more:
        turn.note("poll_queue_endless", polls=str(MOST_DRAINED))
    turn.connect(next_poll_at=max(regular, turn.now), drained=0)


def next_wake(turn: Turn) -> datetime | None:
    """Return when something is to be sent next; None while an answer is awaited or nothing is planned."""
    if turn.link.in_flight is not None:
        return None
    waits = [turn.link.waits.get(item.key) for item in _heads(turn)]
    wishes = [wait.not_before if wait else turn.now for wait in waits]
    wishes += [at for at in (poll_at(turn),) if at is not None]
    at = min(wishes, default=None)
    if at is None or turn.link.not_before is None:
        return at
    return max(at, turn.link.not_before)


# --- what goes wrong


def succeeded(turn: Turn, outgoing: Outgoing) -> None:
    """Note that the VTN answered; the message is done with."""
    turn.connect(failures=0, not_before=None)
    turn.drop(outgoing)


def hurry(turn: Turn) -> None:
    """Let an answer that was just decided try the link at once, whatever our own back-off says.

    It may be due before the next attempt. Only what the VTN itself asked for is kept (section 9.1.5, status 503).
    """
    turn.connect(not_before=turn.link.asked_until)


def failed(turn: Turn, outgoing: Outgoing, reason: str, retry_after: timedelta | None) -> bool:
    """Put off what could not be delivered: the link, the message alone, or for good.

    Args:
        turn: The pad.
        outgoing: What was in flight.
        reason: Of the failure; ``STATUS_…`` means that the VTN is there but did not take this message.
        retry_after: As the VTN asked.

    Returns:
        True: the message was given up and will not be sent again.
    """
    asked = min(retry_after or timedelta(0), LONGEST_RETRY_AFTER)
    reached = reason.startswith(_ANSWERED) and reason not in _BUSY
    if reached and outgoing.purpose is Purpose.QUERY:
        # A VTN that does not answer queries may register us all the same.
        turn.drop(outgoing)
        return True
    if not reached or outgoing.purpose in _REGISTERING:
        failures = turn.link.failures + 1
        wait = max(backoff(turn, failures), asked)
        until = turn.now + asked if asked else None
        turn.connect(failures=failures, not_before=turn.now + wait, asked_until=until)
        if outgoing.purpose is Purpose.POLL:
            turn.connect(next_poll_at=turn.now, drained=0)
        return False
    turn.connect(failures=0, not_before=None)
    if outgoing.purpose is Purpose.POLL:
        failures = turn.link.poll_failures + 1
        wait = max(backoff(turn, failures), asked)
        turn.connect(poll_failures=failures, next_poll_at=turn.now + wait, drained=0)
        return False
    return _put_off(turn, outgoing, reason, asked)


def _put_off(turn: Turn, outgoing: Outgoing, reason: str, asked: timedelta) -> bool:
    before = turn.link.waits.get(outgoing.key)
    attempts = 1 + (before.attempts if before else 0)
    patience = _PATIENCE.get(outgoing.purpose, _USUAL_PATIENCE)
    if reason in _FINAL or (patience is not None and attempts >= patience):
        turn.drop(outgoing)
        turn.note("message_given_up", purpose=outgoing.purpose, reason=reason)
        return True
    wait = Wait(attempts=attempts, not_before=turn.now + max(backoff(turn, attempts), asked))
    turn.connect(waits={**turn.link.waits, outgoing.key: wait})
    return False


# --- our clock and the VTN's


def note_time(turn: Turn) -> None:
    """Move what was planned along when our clock was set back: a wait is a length of time, and must not become longer.

    A clock set ahead only ends waits early, which asks once too often and loses nothing.
    """
    seen = turn.link.seen_at
    back = seen - turn.now if seen is not None else timedelta(0)
    if back > _SLEWED:
        link, known = turn.link, turn.registration
        turn.note("clock_set_back", by_s=f"{back.total_seconds():.3f}")
        turn.connect(
            not_before=_earlier(link.not_before, back),
            asked_until=_earlier(link.asked_until, back),
            next_poll_at=_earlier(link.next_poll_at, back),
            polled_at=_earlier(link.polled_at, back),
            waits={
                key: replace(wait, not_before=wait.not_before - back)
                for key, wait in link.waits.items()
            },
            offset_s=None,
        )
        if known.retry_at is not None:
            turn.register(retry_at=known.retry_at - back)
    turn.connect(seen_at=turn.now)


def _earlier(at: datetime | None, by: timedelta) -> datetime | None:
    return None if at is None else at - by


def measure_clock(turn: Turn, peer_clock: datetime | None) -> None:
    """Note how far the VTN's clock is off when that is news; alarm above 30 s.

    Spec: OpenADR 2.0b sheet of created times; both sides must keep UTC.
    """
    if peer_clock is None:
        return
    offset_s = (peer_clock - turn.now).total_seconds()
    known = turn.link.offset_s
    if known is not None and abs(offset_s - known) < _CLOCK_STEP_S:
        return
    turn.connect(offset_s=offset_s)
    turn.note("clock_offset", offset_s=f"{offset_s:.3f}")
    if abs(offset_s) > CLOCK_ALARM_S:
        turn.note("clock_alarm", offset_s=f"{offset_s:.3f}", limit_s=f"{CLOCK_ALARM_S:g}")
    if abs(offset_s) > CLOCK_LIMIT_S:
        policy = turn.setting.scope.clock_policy
        turn.note("clock_too_far_off", offset_s=f"{offset_s:.3f}", policy=policy)


def off_by(turn: Turn) -> timedelta:
    """Return how far the VTN's clock is ahead of ours where that is too far to be noise; zero: it is not."""
    offset_s = turn.link.offset_s
    if offset_s is None or abs(offset_s) <= CLOCK_LIMIT_S:
        return timedelta(0)
    return timedelta(seconds=round(offset_s))


def ahead(turn: Turn) -> timedelta:
    """Return how far the VTN's clock is ahead of ours: so long before its end it takes an event for over."""
    return timedelta(seconds=max(turn.link.offset_s or 0.0, 0.0))


def surely(turn: Turn) -> datetime:
    """Return the instant that has been reached by every clock that may be the right one."""
    held = turn.setting.scope.clock_policy == "hold"
    return turn.now + min(off_by(turn), timedelta(0)) if held else turn.now


def doubt(turn: Turn) -> str:
    """Return why a new request must wait for the operator; empty: it need not."""
    held = turn.setting.scope.clock_policy == "hold" and off_by(turn)
    return "clock_offset" if held else ""


def without_link(turn: Turn) -> None:
    """Forget what was planned for a registration that is no more."""
    turn.state = replace(turn.state, outbox=())
    turn.connect(waits={}, next_poll_at=None, synced=False, drained=0, collecting="")
