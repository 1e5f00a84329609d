"""Who has which mode when: primacy, overlap and randomisation, as one pure function.

Four passes over the events that compete:

1. *Rank*: lower primacy, then newer creationTime, then higher mRID (rules f and n; the last is our choice).
2. *Bar* (editions that do not resume): a mode that an event has not begun is barred when a better event that is not
   itself barred overlaps it by the specified periods. Such an event is not executed at all there.
3. *Start*: specified start and drawn offset; but an event that begins where another of its program ends begins at
   that one's effective end (rule m).
4. *Stretches*: in rank order each event gets of its effective period what better ones have left. What only
   randomisation makes meet is no supersession: the later one waits for the earlier one's end, or cuts it short.

Spec: IEEE 2030.5-2018 10.2.3.3 rules d, f, i, m, n, t; 2023 10.2.2.3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sep2.events.record import Record, overlaps
from gateway.protocols.sep2.events.table import COMPETING, State
from gateway.protocols.sep2.events.values import Key

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
    taken: dict[str, list[tuple[Piece, Record]]] = {}
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


def _bars(ranked: list[Record]) -> dict[Key, dict[str, Record]]:
    """Return by event the modes that it is barred from, and by whom: one that has begun, else the best."""
    found: dict[Key, dict[str, Record]] = {}
    free: dict[str, list[Record]] = {}
    for record in ranked:
        releasing = record.state is State.RELEASING
        for mode in record.live:
            others = free.setdefault(mode, [])
            if mode not in record.begun and not releasing:
                better = [other for other in others if overlaps(other, record)]
                if better:
                    begun = [other for other in better if mode in other.begun]
                    found.setdefault(record.key, {})[mode] = (begun or better)[0]
                    continue
            if not releasing:
                others.append(record)
    return found


def _starts(records: list[Record], barred: Mapping[Key, Mapping[str, Record]]) -> dict[Key, int]:
    """Return the effective start of every event that is not over, and of those that others follow."""
    found: dict[Key, int] = {}
    ends: dict[tuple[Key, int], list[tuple[frozenset[str], int]]] = {}
    for record in sorted(records, key=lambda r: r.control.start):
        control = record.control
        runs = record.live - frozenset(barred.get(record.key, ()))
        if record.start_at is not None:
            start = record.start_at
        else:
            start = control.start + record.start_offset
            before = ends.get((control.program_key, control.start), ())
            lead = [end for modes, end in before if modes & record.live]
            start = max(lead) if lead else start
        found[record.key] = start
        if record.state in _LEADS and control.duration and runs:
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
        others = taken.setdefault(mode, [])
        # Who has a mode had it from the beginning of time: a clock stepped back must not give it to another.
        first = 0 if mode in record.held else max(place.start, record.seen_at)
        pieces = _left(first, place, others, resumes=resumes)
        place.pieces[mode] = pieces
        others.extend((piece, record) for piece in pieces)


def _left(
    start: int, place: Place, others: list[tuple[Piece, Record]], *, resumes: bool
) -> list[Piece]:
    pieces: list[Piece] = []
    for (begin, end), other in sorted(others, key=lambda item: item[0]):
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
