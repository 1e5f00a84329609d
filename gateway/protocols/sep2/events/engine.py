"""The event engine of one device: listings, decisions and time in; answers and what holds now out.

No IO, no clock: ``now`` is the server's time in whole seconds (rounded down), randomness comes from a ``Chance``.
Every door first takes its input and then does all that is due at ``now``, in the order of the instants: a listing
that was read after a pause shall be handed in before ``on_time``, or what it cancels would be started first.

The document holds everything, drawn offsets included: an engine read back from it in any instant goes on exactly.

Spec: IEEE 2030.5-2018 10.2.3.3; 2023 10.2.2.3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from gateway.domain.chance import Chance
from gateway.domain.errors import MisuseError
from gateway.protocols.sep2.events import intake
from gateway.protocols.sep2.events.agenda import Due, Kind, agenda
from gateway.protocols.sep2.events.arrange import Arrangement, arrange
from gateway.protocols.sep2.events.codes import FunctionSet
from gateway.protocols.sep2.events.intake import Scope
from gateway.protocols.sep2.events.record import (
    Record,
    program_document,
    read_program,
    read_record,
    record_document,
)
from gateway.protocols.sep2.events.settings import Settings
from gateway.protocols.sep2.events.table import TRANSITIONS, Input, State, step
from gateway.protocols.sep2.events.turn import Turn
from gateway.protocols.sep2.events.values import (
    Control,
    Force,
    Key,
    Outcome,
    Program,
    Stretch,
)

FORMAT: Final = 1
CHOICES: Final = frozenset(
    {
        *(Input.OPT_OUT, Input.OPT_IN, Input.OVERRIDE, Input.OVERRIDE_OVER),
        *(Input.ACKNOWLEDGE, Input.CANNOT_SHOW),
    }
)
"""What a user may decide about an event."""
_QUIET: Final = Outcome()
_IN_FORCE: Final = frozenset({State.ACTIVE, State.RELEASING})


@dataclass(slots=True, eq=False)
class Derived:
    """What follows from one state of an engine, worked out when it is asked for; it also stands for that state."""

    agenda: list[Due] | None = None
    document: dict[str, object] | None = None
    stretches: tuple[Stretch, ...] | None = None


class Standing(NamedTuple):
    """One state of an engine; nothing in it is changed any more."""

    programs: dict[Key, Program]
    records: dict[Key, Record]
    mark: int
    lost: dict[str, int]
    derived: Derived


class EventEngine:
    """All events of one device (one LFDI), from however many servers and programs.

    Args:
        settings: What the device is and how its utility reads the standard.
        chance: Draws the randomisation offsets.
        document: What ``document`` returned before a restart; None: a device without a past.

    Raises:
        MisuseError: ``STATE_FORMAT`` when the document is of another format.
    """

    __slots__ = ("_chance", "_derived", "_lost", "_mark", "_programs", "_records", "_settings")

    def __init__(
        self, settings: Settings, chance: Chance, document: Mapping[str, Any] | None = None
    ) -> None:
        self._settings = settings
        self._chance = chance
        self._programs: dict[Key, Program] = {}
        self._records: dict[Key, Record] = {}
        self._lost: dict[str, int] = {}
        self._mark = 0
        self._derived = Derived()
        if document is not None:
            self._read(document)

    def assign(self, programs: Iterable[Program], now: int, *, act: bool = True) -> Outcome:
        """Take the programs that are assigned to the device at present, all of them.

        New primacies and defaults count at once. Events of a program that is gone stop at once and unanswered (or
        run on, by setting); listed again under an assigned program they go on.

        Args:
            programs: Each once.
            now: Server time.
            act: False: what is due is left to a later door, since more is to be taken in first.
        """
        given = {program.key: program for program in programs}
        if given == self._programs:
            return self.on_time(now) if act else _QUIET
        self._programs = given
        turn = self._turn(now)
        turn.stale()
        if not self._settings.keep_withdrawn:
            for record in list(self._records.values()):
                if (
                    not self._has_home(record.control)
                    and (record.state, Input.WITHDRAW) in TRANSITIONS
                ):
                    after = turn.apply(record, Input.WITHDRAW)
                    turn.note(after, "WITHDRAWN", "its program is no longer assigned to the device")
        return self._done(turn, act=act)

    def observe(
        self,
        controls: Iterable[Control],
        now: int,
        complete: Scope | None = None,
        *,
        act: bool = True,
    ) -> Outcome:
        """Take events as listed, notified or read singly.

        Args:
            controls: In any order, known or not.
            now: Server time.
            complete: The list that these are the whole of, when it was read to its end without an error; only then
                does a missing event mean anything.
            act: As for ``assign``.

        Raises:
            MisuseError: ``OUT_OF_SEQUENCE`` when a program was not assigned before.
        """
        given = {control.key: control for control in controls}
        for control in given.values():
            if not self._has_home(control):
                detail = (
                    f"event {control.mrid} belongs to program {control.program}: assign it first"
                )
                raise MisuseError("OUT_OF_SEQUENCE", detail)
        turn = self._turn(now)
        known = given.keys() & self._records.keys()
        for key, control in given.items():
            if key not in known:
                intake.receive(turn, control, self._chance)
        for key, control in given.items():
            if key in known:
                intake.review(turn, control, self._chance)
        if complete is not None:
            intake.vanish(turn, complete, frozenset(given))
            intake.forget(turn)
        return self._done(turn, act=act)

    def decide(self, key: Key, choice: Input, now: int) -> Outcome:
        """Take what a user decides about an event: one of ``CHOICES``.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE`` when the event is unknown, over, or does not allow it.
            MisuseError: ``OUT_OF_SEQUENCE`` when it is no user's choice.
        """
        if choice not in CHOICES:
            raise MisuseError("OUT_OF_SEQUENCE", f"{choice} is not for a user to decide")
        record = self._records.get(key)
        if record is None:
            step(State.UNKNOWN, choice)
        else:
            turn = self._turn(now)
            turn.choose(record, choice)
            return self._done(turn)
        return _QUIET

    def on_time(self, now: int) -> Outcome:
        """Do what is due. Cheap when nothing is; ``now`` may jump either way."""
        at = self.next_at()
        if now >= self._mark and (at is None or at > now):
            return _QUIET
        return self._done(self._turn(now))

    def stepped(self, now: int) -> Outcome:
        """Take that the server's clock moved: stepped back, it makes nothing of what runs begin later than now.

        What is due is left to a later door.
        """
        if now >= self._mark:
            return _QUIET
        turn = self._turn(now)
        turn.rewind()
        return self._done(turn, act=False)

    def touch(self, server: str, now: int, *, reached: bool) -> Outcome:
        """Take that a server was lost or found again.

        Known events go on by schedule and defaults follow: nothing else happens until lists are read again.
        """
        changed = (server in self._lost) is reached
        if changed:
            lost = {name: since for name, since in self._lost.items() if name != server}
            self._lost = lost if reached else {**lost, server: now}
            self._derived = Derived(agenda=self._derived.agenda)
        outcome = self.on_time(now)
        if not changed or outcome.changed:
            return outcome
        return Outcome(changed=True)

    @property
    def out_of_touch(self) -> Mapping[str, int]:
        """Return since when servers have been lost."""
        return self._lost

    def next_at(self) -> int | None:
        """Return the next instant at which something happens by itself; None: nothing does."""
        found = self._due()
        return found[0].at if found else None

    def next_starts(self) -> tuple[tuple[int, Key], ...]:
        """Return when events are to get something next, soonest first: their status is to be read just before."""
        return tuple((due.at, due.key) for due in self._due() if due.kind is Kind.BEGIN)

    def in_force(self) -> tuple[Force, ...]:
        """Return what holds for each mode now, by mode: an event, else the best program's default."""
        held = {
            mode: Force(mode=mode, source=record.key, default=False)
            for record in self._records.values()
            if record.state in _IN_FORCE
            for mode in record.held
        }
        for mode, program in self.defaults().items():
            held.setdefault(mode, Force(mode=mode, source=program.key, default=True))
        return tuple(held[mode] for mode in sorted(held))

    def defaults(self) -> Mapping[str, Program]:
        """Return whose default counts for each mode while no event has it: the best program's that has the mode."""
        found: dict[str, Program] = {}
        best = sorted(self._programs.values(), key=lambda program: program.key, reverse=True)
        for program in sorted(best, key=lambda program: program.primacy):
            default = program.default
            if default is not None and program.function_set is FunctionSet.DER:
                for mode in default.modes:
                    found.setdefault(mode, program)
        return found

    def stretches(self) -> tuple[Stretch, ...]:
        """Return the effective stretches of every event that runs or will, as known now.

        Opted-out and withdrawn events have none. A stretch that has begun keeps the instant at which it
        really did.
        """
        if self._derived.stretches is None:
            self._derived.stretches = self._stretches()
        return self._derived.stretches

    def _stretches(self) -> tuple[Stretch, ...]:
        places = self._arranged()
        return tuple(
            Stretch(key=key, mode=mode, start=begin or place.record.held[mode], end=end)
            for key, place in places.items()
            for mode, pieces in sorted(place.pieces.items())
            for begin, end in pieces
            if end > self._mark
        )

    def programs(self) -> Iterable[Program]:
        """Return the programs that were assigned last."""
        return self._programs.values()

    def record(self, key: Key) -> Record | None:
        """Return what is remembered of an event."""
        return self._records.get(key)

    def records(self) -> Iterable[Record]:
        """Return everything that is remembered."""
        return self._records.values()

    def document(self) -> dict[str, object]:
        """Return everything that a restart needs, as canonical JSON takes it; nobody is to change it."""
        if self._derived.document is None:
            self._derived.document = self._document()
        return self._derived.document

    def standing(self) -> Standing:
        """Return the present state: an engine with equal settings that adopts it goes on as this one would."""
        return Standing(self._programs, self._records, self._mark, self._lost, self._derived)

    def adopt(self, standing: Standing) -> None:
        """Take over the state of another engine."""
        self._programs, self._records, self._mark, self._lost, self._derived = standing

    def _document(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "mark": self._mark,
            "lost": [[server, since] for server, since in self._lost.items()],
            "programs": [program_document(program) for program in self._programs.values()],
            "records": [record_document(record) for record in self._records.values()],
        }

    def _read(self, document: Mapping[str, Any]) -> None:
        if document.get("format") != FORMAT:
            raise MisuseError("STATE_FORMAT", "stored events of another format; start afresh")
        self._mark = document["mark"]
        self._lost = dict(document["lost"])
        self._programs = {p.key: p for p in map(read_program, document["programs"])}
        self._records = {r.key: r for r in map(read_record, document["records"])}

    def _has_home(self, control: Control) -> bool:
        return control.function_set is FunctionSet.FLOW or control.program_key in self._programs

    def _primacies(self) -> dict[Key, int]:
        return {key: program.primacy for key, program in self._programs.items()}

    def _arranged(self) -> Arrangement:
        return arrange(self._records.values(), self._primacies(), resumes=self._settings.resumes)

    def _due(self) -> list[Due]:
        if self._derived.agenda is None:
            self._derived.agenda = agenda(
                self._arranged(), self._mark, resumes=self._settings.resumes
            )
        return self._derived.agenda

    def _turn(self, now: int) -> Turn:
        """Open a turn; nothing of what comes in now reaches back into time in which nothing was due."""
        due = self.next_at()
        return Turn(
            settings=self._settings,
            records=dict(self._records),
            primacies=self._primacies(),
            now=now,
            mark=max(self._mark, now if due is None else min(now, due)),
            dues=self._derived.agenda,
        )

    def _done(self, turn: Turn, *, act: bool = True) -> Outcome:
        if act:
            turn.advance()
        self._records, self._mark = turn.records, turn.mark
        self._derived = Derived(agenda=turn.dues)
        return Outcome(
            responses=tuple(turn.responses), findings=tuple(turn.findings), changed=turn.dirty
        )
