"""The text of ``gateway/protocols/sep2/_generated``."""

from collections.abc import Iterator, Mapping
from typing import Final

from conformance.sep2model.merge import Struct
from gateway.protocols.sep2.tables import In, Part, Simple

_PYTHON: Final = {"integer": "int", "boolean": "bool", "text": "str", "uri": "str"}
_LONGEST_NUMBER: Final = 8
"""Longer hex values, in bytes, are identifiers: text in upper case, padded to full length."""
_HEAD: Final = '''"""{about}

Generated from ``schemas/sep2`` by ``make sep2-model``; edit those files, not this one.
"""
'''
_ABOUT_MODEL: Final = (
    "The types of IEEE 2030.5 as classes, each holding what any edition and CSIP-AUS know of it."
)
_ABOUT_ROWS: Final = (
    "The content of every type in the order of the wire, and the bounds of simple types."
)


def python_type(name: str, simples: Mapping[str, Simple]) -> str:
    """Name the Python type of a value."""
    simple = simples.get(name)
    if simple is None:
        return name
    if simple.kind == "hex":
        return "int" if simple.high <= _LONGEST_NUMBER else "str"
    return _PYTHON[simple.kind]


def model(structs: Mapping[str, Struct], simples: Mapping[str, Simple]) -> str:
    """Write the module of classes."""
    lines = [_HEAD.format(about=_ABOUT_MODEL), "from __future__ import annotations", ""]
    lines += ["from dataclasses import dataclass", ""]
    lines.append("from gateway.protocols.sep2.node import Node")
    for struct in structs.values():
        lines += ["", "", *_class(struct, structs, simples)]
    return "\n".join(lines) + "\n"


def _class(
    struct: Struct, structs: Mapping[str, Struct], simples: Mapping[str, Simple]
) -> Iterator[str]:
    base = structs[struct.base] if struct.base else None
    inherited = {part.field for part in base.parts} if base else set()
    yield "@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)"
    yield f"class {struct.name}({base.name if base else 'Node'}):"
    yield f'    """{_about(struct)}"""'
    own = [part for part in struct.parts if part.field not in inherited]
    if own or struct.switched:
        yield ""
    for part in own:
        must = bool(part.least) and struct.known & part.known == struct.known
        yield f"    {part.field}: {_annotation(part, simples, must=must)}"
    if struct.switched:
        yield "    disabled: frozenset[str] = frozenset()"
        yield '    """The fields of modes that carry ``disabled="true"`` (2023)."""'


def _about(struct: Struct) -> str:
    known = In(struct.known)
    since = {In.Y2023: "; since 2023", In.AUS: " of CSIP-AUS"}.get(known, "")
    what = "A document" if struct.root else "A type"
    return f"{what}: ``{struct.type_name}``{since}."


def _annotation(part: Part, simples: Mapping[str, Simple], *, must: bool) -> str:
    kind = python_type(part.type, simples)
    if part.most != 1:
        return f"tuple[{kind}, ...]" + ("" if must else " = ()")
    return kind if must else f"{kind} | None = None"


def rows(structs: Mapping[str, Struct], simples: Mapping[str, Simple]) -> str:
    """Write the module of tables."""
    lines = [
        _HEAD.format(about=_ABOUT_ROWS),
        "# fmt: off",
        "# ruff: noqa: E501, I001, N817 - a row is one line, however long",
        "from typing import Final\n",
        "from gateway.protocols.sep2._generated import model as m",
        "from gateway.protocols.sep2.tables import Part as P, Row, Simple\n",
        "SIMPLES: Final = (",
        *(f"    Simple({s.name!r}, {s.kind!r}, {s.low}, {s.high})," for s in simples.values()),
        ")",
        "ROWS: Final = (",
    ]
    for struct in structs.values():
        lines.append(
            f"    Row(m.{struct.name}, {struct.type_name!r}, {struct.root!r}, {struct.known}, {struct.aus}, ("
        )
        lines += [f"        {_row(part)}," for part in struct.attributes]
        lines.append("    ), (")
        lines += [f"        {_row(part)}," for part in struct.elements]
        lines.append("    )),")
    return "\n".join([*lines, ")"]).replace("'", '"') + "\n"


def _row(part: Part) -> str:
    more = [f"{part.name!r}, {part.field!r}, {part.type!r}, {part.least}, {part.most}"]
    more.append(f"{part.known}, {part.required}")
    more += ["aus=True"] * part.aus
    more += [f"was={part.was!r}"] * bool(part.was)
    more += ["switched=True"] * part.switched
    return f"P({', '.join(more)})"
