"""The house rules that a machine can check: sizes, docstrings, one clock, few broad excepts."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _modules() -> Iterator[Path]:
    for package in ("gateway", "conformance", "certs"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "_generated" not in path.parts and "migrations" not in path.parts:
                yield path


MODULES = list(_modules())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@dataclass
class Facts:
    """What one walk over a module finds."""

    documented: bool
    lines: int
    longest: dict[str, int] = field(default_factory=dict)
    """Functions of 50 lines and more."""
    inner: list[int] = field(default_factory=list)
    """Lines of imports inside functions and classes."""
    broad: bool = False
    checking: bool = False


@cache
def facts(path: Path) -> Facts:
    source = path.read_text()
    tree = ast.parse(source)
    found = Facts(bool(ast.get_docstring(tree)), source.count("\n"))
    found.checking = "TYPE_CHECKING" in source
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno
            if length >= 50:
                found.longest[node.name] = length
        elif isinstance(node, ast.Import | ast.ImportFrom) and inside:
            found.inner.append(node.lineno)
        elif isinstance(node, ast.ExceptHandler) and catches_everything(node):
            found.broad = True
        deeper = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        waiting.extend((child, deeper) for child in ast.iter_child_nodes(node))
    return found


def catches_everything(handler: ast.ExceptHandler) -> bool:
    named = [] if handler.type is None else list(ast.walk(handler.type))
    broad = {"Exception", "BaseException"}
    return handler.type is None or any(isinstance(n, ast.Name) and n.id in broad for n in named)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_small_and_says_what_it_is_for(path: Path) -> None:
    found = facts(path)

    assert found.lines <= 400
    assert found.documented
    assert found.longest == {}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_stand_at_the_top(path: Path) -> None:
    assert facts(path).inner == []
    assert not facts(path).checking


def test_broad_excepts_stand_at_the_borders_only() -> None:
    found = {name(path) for path in MODULES if facts(path).broad}

    # One looks for crashes, of whatever kind; the other makes a verdict of what a case's author got wrong.
    borders = {"gateway/app/supervisor.py", "gateway/transport/server.py"}
    assert found == borders | {"conformance/fuzz/engine.py", "conformance/engine/defects.py"}


def test_no_folder_is_empty_and_every_package_has_a_purpose() -> None:
    for package in ("gateway", "conformance", "certs"):
        for folder in (ROOT / package).rglob("*"):
            if folder.is_dir() and folder.name != "__pycache__":
                kept = [*folder.glob("*.py"), *folder.glob("*.yaml"), *folder.glob("*/")]
                assert kept, folder


def test_a_turn_is_opened_where_it_is_ended() -> None:
    # Whoever makes a Turn by hand must not change a plan in it: the plans are made when ``turning`` ends.
    alone = {
        "gateway/pipeline/turning.py",
        "gateway/pipeline/overrule.py",
    }
    pattern = re.compile(r"(?<![\w.])Turn\(work")
    found = {
        str(p.relative_to(ROOT))
        for p in ROOT.glob("gateway/**/*.py")
        if pattern.search(p.read_text())
    }
    assert found == alone
