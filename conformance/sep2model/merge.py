"""What the type tables mean together: one class for each type, holding what any edition knows of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.protocols.sep2 import notation
from gateway.protocols.sep2.notation import Edition, Member, Type
from gateway.protocols.sep2.tables import In, Part, Simple

_SHORT: Final = re.compile(r"[a-z][A-Z]{2,}")
"""``mRID``, ``lFDI``, ``dBOF``: one word, whatever its first letter."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SWITCH: Final = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """One class to be."""

    name: str
    type_name: str
    root: str
    base: str | None
    known: int
    aus: bool
    elements: tuple[Part, ...]
    """In the order of the wire, those of the base included."""
    attributes: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return attributes and elements."""
        return (*self.attributes, *self.elements)

    @property
    def switched(self) -> bool:
        """Say whether some element of it may be switched off."""
        return any(part.switched for part in self.elements)


def field_of(name: str) -> str:
    """Name the field of an element: ``opModImpLimW`` -> ``op_mod_imp_lim_w``, ``mRID`` -> ``mrid``."""
    if _SHORT.fullmatch(name):
        return name.lower()
    return "_".join(_HUMP.sub(" ", name).split()).lower()


class _View:
    """The types as one edition has them."""

    def __init__(self, bit: In, types: Mapping[str, Type]) -> None:
        self.bit: Final = bit
        self.types: Final = types

    def members(self, name: str) -> Iterator[Member]:
        """Yield the members of a type, those of its base first."""
        found = self.types[name]
        if found.base is not None:
            yield from self.members(found.base)
        yield from found.members

    def switched(self, name: str) -> bool:
        return name in self.types and any(m.name == SWITCH for m in self.members(name))

    def plain(self, name: str) -> str:
        """Return the type that holds the same once the switch is left aside."""
        found = self.types.get(name)
        if found is None:
            return name
        if found.simple is not None:
            return found.simple
        own = [member for member in found.members if member.name != SWITCH]
        if found.base is not None and not own and len(own) < len(found.members):
            return self.plain(found.base)
        return name


def simples(editions: Iterable[Edition]) -> dict[str, Simple]:
    """Resolve every simple type to its kind and bounds."""
    rows: dict[str, notation.Simple] = {}
    for edition in editions:
        rows |= edition.simples
    return {name: _resolved(name, rows) for name in rows}


def _resolved(name: str, rows: Mapping[str, notation.Simple]) -> Simple:
    row = rows[name]
    if row.base is not None:
        under = _resolved(row.base, rows)
        low, high = row.bounds or (under.low, under.high)
        return Simple(name, under.kind, low, high)
    low, high = (0, *row.bounds)[-2:] if row.bounds else (0, 0)
    return Simple(name, row.kind or "", low, high)


def structs(first: Edition, second: Edition, aus: Edition) -> dict[str, Struct]:
    """Merge the editions, bases before what is derived from them."""
    views = (_View(In.Y2018, first.types), _View(In.Y2023, {**first.types, **second.types}))
    names = [n for n in views[1].types if views[1].plain(n) == n]
    merged = {name: _struct(name, views) for name in names}
    for name, extension in aus.extensions.items():
        added = tuple(_aus_part(member) for member in extension.members)
        merged[name] = replace(merged[name], elements=(*merged[name].elements, *added))
    for found in aus.types.values():
        base = merged[found.base or ""]
        struct = Struct(
            name=found.root or found.name,
            type_name=found.name,
            root=found.root or "",
            base=base.name,
            known=int(In.AUS),
            aus=True,
            attributes=tuple(replace(part, known=int(In.AUS)) for part in base.attributes),
            elements=tuple(_aus_part(member) for member in found.members),
        )
        merged[struct.name] = struct
    return _bases_first(merged)


def _struct(name: str, views: Iterable[_View]) -> Struct:
    elements: list[Part] = []
    attributes: list[Part] = []
    having = [view for view in views if name in view.types]
    for view in having:
        told = [member for member in view.members(name) if member.name != SWITCH]
        elements = _joined(name, elements, [_part(m, view) for m in told if not m.attribute])
        attributes = _joined(name, attributes, [_part(m, view) for m in told if m.attribute])
    head = having[0].types[name]
    return Struct(
        name=name,
        type_name=name,
        root=having[-1].types[name].root or "",
        base=None if head.base is None else having[0].plain(head.base),
        known=int(sum(view.bit for view in having)),
        aus=False,
        elements=tuple(elements),
        attributes=tuple(attributes),
    )


def _part(member: Member, view: _View) -> Part:
    return Part(
        name=member.name,
        field=field_of(member.name),
        type=view.plain(member.type),
        least=member.least,
        most=member.most or 0,
        known=int(view.bit),
        required=int(view.bit) if member.least else 0,
        switched=not member.attribute and view.switched(member.type),
    )


def _aus_part(member: Member) -> Part:
    bit = int(In.STORAGE if member.prefix == "beta" else In.AUS)
    return Part(
        name=member.name,
        field=field_of(member.name),
        type=member.type,
        least=member.least,
        most=member.most or 0,
        known=bit,
        required=bit if member.least else 0,
        aus=True,
        was=member.was or "",
    )


def _joined(name: str, old: list[Part], new: list[Part]) -> list[Part]:
    """Join two editions' parts in the order of the newer, which must keep the order of the older."""
    known = {part.name: part for part in old}
    kept = [part.name for part in new if part.name in known]
    if kept != [part.name for part in old]:
        raise ValueError(f"{name}: an edition drops or reorders parts of the one before")
    return [_same(name, known[part.name], part) if part.name in known else part for part in new]


def _same(name: str, old: Part, new: Part) -> Part:
    if (old.type, old.most) != (new.type, new.most):
        raise ValueError(f"{name}.{new.name}: {old.type} became {new.type}")
    return replace(
        new,
        least=min(old.least, new.least),
        known=old.known | new.known,
        required=old.required | new.required,
    )


def _bases_first(merged: Mapping[str, Struct]) -> dict[str, Struct]:
    ordered: dict[str, Struct] = {}

    def place(name: str) -> None:
        base = merged[name].base
        if base is not None:
            place(base)
        ordered.setdefault(name, merged[name])

    for name in merged:
        place(name)
    return ordered
