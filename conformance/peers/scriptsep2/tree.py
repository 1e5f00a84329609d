"""What the scripted server holds, as values, and where it lies: hrefs that no client can guess."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.values import Account, Assignment, Control, Price, Program, Tariff
from conformance.kit.xml import Element
from conformance.peers.script2b.state import Names

Key = tuple[str, ...]
"""Name of the resource, then ids: ``("DERControl", program, control)``."""
USUAL: Final = "opModMaxLimW"
_PEN: Final = "00009F1C"
"""Private enterprise number at the end of every mRID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Seconds."""

    poll: int
    """pollRate of the lists of programs."""
    walk: int = 300
    """pollRate of everything else."""
    post: int = 300
    """postRate of mirrors."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Something that the client created or replaced."""

    key: Key
    element: Element


@dataclass
class Tree:
    """Everything that changes.

    Args:
        names: Fresh ids.
        rates: See there.
    """

    names: "MridNames"
    rates: Rates
    accounts: dict[str, Account] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    controls: dict[str, dict[str, Control]] = field(default_factory=dict)
    """Program -> id -> control."""
    posted: dict[Key, Element] = field(default_factory=dict)
    """What the client has put or created, by where it lies."""
    lists: dict[Key, list[Key]] = field(default_factory=dict)
    """List -> members that the client created."""
    offset: timedelta = timedelta(0)
    time_fields: dict[str, int] = field(default_factory=dict)
    mode: str = USUAL
    """By which controls limit power, where the client knows no cap on generation."""
    page: int = 255
    """Members that an answer holds at most."""
    tariffs: dict[str, Tariff] = field(default_factory=dict)
    tariffs_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Assignment -> ids of tariffs."""
    prices: dict[tuple[str, str], dict[str, Price]] = field(default_factory=dict)
    """Tariff and component -> id -> price."""
    aus: bool = False
    expected: tuple[str, ...] = ()
    """LFDIs that may register themselves; only with CSIP-AUS."""
    own: str = ""
    """LFDI of the client's certificate."""
    subscribable: frozenset[str] = frozenset()
    """Names of the resources that may be subscribed to; none: there is no list of subscriptions."""
    _hrefs: dict[Key, str] = field(default_factory=dict)
    _keys: dict[str, Key] = field(default_factory=dict)
    _mrids: dict[str, str] = field(default_factory=dict)

    # --- names

    def href(self, *key: str) -> str:
        """Return where a resource lies."""
        found = self._hrefs.get(key)
        if found is None:
            found = f"/{self.names.next('r').removeprefix('r-')}"
            self._hrefs[key] = found
            self._keys[found] = key
        return found

    def key(self, path: str) -> Key | None:
        """Return what lies at a path."""
        return self._keys.get(path)

    def move(self, what: str) -> None:
        """Forget where the resources of a name lie."""
        for key in [key for key in self._hrefs if key[0] == what]:
            del self._keys[self._hrefs.pop(key)]

    def mrid(self, name: str, given: str = "") -> str:
        """Return an mRID: the one given, or one that belongs to the name from now on."""
        if given:
            self._mrids[name] = given
        if name not in self._mrids:
            self._mrids[name] = self.names.mrid(name)
        return self._mrids[name]

    # --- what there is

    def programs_of(self, assignment: str) -> Sequence[Program]:
        """Return the programs of an assignment: by primacy, then mRID downwards."""
        ids = self.assignments[assignment].programs
        found = [self.programs[name] for name in ids if name in self.programs]
        found.sort(key=lambda one: self.mrid(one.id), reverse=True)
        return sorted(found, key=lambda one: one.primacy)

    def listed(self, program: str, now: datetime) -> Sequence[Control]:
        """Return the controls of a list: by start, then the newest, then mRID downwards; those that ended are gone."""
        found = [c for c in self.controls.get(program, {}).values() if _is_listed(c, now)]
        found.sort(key=lambda c: self.mrid(c.id, c.mrid), reverse=True)
        found.sort(key=lambda c: c.created or c.start, reverse=True)
        return sorted(found, key=lambda c: c.start)

    def controls_of(self, control_id: str) -> Iterator[tuple[str, Control]]:
        """Yield a control with its program."""
        for program, controls in self.controls.items():
            if control_id in controls:
                yield program, controls[control_id]

    def put_control(self, program: str, control: Control, now: datetime) -> None:
        """Add or replace a control; the instant of its first publication stays."""
        before = self.controls.setdefault(program, {}).get(control.id)
        created = control.created or (before.created if before else None) or now
        kept = replace(control, created=created)
        if before is not None and before.status != kept.status:
            kept = replace(kept, changed=control.changed or now, version=(before.version or 0) + 1)
        self.controls[program][control.id] = kept


def _is_listed(control: Control, now: datetime) -> bool:
    late = max(control.random_start or 0, 0) + max(control.random_lasts or 0, 0)
    return now < control.end + timedelta(seconds=late)


class MridNames(Names):
    """Fresh ids, and mRIDs."""

    def mrid(self, name: str) -> str:
        """Return a fresh mRID for something."""
        return (
            self.next(name).rpartition("-")[2] + self.next(name).rpartition("-")[2]
        ).upper() + _PEN
