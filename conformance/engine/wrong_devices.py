"""Wrong devices as data: what each gets wrong, by which lines, and which cases must find it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from conformance.engine.catalogue import catalogue
from conformance.engine.data import FOLDER, Model, load
from conformance.engine.errors import SuiteError
from conformance.engine.profiles import PROFILES
from conformance.engine.requirements import requirements
from conformance.mutants.altered_package import ROOT, AlterationError, altered, package_of

_BASE: Final = ROOT / "conformance"
MOST_LINES: Final = 5
"""Of a deviation; of each, where two are combined."""


class Change(Model):
    """Whole lines of one file in the place of others."""

    file: str
    old: str
    new: str = ""

    @property
    def lines(self) -> int:
        """Return how many lines it touches."""
        return max(len(self.old.rstrip("\n").split("\n")), len(self.new.rstrip("\n").split("\n")))


class Mutant(Model):
    """One wrong device."""

    id: str
    what: str
    requirement: str | tuple[str, ...]
    """That it violates; several for one that combines deviations: each must be found. ``@push`` as for cases."""
    cases: tuple[str, ...]
    """That must fail citing a requirement of these; ``CASE@push`` only in plans of that mode."""
    changes: tuple[Change, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return what it violates."""
        return (self.requirement,) if isinstance(self.requirement, str) else self.requirement

    @property
    def package(self) -> str:
        """Return the package that it alters."""
        return package_of([change.file for change in self.changes])

    def meant_for(self, mode: str) -> "Mutant":
        """Return it with what it must fail in plans of a mode; an empty one asks for everything."""
        if not any("@" in name for name in (*self.cases, *self.requirements)):
            return self
        kept = {"cases": _meant(self.cases, mode), "requirement": _meant(self.requirements, mode)}
        return self.model_copy(update=kept)

    def sources(self) -> dict[Path, str]:
        """Return the altered files.

        Raises:
            SuiteError: a change no longer fits.
        """
        found: dict[Path, str] = {}
        for change in self.changes:
            path = ROOT / change.file
            try:
                text = found.get(path) or path.read_text()
                found[path] = altered(text, change.old, change.new, f"{self.id}: {change.file}")
            except (OSError, AlterationError) as error:
                raise SuiteError(f"mutant {error}") from None
        return found


class MutantFile(Model):
    """One file of them."""

    mutants: tuple[Mutant, ...]


def judged_digest(profile: str) -> str:
    """Return the SHA-256 over what a matrix depends on: cases, kit, scripted peers, reference devices, their data."""
    return _digest(_judging(profile))


@cache
def code_digest(profile: str) -> str:
    """Return the SHA-256 over the same without the wrong devices; read once in a process."""
    wrong = FOLDER / profile / "mutants"
    return _digest(path for path in _judging(profile) if not path.is_relative_to(wrong))


def _judging(profile: str) -> Iterator[Path]:
    own, foreign = PROFILES[profile].peer, PROFILES[profile].foreign
    for folder in ("kit", f"cases/{profile}", own, "reference", f"data/{profile}"):
        for path in sorted((_BASE / folder).rglob("*")):
            parts = path.relative_to(_BASE).parts
            if path.suffix in (".py", ".yaml") and not any(foreign in part for part in parts):
                yield path


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.relative_to(_BASE).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def mutants(profile: str, role: str, mode: str = "") -> Sequence[Mutant]:
    """Return the wrong devices of a role, sorted by id.

    Args:
        profile: Of the plan.
        role: Of the plan.
        mode: Of the plan; empty: whichever.

    Raises:
        SuiteError: a file is wrong, an id stands twice, or one names what is not there.
    """
    found: dict[str, Mutant] = {}
    for path in sorted((FOLDER / profile / "mutants" / role).glob("*.yaml")):
        for mutant in load(path, MutantFile).mutants:
            if mutant.id in found:
                raise SuiteError(f"{path}: mutant {mutant.id} stands twice")
            meant = mutant.meant_for(mode)
            _fits(meant, profile)
            found[mutant.id] = meant
    return [found[name] for name in sorted(found)]


def _meant(names: Iterable[str], mode: str) -> tuple[str, ...]:
    named = [name.partition("@") for name in names]
    return tuple(name for name, _, where in named if not where or mode in {"", where})


def _fits(mutant: Mutant, profile: str) -> None:
    known, cases = requirements(profile), catalogue()
    for name in mutant.requirements:
        if name not in known:
            raise SuiteError(f"mutant {mutant.id}: there is no requirement {name}")
    for name in mutant.cases:
        if name not in cases:
            raise SuiteError(f"mutant {mutant.id}: there is no case {name}")
    if sum(change.lines for change in mutant.changes) > MOST_LINES * len(mutant.requirements):
        raise SuiteError(f"mutant {mutant.id}: more than {MOST_LINES} lines")
