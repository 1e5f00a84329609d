"""A book: the clauses of one standard in our own words, where they are looked for, and how text cites them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Something that is not there yet, with the clauses that wait for it."""

    name: str
    reason: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One standard and its page."""

    at: Path
    """Its folder: ``intro.md``, ``head.md``, ``clauses.txt``, ``unsupported.txt``, ``notyet.txt``."""
    readme: Path
    """The page that is written, under the root of the project."""
    code: tuple[str, ...]
    """Folders whose modules speak the standard; the first is the one of the page."""
    names: Callable[[str], frozenset[str]]
    """Text -> ids of the clauses that it names."""
    cites: Callable[[str], frozenset[str]]
    """Text -> the same, with those that they are part of."""
    concerns: Callable[[str], bool]
    """Whether a marker of a test speaks of this standard."""
    gathered: tuple[str, ...] = ()
    """How ids begin that get no row of their own while no test names them."""

    def text(self, name: str) -> str:
        """Return what one of its files holds; an absent one holds nothing."""
        file = self.at / name
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def chapters(self) -> Iterator[tuple[str, str, str]]:
        """Yield chapter, id and meaning of every clause; a line ``# title`` begins a chapter."""
        chapter = ""
        for line in self.text("clauses.txt").splitlines():
            if line.startswith("# "):
                chapter = line.removeprefix("# ")
            else:
                name, _, what = line.partition("|")
                yield chapter, name, what

    def left_out(self) -> dict[str, str]:
        """Return id -> why it is left out on purpose."""
        pairs = (line.partition("|") for line in self.text("unsupported.txt").splitlines())
        return {name: reason for name, _, reason in pairs}

    def pending(self) -> list[Pending]:
        """Return what is not there yet: lines ``function set|reason|clauses that wait for it``."""
        found = []
        for line in self.text("notyet.txt").splitlines():
            name, reason, waiting = line.split("|")
            found.append(Pending(name=name, reason=reason, ids=self.names(waiting)))
        return found
