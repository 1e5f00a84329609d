"""Who has which mode when: primacy, overlap and randomisation, as one pure function.

Four passes over the events that compete:

1. *Rank*: lower primacy, then newer creationTime, then higher mRID (rules f and n; the last is our choice).
2. *Bar* (editions that do not resume): a mode that an event has not begun is barred when a better event that is not
   itself barred overlaps it by the specified periods. Such an event is not executed at all there.
3. *Start*: specified start and drawn offset; but an event that begins where another of its program ends begins at
   that one's effective end (rule m of 2023).
4. *Stretches*: in rank order each event gets of its effective period what better ones have left. What only
   randomisation makes meet is no supersession: the later one waits for the earlier one's end, or cuts it short.

Spec: IEEE 2030.5-2018 10.2.3.3 rules d, f, i, n, t; 2023 10.2.2.3 rules e, l, m.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.protocols.sep2.events.record import Record, overlaps
from gateway.protocols.sep2.events.table import COMPETING, State
from gateway.protocols.sep2.events.values import LATEST, Key

_LEADS: Final = COMPETING - {State.RELEASING} | {State.COMPLETED, State.MISSED}
"""States of an event whose end the next one of its program waits for."""
_WORST: Final = 256

Piece = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class Place:
    """Where one event stands among the others; instants half-open."""

    record: Record
    start: int
    end: int
    """Effective period, an early release included."""
    rank: int = -1
    """0 is the best; -1: it does not compete."""
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    barred: dict[str, Record] = field(default_factory=dict)
    """Modes that a better event keeps it out of, and that event."""


Arrangement = dict[Key, Place]


def arrange(
    records: Iterable[Record], primacies: Mapping[Key, int], *, resumes: bool
) -> Arrangement:
    """Place every event that is not over.

    Args:
        records: All events of the device.
        primacies: Primacy by program; an event of a program that is not in it comes last.
        resumes: Displaced events are taken up again (edition 2023).
    """
    known = list(records)
    ranked = _ranked([r for r in known if r.state in COMPETING], primacies)
    barred = {} if resumes else _bars(ranked)
    starts = _starts(known, barred)
    places = {
        r.key: Place(record=r, start=start, end=_end(r, start))
        for r in known
        if not r.over and (start := starts.get(r.key)) is not None
    }
    taken: dict[str, list[tuple[Piece, Record]]] = defaultdict(list)
    for rank, record in enumerate(ranked):
        place = places[record.key]
        place.rank, place.barred = rank, barred.get(record.key, {})
        _fill(place, taken, resumes=resumes)
    return places


def _ranked(records: list[Record], primacies: Mapping[Key, int]) -> list[Record]:
    def order(record: Record) -> tuple[int, int]:
        primacy = primacies.get(record.control.program_key, _WORST)
        return primacy, -record.control.creation_time

    if len(records) < 2:
        return records
    records.sort(key=lambda record: (record.control.mrid, record.control.server), reverse=True)
    records.sort(key=order)
    return records


class _Free:
    """Events that may have one mode, found by time: a list of many that hardly overlap stays cheap."""

    __slots__ = ("_longest", "_starts", "_who")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._who: list[tuple[int, Record]] = []
        self._longest = 0

    def add(self, rank: int, record: Record) -> None:
        at = bisect_right(self._starts, record.control.start)
        self._starts.insert(at, record.control.start)
        self._who.insert(at, (rank, record))
        self._longest = max(self._longest, record.control.duration)

    def meeting(self, record: Record) -> list[tuple[int, Record]]:
        """Return (rank, event) of those whose specified periods overlap that of an event."""
        control = record.control
        first = bisect_left(self._starts, control.start - self._longest)
        last = bisect_left(self._starts, control.end)
        return [one for one in self._who[first:last] if overlaps(one[1], record)]


def _bars(ranked: list[Record]) -> dict[Key, dict[str, Record]]:
    """Return by event the modes that it is barred from, and by whom: one that has begun, else the best."""
    found: dict[Key, dict[str, Record]] = {}
    free: dict[str, _Free] = defaultdict(_Free)
    for rank, record in enumerate(ranked):
        if record.state is State.RELEASING:
            continue
        for mode in record.live:
            better = [] if mode in record.begun else free[mode].meeting(record)
            if better:
                _, winner = min(better, key=lambda one: (mode not in one[1].begun, one[0]))
                found.setdefault(record.key, {})[mode] = winner
            else:
                free[mode].add(rank, record)
    return found


def _starts(records: list[Record], barred: Mapping[Key, Mapping[str, Record]]) -> dict[Key, int]:
    """Return the effective start of every event that is not over, and of those that others follow."""
    found: dict[Key, int] = {}
    ends: dict[tuple[Key, int], list[tuple[frozenset[str], int]]] = {}
    for record in sorted(records, key=lambda r: r.control.start):
        control = record.control
        kept_out = barred.get(record.key)
        runs = record.live - kept_out.keys() if kept_out else record.live
        if record.start_at is not None:
            start = record.start_at
        else:
            start = control.start + record.start_offset
            before = ends.get((control.program_key, control.start), ())
            lead = [end for modes, end in before if modes & record.live]
            start = max(lead) if lead else start
        found[record.key] = start
        if runs and control.duration and record.state in _LEADS:
            ended = record.ended_at
            end = start + record.length if ended is None else ended
            ends.setdefault((control.program_key, control.end), []).append((runs, end))
    return found


def _end(record: Record, start: int) -> int:
    end = start + record.length
    return end if record.release_at is None else min(end, record.release_at)


def _fill(place: Place, taken: dict[str, list[tuple[Piece, Record]]], *, resumes: bool) -> None:
    """Give an event what better ones have left of its period, mode by mode."""
    record = place.record
    for mode in record.holding if record.state is State.RELEASING else record.live:
        if mode in place.barred:
            continue
        # Who has a mode had it from the beginning of time: a clock stepped back must not give it to another.
        first = 0 if mode in record.held else max(place.start, record.seen_at)
        pieces = _left(first, place, taken[mode], resumes=resumes)
        place.pieces[mode] = pieces
        for piece in pieces:
            insort(taken[mode], (piece, record), key=lambda item: item[0])


def _left(
    start: int, place: Place, others: list[tuple[Piece, Record]], *, resumes: bool
) -> list[Piece]:
    """Return what is left from ``start`` to the effective end beside the pieces of others, sorted and disjoint."""
    pieces: list[Piece] = []
    at = max(0, bisect_right(others, (start, LATEST), key=lambda item: item[0]) - 1)
    for (begin, end), other in islice(others, at, None):
        if end <= start:
            continue
        if begin >= place.end:
            break
        if begin > start:
            pieces.append((start, begin))
            if not resumes or not overlaps(other, place.record):
                return pieces
        start = end
    if start < place.end:
        pieces.append((start, place.end))
    return pieces
