"""Bytes to an object of ``_generated.model`` and back.

    found = decode(body, DERControlList)           what a server sent: lenient, told in found.findings
    found = decode(body, EndDevice, strict=True)   what a client sent: anything out of place is refused
    body = encode(control, Flavour(edition=Edition.Y2018))

Reading takes what any edition knows, whatever the peer calls itself; writing keeps to one flavour.
"""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols import xml
from gateway.protocols.sep2 import places
from gateway.protocols.sep2._generated.rows import ROWS
from gateway.protocols.sep2.places import Finding, Unreadable
from gateway.protocols.sep2.reading import SCHEMA_VERSION, PartError, Turn, reader_of
from gateway.protocols.sep2.tables import AUS, OLD, SEP, STORAGE, XSI, Edition, Flavour, Row
from gateway.protocols.sep2.writing import Writers, row_of
from gateway.protocols.xml import Element, Leaf, local_name

WIDEST: Final = Flavour(edition=Edition.Y2023, csip_aus=True, storage=True)
"""Knows every element."""
__all__ = [
    "MAX_BYTES",
    "Decoded",
    "Edition",
    "Finding",
    "Flavour",
    "Unreadable",
    "decode",
    "encode",
]

T = TypeVar("T")

MAX_BYTES: Final = 1024 * 1024
"""Largest document read."""
VERSION: Final = "2.2"
"""``schemaVer`` of the 2023 schema; documents of 2018 carry none."""
_ROOTS: Final = {
    f"{{{space}}}{row.root}": row
    for row in ROWS
    if row.root
    for space in ((AUS, STORAGE) if row.aus else (SEP,))
}
_NAMES: Final = frozenset(row.root for row in ROWS if row.root)
_PENS: Final[dict[Flavour, tuple[Writers, str]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(Generic[T]):
    """A document that was read."""

    value: T
    schema_version: str | None
    """Of the attribute ``schemaVer``; None when there is none: 2018, or 2.1 of a peer of 2023."""
    csip_aus: bool
    """Whether the root declares a namespace of CSIP-AUS: so a server tells that it speaks it."""
    storage: bool
    """Whether that is the one of the storage beta."""
    old_namespace: bool
    """Whether it is a document of 2013."""
    leftovers: tuple[Leaf, ...]
    """Every value that no type knows, in the order of the document."""
    findings: tuple[Finding, ...]
    """What a strict reader would have refused; empty when strict."""
    unreadable: tuple[Unreadable, ...]
    """Members of lists that were left out since they cannot be read; empty when strict."""


def decode(
    body: bytes,
    kind: type[T],
    *,
    strict: bool = False,
    old_namespace: bool = False,
    required_by: Flavour | None = None,
    largest: int = MAX_BYTES,
) -> Decoded[T]:
    """Read one document.

    Args:
        body: As received. Above ``xml.OFF_LOOP_BYTES`` it belongs in a worker thread.
        kind: The class that is expected, or one that it is derived from; ``object`` for any.
        strict: Refuse what is out of order or in the wrong one of our namespaces, and a list with a broken member.
        old_namespace: Also take documents in the namespace of 2013.
        required_by: Also ask for what only this flavour requires, e.g. doeModesSupported of CSIP-AUS.
        largest: Most bytes allowed; never more than ``xml.MAX_BYTES``.

    Raises:
        WireError: Whatever ``xml.parse`` raises; ``WRONG_NAMESPACE``; ``UNKNOWN_MESSAGE`` for a root that is no
            document or not the one expected; ``SCHEMA`` for what is missing, out of order or too often;
            ``INVALID_NUMBER`` or ``INVALID_TEXT`` for a value outside its type. The detail begins with the path.

    Spec: IEEE 2030.5-2018 schema, IEEE 2030.5-2023 schema, CSIP-AUS schema (1.2).
    """
    root = xml.parse(body, largest=largest)
    old = old_namespace and OLD.encode() in body and _renamed(root)
    row = _row_of(root)
    asked = 0 if required_by is None else int(required_by.bits)
    turn = Turn(strict=strict, asked=asked, unknown=[], findings=[], aside=[], switches=[])
    try:
        value = reader_of(row.make.__name__)(root, turn)
    except PartError as error:
        raise WireError(error.reason, places.sentence(root, error)) from None
    if not isinstance(value, kind):
        raise WireError("UNKNOWN_MESSAGE", f"{row.root} came where {kind.__name__} is expected")
    found = places.resolve(root, turn)
    spaces = root.nsmap.values()
    return Decoded(
        value=value,
        schema_version=root.get(SCHEMA_VERSION),
        csip_aus=AUS in spaces or STORAGE in spaces,
        storage=STORAGE in spaces,
        old_namespace=old,
        leftovers=found.leftovers,
        findings=found.findings,
        unreadable=found.unreadable,
    )


def _row_of(root: Element) -> Row:
    row = _ROOTS.get(str(root.tag))
    if row is not None:
        return row
    name = local_name(root)
    if name in _NAMES:
        raise WireError("WRONG_NAMESPACE", f"{name[:60]} must be in {SEP}")
    raise WireError("UNKNOWN_MESSAGE", f"no document is called {name[:60]!r}")


def _renamed(root: Element) -> bool:
    """Put the elements of 2013 into today's namespace; say whether the root was one."""
    told = f"{{{OLD}}}"
    was_old = str(root.tag).startswith(told)
    for element in list(root.iter(f"{told}*")) if was_old else ():
        element.tag = f"{{{SEP}}}{local_name(element)}"
    return was_old


def encode(value: object, flavour: Flavour) -> bytes:
    """Write one document, in UTF-8 with an XML declaration.

    Args:
        value: Of a class that has a root element.
        flavour: What the peer understands.

    Raises:
        MisuseError: ``SCHEMA`` naming the field and the edition when it does not know a field that is set, or asks for
            one that is not; ``INVALID_NUMBER`` or ``INVALID_TEXT`` for a value outside its type.
    """
    row = row_of(value)
    if not row.root:
        raise MisuseError("SCHEMA", f"{row.type_name} is no document")
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    name = f"aus:{row.root}" if row.aus else row.root
    writers, opening = _PENS.get(flavour) or _pen(flavour)
    writers[row.make](value, out, name, opening)
    return "".join(out).encode()


def encode_all(value: object) -> bytes:
    """Write a document with whatever is set in it, of any edition, for whoever keeps it.

    Raises:
        MisuseError: as ``encode``; but what CSIP-AUS alone asks for may be missing.
    """
    try:
        return encode(value, WIDEST)
    except MisuseError as error:
        if error.reason != "SCHEMA":
            raise
        return encode(value, Flavour(edition=Edition.Y2023))


def _pen(flavour: Flavour) -> tuple[Writers, str]:
    """Make the writers of a flavour and the attributes of its roots: namespaces, and the schema's version."""
    opening = f' xmlns="{OLD if flavour.old else SEP}" xmlns:xsi="{XSI}"'
    if flavour.csip_aus:
        opening += f' xmlns:aus="{STORAGE if flavour.storage else AUS}"'
    if flavour.edition is Edition.Y2023:
        opening += f' {SCHEMA_VERSION}="{VERSION}"'
    _PENS[flavour] = Writers(flavour), opening
    return _PENS[flavour]


def kinds() -> tuple[type[Any], ...]:
    """Return the classes that may be documents."""
    return tuple(row.make for row in ROWS if row.root)
