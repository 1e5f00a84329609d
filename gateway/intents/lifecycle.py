"""Table: the life of one intent (compute-flex B.6).

    received -> validated -> scheduled -> delivered -> acked -> committed
             -> pre_event -> ramping_in -> holding -> ramping_out -> recovering -> completed -> settled
    any live state -> cancelled | superseded | expired | failed        holding <-> breached

The clock may skip phases that have no length, so each phase can be entered from every earlier one.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.domain.intent import ComputeFlexIntent, State


class Input(StrEnum):
    """What can happen to an intent."""

    VALIDATE = "validate"
    REFUSE = "refuse"
    SCHEDULE = "schedule"
    DELIVER = "deliver"
    ACK = "ack"
    COMMIT = "commit"
    WAIT = "wait"
    RAMP_IN = "ramp_in"
    HOLD = "hold"
    BREACH = "breach"
    CURE = "cure"
    RAMP_OUT = "ramp_out"
    RECOVER = "recover"
    COMPLETE = "complete"
    SETTLE = "settle"
    REVISE = "revise"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"
    EXPIRE = "expire"
    FAIL = "fail"


_UNDECIDED: Final = (State.SCHEDULED, State.DELIVERED, State.ACKED)
_PHASES: Final = (
    (Input.WAIT, State.PRE_EVENT),
    (Input.RAMP_IN, State.RAMPING_IN),
    (Input.HOLD, State.HOLDING),
    (Input.RAMP_OUT, State.RAMPING_OUT),
    (Input.RECOVER, State.RECOVERING),
    (Input.COMPLETE, State.COMPLETED),
)
_LIVE: Final = (
    State.RECEIVED,
    State.VALIDATED,
    *_UNDECIDED,
    State.COMMITTED,
    *(state for _, state in _PHASES if state is not State.COMPLETED),
    State.BREACHED,
)


def _table() -> dict[tuple[State, Input], State]:
    table = {
        (State.RECEIVED, Input.VALIDATE): State.VALIDATED,
        (State.RECEIVED, Input.REFUSE): State.REJECTED,
        (State.VALIDATED, Input.SCHEDULE): State.SCHEDULED,
        (State.VALIDATED, Input.REFUSE): State.REJECTED,
        (State.SCHEDULED, Input.DELIVER): State.DELIVERED,
        (State.SCHEDULED, Input.ACK): State.ACKED,
        (State.DELIVERED, Input.ACK): State.ACKED,
        (State.HOLDING, Input.BREACH): State.BREACHED,
        (State.BREACHED, Input.CURE): State.HOLDING,
        (State.COMPLETED, Input.SETTLE): State.SETTLED,
    }
    table |= {(state, Input.COMMIT): State.COMMITTED for state in _UNDECIDED}
    earlier = [State.COMMITTED]
    for phase, state in _PHASES:
        table |= {(before, phase): state for before in earlier}
        earlier.append(state)
    for phase in (Input.RAMP_OUT, Input.RECOVER, Input.COMPLETE):
        table[State.BREACHED, phase] = dict(_PHASES)[phase]
    for state in _LIVE:
        table[state, Input.CANCEL] = State.CANCELLED
        table[state, Input.SUPERSEDE] = State.SUPERSEDED
        table[state, Input.EXPIRE] = State.EXPIRED
        table[state, Input.FAIL] = State.FAILED
        # A new version of the event asks the site again; what was decided about the old one does not carry over.
        table[state, Input.REVISE] = State.SCHEDULED
    # The utility closes an event that it had cancelled: what was metered is settled all the same.
    table[State.CANCELLED, Input.SETTLE] = State.SETTLED
    # An event that was cancelled, expired or over can come back as a newer version.
    for state in (State.CANCELLED, State.EXPIRED, State.COMPLETED, State.SETTLED):
        table[state, Input.REVISE] = State.SCHEDULED
    return table


TRANSITIONS: Final[dict[tuple[State, Input], State]] = _table()
TERMINAL: Final = frozenset(
    {State.REJECTED, State.SETTLED, State.CANCELLED, State.SUPERSEDED, State.EXPIRED, State.FAILED}
)
"""States in which an intent asks nothing of its site any more."""


def step(state: State, event: Input) -> State:
    """Advance one intent by one input.

    Raises:
        MisuseError: ``OUT_OF_SEQUENCE`` when the pair is not in the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        detail = f"{event} is not allowed while {state}"
        raise MisuseError("OUT_OF_SEQUENCE", detail) from None


def allowed(state: State, event: Input) -> bool:
    """Say whether the pair is in the table."""
    return (state, event) in TRANSITIONS


def phase_at(intent: ComputeFlexIntent, now: datetime) -> Input:
    """Tell which phase the clock says an intent that the site takes part in is in."""
    timing = intent.timing
    if now < timing.start - timing.ramp_in:
        return Input.WAIT
    if now < timing.start:
        return Input.RAMP_IN
    if timing.duration is None:
        return Input.HOLD
    end = timing.start + timing.duration
    if now < end:
        return Input.HOLD
    if now < end + timing.recovery.duration:
        return Input.RECOVER
    return Input.COMPLETE


def next_phase_at(intent: ComputeFlexIntent, now: datetime) -> datetime | None:
    """Return the next instant at which ``phase_at`` changes, None when it never does again."""
    timing = intent.timing
    changes = [timing.start - timing.ramp_in, timing.start]
    if timing.duration is not None:
        end = timing.start + timing.duration
        changes += [end, end + timing.recovery.duration]
    return min((at for at in changes if at > now), default=None)
