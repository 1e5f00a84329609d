"""Loads a reference package a second time under another name, a few lines altered; no hook in the device itself."""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

ROOT: Final = Path(__file__).parents[2]
"""Where the packages lie; changes name files relative to it."""
_ALIAS: Final = "altered_reference"


class AlterationError(Exception):
    """A change does not fit the source."""


def altered(source: str, old: str, new: str, place: str) -> str:
    """Exchange whole lines; the indentation is that of the place where they stand.

    Raises:
        AlterationError: the old lines stand there not once.
    """
    lines = source.split("\n")
    before, after = old.rstrip("\n").split("\n"), new.rstrip("\n").split("\n")
    found = [at for at in range(len(lines)) if _stands(lines, at, before)]
    if len(found) != 1 or not old.strip():
        raise AlterationError(f"{place}: {before[0]!r} stands there {len(found)} times")
    at = found[0]
    indent = _indent(lines[at])[: len(_indent(lines[at])) - len(_indent(before[0]))]
    put = [indent + line if line else line for line in after] if new.strip() else []
    return "\n".join([*lines[:at], *put, *lines[at + len(before) :]])


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _stands(lines: Sequence[str], at: int, before: Sequence[str]) -> bool:
    own = _indent(lines[at])
    extra = own[: len(own) - len(_indent(before[0]))]
    wanted = [extra + line if line else line for line in before]
    return lines[at : at + len(before)] == wanted


def package_of(files: Sequence[str]) -> str:
    """Return the package that all files lie in, e.g. ``conformance.reference.ven2b``.

    Raises:
        AlterationError: they lie in several, or outside ``conformance/reference``.
    """
    found = {".".join(Path(name).parts[:3]) for name in files}
    if len(found) != 1 or not found <= {n for n in found if n.startswith("conformance.reference.")}:
        raise AlterationError(f"{', '.join(files)}: not in one package of conformance/reference")
    return found.pop()


@cache
def _compiled(path: Path, package: str) -> CodeType:
    return _code(path.read_text(), path, package)


def _code(source: str, path: Path, package: str) -> CodeType:
    return compile(source.replace(package, _ALIAS), str(path), "exec")


class _Alias(MetaPathFinder, Loader):
    """Finds the modules of the alias in the folder of the package that it stands for."""

    def __init__(self, package: str, sources: Mapping[Path, str]) -> None:
        self._package = package
        self._folder = ROOT.joinpath(*package.split("."))
        self._sources = sources

    def _path(self, name: str) -> Path:
        rest = name.split(".")[1:]
        folder = self._folder.joinpath(*rest)
        return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the alias."""
        if name.split(".", maxsplit=1)[0] != _ALIAS:
            return None
        found = self._path(name)
        return spec_from_loader(name, self, is_package=found.name == "__init__.py")

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, altered where it is to be."""
        path = self._path(module.__name__)
        source = self._sources.get(path)
        code = (
            _compiled(path, self._package) if source is None else _code(source, path, self._package)
        )
        exec(code, module.__dict__)  # noqa: S102 - it is our own source, altered by our own data


@contextmanager
def loaded(package: str, sources: Mapping[Path, str]) -> Iterator[str]:
    """Make the altered package importable for the length of a block.

    Args:
        package: The real one's name.
        sources: File -> its altered text.

    Yields:
        The name to import it by.
    """
    finder = _Alias(package, sources)
    sys.meta_path.insert(0, finder)
    importlib.invalidate_caches()
    try:
        yield _ALIAS
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if n.split(".")[0] == _ALIAS]:
            del sys.modules[name]
