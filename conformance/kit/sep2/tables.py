"""The type tables of ``schemas/sep2`` read for judging: order, occurrence and bounds of what a document holds.

A reader of its own, so that suite and devices share no mistake; the notation is explained in the tables themselves.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Final

from lxml import etree

from conformance.kit.schemas import SchemaError
from conformance.kit.sep2.names import AUS, BETA, NS, XSI
from conformance.kit.xml import Element, local_name

FILES: Final = ("edition2018.txt", "csip_aus.txt")
_SPACES: Final[Mapping[str, str]] = {"sep": NS, "aus": AUS, "beta": BETA}
_TIMES: Final[Mapping[str, tuple[int, float]]] = {"": (1, 1), "?": (0, 1), "*": (0, inf)}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_BOOLEANS: Final = ("true", "false", "1", "0")
_XSI_TYPE: Final = f"{{{XSI}}}type"
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Simple:
    """A simple type."""

    kind: str
    """``integer``, ``hex``, ``text``, ``uri`` or ``boolean``."""
    low: int = 0
    high: int = 0
    """Greatest integer; most bytes of hex; most characters."""

    def fault(self, text: str) -> str:
        """Say what is wrong with a value, empty: nothing."""
        if self.kind == "integer":
            return self._of_integer(text)
        if self.kind == "hex":
            fits = _HEX.fullmatch(text) and len(text) <= 2 * self.high
            return "" if fits else f"{text!r} is no hex of at most {self.high} bytes"
        if self.kind == "boolean":
            return "" if text in _BOOLEANS else f"{text!r} is neither true nor false"
        return "" if len(text) <= self.high else f"longer than {self.high} characters"

    def _of_integer(self, text: str) -> str:
        if not _INTEGER.fullmatch(text):
            return f"{text!r} is no integer"
        return (
            ""
            if self.low <= int(text) <= self.high
            else f"{text} is not in {self.low}..{self.high}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One element of a complex type."""

    name: str
    """In Clark's notation."""
    type: str
    least: int
    most: float


@dataclass(slots=True)
class Shape:
    """A complex type, what it inherits included."""

    parts: list[Part] = field(default_factory=list)
    attributes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Name -> type, and whether it is required."""


@dataclass(slots=True)
class Tables:
    """All types of the editions that were read."""

    simples: dict[str, Simple] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    """Tag of a document's root -> its type."""

    def order(self, type_name: str) -> Sequence[str]:
        """Return the tags of a type's elements in wire order."""
        return [part.name for part in self.shapes[type_name].parts]


def _folder() -> Path:
    """Find the tables: in the source tree, or in the installed package, without importing it."""
    near = Path(__file__).parents[3] / "schemas" / "sep2"
    if near.is_dir():
        return near
    spec = find_spec("gateway")
    for place in spec.submodule_search_locations or () if spec else ():
        found = Path(place) / "schemas" / "sep2"
        if found.is_dir():
            return found
    raise SchemaError("schemas/sep2 is not there: the package is incomplete")


@cache
def tables() -> Tables:
    """Read the tables, once."""
    found = Tables()
    for name in FILES:
        _Reader(found).read((_folder() / name).read_text(encoding="utf-8"))
    return found


@cache
def tables_digest() -> str:
    """Return the SHA-256 over the tables, by which a run says what it was judged with."""
    found = hashlib.sha256()
    for name in FILES:
        found.update(name.encode() + b"\0" + (_folder() / name).read_bytes())
    return found.hexdigest()


class _Reader:
    """Reads one file into the tables."""

    def __init__(self, into: Tables) -> None:
        self._into = into
        self._shape = Shape()
        self._space = NS
        self._extends = False
        """What profiles add is optional here; their own cases demand it."""

    def read(self, text: str) -> None:
        """Take every line."""
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if line.startswith(" "):
                self._part(words)
            elif words[0] == "simple":
                self._simple(words[1:])
            elif words[0] == "type":
                self._type(words[1:])
            elif words[0] == "extend":
                self._shape = self._into.shapes[words[1]]
                self._extends = True

    def _simple(self, words: Sequence[str]) -> None:
        name, base, *bounds = words
        known = self._into.simples.get(base)
        numbers = [int(word) for word in bounds]
        if known is None:
            low, high = numbers if base == "integer" else (0, *(numbers or [0]))
            self._into.simples[name] = Simple(kind=base, low=low, high=high)
        else:
            low, high = numbers or (known.low, known.high)
            self._into.simples[name] = Simple(kind=known.kind, low=low, high=high)

    def _type(self, words: Sequence[str]) -> None:
        prefix, _, name = words[0].rpartition(":")
        self._space = _SPACES[prefix or "sep"]
        self._extends = False
        self._shape = self._into.shapes[name] = Shape()
        rest = list(words[1:])
        if rest[:1] == ["<"]:
            base = self._into.shapes[rest[1]]
            self._shape.parts.extend(base.parts)
            self._shape.attributes.update(base.attributes)
            rest = rest[2:]
        if rest[:1] == ["root"]:
            root = rest[1] if len(rest) > 1 else name
            self._into.roots[f"{{{self._space}}}{root}"] = name

    def _part(self, words: Sequence[str]) -> None:
        name, type_name, *rest = words
        if name.startswith("@"):
            self._shape.attributes[name[1:]] = (type_name, "!" in rest)
            return
        prefix, _, local = name.rpartition(":")
        times = rest[0] if rest and rest[0] != "was" else ""
        least, most = _TIMES[times] if times in _TIMES else _span(times)
        self._shape.parts.append(
            Part(
                name=f"{{{_SPACES[prefix or 'sep']}}}{local}",
                type=type_name.rpartition(":")[2],
                least=0 if self._extends else least,
                most=most,
            )
        )


def _span(text: str) -> tuple[int, float]:
    low, _, high = text.partition("..")
    return int(low), int(high)


def document_faults(root: Element) -> Iterator[str]:
    """Yield what is wrong with a document, each with its path."""
    known = tables()
    name = known.roots.get(str(root.tag))
    if name is None:
        yield f"{root.tag} is no document of 2030.5"
        return
    yield from _element(root, name, f"/{local_name(root)}", 0)


def _element(element: Element, type_name: str, path: str, depth: int) -> Iterator[str]:
    known = tables()
    given = str(element.get(_XSI_TYPE, "")).rpartition(":")[2]
    shape = known.shapes.get(given or type_name)
    if shape is None:
        simple = known.simples.get(type_name)
        if simple is None or len(element) or given:
            yield f"{path}: no content of {given or type_name}"
        elif fault := simple.fault((element.text or "").strip()):
            yield f"{path}: {fault}"
        return
    if depth > _DEEPEST:
        yield f"{path}: nested too deeply"
        return
    yield from _attributes(element, shape, path)
    yield from _children(element, shape, path, depth)


def _attributes(element: Element, shape: Shape, path: str) -> Iterator[str]:
    for name, (type_name, required) in shape.attributes.items():
        value = element.get(name)
        if value is None:
            if required:
                yield f"{path}: attribute {name} is missing"
        elif fault := tables().simples[type_name].fault(value):
            yield f"{path}/@{name}: {fault}"
    for key in map(str, element.attrib):
        if key not in shape.attributes and not key.startswith("{"):
            yield f"{path}: attribute {key} is unknown"


def _children(element: Element, shape: Shape, path: str, depth: int) -> Iterator[str]:
    children = list(element.iterchildren(etree.Element))
    if not shape.parts and (element.text or "").strip():
        yield f"{path}: text where none belongs"
    at = 0
    for part in shape.parts:
        first = at
        while at < len(children) and children[at].tag == part.name and at - first < part.most:
            yield from _element(
                children[at], part.type, f"{path}/{local_name(children[at])}", depth + 1
            )
            at += 1
        if at - first < part.least:
            yield f"{path}: {part.name.rpartition('}')[2]} is missing, or not in its place"
    if at < len(children):
        yield f"{path}: {children[at].tag} is unknown here, or not in its place"
