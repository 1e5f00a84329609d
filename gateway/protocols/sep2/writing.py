"""From the classes of ``_generated`` to text: one writer for each type and flavour, compiled when first used.

A writer refuses what its flavour does not know and asks for what the flavour requires, so that nothing leaves that the
schema of the peer's edition forbids.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, TypeAlias

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2 import lexical
from gateway.protocols.sep2._generated.rows import ROWS, SIMPLES
from gateway.protocols.sep2.lexical import UnfitError
from gateway.protocols.sep2.tables import Flavour, In, Part, Row

Write: TypeAlias = Callable[[Any, list[str], str, str], None]
"""Value, where the text goes, name of the element, text of attributes besides its own."""

_WRITERS: Final = {simple.name: lexical.writer(simple) for simple in SIMPLES}
_BY_CLASS: Final = {row.make: row for row in ROWS}
_BY_NAME: Final = {row.make.__name__: row for row in ROWS}
_OPEN: Final = frozenset({"Resource", "Response"})
"""Types in whose place others may stand, told by ``xsi:type``."""
_NOTHING: Final[tuple[object, ...]] = ((), frozenset())


def row_of(value: object) -> Row:
    """Return the row of a value.

    Raises:
        MisuseError: ``SCHEMA`` for a value of no type of the tables.
    """
    found = _BY_CLASS.get(type(value))
    if found is None:
        raise MisuseError("SCHEMA", f"{type(value).__name__} is no type of IEEE 2030.5")
    return found


class Writers(dict[type[Any], Write]):
    """The writers of one flavour by class, made when first asked for.

    Raises:
        MisuseError: ``SCHEMA`` when the flavour does not know a type.
    """

    def __init__(self, flavour: Flavour) -> None:
        super().__init__()
        self.flavour: Final = flavour

    def __missing__(self, kind: type[Any]) -> Write:
        """Make one."""
        row = _BY_CLASS[kind]
        if not row.known & self.flavour.bits:
            raise MisuseError("SCHEMA", f"{row.type_name}: {_unknown(self.flavour)}")
        self[kind] = _Plan(row, self).write
        return self[kind]


def _unknown(flavour: Flavour) -> str:
    aus = " with CSIP-AUS" if flavour.csip_aus else ""
    return f"IEEE 2030.5-{flavour.edition.value}{aus} does not know it"


class _Step:
    """How one element or attribute of a type is written."""

    __slots__ = ("field", "many", "name", "part", "required", "switched", "text", "where", "write")

    def __init__(self, part: Part, writers: Writers, where: str) -> None:
        self.part: Final = part
        self.field: Final = part.field
        self.where: Final = f"{where}.{part.field}"
        self.name: Final = f"aus:{part.name}" if part.aus else part.name
        self.required: Final = bool(part.required & writers.flavour.bits)
        self.many: Final = part.most != 1
        self.switched: Final = part.switched
        self.text: Final = _WRITERS.get(part.type)
        self.write: Final = self._leaf if self.text else _inner(part, writers, self.where)

    def _leaf(self, value: Any, out: list[str], name: str, more: str) -> None:
        out.append(f"<{name}{more}>{self.told(value)}</{name}>")

    def told(self, value: object) -> str:
        """Return the text of a simple value.

        Raises:
            MisuseError: ``INVALID_NUMBER`` or ``INVALID_TEXT`` naming the field and the bound.
        """
        assert self.text is not None  # noqa: S101 - only steps of simple types are asked
        try:
            return self.text(value)
        except UnfitError as error:
            told = f"{self.where} {error}"
            if isinstance(value, int):
                raise MisuseError("INVALID_NUMBER", told) from None
            raise MisuseError("INVALID_TEXT", told) from None

    def missing(self) -> MisuseError:
        """Say that the flavour asks for it."""
        return MisuseError("SCHEMA", f"{self.where} is required here")


def _inner(part: Part, writers: Writers, where: str) -> Write:
    """Make the writer of an element of a complex type."""
    declared = _BY_NAME[part.type].make
    plain = part.type not in _OPEN

    def write(value: Any, out: list[str], name: str, more: str) -> None:
        kind = type(value)
        if kind is declared:
            writers[declared](value, out, name, more)
        elif plain or not isinstance(value, declared):
            raise MisuseError("SCHEMA", f"{where} must be {part.type}")
        else:
            row = _BY_CLASS[kind]
            prefix = "aus:" if row.aus else ""
            told = f' xsi:type="{prefix}{row.type_name}"'
            writers[kind](value, out, name, more + told)

    return write


class _Plan:
    """How one type is written in one flavour."""

    def __init__(self, row: Row, writers: Writers) -> None:
        bits = writers.flavour.bits
        name = row.type_name
        self._flavour: Final = writers.flavour
        self._type: Final = name
        self._attributes: Final = [
            _Step(part, writers, name) for part in row.attributes if part.known & bits
        ]
        self._steps: Final = [
            _Step(part, writers, name) for part in row.elements if part.known & bits
        ]
        self._values: Final = _getter([step.field for step in self._steps])
        refused = [p.field for p in (*row.attributes, *row.elements) if not p.known & bits]
        switches = frozenset(step.field for step in self._steps if step.switched)
        self._switches: Final = switches if bits & In.Y2023 else frozenset()
        if switches and not self._switches:
            refused.append("disabled")
        self._refused: Final = refused
        self._held_back: Final = _getter(refused)

    def write(self, value: Any, out: list[str], name: str, more: str) -> None:
        """Write one element of this type."""
        for found in self._held_back(value):
            if found is not None and found not in _NOTHING:
                raise self._refusal(value)
        off = self._off(value) if self._switches else None
        out.append(f"<{name}{more}{self._attribute_text(value)}>")
        for step, found in zip(self._steps, self._values(value), strict=True):
            if found is None:
                if step.required:
                    raise step.missing()
            elif step.many:
                self._several(step, found, out)
            elif off and step.field in off:
                step.write(found, out, step.name, ' disabled="true"')
            else:
                step.write(found, out, step.name, "")
        out.append(f"</{name}>")

    def _attribute_text(self, value: Any) -> str:
        text = ""
        for step in self._attributes:
            told = getattr(value, step.field)
            if told is not None:
                text += f' {step.name}="{step.told(told)}"'
            elif step.required:
                raise step.missing()
        return text

    def _several(self, step: _Step, found: Any, out: list[str]) -> None:
        least, most = step.part.least, step.part.most
        if not isinstance(found, tuple) or len(found) < least or (most and len(found) > most):
            raise MisuseError(
                "SCHEMA", f"{step.where} must be a tuple of {least} to {most or 'any'}"
            )
        for each in found:
            step.write(each, out, step.name, "")

    def _off(self, value: Any) -> frozenset[str]:
        off: frozenset[str] = value.disabled
        for field in off:
            if field not in self._switches or getattr(value, field) is None:
                raise MisuseError(
                    "SCHEMA", f"{self._type}.disabled: {field[:60]} is no mode that is present"
                )
        return off

    def _refusal(self, value: Any) -> MisuseError:
        fields = [f for f in self._refused if getattr(value, f) not in (None, *_NOTHING)]
        return MisuseError("SCHEMA", f"{self._type}.{fields[0]}: {_unknown(self._flavour)}")


def _getter(fields: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what fetches several fields at once."""
    match fields:
        case []:
            return lambda _: ()
        case [field]:
            return lambda value: (getattr(value, field),)
        case _:
            return attrgetter(*fields)
