"""What falls due, and in which order: the instants at which an arrangement of events changes hands."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from gateway.protocols.sep2.events.arrange import Arrangement, Place
from gateway.protocols.sep2.events.record import Record, overlaps
from gateway.protocols.sep2.events.table import State
from gateway.protocols.sep2.events.values import Key


class Kind(IntEnum):
    """What happens, in the order of one instant: who goes is told before who comes."""

    OVER = 0
    """An effective period, or a random release, ends."""
    LOSE = 1
    """A mode is lost to an event that had begun before this one was known."""
    BEGIN = 2
    """An event gets modes."""
    DISPLACED = 3
    """An event should begin and finds all its modes taken (editions that resume)."""


class Due(NamedTuple):
    """One thing to do; sorts by instant, then kind, then rank (of what ends, the worst first)."""

    at: int
    kind: Kind
    rank: int
    key: Key


_NEVER_BEGIN = frozenset({State.RELEASING, State.OPTED_OUT, State.WITHDRAWN})


def agenda(places: Arrangement, mark: int, *, resumes: bool) -> list[Due]:
    """Return everything that will happen if nothing else comes in, soonest first.

    Args:
        places: The present arrangement.
        mark: Instant up to which everything has been done.
        resumes: As ``arrange`` was told.
    """
    found: list[Due] = []
    for key, place in places.items():
        state = place.record.state
        if state is not State.WITHDRAWN:
            # The worse first: one that was kept out to its end is told by whom, while that one still counts.
            found.append(Due(place.end, Kind.OVER, -place.rank, key))
        if state in _NEVER_BEGIN:
            continue
        # What turns out late, since an event that is over no longer counts, is of now: what ends now still comes first.
        if taken_from(place):
            found.append(Due(max(place.record.seen_at, mark), Kind.LOSE, place.rank, key))
        first = min((begin for begin, _ in beginnings(place, mark)), default=None)
        if first is not None:
            found.append(Due(max(first, mark), Kind.BEGIN, place.rank, key))
        if resumes and state is State.SCHEDULED:
            at = max(place.start, place.record.seen_at, mark)
            if displacer(place, places, at) is not None:
                found.append(Due(at, Kind.DISPLACED, place.rank, key))
    found.sort()
    return found


def beginnings(place: Place, mark: int) -> Iterator[tuple[int, str]]:
    """Yield (instant, mode) of every mode that the event gets next and has not got now."""
    holding = place.record.held
    for mode, pieces in place.pieces.items():
        if mode not in holding:
            begin = next((begin for begin, end in pieces if end > mark), None)
            if begin is not None:
                yield begin, mode


def taken_from(place: Place) -> dict[str, Record]:
    """Return the modes that an event is barred from by one that has begun them."""
    return {mode: by for mode, by in place.barred.items() if mode in by.begun}


def displacer(place: Place, places: Mapping[Key, Place], at: int) -> Record | None:
    """Return the best event that keeps one out of all its modes at an instant; None: it has one, or only waits.

    An event that merely runs late by randomization does not displace its successor.
    """
    if at >= place.end or any(_has(pieces, at) for pieces in place.pieces.values()):
        return None
    better = [
        other
        for other in places.values()
        if 0 <= other.rank < place.rank
        and overlaps(other.record, place.record)
        and any(_has(other.pieces.get(mode, ()), at) for mode in place.pieces)
    ]
    return min(better, key=lambda other: other.rank).record if better else None


def _has(pieces: list[tuple[int, int]] | tuple[()], at: int) -> bool:
    return any(begin <= at < end for begin, end in pieces)
