"""What is remembered of one event, and its form in the stored document."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from gateway.protocols.sep2.events.codes import Code, FunctionSet
from gateway.protocols.sep2.events.table import TERMINAL, State
from gateway.protocols.sep2.events.values import Control, Default, Key, Program

_NONE: Final[frozenset[str]] = frozenset()
_NO_CODES: Final[frozenset[Code]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event of one device. Offsets are drawn once, at first sight."""

    control: Control
    """As first received."""
    state: State
    claims: frozenset[str]
    seen_at: int
    start_offset: int = 0
    duration_offset: int = 0
    start_at: int | None = None
    """Effective start once it is settled; None: it still follows from the others."""
    ended_at: int | None = None
    """Effective end, once it is over."""
    release_at: int | None = None
    """When an event cancelled with randomization ends."""
    begun: frozenset[str] = _NONE
    """Claims that it has had since it was last out of the race."""
    lost: frozenset[str] = _NONE
    """Claims lost to others for good."""
    held: Mapping[str, int] = field(default_factory=dict)
    """Claims that it has now, and since when."""
    sent: frozenset[Code] = _NO_CODES
    """Codes told, or settled to need no telling."""
    noted: frozenset[str] = _NONE
    """Findings reported."""
    took_part: bool = False
    """It was active with the user's consent at some time."""
    sat_out: bool = False
    """The user had opted out for some of its time."""
    out_since: int | None = None
    """Start of the override in progress."""
    override_s: int = 0
    """Seconds of overrides that are over."""
    unlisted: bool = False
    """The last complete list of its program missed it."""

    @property
    def key(self) -> Key:
        """Return (server, mRID)."""
        return self.control.key

    @property
    def holding(self) -> frozenset[str]:
        """Return the claims that it has now."""
        return frozenset(self.held)

    def without(self, modes: frozenset[str]) -> Mapping[str, int]:
        """Return what it holds but for some modes."""
        return {mode: since for mode, since in self.held.items() if mode not in modes}

    @property
    def live(self) -> frozenset[str]:
        """Return the claims that it has or may still get."""
        return self.claims - self.lost if self.lost else self.claims

    @property
    def length(self) -> int:
        """Return the effective duration in seconds; never negative."""
        return max(0, self.control.duration + self.duration_offset)

    @property
    def over(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.state in TERMINAL


def overlaps(one: Record, other: Record) -> bool:
    """Say whether the *specified* periods share an instant; back-to-back does not (half-open).

    What only randomization brings together is no overlap: see ``arrange``.
    """
    return one.control.start < other.control.end and other.control.start < one.control.end


_SETS: Final = ("modes", "claims", "begun", "lost", "noted")


def _sparse(value: Control | Record, skipped: frozenset[str]) -> dict[str, object]:
    """Return the fields that are not at their defaults, in JSON's words."""
    found: dict[str, object] = {}
    for one in fields(value):
        held = getattr(value, one.name)
        if one.name in skipped or held == one.default or held == {}:
            continue
        if isinstance(held, Mapping):
            held = [[mode, since] for mode, since in sorted(held.items())]
        elif isinstance(held, frozenset):
            held = sorted(int(item) if isinstance(item, Code) else item for item in held)
        elif isinstance(held, Code):
            held = int(held)
        found[one.name] = held
    return found


def record_document(record: Record) -> dict[str, object]:
    """Write a record: only strings, whole numbers, booleans and lists."""
    control = _sparse(record.control, frozenset({"refusal", "status"}))
    return {"control": control, **_sparse(record, frozenset({"control"}))}


def read_record(document: Mapping[str, Any]) -> Record:
    """Read what ``record_document`` wrote."""
    given = _restored(document)
    control = _restored(given.pop("control"))
    control["function_set"] = FunctionSet(control["function_set"])
    given["state"] = State(given["state"])
    given["held"] = dict(given.get("held", ()))
    given["sent"] = frozenset(Code(code) for code in given.get("sent", ()))
    return Record(control=Control(**control), **given)


def program_document(program: Program) -> dict[str, object]:
    """Write a program."""
    default = program.default
    document: dict[str, object] = {
        "server": program.server,
        "mrid": program.mrid,
        "function_set": program.function_set.value,
        "primacy": program.primacy,
    }
    if default is not None:
        document["default"] = {
            "mrid": default.mrid,
            "modes": sorted(default.modes),
            "content": default.content,
        }
    return document


def read_program(document: Mapping[str, Any]) -> Program:
    """Read what ``program_document`` wrote."""
    given = dict(document)
    if "default" in given:
        given["default"] = Default(**_restored(given["default"]))
    given["function_set"] = FunctionSet(given["function_set"])
    return Program(**given)


def _restored(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: frozenset(value) if name in _SETS else value for name, value in document.items()}
