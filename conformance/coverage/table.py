"""The table: every clause with its files, its tests and where it stands."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Final

from conformance.coverage.book import Book

ROOT: Final = Path(__file__).parents[2]
_SHOWN: Final = 3
_STATUSES: Final = ("tested", "open", "not yet", "not supported")
_REST: Final = "## Cases and general checks that no test here names"
_WHY: Final = (
    "The plans of `gridgate-conformance` judge many of them on a device; how those runs ended is told "
    "by their reports, not here."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One row."""

    ids: tuple[str, ...]
    """What it is cited as: cases have one id in pull and one in push."""
    name: str
    what: str
    chapter: str = ""
    files: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    waits: str = ""
    """The function set that is not there yet; empty: nothing is waited for."""
    reason: str = ""
    """Why it is left out; empty: it is not."""

    @property
    def status(self) -> str:
        """Return where it stands."""
        if self.reason:
            return f"not supported: {self.reason}"
        if self.waits:
            return f"not yet: {self.waits}"
        return "tested" if self.tests else "open"


def clauses(book: Book, root: Path = ROOT) -> list[Clause]:
    """Return every clause, in the order of the list."""
    files = _by_clause(book, _code(book, root))
    tests = _by_clause(book, marked(book, root))
    left_out = book.left_out()
    waits = {one: each.name for each in book.pending() for one in each.ids}
    return [
        replace(
            clause,
            files=_found(files, clause.ids),
            tests=_found(tests, clause.ids),
            reason=left_out.get(clause.ids[0], ""),
            waits=waits.get(clause.ids[0], ""),
        )
        for clause in listed(book)
    ]


def listed(book: Book) -> Iterator[Clause]:
    """Yield the clauses as listed, without files and tests."""
    for chapter, name, what in book.chapters():
        kind, _, rest = name.partition(" ")
        ids = tuple(f"case {one}" for one in rest.split()) if kind == "case" else (name,)
        shown = rest.replace(" ", " / ") if kind == "case" else name
        yield Clause(ids=ids, name=shown, what=what, chapter=chapter)


def _found(by_clause: dict[str, list[str]], ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in ids for one in by_clause.get(each, ())))


def _by_clause(book: Book, texts: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for place, text in texts:
        for clause in sorted(book.cites(text)):
            found[clause].append(place)
    return found


def _code(book: Book, root: Path) -> Iterator[tuple[str, str]]:
    """Yield every module that speaks the standard with its text."""
    for folder in book.code:
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text(encoding="utf-8")


def marked(book: Book, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Return every test about the standard, as ``file::name``, with what its markers cite, one by one."""
    return (one for one in _marks(root) if book.concerns(one[1]))


@cache
def _marks(root: Path) -> tuple[tuple[str, str], ...]:
    """Read every test of a project once, as long as the process lives."""
    found = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                place = f"{path.relative_to(root)}::{node.name}"
                found += [(place, text) for text in _markers(node)]
    return tuple(found)


def _markers(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
            continue
        if decorator.func.attr == "spec":
            yield from (str(one.value) for one in decorator.args if isinstance(one, ast.Constant))


def counts(rows: Sequence[Clause]) -> dict[str, int]:
    """Return status -> how many rows stand there."""
    return {word: sum(row.status.startswith(word) for row in rows) for word in _STATUSES}


def page(book: Book, root: Path = ROOT) -> str:
    """Return the page as it is to be."""
    rows = clauses(book, root)
    rest = [row for row in rows if row.status == "open" and row.ids[0].startswith(book.gathered)]
    shown = [row for row in rows if row not in rest] if book.gathered else rows
    lines = [f"{len(shown)} rows: {_told(shown)}."]
    for chapter, group in groupby(shown, key=lambda row: row.chapter):
        lines += _chapter(chapter, list(group), book)
    lines += ["", *_gathered(rest)] if book.gathered else []
    lines += _pending(book)
    return book.text("intro.md") + book.text("head.md") + "\n".join(lines) + "\n"


def _told(rows: Sequence[Clause]) -> str:
    told = counts(rows)
    return ", ".join(f"{told[word]} {word}" for word in _STATUSES if told[word] or word == "open")


def _chapter(title: str, rows: list[Clause], book: Book) -> Iterator[str]:
    if title:
        yield from ("", f"### {title}", "", f"{len(rows)} rows: {_told(rows)}.")
    yield from ("", "| Clause | What | Where | Test | Status |", "|---|---|---|---|---|")
    for row in rows:
        where = _listed(row.files, lambda one: _file(book, one))
        tests = _listed(row.tests, lambda one: f"`{one.rpartition('::')[2]}`")
        yield f"| {row.name} | {row.what} | {where} | {tests} | {row.status} |"


def _gathered(rest: list[Clause]) -> Iterator[str]:
    names = "; ".join(row.name for row in rest) + "."
    yield from (_REST, "", _WHY, "", *wrap(names, 120, break_on_hyphens=False))


def _pending(book: Book) -> Iterator[str]:
    for count, one in enumerate(book.pending()):
        if not count:
            yield from ("", "## Not there yet", "")
        yield f"* **{one.name}**: {one.reason}."


def _file(book: Book, place: str) -> str:
    """Write a module: those of the protocol's folder by name, others with their path."""
    own = f"{book.code[0]}/"
    return f"`{place.removeprefix(own)}`" if place.startswith(own) else place


def _listed(places: tuple[str, ...], write: Callable[[str], str]) -> str:
    more = len(places) - _SHOWN
    return ", ".join(map(write, places[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
