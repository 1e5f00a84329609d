"""What a listing says about events: new ones, changed statuses, edits, and what is no longer listed.

Spec: IEEE 2030.5-2018 10.2.3.3 rules c, l, s; 2023 10.2.2.3 rules j, p.
"""

from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.chance import Chance
from gateway.protocols.sep2.events.codes import FunctionSet, Listed
from gateway.protocols.sep2.events.record import Record, overlaps
from gateway.protocols.sep2.events.settings import CancelRandom, Settings
from gateway.protocols.sep2.events.table import TERMINAL, Input, State
from gateway.protocols.sep2.events.turn import Turn
from gateway.protocols.sep2.events.values import Control, Finding, Key, claims

_NOTHING: Final[frozenset[str]] = frozenset()
_LET_BE: Final = frozenset({State.WITHDRAWN, State.RELEASING})
"""States in which it means nothing that an event is no longer listed: it has been cancelled already, or set aside."""
_FOUND: Final = {
    Listed.CANCELLED: Input.FOUND_CANCELLED,
    Listed.CANCELLED_RANDOMLY: Input.FOUND_CANCELLED,
    Listed.SUPERSEDED: Input.FOUND_SUPERSEDED,
    Listed.COMPLETED: Input.FOUND_COMPLETED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The list that was read from its first to its last entry, without an error."""

    server: str
    program: str
    component: str | None = None
    """The RateComponent, where a program has one list for each."""

    def holds(self, control: Control) -> bool:
        """Say whether an event would stand in that list."""
        return control.program_key == (self.server, self.program) and (
            self.component is None or control.component == self.component
        )


def listed(control: Control, settings: Settings) -> Listed | None:
    """Return what the status means; None: it is a reserved number and means nothing."""
    try:
        found = Listed(control.status)
    except ValueError:
        return None
    if found is Listed.COMPLETED and settings.edition == 2018:
        return None
    if found is Listed.SUPERSEDED and control.function_set is FunctionSet.MESSAGING:
        return None
    return found


def receive(turn: Turn, control: Control, chance: Chance) -> None:
    """Take in an event that is not known yet."""
    settings = turn.settings
    if control.categories is not None and not control.categories & settings.categories:
        return
    if len(turn.records) >= settings.most_controls:
        detail = f"more than {settings.most_controls} events for one device; this one is ignored"
        if all(finding.word != "TOO_MANY_EVENTS" for finding in turn.findings):
            turn.findings.append(Finding(word="TOO_MANY_EVENTS", key=control.key, detail=detail))
        return
    fresh, event = _first_look(turn, control)
    if event in (Input.FOUND_EXPIRED, Input.FOUND_WRONG):
        turn.apply(replace(fresh, control=_tombstone(fresh.control, turn.now)), event)
        return
    start, length = control.randomization
    drawn = replace(
        fresh,
        start_offset=_drawn(start, chance),
        duration_offset=_drawn(length, chance),
    )
    after = turn.apply(drawn, event)
    ignored = control.modes - after.claims if control.modes else _NOTHING
    if ignored:
        turn.note(after, "PARTLY_SUPPORTED", f"not followed: {', '.join(sorted(ignored))}")
    if listed(control, settings) is None:
        _reserved(turn, after, control.status)


def _first_look(turn: Turn, control: Control) -> tuple[Record, Input]:
    settings = turn.settings
    claimed = claims(control, settings.categories)
    if control.function_set is FunctionSet.DER and settings.supported is not None:
        claimed &= settings.supported
        if not claimed and control.modes and control.refusal is None:
            control = replace(control, refusal=settings.unsupported)
    record = Record(control=control, state=State.UNKNOWN, claims=claimed, seen_at=turn.now)
    if control.end <= turn.now:
        return record, Input.FOUND_EXPIRED
    if control.refusal is not None or control.nonsense():
        return record, Input.FOUND_WRONG
    status = listed(control, settings)
    return record, _FOUND.get(status, Input.FOUND) if status is not None else Input.FOUND


def _tombstone(control: Control, now: int) -> Control:
    """Keep of an event that is never followed what tells it from others.

    One whose time is none is kept as though it were over now, or a server could fill us with them for good.
    """
    timeless = control.timeless()
    return replace(
        control,
        start=now if timeless else control.start,
        duration=0 if timeless else control.duration,
        creation_time=0,
        modes=_NOTHING,
        randomize_start=0,
        randomize_duration=0,
        content="",
    )


def _drawn(bound: int, chance: Chance) -> int:
    """Draw an offset from zero to a bound, whose sign it has."""
    drawn = chance.randint(0, abs(bound)) if bound else 0
    return -drawn if bound < 0 else drawn


def review(turn: Turn, control: Control, chance: Chance) -> None:
    """Compare an event that is known with its listing."""
    record = turn.records[control.key]
    if record.unlisted:
        record = replace(record, unlisted=False)
        turn.put(record)
    if record.over:
        return
    if record.state is State.WITHDRAWN:
        home = replace(record.control, program=control.program)
        record = turn.apply(record, Input.RELIST, control=home)
    if control.essence() != record.control.essence():
        _edited(turn, record, control, chance)
    _status(turn, turn.records[control.key], control, chance)


def _edited(turn: Turn, record: Record, control: Control, chance: Chance) -> None:
    detail = (
        "the server changed the event under its mRID instead of cancelling it and issuing another"
    )
    settings = turn.settings
    if not settings.allow_edits or control.nonsense() or control.refusal is not None:
        turn.note(record, "CONTENT_CHANGED", f"{detail}; what came first holds")
        return
    claimed = claims(control, settings.categories)
    if control.function_set is FunctionSet.DER and settings.supported is not None:
        claimed &= settings.supported
    old, new = record.control.randomization, control.randomization
    kept = control.program_key == record.control.program_key and claimed
    if not kept:
        turn.note(record, "CONTENT_CHANGED", f"{detail}, and it cannot be followed")
        return
    turn.put(
        replace(
            record,
            control=control,
            claims=claimed,
            lost=record.lost & claimed,
            begun=record.begun & claimed,
            held=record.without(record.claims - claimed),
            start_at=record.start_at if record.begun else None,
            start_offset=record.start_offset if old[0] == new[0] else _drawn(new[0], chance),
            duration_offset=record.duration_offset if old[1] == new[1] else _drawn(new[1], chance),
        )
    )
    turn.note(turn.records[control.key], "EDITED", f"{detail}; the change is followed")


def _status(turn: Turn, record: Record, control: Control, chance: Chance) -> None:
    found = listed(control, turn.settings)
    releasing = record.state is State.RELEASING
    match found:
        case None:
            _reserved(turn, record, control.status)
        case Listed.CANCELLED:
            turn.apply(record, Input.CANCEL)
        case Listed.CANCELLED_RANDOMLY if not releasing:
            _cancel_randomly(turn, record, chance)
        case Listed.SUPERSEDED if not releasing:
            _superseded(turn, record)
        case Listed.COMPLETED if not releasing and turn.now < record.control.end:
            turn.apply(record, Input.COMPLETE)
        case Listed.SCHEDULED | Listed.ACTIVE if releasing:
            turn.note(record, "UNCANCELLED", "listed as valid again after it was cancelled")
        case _:
            pass


def _reserved(turn: Turn, record: Record, status: int) -> None:
    detail = f"currentStatus {status} is reserved and means nothing"
    turn.note(record, "RESERVED_STATUS", detail, once=f"RESERVED_STATUS {status}")


def _cancel_randomly(turn: Turn, record: Record, chance: Chance) -> None:
    """End a running event at an instant drawn; anything else at once (currentStatus 3)."""
    window = max(map(abs, record.control.randomization))
    full = turn.settings.cancel_random is CancelRandom.FULL
    delay = window if full or not window else chance.randint(0, window)
    if delay and record.state is State.ACTIVE and record.held:
        turn.apply(record, Input.CANCEL_RANDOMLY, release_at=turn.now + delay)
    else:
        turn.apply(record, Input.CANCEL)


def _superseded(turn: Turn, record: Record) -> None:
    """Stop an event that the server has superseded; what follows starts at once if this one was running.

    Only while this one's own start randomization lasts does the follower keep its own.
    """
    was_running = bool(record.held)
    turn.apply(record, Input.SUPERSEDE)
    control, now = record.control, turn.now
    spread = control.randomization[0]
    window = range(control.start + min(0, spread), control.start + max(0, spread))
    if not was_running or now in window:
        return
    for other in list(turn.records.values()):
        earliest = other.control.start + min(0, other.control.randomization[0])
        if (
            other.state is State.SCHEDULED
            and other.control.program_key == control.program_key
            and other.live & record.claims
            and overlaps(other, record)
            and earliest <= now
            and other.start_at is None
        ):
            start = min(now, other.control.start + other.start_offset)
            turn.put(replace(other, start_at=start))


def vanish(turn: Turn, scope: Scope, present: frozenset[Key]) -> None:
    """Look for what a complete list misses, and let go of what is long over."""
    missing = [r for r in turn.records.values() if r.key not in present and scope.holds(r.control)]
    for record in missing:
        if record.over:
            if not record.unlisted:
                turn.put(replace(record, unlisted=True))
            continue
        if record.state in _LET_BE or turn.now >= turn.arrangement()[record.key].end:
            continue
        if turn.settings.vanishing_cancels:
            turn.apply(record, Input.CANCEL, unlisted=True)
        else:
            turn.note(record, "VANISHED", "no longer listed before its end; it goes on (rule s)")


def forget(turn: Turn) -> None:
    """Drop what is over, no longer listed and long past, so that nothing grows without end."""
    horizon = turn.now - turn.settings.keep_s
    old = [r for r in turn.records.values() if _past(r, horizon)]
    for record in old:
        del turn.records[record.key]
    if old:
        turn.stale()


def _past(record: Record, horizon: int) -> bool:
    gone = record.unlisted if record.state in TERMINAL else record.state is State.WITHDRAWN
    last = max(record.ended_at or 0, record.control.end)
    return gone and last + max(0, record.start_offset + record.duration_offset) < horizon
