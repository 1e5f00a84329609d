"""A device with an event engine on virtual server time, and events to feed it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.domain.canonical import canonical
from gateway.protocols.sep2.events import (
    Control,
    Default,
    EventEngine,
    FunctionSet,
    Input,
    Key,
    Outcome,
    Program,
    Respond,
    Scope,
    Settings,
)

T0 = 1_800_000_000
"""Second zero of every story."""
SERVER = "utility"
SYSTEM, SERVICE_POINT = "A" * 32, "B" * 32


@dataclass
class HalfChance:
    """Draws the middle, so that a reader can do the sum."""

    drawn: int = 0

    def randint(self, low: int, high: int) -> int:
        self.drawn += 1
        return (low + high) // 2

    def random(self) -> float:
        return 0.5


def mrid(name: str) -> str:
    """Return a canonical mRID that orders as short names do."""
    return name.encode().hex().upper().rjust(32, "0")


def name_of(key: Key) -> str:
    """Return the name that an mRID was made of."""
    return bytes.fromhex(key[1]).lstrip(b"\0").decode()


def program(
    name: str = SYSTEM,
    primacy: int = 2,
    default: Iterable[str] | None = None,
    function_set: FunctionSet = FunctionSet.DER,
    server: str = SERVER,
) -> Program:
    held = None if default is None else Default(mrid="D" * 32, modes=frozenset(default))
    return Program(
        server=server, mrid=name, function_set=function_set, primacy=primacy, default=held
    )


def event(name: str, start: int, duration: int, **given: Any) -> Control:
    """Make a DER event that starts ``start`` seconds into the story and asks for every response."""
    of: Program = given.pop("of", program())
    return Control(
        **{
            "server": of.server,
            "mrid": mrid(name),
            "program": of.mrid,
            "function_set": of.function_set,
            "creation_time": T0,
            "start": T0 + start,
            "duration": duration,
            "modes": frozenset(
                {"opModImpLimW"} if of.function_set is FunctionSet.DER else frozenset()
            ),
            "required": 7,
            "has_reply_to": True,
            **given,
        }
    )


@dataclass
class Device:
    """Runs an engine second by second of its own agenda; restarts it from its document when told."""

    settings: Settings = field(default_factory=Settings)
    programs: list[Program] = field(default_factory=lambda: [program()])
    now: int = 0
    restarts: bool = False
    """Restart before every input, through the bytes that would be stored."""
    told: list[tuple[int, str, int]] = field(default_factory=list)
    """(second, event, code)."""
    responses: list[Respond] = field(default_factory=list)
    found: list[tuple[str, str]] = field(default_factory=list)
    """(event, word)."""
    held: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Half-open stretches per event name in which it was in force for some mode."""
    chance: HalfChance = field(default_factory=HalfChance)

    def __post_init__(self) -> None:
        self.engine = EventEngine(self.settings, self.chance)
        self.take(self.engine.assign(self.programs, T0 + self.now))

    def take(self, outcome: Outcome) -> None:
        for response in outcome.responses:
            self.told.append((response.due - T0, name_of(response.key), int(response.status)))
            self.responses.append(response)
        self.found += [(name_of(finding.key), finding.word) for finding in outcome.findings]
        if self.restarts:
            self.restart()

    def restart(self) -> None:
        document = json.loads(canonical(self.engine.document()))
        self.engine = EventEngine(self.settings, self.chance, document)
        assert self.engine.document() == document

    def until(self, second: int) -> "Device":
        """Let time pass to a second, calling the engine exactly when it asked to be."""
        while (at := self.engine.next_at()) is not None and at <= T0 + second:
            self._note(max(self.now, at - T0))
            self.take(self.engine.on_time(T0 + self.now))
        self._note(second)
        return self

    def _note(self, second: int) -> None:
        for name in {name_of(f.source) for f in self.engine.in_force() if not f.default}:
            stretches = self.held.setdefault(name, [])
            if stretches and stretches[-1][1] == self.now:
                stretches[-1] = (stretches[-1][0], second)
            elif second > self.now:
                stretches.append((self.now, second))
        self.now = second

    def sees(self, *controls: Control, whole: Program | None = None) -> "Device":
        """Hand in a listing now; ``whole``: it is the complete list of that program."""
        scope = None if whole is None else Scope(server=whole.server, program=whole.mrid)
        self.take(self.engine.observe(controls, T0 + self.now, scope))
        return self

    def assigned(self, *programs: Program) -> "Device":
        self.take(self.engine.assign(programs, T0 + self.now))
        return self

    def decides(self, name: str, choice: Input) -> "Device":
        self.take(self.engine.decide((SERVER, mrid(name)), choice, T0 + self.now))
        return self

    def codes(self, name: str) -> list[int]:
        """Return the codes told of one event, in order."""
        return [code for _, of, code in self.told if of == name]

    def force(self) -> dict[str, str]:
        """Return what holds now: mode to event name, or ``default``."""
        return {
            f.mode: "default" if f.default else name_of(f.source) for f in self.engine.in_force()
        }


def status(control: Control, number: int) -> Control:
    """Return an event with another currentStatus."""
    return replace(control, status=number)
