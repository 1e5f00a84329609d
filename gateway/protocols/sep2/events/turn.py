"""One turn of the engine: inputs applied to records, answers collected."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.protocols.sep2.events.agenda import (
    Due,
    Kind,
    agenda,
    beginnings,
    displacer,
    taken_from,
)
from gateway.protocols.sep2.events.answers import code_of, wanted
from gateway.protocols.sep2.events.arrange import Arrangement, Place, arrange
from gateway.protocols.sep2.events.record import Record, overlaps
from gateway.protocols.sep2.events.settings import Settings
from gateway.protocols.sep2.events.table import TERMINAL, Effect, Input, State, step
from gateway.protocols.sep2.events.values import Control, Finding, Key, Respond

_NOTHING: Final[frozenset[str]] = frozenset()
_RUNNING: Final = frozenset({State.ACTIVE, State.OVERRIDDEN, State.RELEASING})
_OUT_OF_RACE: Final = frozenset({State.OPTED_OUT, State.WITHDRAWN})
_AT_END: Final = {State.SCHEDULED: Input.ELAPSE, State.SUSPENDED: Input.ELAPSE}


@dataclass(slots=True, kw_only=True)
class Turn:
    """The records while an input is worked on; thrown away afterwards."""

    settings: Settings
    records: dict[Key, Record]
    primacies: Mapping[Key, int]
    now: int
    mark: int
    responses: list[Respond] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    dirty: bool = False
    places: Arrangement | None = None
    dues: list[Due] | None = None

    def arrangement(self) -> Arrangement:
        """Return how the events stand to each other now."""
        if self.places is None:
            self.places = arrange(
                self.records.values(), self.primacies, resumes=self.settings.resumes
            )
        return self.places

    def agenda(self) -> list[Due]:
        """Return what falls due, soonest first."""
        if self.dues is None:
            self.dues = agenda(self.arrangement(), self.mark, resumes=self.settings.resumes)
        return self.dues

    def put(self, record: Record) -> None:
        """Replace a record."""
        self.records[record.key] = record
        self.stale()

    def stale(self) -> None:
        """Forget what was derived from the records."""
        self.dirty, self.places, self.dues = True, None, None

    def note(self, record: Record, word: str, detail: str, once: str = "") -> None:
        """Report something, once per event."""
        if (once or word) not in record.noted:
            self.findings.append(Finding(word=word, key=record.key, detail=detail))
            self.put(replace(record, noted=record.noted | {once or word}))

    def apply(
        self, record: Record, event: Input, winner: Control | None = None, **changes: Any
    ) -> Record:
        """Advance one event by one input, and collect what the server has to be told.

        Args:
            record: As it stands.
            event: What happens.
            winner: The event that displaced it.
            changes: Further fields of the record that change with it.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE``; nothing has changed then.
        """
        state, effects = step(record.state, event)
        before = self._overridden(record)
        after = replace(before, state=state, **changes)
        if state in TERMINAL:
            after = replace(after, ended_at=after.ended_at or self.now, held={})
        elif state in _OUT_OF_RACE:
            after = replace(after, begun=_NOTHING, held={})
        elif state is State.SUSPENDED:
            after = replace(after, held={})
        elif state is State.OVERRIDDEN and after.out_since is None:
            after = replace(after, out_since=self.now)
        for effect in effects:
            after = self._tell(effect, before, after, winner)
        self.put(after)
        return after

    def _overridden(self, record: Record) -> Record:
        """Add an override to the account when the state that it was in is left."""
        if record.out_since is None:
            return record
        elapsed = max(0, self.now - record.out_since)
        return replace(record, out_since=None, override_s=record.override_s + elapsed)

    def _tell(
        self, effect: Effect, before: Record, after: Record, winner: Control | None
    ) -> Record:
        code = code_of(effect, before, self.settings, winner)
        sent = wanted(code, after.control, self.settings)
        if sent is None or sent in after.sent:
            return after
        told = Respond(
            key=after.key,
            status=sent,
            due=self.now,
            modes=_about(effect, before, after),
            override_s=before.override_s if effect is Effect.FINISHED else 0,
        )
        self.responses.append(told)
        return replace(after, sent=after.sent | {sent})

    def choose(self, record: Record, choice: Input) -> None:
        """Apply a user's choice, remembering whether he sat out some of the event's time.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE``; nothing has changed then.
        """
        sat_out = record.sat_out
        if choice is Input.OPT_IN and record.state is State.OPTED_OUT:
            sat_out = sat_out or self.arrangement()[record.key].start < self.now
        self.apply(record, choice, sat_out=sat_out)

    def advance(self) -> None:
        """Do everything that is due, in the order of its instants."""
        if self.now < self.mark:
            self.rewind()
        while (dues := self.agenda()) and dues[0].at <= self.now:
            due = dues[0]
            self.mark = max(self.mark, due.at)
            place = self.arrangement()[due.key]
            match due.kind:
                case Kind.OVER:
                    self._over(place)
                case Kind.LOSE:
                    self._lose(place)
                case Kind.BEGIN:
                    self._begin(place)
                case Kind.DISPLACED:
                    winner = displacer(place, self.arrangement(), due.at)
                    self.apply(place.record, Input.DISPLACE, winner.control if winner else None)
        self.mark = self.now

    def rewind(self) -> None:
        """Follow a clock that was stepped back: nothing known now was first seen, nor begun, later than now."""
        self.mark, self.places, self.dues = self.now, None, None
        for record in list(self.records.values()):
            if record.over or max(record.seen_at, *record.held.values(), 0) <= self.now:
                continue
            held = {mode: min(since, self.now) for mode, since in record.held.items()}
            self.put(replace(record, seen_at=min(record.seen_at, self.now), held=held))

    def _over(self, place: Place) -> None:
        record = place.record
        if record.state is State.SCHEDULED and place.barred:
            winner = self._best(place.barred)
            self.apply(record, Input.SUPERSEDE, winner, ended_at=place.end)
        elif record.state is State.RELEASING:
            self.apply(record, Input.RELEASE, ended_at=place.end)
        else:
            self._end(record, place.end)

    def _end(self, record: Record, at: int) -> None:
        event = _AT_END.get(record.state, Input.END)
        after = self.apply(record, event, ended_at=at)
        if after.state is State.MISSED:
            self.note(after, "MISSED", "its time passed before it could be started")

    def _lose(self, place: Place) -> None:
        record = place.record
        taken = taken_from(place)
        lost = record.lost | frozenset(taken)
        if record.claims <= lost:
            self.apply(record, Input.SUPERSEDE, self._best(taken), lost=lost)
        else:
            self.put(replace(record, lost=lost, held=record.without(lost)))

    def _best(self, winners: Mapping[str, Record]) -> Control:
        places = self.arrangement()
        return min(winners.values(), key=lambda record: places[record.key].rank).control

    def _begin(self, place: Place) -> None:
        """Give an event its modes; whoever has them, or was kept out of them, hears of it first."""
        at = self.mark
        # What was due while nobody looked began when it was due, and not when it was found to be; what turns out late
        # begins now.
        since = {
            mode: at if begin == at else self.now
            for begin, mode in beginnings(place, at)
            if begin <= at
        }
        modes = frozenset(since)
        others = [
            other
            for other in self.arrangement().values()
            if other.rank >= 0 and other is not place and other.record.live & modes
        ]
        # Who has them goes first: one that is ended by this may be what another, better one has waited for.
        others.sort(key=lambda other: (not other.record.holding & modes, other.rank))
        for other in others:
            if self.settings.resumes:
                self._displace(self.arrangement()[other.record.key], place, modes)
            else:
                self._dispossess(other, place, modes)
        record = place.record
        if self.now >= place.end and record.state not in _RUNNING:
            self._end(record, place.end)
            return
        after = replace(
            record,
            begun=record.begun | modes,
            held={**record.held, **since},
            start_at=place.start,
        )
        if record.state in _RUNNING:
            self.put(after)
        elif record.state is State.SUSPENDED and record.took_part:
            self.apply(after, Input.RESUME)
        else:
            self.apply(after, Input.START, took_part=True)

    def _dispossess(self, loser: Place, winner: Place, modes: frozenset[str]) -> None:
        """Take modes from an event for good."""
        record, displaced = loser.record, overlaps(loser.record, winner.record)
        taken = record.holding & modes
        if displaced and loser.rank > winner.rank:
            taken |= (record.live & modes) - record.begun
        if not taken:
            return
        lost = record.lost | taken
        if not record.claims <= lost:
            self.put(replace(record, lost=lost, held=record.without(lost)))
        elif displaced:
            self.apply(record, Input.SUPERSEDE, winner.record.control, lost=lost)
        else:
            self.apply(record, _AT_END.get(record.state, Input.END), lost=lost)

    def _displace(self, loser: Place, winner: Place, modes: frozenset[str]) -> None:
        """Take modes from an event that may come back to them."""
        record, displaced = loser.record, overlaps(loser.record, winner.record)
        taken = record.holding & modes
        if taken:
            lost = record.lost if displaced else record.lost | taken
            after = replace(record, lost=lost, held=record.without(taken))
            if record.claims <= lost:
                self.apply(record, Input.END, lost=lost)
            elif displaced and not after.held:
                self.apply(record, Input.DISPLACE, winner.record.control)
            else:
                self.put(after)
        elif record.state is State.SCHEDULED and max(loser.start, record.seen_at) <= self.mark:
            kept_out = displacer(loser, self.arrangement(), self.mark)
            if kept_out is not None:
                self.apply(record, Input.DISPLACE, kept_out.control)


def _about(effect: Effect, before: Record, after: Record) -> frozenset[str]:
    """Return the modes that an answer is about."""
    match effect:
        case Effect.STARTED | Effect.RESUMED:
            return after.holding
        case Effect.FINISHED:
            return before.holding or before.claims
        case Effect.SUPERSEDED:
            return after.lost or before.holding or before.claims
        case _:
            return after.claims
