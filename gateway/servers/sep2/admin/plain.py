"""Resources as JSON and back, under their names on the wire: ``{"opModImpLimW": {"multiplier": 3, "value": 5000}}``.

Bit fields are numbers; identifiers are texts of hex digits.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated.rows import ROWS
from gateway.protocols.sep2.node import Node
from gateway.protocols.sep2.tables import Part, Row

_BY_NAME: Final = {row.make.__name__: row for row in ROWS}


def told(value: Node) -> dict[str, JsonValue]:
    """Return what is set in a resource, in the order of the wire."""
    found: dict[str, JsonValue] = {}
    for part in _parts(_BY_NAME[type(value).__name__]):
        held = getattr(value, part.field)
        if held is not None and held != ():
            found[part.name] = _json(held)
    return found


def _json(held: Any) -> JsonValue:
    """Write one value.

    ``Any``: whatever the tables know.
    """
    if isinstance(held, Node):
        return told(held)
    if isinstance(held, tuple | frozenset):
        return [_json(each) for each in held]
    if isinstance(held, bool | str):
        return held
    return int(held)


def fields(kind: str, given: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Read the fields of a type.

    Args:
        kind: Its name, e.g. ``DERControlBase``.
        given: By names on the wire.

    Returns:
        By names of the class. ``Any``: whatever the tables know; bounds are checked when it is written.

    Raises:
        WireError: ``INVALID_BODY`` for a name that the type does not have, or a value of another shape.
    """
    parts = {part.name: part for part in _parts(_BY_NAME[kind])}
    found: dict[str, Any] = {}
    for name, value in given.items():
        part = parts.get(name)
        if part is None:
            raise WireError("INVALID_BODY", f"{kind} has no {name[:60]!r}")
        found[part.field] = _read(part, value)
    return found


def made(kind: str, given: Mapping[str, JsonValue]) -> Any:
    """Make a resource.

    ``Any``: of the class that is named.

    Raises:
        WireError: ``INVALID_BODY``, also when something is missing that every edition requires.
    """
    row = _BY_NAME[kind]
    found = fields(kind, given)
    missing = [part.name for part in _parts(row) if part.required and part.field not in found]
    if missing:
        raise WireError("INVALID_BODY", f"{kind} needs {missing[0]}")
    return row.make(**found)


def _read(part: Part, value: JsonValue) -> Any:
    if part.most != 1:
        if not isinstance(value, list):
            raise WireError("INVALID_BODY", f"{part.name} is a list")
        return tuple(_one(part, each) for each in value)
    return _one(part, value)


def _one(part: Part, value: JsonValue) -> Any:
    if part.type in _BY_NAME:
        if not isinstance(value, dict):
            raise WireError("INVALID_BODY", f"{part.name} is an object")
        return made(part.type, value)
    if not isinstance(value, bool | int | str):
        raise WireError("INVALID_BODY", f"{part.name} is a number, a text, or true or false")
    return value


def _parts(row: Row) -> tuple[Part, ...]:
    return (*row.attributes, *row.elements)
