"""From a parsed document to the classes of ``_generated``: one reader for each type, compiled from its row once.

All editions share one order of elements, since the later ones only insert; CSIP-AUS comes last. Whoever reads is in one
of two moods: *strict* (server: what is out of order or in the wrong namespace of ours is refused) or *lenient* (client:
it is taken with a finding, and a member of a list that cannot be read is set aside so that its siblings are not lost).
What nobody knows is skipped in both and kept as leftovers.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from gateway.protocols.sep2 import lexical
from gateway.protocols.sep2._generated.rows import ROWS, SIMPLES
from gateway.protocols.sep2.lexical import UnfitError
from gateway.protocols.sep2.tables import AUS, OLD, SEP, STORAGE, XSI, Part, Row, Simple
from gateway.protocols.xml import Element

XSI_TYPE: Final = f"{{{XSI}}}type"
SCHEMA_VERSION: Final = "schemaVer"
_SILENT: Final = frozenset(
    {XSI_TYPE, f"{{{XSI}}}schemaLocation", f"{{{XSI}}}noNamespaceSchemaLocation"}
)
_OURS: Final = frozenset({SEP, AUS, STORAGE, OLD, ""})
"""Namespaces in which an element of a known name is misplaced, not foreign."""
_LISTS: Final = ("List", "SubscribableList")
_SECRET: Final = frozenset({"PINType"})
"""Types whose values no error may tell."""

MOST_TOLD: Final = 10_000
"""Leftovers, findings and unreadable members of one document, of each."""
SWITCH: Final = "disabled"
_SWITCH_TEXT: Final = lexical.reader(Simple("boolean", "boolean", 0, 0))

Bare: TypeAlias = "Callable[[Element, Turn], Any]"
_Slot: TypeAlias = tuple[int, str, bool, bool, Bare]
"""Rank among its siblings, field, whether it stands once, whether it may be switched off, reader."""


class PartError(Exception):
    """A document, or a part of it, that cannot be read; never leaves this package, but becomes a ``WireError``."""

    def __init__(self, reason: str, element: Element, told: str, name: str = "") -> None:
        super().__init__(told)
        self.reason = reason
        self.element = element
        self.told = told
        self.name = name
        """Of a child or attribute of the element; empty for the element itself."""


@dataclass(slots=True)
class Turn:
    """What is noticed while one document is read."""

    strict: bool
    asked: int
    """Bits of the flavour whose requirements hold besides; 0: none."""
    unknown: list[tuple[Element, str]]
    """Element, and the attribute when only that is unknown."""
    findings: list[tuple[Element, str, str]]
    """Element, word, sentence."""
    aside: list[tuple[Element, PartError]]
    """Members of lists that could not be read."""
    switches: list[Element]
    """Elements whose attribute ``disabled`` was heeded."""

    def skip(self, element: Element, attribute: str = "") -> None:
        """Leave over what nobody knows."""
        self.unknown.append((element, attribute))
        if len(self.unknown) > MOST_TOLD:
            raise _crowd(element)

    def set_aside(self, element: Element, error: PartError) -> None:
        """Leave out a member of a list."""
        self.aside.append((element, error.with_traceback(None)))
        if len(self.aside) > MOST_TOLD:
            raise _crowd(element)

    def misplaced(self, element: Element, word: str, told: str) -> None:
        """Refuse or note what stands where it should not."""
        if self.strict:
            raise PartError(
                "WRONG_NAMESPACE" if word == "WRONG_NAMESPACE" else "SCHEMA", element, told
            )
        self.findings.append((element, word, told))


def _crowd(element: Element) -> PartError:
    told = f"is one too many: a document may have {MOST_TOLD} parts that cannot be used"
    return PartError("TOO_MANY_ELEMENTS", element, told)


_SIMPLES: Final[Mapping[str, Simple]] = {simple.name: simple for simple in SIMPLES}
_TEXTS: Final = {name: lexical.reader(simple) for name, simple in _SIMPLES.items()}
_ROWS: Final[Mapping[str, Row]] = {row.make.__name__: row for row in ROWS}
_TYPES: Final = {
    (space, row.type_name): row
    for row in ROWS
    for space in ((AUS, STORAGE) if row.aus else (SEP, OLD, ""))
}
_READERS: Final[dict[str, Bare]] = {}


def reader_of(name: str) -> Bare:
    """Return the reader of a type that heeds ``xsi:type``."""
    if name not in _READERS:
        row = _ROWS[name]
        derived = [r for r in ROWS if issubclass(r.make, row.make) and r is not row]
        _READERS[name] = _choosing(row) if derived else _reader(row)
    return _READERS[name]


def _choosing(row: Row) -> Bare:
    """Make a reader for a type that others are derived from."""
    own = _reader(row)
    readers: dict[str, Bare] = {row.type_name: own}

    def read(element: Element, turn: Turn) -> Any:
        told = element.get(XSI_TYPE)
        if told is None:
            return own(element, turn)
        other = _named_type(element, told)
        if other is None or not issubclass(other.make, row.make):
            _wrong_type(element, turn, row, told)
            return own(element, turn)
        name = other.type_name
        if name not in readers:
            readers[name] = _reader(other)
        return readers[name](element, turn)

    return read


def _named_type(element: Element, told: str) -> Row | None:
    """Find the type of an ``xsi:type``; without prefix and default namespace it is taken as ours."""
    prefix, _, name = told.strip().rpartition(":")
    space = element.nsmap.get(prefix or None, None if prefix else "")
    return None if space is None else _TYPES.get((space, name))


def _wrong_type(element: Element, turn: Turn, row: Row, told: str) -> None:
    turn.misplaced(element, "TYPE", f"its xsi:type {told[:60]!r} is no {row.type_name} known here")


class _Plan:
    """How one type is read."""

    __slots__ = (
        *("apart", "attributes", "bounded", "late", "make", "many", "names", "required"),
        "slots",
    )

    def __init__(self, row: Row) -> None:
        self.make: Final = row.make
        self.slots: Final[dict[str, _Slot]] = {}
        self.names: Final[set[str]] = set()
        self.attributes: Final = {
            part.name: (part.field, _TEXTS[part.type], part.type) for part in row.attributes
        }
        self.required: Final = {
            part.field: part.name
            for part in (*row.attributes, *row.elements)
            if part.least and part.known & row.known == row.known
        }
        self.late: Final = tuple(
            part for part in (*row.attributes, *row.elements) if part.required & ~row.known
        )
        self.many: Final = tuple(part.field for part in row.elements if part.most != 1)
        self.bounded: Final = tuple(
            part for part in row.elements if part.most > 1 or (part.most == 0 and part.least)
        )
        self.apart: Final = any(base.__name__ in _LISTS for base in row.make.__mro__)
        for rank, part in enumerate(row.elements):
            self._place(rank, part)

    def _place(self, rank: int, part: Part) -> None:
        simple = _SIMPLES.get(part.type)
        take = reader_of(part.type) if simple is None else _leaf_reader(simple)
        slot = (rank, part.field, part.most == 1, part.switched, take)
        for name in filter(None, (part.name, part.was)):
            self.names.add(name)
            for space in (AUS, STORAGE) if part.aus else (SEP,):
                self.slots[f"{{{space}}}{name}"] = slot

    def read(self, element: Element, turn: Turn) -> Any:
        """Read one element of this type."""
        fields: dict[str, Any] = {}
        slots = self.slots
        last = -1
        for child in element:
            slot = slots.get(child.tag)
            if slot is None:
                self._foreign(child, turn)
                continue
            rank, field, once, switched, take = slot
            if rank > last:
                last = rank
            elif once and field in fields:
                raise PartError("SCHEMA", child, "stands more than once")
            elif rank < last:
                turn.misplaced(child, "ORDER", "stands behind what must follow it")
            if switched and child.keys() and _switched(child, turn):
                fields["disabled"] = fields.get("disabled", frozenset()) | {field}
            if once:
                fields[field] = take(child, turn)
            else:
                self._append(fields.setdefault(field, []), child, take, turn)
        if element.keys():
            self._attributes(element, fields, turn)
        return self._made(element, fields, turn.asked)

    def _append(self, values: list[Any], child: Element, take: Bare, turn: Turn) -> None:
        if turn.strict or not self.apart:
            values.append(take(child, turn))
            return
        try:
            values.append(take(child, turn))
        except PartError as bad:
            turn.set_aside(child, bad)

    def _made(self, element: Element, fields: dict[str, Any], asked: int) -> Any:
        for field in self.many:
            if field in fields:
                fields[field] = tuple(fields[field])
        if not self.required.keys() <= fields.keys():
            missing = next(name for field, name in self.required.items() if field not in fields)
            raise PartError("SCHEMA", element, "is missing", missing)
        for part in self.late:
            if part.required & asked and part.field not in fields:
                raise PartError("SCHEMA", element, "is missing", part.name)
        for part in self.bounded:
            count = len(fields.get(part.field, ()))
            if count < part.least or (part.most and count > part.most):
                most = f" to {part.most}" if part.most else " or more"
                raise PartError(
                    "SCHEMA", element, f"must stand {part.least}{most} times", part.name
                )
        return self.make(**fields)

    def _attributes(self, element: Element, fields: dict[str, Any], turn: Turn) -> None:
        for key, told in cast("list[tuple[str, str]]", element.items()):
            slot = self.attributes.get(key)
            if slot is not None:
                field, read, kind = slot
                try:
                    fields[field] = read(told)
                except UnfitError as error:
                    fields[field] = _mended(element, told, kind, turn, error, f"@{key}")
            elif key not in _SILENT:
                turn.skip(element, key)

    def _foreign(self, child: Element, turn: Turn) -> None:
        """Skip what this type does not know; a known name in the wrong one of our namespaces is a fault."""
        space, _, name = child.tag.rpartition("}")
        if name in self.names and space[1:] in _OURS:
            turn.misplaced(child, "WRONG_NAMESPACE", f"stands in the namespace {space[1:]!r}")
        turn.skip(child)


def _reader(row: Row) -> Bare:
    return _Plan(row).read


def _leaf_reader(simple: Simple) -> Bare:
    """Make the reader of an element of a simple type."""
    read_text = _TEXTS[simple.name]
    kind = simple.name

    def read(element: Element, turn: Turn) -> lexical.Value:
        try:
            value = read_text(element.text)
        except UnfitError as error:
            value = _mended(element, element.text, kind, turn, error)
        if len(element):
            raise PartError("SCHEMA", element, "must hold a text and no element")
        for key in cast("list[str]", element.keys()):
            if key not in _SILENT:
                turn.skip(element, key)
        return value

    return read


def _switched(element: Element, turn: Turn) -> bool:
    told = element.get(SWITCH)
    if told is None:
        return False
    turn.switches.append(element)
    try:
        return bool(_SWITCH_TEXT(told))
    except UnfitError as error:
        raise PartError(
            "INVALID_TEXT", element, f"{error}, not {told[:40]!r}", f"@{SWITCH}"
        ) from None


def _mended(
    element: Element, told: str | None, kind: str, turn: Turn, error: UnfitError, name: str = ""
) -> lexical.Value:
    """Take what is only sloppy when lenient: a hex digit too few, a text too long.

    Raises:
        PartError: What cannot be mended, or may not be.
    """
    simple, text = _SIMPLES[kind], told or ""
    if not turn.strict and simple.kind == "hex" and len(text.strip()) % 2:
        with suppress(UnfitError):
            value = _TEXTS[kind](f"0{text.strip()}")
            turn.findings.append((element, "HEX", "has an odd number of hex digits"))
            return value
    if not turn.strict and simple.kind == "text":
        turn.findings.append((element, "TOO_LONG", f"{error}; it was cut"))
        return text[: simple.high]
    reason = "INVALID_NUMBER" if simple.kind in ("integer", "hex") else "INVALID_TEXT"
    shown = "" if kind in _SECRET else f", not {text[:40]!r}"
    raise PartError(reason, element, f"{error}{shown}", name)
