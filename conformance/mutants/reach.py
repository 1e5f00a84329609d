"""Where a change of a device can begin to matter: lines without which altered and right code do the same.

Two versions of a function run alike until control comes to the first statement in which they differ. A constant of
a module that only functions of its own file name matters where those do. Where another change is seen at once, when a
module is loaded, nothing is promised.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Final

Places = frozenset[tuple[str, int]]
"""Files, as compiled, and lines."""
_OPENED: Final = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)
"""Statements that are looked into; others count as a whole."""
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS: Final = ("body", "orelse", "finalbody")
_SILENT: Final = (ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue)
"""Statements that may run without a line of their own, beside constants and bare annotations."""


class AnywhereError(Exception):
    """A change that may be seen wherever the device runs."""


def places_of(sources: Mapping[Path, str]) -> Places | None:
    """Return the lines of the right files of which one must run before altered files can behave otherwise.

    Args:
        sources: File -> its altered text.

    Returns:
        None: no such lines can be told.
    """
    try:
        return frozenset(
            (str(path), line) for path, text in sources.items() for line in _of_file(path, text)
        )
    except AnywhereError:
        return None


def _of_file(path: Path, altered: str) -> set[int]:
    right = path.read_text()
    _names_alike(compile(right, str(path), "exec"), compile(altered, str(path), "exec"))
    before, after = ast.parse(right).body, ast.parse(altered).body
    names = _constants(before, after)
    used = set().union(*(_where_used(name, before, path) for name in names))
    return used | _between(_without(before, names), _without(after, names), None)


def _constants(right: Sequence[ast.stmt], altered: Sequence[ast.stmt]) -> set[str]:
    """Return the names of the module's constants whose values differ, in the same order of statements."""
    if len(right) != len(altered):
        return set()
    pairs = zip(right, altered, strict=True)
    return {
        name for a, b in pairs if not _same(a, b) and (name := _target(a)) and name == _target(b)
    }


def _target(statement: ast.stmt) -> str:
    """Return the one name that a statement gives a value, empty for any other statement."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id if statement.value is not None else ""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return statement.targets[0].id if isinstance(statement.targets[0], ast.Name) else ""
    return ""


def _without(statements: Sequence[ast.stmt], names: set[str]) -> list[ast.stmt]:
    return [s for s in statements if _target(s) not in names]


def _where_used(name: str, statements: Sequence[ast.stmt], path: Path) -> set[int]:
    """Return the lines of the statements that name a constant.

    Raises:
        AnywhereError: it is used where the module is loaded, or by its name in another file.
    """
    word = re.compile(rf"\b{re.escape(name)}\b")
    if any(word.search(text) for file, text in _others().items() if file != path):
        raise AnywhereError
    found: set[int] = set()
    for statement in statements:
        if _target(statement) != name and _names(statement, name):
            found |= _in_functions(statement, name)
    return found


def _in_functions(statement: ast.stmt, name: str) -> set[int]:
    inner = [s for block in _blocks_of(statement) for s in block]
    if isinstance(statement, _FUNCTIONS):
        used = sum(_names(s, name) for s in inner)
        if used != _names(statement, name):
            raise AnywhereError
        return set().union(*(_lines(s) for s in inner if _names(s, name)))
    if not isinstance(statement, ast.ClassDef) or sum(_names(s, name) for s in inner) != _names(
        statement, name
    ):
        raise AnywhereError
    return set().union(*(_in_functions(s, name) for s in inner if _names(s, name)))


def _names(statement: ast.stmt, name: str) -> int:
    """Count how often a statement, with all that stands in it, says a name."""
    nodes = list(ast.walk(statement))
    texts = sum(isinstance(n, ast.Constant) and n.value == name for n in nodes)
    return texts + sum(isinstance(n, ast.Name) and n.id == name for n in nodes)


@cache
def _others() -> dict[Path, str]:
    """Return the files that might use a constant of a device."""
    base = Path(__file__).parents[1]
    return {
        p: p.read_text() for name in ("reference", "engine") for p in (base / name).rglob("*.py")
    }


def _names_alike(right: CodeType, altered: CodeType) -> None:
    """Refuse a change that makes a name of a function mean another thing from its first line on.

    Raises:
        AnywhereError: a function became a generator, or a global a local.
    """
    before, after = dict(_functions(right)), dict(_functions(altered))
    for name in before.keys() & after.keys():
        one, two = before[name], after[name]
        own, new = {*one.co_varnames, *one.co_cellvars}, {*two.co_varnames, *two.co_cellvars}
        moved = (new - own) & {*one.co_names, *one.co_freevars}
        lost = (own - new) & {*two.co_names, *two.co_freevars}
        if one.co_flags != two.co_flags or moved or lost:
            raise AnywhereError


def _functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if not inner.co_name.startswith("<"):
                yield inner.co_qualname, inner
            yield from _functions(inner)


def _between(
    right: Sequence[ast.stmt], altered: Sequence[ast.stmt], head: ast.stmt | None
) -> set[int]:
    """Compare two blocks.

    Args:
        right: Statements as they are.
        altered: As the change makes them.
        head: The statement of the right file that they belong to; None: a module's or a class's own.

    Raises:
        AnywhereError: the difference is seen when the module is loaded.
    """
    first, end = 0, len(right)
    rest = len(altered)
    while first < min(end, rest) and _same(right[first], altered[first]):
        first += 1
    while min(end, rest) > first and _same(right[end - 1], altered[rest - 1]):
        end, rest = end - 1, rest - 1
    here, there = right[first:end], altered[first:rest]
    if not here and not there:
        return set()
    if head is None:
        if len(here) != len(there):
            raise AnywhereError
        return set().union(*(_inside(a, b) for a, b in zip(here, there, strict=True)))
    if len(here) == len(there) == 1 and _alike(here[0], there[0]):
        return _blocks(here[0], there[0], here[0])
    begins = [*right[first:], *right[:first][-1:], head][0]
    return _lines(head if _silent(begins) else begins)


def _silent(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    bare = isinstance(statement, ast.AnnAssign) and statement.value is None
    return constant or bare or isinstance(statement, _SILENT)


def _inside(right: ast.stmt, altered: ast.stmt) -> set[int]:
    """Compare two statements of a module or a class."""
    if _same(right, altered):
        return set()
    if not _alike(right, altered) or not isinstance(right, (*_FUNCTIONS, ast.ClassDef)):
        raise AnywhereError
    return _blocks(right, altered, right if isinstance(right, _FUNCTIONS) else None)


def _blocks(right: ast.stmt, altered: ast.stmt, head: ast.stmt | None) -> set[int]:
    pairs = zip(_blocks_of(right), _blocks_of(altered), strict=True)
    return set().union(*(_between(one, two, head) for one, two in pairs))


def _blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    handlers = [handler.body for handler in getattr(statement, "handlers", [])]
    return [*(getattr(statement, name, []) for name in _BLOCKS), *handlers]


def _alike(right: ast.stmt, altered: ast.stmt) -> bool:
    """Say whether two statements differ in nothing but what stands in their blocks."""
    return (
        isinstance(right, _OPENED)
        and _heading(right) == _heading(altered)
        and [bool(b) for b in _blocks_of(right)] == [bool(b) for b in _blocks_of(altered)]
    )


def _heading(statement: ast.stmt) -> list[str]:
    """Return a statement without its blocks, in words."""
    parts: list[object] = [type(statement).__name__]
    for name, value in ast.iter_fields(statement):
        if name == "handlers":
            parts += [part for h in value for part in (h.type, h.name)]
        elif name not in _BLOCKS:
            parts += value if isinstance(value, list) else [value]
    return [ast.dump(part) if isinstance(part, ast.AST) else repr(part) for part in parts]


def _same(one: ast.AST, two: ast.AST) -> bool:
    return ast.dump(one) == ast.dump(two)


def _lines(statement: ast.stmt) -> set[int]:
    decorators = getattr(statement, "decorator_list", [])
    begins = min([statement.lineno, *(d.lineno for d in decorators)])
    return set(range(begins, (statement.end_lineno or statement.lineno) + 1))
