"""What becomes of a control as time passes: scheduled, active, cancelled, superseded, gone.

Nothing here happens: the status at an instant follows from what was published and cancelled when.

Spec: IEEE 2030.5-2018 clause 10.2.3.3; CSIP-AUS S-ALL-41.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.values import Control
from conformance.reference.sep2server.state import HeldControl

SCHEDULED: Final = 0
ACTIVE: Final = 1
CANCELLED: Final = 2
CANCELLED_RANDOMLY: Final = 3
SUPERSEDED: Final = 4
_EVERYBODY: Final = "FFFFFFFF"
_NO_MODES: Final = frozenset({"rampTms"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """EventStatus at an instant."""

    status: int
    since: datetime
    version: int
    partly: datetime | None
    """Since when others overlap some of its modes or devices; None: no others."""


def standing(one: HeldControl, others: Sequence[HeldControl], now: datetime) -> Standing:
    """Return the status of a control among the others of its program."""
    past = [change for change in changes(one, others) if change[0] <= now]
    since, status = past[-1]
    touching = [o.created for o in others if _wins(o, one) and not _covers(o, one)]
    partly = max(min(touching), one.created) if touching else None
    return Standing(status=status, since=since, version=one.version + len(past) - 1, partly=partly)


def changes(one: HeldControl, others: Sequence[HeldControl]) -> list[tuple[datetime, int]]:
    """Return when its status becomes what, in order, as far as it is known; the last one stays."""
    begins = max(one.control.start, one.created)
    found = [(begins, ACTIVE)]
    if begins > one.created:
        found.insert(0, (one.created, SCHEDULED))
    ends = [(at, SUPERSEDED) for at in _superseded(one, others)]
    if one.cancelled_at is not None:
        ends.append((one.cancelled_at, CANCELLED_RANDOMLY if one.randomly else CANCELLED))
    if not ends:
        return found
    last = min(ends)
    return [change for change in found if change[0] < last[0] or change[1] == SCHEDULED] + [last]


def _superseded(one: HeldControl, others: Sequence[HeldControl]) -> list[datetime]:
    """Return when others take its place."""
    taken = [_takes(o, one) for o in others if _wins(o, one) and _covers(o, one)]
    return [at for at in taken if at < one.control.end]


def _takes(winner: HeldControl, loser: HeldControl) -> datetime:
    """Return when a winner takes a loser's place: at its own earliest start, when both are known."""
    return max(earliest(winner.control), winner.created, loser.created)


def _wins(other: HeldControl, one: HeldControl) -> bool:
    """Say whether another control overlaps one and goes before it: the newer does (rule f)."""
    if (other.created, other.mrid) <= (one.created, one.mrid):
        return False
    if any(at <= _takes(other, one) for at in (other.cancelled_at, other.withdrawn_at) if at):
        return False
    overlaps = earliest(other.control) < one.control.end and one.control.start < other.control.end
    return overlaps and bool(_modes(other) & _modes(one)) and bool(_devices(other) & _devices(one))


def _covers(other: HeldControl, one: HeldControl) -> bool:
    """Say whether another control touches every mode and every device of one."""
    return _modes(one) <= _modes(other) and not _devices(one) & ~_devices(other)


def _modes(one: HeldControl) -> frozenset[str]:
    return frozenset(one.control.base) - _NO_MODES


def _devices(one: HeldControl) -> int:
    return int(one.control.category or _EVERYBODY, 16)


def earliest(control: Control) -> datetime:
    """Return when it may begin, the randomisation of its start included."""
    return control.start + timedelta(seconds=min(control.random_start or 0, 0))


def latest(control: Control) -> datetime:
    """Return when it has ended for certain, randomisation included."""
    late = max(control.random_start or 0, 0) + max(control.random_lasts or 0, 0)
    return control.end + timedelta(seconds=late)


def gone_at(one: HeldControl, poll: timedelta) -> datetime:
    """Return when a control leaves its list: once it is over, and if it was cancelled not before pollers saw that."""
    over = latest(one.control)
    return over if one.cancelled_at is None else max(over, one.cancelled_at + 2 * poll)


def is_listed(one: HeldControl, now: datetime, poll: timedelta) -> bool:
    """Say whether a control is in its list."""
    return one.withdrawn_at is None and now < gone_at(one, poll)
