"""Where a key stands in a TOML file: a small scanner beside the real parser, for messages only."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_PART: Final = r"(?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')"
_NAME: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE: Final = re.compile(rf"^\s*\[\s*({_NAME})\s*\]\s*(?:#.*)?$")
_ARRAY: Final = re.compile(rf"^\s*\[\[\s*({_NAME})\s*\]\]\s*(?:#.*)?$")
_KEY: Final = re.compile(rf"^\s*({_NAME})\s*=")
_SPLIT: Final = re.compile(_PART)
_LONG_TEXT: Final = re.compile(r"\"\"\"|'''")

Path = tuple[str | int, ...]


def _places(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    seen: dict[Path, int] = {}
    for number, line in _outside_texts(text):
        if array := _ARRAY.match(line):
            name = _resolved(array.group(1), seen)
            index = seen.get(name, -1) + 1
            seen[name] = index
            table = (*name, index)
            yield table, number
        elif header := _TABLE.match(line):
            table = _resolved(header.group(1), seen)
            yield table, number
        elif key := _KEY.match(line):
            parts = _parts(key.group(1))
            for length in range(1, len(parts) + 1):
                yield (*table, *parts[:length]), number


def _outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines that do not begin inside a text of several lines."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not inside:
            yield number, line
        for quotes in _LONG_TEXT.findall(line):
            if not inside:
                inside = quotes
            elif inside == quotes:
                inside = ""


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _SPLIT.findall(name))


def _resolved(name: str, seen: dict[Path, int]) -> Path:
    """Name a table with the index of every array of tables on its way: ``site.meter`` -> ("site", 0, "meter")."""
    found: Path = ()
    for part in _parts(name):
        if found in seen and found:
            found = (*found, seen[found])
        found = (*found, part)
    return found


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line of a key, or of the nearest table around it; 1 when nothing matches."""
    places: dict[Path, int] = {}
    for place, number in _places(text):
        places.setdefault(place, number)  # of dotted keys with a common beginning the first counts
    for length in range(len(path), 0, -1):
        if (line := places.get(tuple(path[:length]))) is not None:
            return line
    return 1
