"""Where a key stands in a TOML file: a small scanner beside the real parser, for messages only."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_TABLE: Final = re.compile(r"^\s*\[\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\s*(?:#.*)?$")
_ARRAY: Final = re.compile(r"^\s*\[\[\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]\s*(?:#.*)?$")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')\s*(?:\.|=)")

Path = tuple[str | int, ...]


def _places(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    seen: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
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
            yield (*table, key.group(1).strip("\"'")), number


def _resolved(name: str, seen: dict[Path, int]) -> Path:
    """Name a table with the index of every array of tables on its way: ``site.meter`` -> ("site", 0, "meter")."""
    found: Path = ()
    for part in (part.strip().strip("\"'") for part in name.split(".")):
        if found in seen and found:
            found = (*found, seen[found])
        found = (*found, part)
    return found


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line of a key, or of the nearest table around it; 1 when nothing matches."""
    places = dict(_places(text))
    for length in range(len(path), 0, -1):
        if (line := places.get(tuple(path[:length]))) is not None:
            return line
    return 1
