"""Read the project's own notation of the types of IEEE 2030.5 (``schemas/sep2``).

The notation is explained at the top of ``edition2018.txt``. This module reads one file into values and checks its
form; what the files mean together is worked out once, when ``_generated`` is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.errors import MisuseError

_OCCURRENCE: Final = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_RANGE: Final = re.compile(r"(\d+)\.\.(\d+)")
_BOUNDS: Final = {"boolean": 0, "uri": 1, "text": 1, "hex": 1, "integer": 2}
"""Kind -> how many bounds its line gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simple:
    """A type of a text: its kind and bounds, or the type that it renames."""

    name: str
    base: str | None = None
    kind: str | None = None
    """``integer``, ``hex``, ``text``, ``uri`` or ``boolean``; None when there is a base."""
    bounds: tuple[int, ...] = ()
    """Least and greatest number; or most bytes of a hex, most characters of a text or uri."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An element or attribute of a type."""

    name: str
    prefix: str
    type: str
    least: int
    most: int | None
    """None: any number."""
    attribute: bool = False
    default: str | None = None
    was: str | None = None
    """An older name, read and never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A complex type, or what an edition adds to one."""

    name: str
    prefix: str = "sep"
    base: str | None = None
    simple: str | None = None
    """The simple type of its text; None when it has elements."""
    root: str | None = None
    """The name as a document; None when it is none."""
    members: tuple[Member, ...] = ()
    """Its own, without those of the base, in the order of the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One file."""

    name: str
    after: str | None = None
    """The edition that it changes."""
    version: str | None = None
    """Of ``schemaVer``."""
    namespaces: dict[str, str]
    simples: dict[str, Simple]
    types: dict[str, Type]
    extensions: dict[str, Type]
    """What is added to types of other editions."""


@dataclass(slots=True, kw_only=True)
class _Draft:
    name: str = ""
    after: str | None = None
    version: str | None = None
    namespaces: dict[str, str] = field(default_factory=dict)
    simples: dict[str, Simple] = field(default_factory=dict)
    heads: list[tuple[bool, Type]] = field(default_factory=list)
    members: list[list[Member]] = field(default_factory=list)


def read(text: str) -> Edition:
    """Read one file.

    Raises:
        MisuseError: ``SCHEMA`` naming the line that is not of the notation.
    """
    draft = _Draft()
    for number, line in _lines(text):
        try:
            _take(draft, line)
        except (ValueError, IndexError, KeyError) as error:
            raise MisuseError("SCHEMA", f"line {number} of a type table: {error}") from None
    finished = [
        (
            extends,
            Type(
                name=head.name,
                prefix=head.prefix,
                base=head.base,
                simple=head.simple,
                root=head.root,
                members=tuple(members),
            ),
        )
        for (extends, head), members in zip(draft.heads, draft.members, strict=True)
    ]
    return Edition(
        name=draft.name,
        after=draft.after,
        version=draft.version,
        namespaces=draft.namespaces,
        simples=draft.simples,
        types={each.name: each for extends, each in finished if not extends},
        extensions={each.name: each for extends, each in finished if extends},
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        told = line.partition("#")[0].rstrip()
        if told:
            yield number, told


def _take(draft: _Draft, line: str) -> None:
    words = line.split()
    if line.startswith("  "):
        draft.members[-1].append(_member(words))
    elif words[0] == "simple":
        simple = _simple(words[1:])
        _once(simple.name, draft.simples)
        draft.simples[simple.name] = simple
    elif words[0] in ("type", "extend"):
        head = _head(words[1:])
        _once(head.name, {each.name for _, each in draft.heads})
        draft.heads.append((words[0] == "extend", head))
        draft.members.append([])
    elif words[0] == "namespace":
        draft.namespaces[words[1]] = words[2]
    elif words[0] == "version":
        draft.version = words[1]
    elif words[0] == "edition":
        draft.name = words[1]
        draft.after = words[3] if words[2:3] == ["after"] else None
    else:
        raise ValueError(f"{words[0]!r} begins no line")


def _once(name: str, known: dict[str, Simple] | set[str]) -> None:
    if name in known:
        raise ValueError(f"{name} stands twice")


def _simple(words: list[str]) -> Simple:
    name, told, *bounds = words
    numbers = tuple(map(int, bounds))
    if told in _BOUNDS:
        if len(numbers) != _BOUNDS[told]:
            raise ValueError(f"{told} takes {_BOUNDS[told]} bounds")
        return Simple(name=name, kind=told, bounds=numbers)
    if len(numbers) not in (0, 2):
        raise ValueError("a narrower integer has two bounds")
    return Simple(name=name, base=told, bounds=numbers)


def _head(words: list[str]) -> Type:
    prefix, name = _split(words[0])
    base = simple = root = None
    rest = iter(words[1:])
    for word in rest:
        if word == "<":
            base = next(rest)
        elif word == "of":
            simple = next(rest)
        elif word == "root":
            root = next(rest, name)
        else:
            raise ValueError(f"{word!r} says nothing of a type")
    return Type(name=name, prefix=prefix, base=base, simple=simple, root=root)


def _member(words: list[str]) -> Member:
    attribute = words[0].startswith("@")
    prefix, name = _split(words[0].removeprefix("@"))
    least = 0 if attribute else 1
    most: int | None = 1
    default = was = None
    rest = iter(words[2:])
    for word in rest:
        if word == "!" and attribute:
            least = 1
        elif word == "=" and attribute:
            default = next(rest)
        elif word == "was":
            was = next(rest)
        else:
            least, most = _occurrence(word)
    return Member(
        name=name,
        prefix=prefix,
        type=words[1],
        least=least,
        most=most,
        attribute=attribute,
        default=default,
        was=was,
    )


def _occurrence(word: str) -> tuple[int, int | None]:
    if word in _OCCURRENCE:
        return _OCCURRENCE[word]
    found = _RANGE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no occurrence")
    return int(found.group(1)), int(found.group(2))


def _split(word: str) -> tuple[str, str]:
    prefix, colon, name = word.rpartition(":")
    return (prefix, name) if colon else ("sep", name)
